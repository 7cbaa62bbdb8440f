"""Closed testing on families of groups, with p-values that are written beforehand."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, named_group, natural, subgroups, trivial
from sharefind.inference import (
    AmbientMoves,
    CandidateFamily,
    FamilyTest,
    FittedStatistic,
    MarginalLikelihood,
    Verdict,
    axis_rotations,
    family_test,
    named_family,
    subgroup_family,
)
from sharefind.inference.fitted_statistic import Statistic
from sharefind.testing import random_groups

pytestmark = pytest.mark.usefixtures("independent_rows")

X, Y = torch.ones(4, 3), torch.ones(4, 1)
COPIES = 9


class Written:
    """A statistic whose p-values, tenths, are given by the name of the candidate."""

    name = "written"

    def __init__(self, family: CandidateFamily, tenths: Mapping[str, int]) -> None:
        self.places = {id(c.moves): tenths[c.name] for c in family.candidates}

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        exceeding = self.places[id(moves)] - 1
        values = iter([0.0] + [1.0] * exceeding + [-1.0] * (COPIES - exceeding))
        return FittedStatistic(
            y, lambda rows_x, rows_y: torch.tensor([[next(values)] for _ in rows_x], dtype=torch.float64)
        )


def concluded(family: CandidateFamily, alpha: float = 0.1, rest: int = 5, **tenths: int) -> FamilyTest:
    written = {name: tenths.get(name, rest) for name in family.names}
    return family_test(X, Y, family, Written(family, written), alpha=alpha, copies=COPIES)


def diamond() -> CandidateFamily:
    """bottom lies inside left and right, which lie inside top; alone lies inside top."""
    moves: dict[str, AmbientMoves] = {n: axis_rotations((0, 0, 1)) for n in ("bottom", "left", "right", "alone", "top")}
    lower = [("bottom", "left"), ("bottom", "right")]
    return named_family(moves, lower + [(name, "top") for name in ("left", "right", "alone")])


def test_the_largest_group_that_is_not_rejected_settles_all() -> None:
    found = concluded(diamond(), top=2)
    assert set(found.tests) == {"top"}
    assert found.accepted == diamond().names
    assert (found.maximal, found.conflict, found.rejected, found.undecided) == (("top",), (), (), ())


def test_implied_groups_are_not_tested() -> None:
    found = concluded(diamond(), top=1, right=1, alone=1, left=3, bottom=1)
    assert set(found.tests) == {"top", "left", "right", "alone"}
    assert found.accepted == ("bottom", "left")
    assert found.rejected == ("right", "alone", "top")
    assert (found.maximal, found.conflict) == (("left",), ())


def test_a_conflict_is_resolved_for_the_likelier_side() -> None:
    """left and right are not rejected, though the group that they generate is; bottom lies inside both."""
    found = concluded(diamond(), top=1, alone=1, left=4, right=7)
    assert found.conflict == ("left", "right")
    assert found.undecided == ("left",)
    assert (found.accepted, found.maximal) == (("bottom", "right"), ("right",))
    assert found.verdicts["alone"] is Verdict.REJECTED


def test_evidence_settles_a_conflict_and_rejects_nothing() -> None:
    """The larger p-value is that of right; what is rejected, adjusted and in conflict stays as it was."""
    tenths = dict.fromkeys(diamond().names, 5) | {"top": 1, "alone": 1, "left": 4, "right": 7}
    told = {"left": -10.0, "right": -12.0, "alone": 30.0, "top": 40.0}
    family = diamond()
    found, untold, lacking = (
        family_test(X, Y, family, Written(family, tenths), alpha=0.1, copies=COPIES, evidence=evidence)
        for evidence in (told, None, {"left": -10.0})
    )
    assert (found.accepted, found.maximal, found.undecided) == (("bottom", "left"), ("left",), ("right",))
    assert (untold.maximal, lacking.maximal) == (("right",), ("right",))
    assert (found.rejected, found.conflict, found.p_adjusted) == (untold.rejected, untold.conflict, untold.p_adjusted)
    assert found.rejected == ("alone", "top")


def test_a_conflict_without_anything_in_common() -> None:
    found = concluded(diamond(), top=1, left=2, right=3, alone=5)
    assert found.conflict == ("left", "right", "alone")
    assert found.undecided == ("bottom", "left", "right")
    assert (found.accepted, found.maximal) == (("alone",), ("alone",))


def test_all_may_be_rejected() -> None:
    found = concluded(diamond(), rest=1)
    assert set(found.rejected) == set(found.tests) == set(diamond().names)
    assert (found.accepted, found.maximal, found.conflict) == ((), (), ())


def test_adjusted_p_values_are_largest_over_what_contains() -> None:
    found = concluded(diamond(), alpha=0.4, top=3, left=1, right=4, alone=9, bottom=2)
    assert found.p_adjusted == {"top": 0.3, "left": 0.3, "right": 0.4, "alone": 0.9, "bottom": 0.4}


def test_adjusted_p_values_of_what_was_not_tested_come_from_what_contains_it() -> None:
    found = concluded(diamond(), top=1, right=1, alone=1, left=3, bottom=1)
    assert "bottom" not in found.tests
    assert found.p_adjusted["bottom"] == 0.3


def test_a_p_value_at_the_level_rejects() -> None:
    assert concluded(diamond(), alpha=0.3, top=3).tests.keys() == set(diamond().names) - {"bottom"}


@settings(max_examples=60)
@given(random_groups(), st.data())
def test_conclusions_follow_from_the_p_values(group: FiniteGroup, data: st.DataObject) -> None:
    """On lattices drawn by hypothesis, against sets of elements: tested, rejected, accepted, maximal, adjusted."""
    assume(1 < group.order <= 24)
    family = subgroup_family(natural(group), trivial(group))
    tenths = {name: data.draw(st.sampled_from([1, 1, 2, 5])) for name in family.names}
    written, samples = Written(family, tenths), torch.ones(4, natural(group).dim)
    found = family_test(samples, Y, family, written, alpha=0.1, copies=COPIES)
    above = {name: {family.names[j] for j in family.above(i)} for i, name in enumerate(family.names)}

    rejected = {name for name in family.names if all(tenths[n] == 1 for n in {name} | above[name])}
    kept = {name for name in family.names if name not in rejected and above[name] <= rejected}
    assert set(found.tests) == rejected | kept
    assert set(found.rejected) == rejected
    likeliest = {name for name in kept if tenths[name] == max(tenths[k] for k in kept)}
    assert len(found.maximal) == (1 if kept else 0) and set(found.maximal) <= likeliest
    accepted = {name for name in family.names if set(found.maximal) & ({name} | above[name])}
    assert set(found.accepted) == accepted
    assert set(found.undecided) == set(family.names) - accepted - rejected
    assert set(found.conflict) == (kept if len(kept) > 1 else set())
    for name, adjusted in found.p_adjusted.items():
        assert name not in found.tests or adjusted >= found.tests[name].p_value
        assert all(adjusted >= found.p_adjusted[larger] for larger in above[name])
        assert (adjusted <= found.alpha) == (name in rejected)


def test_each_candidate_has_a_stream_of_its_own() -> None:
    """p-values depend neither on the order of the candidates nor on which others there are."""
    group, rng = named_group("C4"), np.random.default_rng(0)
    x, y = torch.from_numpy(rng.normal(size=(12, 4))), torch.from_numpy(rng.normal(size=(12, 1)))
    family = subgroup_family(natural(group), trivial(group))
    backwards = CandidateFamily(family.candidates[::-1], family.inside[::-1, ::-1])
    alone = subgroup_family(natural(group), trivial(group), subgroups(group)[1:2])
    first, second, third, other = (
        family_test(x, y, f, MarginalLikelihood(), alpha=0.999, copies=19, seed=seed)
        for f, seed in ((family, 3), (backwards, 3), (alone, 3), (family, 4))
    )
    assert len(first.tests) == 2
    assert first.tests == second.tests
    assert third.tests.items() <= first.tests.items()
    assert other.tests != first.tests


def test_progress_is_told_before_each_test() -> None:
    told: list[tuple[str, int, int]] = []
    family = diamond()
    written = Written(family, {"top": 1, "left": 1, "right": 5, "alone": 1, "bottom": 5})
    found = family_test(X, Y, family, written, alpha=0.1, copies=COPIES, progress=lambda *state: told.append(state))
    assert told == [(name, done, 5) for done, name in enumerate(found.tests)]
    assert told[0][0] == "top"


@pytest.mark.parametrize(("alpha", "copies"), [(0.0, 99), (1.0, 99), (-0.1, 99), (0.01, 98), (0.05, 18)])
def test_levels_that_cannot_be_reached(alpha: float, copies: int) -> None:
    with pytest.raises(ConfigError, match="give at least"):
        family_test(X, Y, diamond(), MarginalLikelihood(), alpha=alpha, copies=copies)


@pytest.mark.parametrize(("alpha", "least"), [(0.01, 99), (0.05, 19), (0.1, 9), (0.3, 3), (0.03, 33), (0.5, 1)])
def test_the_fewest_copies(alpha: float, least: int) -> None:
    family = diamond()
    if least > 1:
        with pytest.raises(ConfigError, match=f"give at least {least} copies"):
            family_test(X, Y, family, MarginalLikelihood(), alpha=alpha, copies=least - 1)
    assert 1 / (least + 1) <= alpha
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 3)))
    assert family_test(x, x[:, :1], family, MarginalLikelihood(), alpha=alpha, copies=least).tests


def sequence(above: int, copies: int, calls: list[str], name: str) -> object:
    """A statistic whose data are exceeded by so many copies of so many; it notes that it was computed."""

    class _Sequence:
        def bind(
            self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
        ) -> FittedStatistic:
            calls.append(name)
            values = iter([0.0] + [1.0] * above + [-1.0] * (copies - above))
            return FittedStatistic(
                y, lambda rows_x, rows_y: torch.tensor([[next(values)] for _ in rows_x], dtype=torch.float64)
            )

    _Sequence.name = name
    return _Sequence()


@pytest.mark.parametrize(
    ("first", "second", "p_value", "decides", "computed"),
    [
        (0, 19, 0.1, "early", ["early"]),
        (1, 0, 0.1, "late", ["early", "late"]),
        (1, 4, 0.2, "early", ["early", "late"]),
        (19, 19, 1.0, "early", ["early", "late"]),
    ],
)
def test_two_statistics_share_the_level(
    first: int, second: int, p_value: float, decides: str, computed: list[str]
) -> None:
    """Each at half of the level .1 with twice the copies; the second is left out where the first rejects."""
    calls: list[str] = []
    family = named_family({"top": axis_rotations((0, 0, 1))}, [])
    found = family_test(
        X,
        Y,
        family,
        sequence(second, 19, calls, "late"),
        alpha=0.1,
        copies=9,
        first={"top": sequence(first, 19, calls, "early")}.get,
    )
    test = found.tests["top"]
    assert (test.p_value, test.statistic, test.copies, calls) == (pytest.approx(p_value), decides, 19, computed)
    assert found.verdicts["top"] is (Verdict.REJECTED if p_value <= 0.1 else Verdict.ACCEPTED)
    assert test.shared == 2 and test.interval[0] <= p_value <= test.interval[1]


@pytest.mark.parametrize(("top", "asked"), [(19, ["top"]), (0, ["top", "half"])])
def test_first_statistics_are_made_for_the_candidates_that_are_tested(top: int, asked: list[str]) -> None:
    """Once each; of a group inside one that is not rejected, none is."""
    names, calls = list[str](), list[str]()
    family = named_family({"top": axis_rotations((0, 0, 1)), "half": axis_rotations((0, 0, 1))}, [("half", "top")])

    def first(name: str) -> Statistic | None:
        names.append(name)
        return sequence(top if name == "top" else 19, 19, calls, name)

    family_test(X, Y, family, sequence(19, 19, calls, "late"), alpha=0.1, copies=9, first=first)
    assert names == asked and [name for name in calls if name != "late"] == asked
