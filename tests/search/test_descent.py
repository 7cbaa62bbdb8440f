"""A blind search whose proposals are rejected goes down to the next ones, and says what was rejected at which p."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.datasets.task import finite_task
from sharefind.groups import FiniteGroup
from sharefind.proposal import Finding, propose
from sharefind.report.text.verdict import doubts, proposal
from sharefind.search import Engine, build_problem, search_config
from sharefind.search.blind import split_rows
from sharefind.search.building import proposals
from sharefind.search.observer import Observer
from sharefind.search.result import read_result
from sharefind.search.result_record import result_record

FloatArray = NDArray[np.float64]
NOBODY = FiniteGroup("C1", 1, ())


def ring(n: int, seed: int = 0, width: int = 6) -> tuple[FloatArray, FloatArray]:
    """A drift one way round a ring: C_6, inside D_6 and S_6."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, width))
    y = x + 0.8 * np.roll(x, 1, axis=1) + 0.1 * rng.normal(size=(n, width))
    return x, y


def whole(width: int = 6) -> Finding:
    """What samples with all permutations propose: S_6, which has more elements than are listed."""
    x = np.random.default_rng(1).normal(size=(400, width))
    y = x + 0.5 * x.sum(axis=1, keepdims=True)
    return propose(x, y + 0.1 * np.random.default_rng(2).normal(size=x.shape), signed=False)


class Notes(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_note(self, note: str) -> None:
        self.lines.append(note)


def searched(monkeypatch: pytest.MonkeyPatch, first: Finding, n: int = 600) -> tuple[dict[str, Any], list[str]]:
    """A search whose proposing rows say `first`, and then what they say in truth."""
    x, y = ring(n)

    def proposed(x: FloatArray, y: FloatArray, **settings: Any) -> Finding:
        found = propose(x, y, signed=False)
        return replace(first, alternatives=(found,))

    monkeypatch.setattr("sharefind.proposal.propose", proposed)
    notes = Notes()
    problem = build_problem(search_config(blind=True), finite_task("ring", x, y), NOBODY)
    return result_record(Engine(problem, observer=notes).run(), None, "run", 0.0, "lattice.json").to_json(), notes.lines


@pytest.mark.slow
def test_inside_a_rejected_proposal_too_large_to_list_other_rows_find_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result, notes = searched(monkeypatch, whole())
    assert result["e_star"]["stabiliser"]["name"] == "C6" and result["e_star"]["dim"] == 6 + 1
    assert (result["group"]["name"], result["group"]["order"]) == ("S6", 720) and result["rejected"] == ["S6"]
    assert result["accepted"] == ["C6", "C3", "C2"] and [p["name"] for p in result["subgroups"]["proposed"]] == ["C6"]
    blind = result["blind"]
    assert (blind["name"], blind["order"], blind["proposal"], blind["tried"]) == ("S6", 720, 1, [])
    assert blind["rejected_p"] <= 0.01 and notes == []
    read_result(result, Path("result.json"))


def test_a_tying_that_is_rejected_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6))
    y = x.copy()
    y[:, 1:] += 0.8 * x[:, :-1]
    chain = propose(x, y + 0.1 * rng.normal(size=x.shape), signed=False)
    assert not chain.is_group and "cut off at the border" in chain.name
    result, _ = searched(monkeypatch, chain)
    assert result["e_star"]["stabiliser"]["name"] == "C6"
    assert result["blind"]["name"] == chain.name and result["blind"]["tried"][0]["is_group"] is False


@pytest.mark.slow
def test_the_first_proposal_stays_where_nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = ring(600)
    y = y + 2 * x * np.arange(6)

    def proposed(x: FloatArray, y: FloatArray, **settings: Any) -> Finding:
        return replace(whole(), alternatives=(propose(*ring(400), signed=False),))

    monkeypatch.setattr("sharefind.proposal.propose", proposed)
    problem = build_problem(search_config(blind=True), finite_task("ring", x, y), NOBODY)
    assert [p.candidate.group.name for p in proposals(problem)] == ["C6"]
    result = result_record(Engine(problem).run(), None, "run", 0.0, "lattice.json").to_json()
    assert result["e_star"]["dim"] == 36 + 6 and result["accepted"] == []
    assert result["blind"]["name"] == "S6" and result["blind"]["rejected_p"] <= 0.01


@pytest.mark.slow
def test_subgroups_of_a_rejected_proposal_are_looked_at_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    # C_6 is proposed; the rotation by half a turn alone holds.
    rng = np.random.default_rng(4)
    x = rng.normal(size=(800, 6))
    weights = np.zeros((6, 6))
    weights[:3] = rng.normal(size=(3, 6))
    weights[3:] = np.roll(weights[:3], 3, axis=1)
    y = x @ weights.T + 0.1 * rng.normal(size=x.shape)
    finding = replace(propose(*ring(400), signed=False), alternatives=(whole(),))
    monkeypatch.setattr("sharefind.proposal.propose", lambda *_, **__: finding)
    problem = build_problem(search_config(blind=True), finite_task("ring", x, y), NOBODY)
    result = result_record(Engine(problem).run(), None, "run", 0.0, "lattice.json").to_json()
    assert result["accepted"] == ["C2"] and result["e_star"]["dim"] == 18 + 3
    assert result["blind"]["name"] == "C6" and result["blind"]["rejected_p"] <= 0.01
    assert result["blind"]["proposal"] == 1


@pytest.mark.slow
def test_a_smaller_group_with_the_same_space_is_mentioned() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = x + 0.5 * x.mean(axis=1, keepdims=True) + 0.1 * rng.normal(size=x.shape)
    problem = build_problem(search_config(blind=True, copies=99), finite_task("set", x, y), NOBODY)
    result = result_record(Engine(problem).run(), None, "run", 0.0, "lattice.json")
    blind = result.blind
    assert blind is not None and (blind.name, blind.of_weights, blind.smaller_group) == ("S6", True, True)
    assert "the symmetry of the weights" in proposal(blind)
    assert any("smaller group has the same space" in line for line in doubts(result))


def test_the_rows_are_split_once() -> None:
    proposing, rest = split_rows(101, 3, None, 0.75)
    assert len(proposing) == 76 and sorted([*proposing, *rest]) == list(range(101))
    assert (np.diff(proposing) > 0).all() and (np.diff(rest) > 0).all()
