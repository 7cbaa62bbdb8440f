"""The heuristic's verdict on hand-made chains, and one quick search for each kind of teacher."""

from collections.abc import Mapping
from typing import Any

import pytest

from sharefind.paper import heuristic as module
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.demonstration import Outcome
from sharefind.paper.heuristic import GROWTHS, INVARIANT, MEAN, Case, search_once
from sharefind.paper.setting import Kind
from sharefind.search import SearchConfig, search_config

Key = tuple[Kind, bool, int]
"""Teacher, growth by the mean?, seed."""

DEMONSTRATION = module.DEMONSTRATION


def _node(dim: int, **changes: Any) -> dict[str, Any]:
    node = {"space": f"E{dim}", "dim": dim, "dist2": 0.5, "rmd2": 0.1, "delta": 0.2, "p": 0.01, "p_adjusted": 0.02}
    return {**node, "decision": "grow", **changes}


def _cell(dims: tuple[int, ...], *, is_fixed: bool = False, is_full: bool = False) -> Cell:
    chain = [_node(dim) for dim in dims]
    return Cell({"e_star": "E", "is_fixed_space": is_fixed, "is_full": is_full, "fixed_dim": 2, "chain": chain})


FIXED, FULL, CHAIN = _cell((0, 2), is_fixed=True), _cell((0, 2, 4), is_full=True), _cell((0, 1, 2), is_fixed=True)
WRONG = _cell((0, 3))


class _Made:
    """A store in which every search has ended as it should, but for those that are changed."""

    def __init__(self, changes: Mapping[Key, Cell]) -> None:
        self.changes = changes
        self.asked: list[Key] = []

    def load(self, identity: Mapping[str, Any]) -> Cell:
        case: Key = (identity["teacher"], identity["mean"], identity["seed"])
        self.asked.append(case)
        usual = CHAIN if case[1] else FULL if case[0] == "arbitrary" else FIXED
        return self.changes.get(case, usual)

    def save(self, identity: Mapping[str, Any], cell: Cell) -> None:
        raise AssertionError("nothing is to be computed")


def _outcome(changes: Mapping[Key, Cell], **request: Any) -> Outcome:
    return DEMONSTRATION.run(Context(Request(**request), _Made(changes)))


def _failing(outcome: Outcome) -> set[str]:
    return {check.name for check in outcome.checks if not check.passed}


ENDS: dict[Kind, str] = {
    "arbitrary": "arbitrary teacher: share of searches that end on ",
    "wi": "WI teacher: share of searches that end on ",
    "si": "SI teacher: share of searches that end on ",
}


def test_right_chains_hold() -> None:
    outcome = _outcome({}, quick=True)
    assert outcome.holds
    assert [check.value for check in outcome.checks] == [1.0] * 4
    assert outcome.figure.startswith("4 of 4 searches")
    assert [(r["teacher"], r["growth"], r["dim"]) for r in outcome.rows] == [
        *(("arbitrary", "invariant", dim) for dim in (0, 2, 4)),
        *(("wi", "invariant", dim) for dim in (0, 2)),
        *(("si", "invariant", dim) for dim in (0, 2)),
        *(("wi", "mean", dim) for dim in (0, 1, 2)),
    ]


@pytest.mark.parametrize(
    ("case", "wrong", "failing"),
    [
        (("arbitrary", False, 0), FIXED, "arbitrary teacher: share of searches that end on Z"),
        (("arbitrary", False, 0), WRONG, "arbitrary teacher: share of searches that end on Z"),
        (("wi", False, 0), FULL, "WI teacher: share of searches that end on E^C2"),
        (("wi", False, 0), WRONG, "WI teacher: share of searches that end on E^C2"),
        (("si", False, 0), FULL, "SI teacher: share of searches that end on E^C2"),
        (("wi", True, 0), FIXED, "growth mean, WI teacher: share of chains with dimensions 0, 1, 2"),
        (("wi", True, 0), _cell((0, 1, 2, 3)), "growth mean, WI teacher: share of chains with dimensions 0, 1, 2"),
    ],
)
def test_one_wrong_end_fails_its_check_and_no_other(case: Key, wrong: Cell, failing: str) -> None:
    outcome = _outcome({case: wrong}, quick=True)
    assert _failing(outcome) == {failing}
    assert outcome.figure.startswith("3 of 4 searches")


def test_one_wrong_seed_of_ten_fails() -> None:
    outcome = _outcome({("si", False, 14): WRONG}, seed=5)
    assert _failing(outcome) == {f"{ENDS['si']}E^C2"}
    (check,) = [c for c in outcome.checks if not c.passed]
    assert check.value == pytest.approx(0.9)
    assert outcome.figure.startswith("39 of 40 searches")
    assert _outcome({("si", False, 15): WRONG, ("si", False, 4): WRONG}, seed=5).holds


def test_other_groups_are_not_asked_for_the_papers_chain() -> None:
    store = _Made({})
    outcome = DEMONSTRATION.run(Context(Request(group="C3", quick=True), store))
    assert outcome.holds
    assert store.asked == [("arbitrary", False, 0), ("wi", False, 0), ("si", False, 0)]
    assert [check.name for check in outcome.checks] == [
        f"{ENDS['arbitrary']}Z",
        f"{ENDS['wi']}E^C3",
        f"{ENDS['si']}E^C3",
    ]


def test_what_a_chain_lacks_is_left_empty() -> None:
    chain = [_node(0, delta=None, p=None), _node(2, delta=0.3)]
    cell = Cell({"e_star": "E", "is_fixed_space": True, "is_full": False, "fixed_dim": 2, "chain": chain})
    outcome = _outcome({("wi", False, 0): cell}, quick=True)
    rows = [r for r in outcome.rows if (r["teacher"], r["growth"]) == ("wi", "invariant")]
    assert [(r["delta"], r["p"]) for r in rows] == [("", ""), (0.3, 0.01)]
    panel = outcome.panels[1]
    assert panel.title == "WI teacher"
    assert panel.ticks == ("E0, dim 0", "E2, dim 2")
    assert (panel.series[0].x, panel.series[0].y) == ((0.0, 1.0), (0.5, 0.5))
    assert (panel.series[1].x, panel.series[1].y) == ((1.0,), (0.3,))


QUICK: dict[str, Any] = {"copies": 19, "alpha": 0.05, "particles": 20, "horizon": 1.0}
"""Settings with which a search takes less than a second."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Makes searches quick; what each was asked for."""
    seen: list[dict[str, Any]] = []

    def quick(**settings: Any) -> SearchConfig:
        seen.append(settings)
        return search_config(**{**settings, **QUICK})

    monkeypatch.setattr(module, "search_config", quick)
    return seen


@pytest.mark.parametrize("group", ["C2", "C3"])
def test_a_search_ends_on_the_orbits_of_pairs(asked: list[dict[str, Any]], group: str) -> None:
    """Burnside on Hom(natural, natural) of C_n: n^2 entries in n orbits of n."""
    n = int(group[1])
    cell = search_once(Request(group=group), Case("wi", INVARIANT, 3))
    assert asked == [{"group": group, "seed": 3}]
    assert cell.numbers["fixed_dim"] == n
    assert cell.numbers["is_fixed_space"]
    assert not cell.numbers["is_full"]
    chain = cell.numbers["chain"]
    assert [node["dim"] for node in chain] == [0, n]
    assert [node["decision"] for node in chain] == ["grow", "stay"]
    assert 0 < chain[0]["p"] <= 0.05
    assert chain[1]["p"] > 0.05


def test_a_search_on_an_arbitrary_teacher_leaves_the_fixed_space(asked: list[dict[str, Any]]) -> None:
    cell = search_once(Request(), Case("arbitrary", INVARIANT, 0))
    assert cell.numbers["is_full"]
    assert not cell.numbers["is_fixed_space"]
    assert [node["dim"] for node in cell.numbers["chain"]][-1] == 4


def test_the_papers_growth_is_asked_for(asked: list[dict[str, Any]]) -> None:
    search_once(Request(), Case("wi", MEAN, 0))
    assert asked == [{"group": "C2", "seed": 0, **GROWTHS[MEAN]}]
