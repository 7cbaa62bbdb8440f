"""What decides: the law of (X, Y), or the relation where the inputs alone break the law; what a search makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from sharefind.datasets import finite_task
from sharefind.errors import ConfigError, GroupError
from sharefind.groups import named_group
from sharefind.inference import RandomisationTest
from sharefind.inference.relation.relation_test import RelationTest
from sharefind.search import Engine, Problem, build_problem, hypotheses, search_config
from sharefind.search.memory import RELATION, TEST, Kind, NoMemory
from sharefind.search.open_subgroups import subgroups_undecided
from sharefind.search.rejected_groups import diagnoses
from sharefind.search.relation_groups import has_relation_test
from sharefind.search.result import Result
from sharefind.search.result_record import result_record
from sharefind.search.search_lattice import SearchLattice
from sharefind.search.search_outcome import SearchOutcome
from sharefind.search.symmetries import INDEPENDENCE, Symmetries, symmetries
from tests.search.problems import one_sided_task, problem, teacher_task

BRIEF = {"alpha": 0.05, "copies": 99, "training_copies": 19}
"""Settings with which a search on a hundred rows takes a second or two."""


class Written(NoMemory):
    """Tests that were done: p-values by their names, of relations with the overlap; what is asked for is noted."""

    def __init__(self, p_values: Mapping[str, float], relations: Mapping[str, tuple[float, float]] | None = None):
        self.p_values, self.relations, self.asked = p_values, relations or {}, []

    def get(self, kind: Kind[Any], key: str) -> Any:
        """The test that was written down."""
        self.asked.append((kind.name, key))
        if kind is TEST and key in self.p_values:
            return RandomisationTest(self.p_values[key], "written", 999, 0, 0.0)
        if kind is RELATION:
            p_value, overlap = self.relations[key]
            return RelationTest(RandomisationTest(p_value, "written", 199, 0, 0.0), overlap)
        return None

    def kinds(self) -> set[str]:
        """What was asked for: of the law, of the inputs, of the relation."""
        tests = {"inputs" if key.startswith("inputs: ") else "law" for kind, key in self.asked if kind == "test"}
        return tests | {kind for kind, _ in self.asked if kind == "relation"}


def _found(memory: Written, **settings: object) -> Symmetries:
    case = problem(teacher_task("C2", 2, 40, 0), **settings)
    found = symmetries(case, memory, lambda *said: None)
    assert found is not None
    return found


GATE = {INDEPENDENCE: 0.001}


def test_a_law_that_holds_settles_the_matter() -> None:
    memory = Written({**GATE, "C2": 0.4})
    found = _found(memory)
    assert (found.decided_by, found.inputs, found.relation) == ("law", None, None)
    assert memory.kinds() == {"law"}


def test_inputs_that_are_invariant_leave_the_decision_to_the_law() -> None:
    memory = Written({**GATE, "C2": 0.001, "inputs: C2": 0.3})
    found = _found(memory)
    assert found.decided_by == "law" and found.family.rejected == ("C2",)
    assert memory.kinds() == {"law", "inputs"}


def test_inputs_that_break_the_law_leave_the_decision_to_the_relation() -> None:
    memory = Written({**GATE, "C2": 0.001, "inputs: C2": 0.001}, {"C2": (0.4, 0.8)})
    found = _found(memory)
    assert found.decided_by == "relation" and found.family.accepted == ("C2",)
    assert found.law is not None and found.law.rejected == ("C2",)


def test_the_relation_alone_is_tested_where_it_was_asked_for() -> None:
    memory = Written({**GATE, "inputs: C2": 0.6}, {"C2": (0.001, 0.8)})
    found = _found(memory, symmetry="relation")
    assert (found.decided_by, found.law) == ("relation", None) and found.family.rejected == ("C2",)
    assert memory.kinds() == {"law", "inputs", "relation"}  # the law: the test of independence


@pytest.mark.parametrize("settings", [{"symmetry": "law"}, {"stop": "calibrated", "training_copies": 99}])
def test_the_law_stays_where_it_was_asked_for_and_where_distances_decide(settings: dict[str, Any]) -> None:
    memory = Written({**GATE, "C2": 0.001})
    assert _found(memory, **settings).decided_by == "law"
    assert memory.kinds() == {"law"}


def test_the_relation_decides_under_a_large_group_of_which_the_inputs_alone_break_the_law() -> None:
    case = problem(teacher_task("C1", 6, 40, 0), "S6")
    memory = Written({**GATE, "S6": 0.001, "inputs: S6": 0.001}, {"S6": (0.4, 0.8)})
    found = symmetries(case, memory, lambda *said: None)
    assert found is not None and found.decided_by == "relation" and memory.kinds() == {"law", "inputs", "relation"}
    assert [has_relation_test(named_group(name)) for name in ("S5", "S24", "SO2")] == [True, True, False]


def test_inputs_that_keep_the_law_leave_the_decision_about_a_large_group_to_it() -> None:
    case = problem(teacher_task("C6", 6, 240, 0), "S6")
    names = [n for n in case.inside.evidence(case.label_of) if n != "S6"]
    memory = Written({**GATE, "S6": 0.001, "inputs: S6": 0.3, **{n: 0.5 for n in names}})
    tested = hypotheses.TestedProblem.of(case, symmetries(case, memory, lambda *said: None))
    assert subgroups_undecided(SearchOutcome(tested, SearchLattice(), (), True)) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scheme": "ea"}, "scheme ea imposes the symmetry"),
        ({"stop": "calibrated"}, "calibrated decides by distances"),
        ({"growth": "mean"}, "calibrated decides by distances"),
        ({"delta": 0.1}, "fixed decides by distances"),
        ({"group": None, "blind": True, "delta": 0.1}, "fixed decides by distances"),
    ],
)
def test_settings_beside_which_no_relation_is_tested_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f"symmetry relation: .*{words}.*; use [^\n]*$"):
        search_config(**{"group": "C2", "symmetry": "relation", **settings})


def test_an_infinite_group_whose_relation_cannot_be_tested_is_refused_before_any_work() -> None:
    with pytest.raises(GroupError, match=r"at most 1e\+30 elements, and SO2 is infinite; test its law with"):
        problem(teacher_task("C1", 2, 40, 0), "SO2", symmetry="relation", unit="matrix")


def _searched(case: Problem, *, is_explained: bool = False) -> tuple[SearchOutcome, Result]:
    explained = diagnoses if is_explained else (lambda *asked: {})
    outcome = Engine(case, diagnose=explained).run()
    return outcome, result_record(outcome, None, "", 0.0, "lattice.json")


def _canonicalised(share: float, broken: float = 0.0, **settings: object) -> Problem:
    task = one_sided_task(100, share, broken)
    return problem(task, "C3", **{"unit": "matrix+bias", **BRIEF, **settings})


@pytest.mark.parametrize("mode", [pytest.param("relation", marks=pytest.mark.slow), "auto"])
def test_a_relation_that_holds_is_found_behind_inputs_that_break_the_law(mode: str) -> None:
    outcome, result = _searched(_canonicalised(0.8, symmetry=mode))
    assert (result.decided_by, result.accepted, outcome.e_star.label) == ("relation", ["C3"], "E^C3")
    last = outcome.chain[-1].evidence
    assert "equivariance of the relation under C3 is not rejected" in last.reason
    assert last.dist2 <= 3 * last.delta and last.dist2 < 0.01 * outcome.chain[0].evidence.dist2
    row = result.symmetries[0]
    assert row.inputs.verdict == "rejected" and row.relation.verdict == "accepted"
    assert row.verdict == ("rejected" if mode == "auto" else "accepted")  # of the law, where it was tested


def test_the_same_inputs_with_a_relation_that_is_broken() -> None:
    outcome, result = _searched(_canonicalised(0.8, 0.6), is_explained=True)
    assert (result.decided_by, result.rejected, outcome.e_star.space.is_full) == ("relation", ["C3"], True)
    assert "equivariance of the relation under C3 is rejected" in outcome.chain[1].evidence.reason
    assert list(result.diagnosis) == ["C3"]


def test_the_law_of_these_inputs_supports_no_sharing() -> None:
    _, result = _searched(_canonicalised(0.8, symmetry="law"))
    assert (result.decided_by, result.rejected, result.warnings) == ("law", ["C3"], [])


@pytest.mark.slow
@pytest.mark.ci
def test_a_relation_of_which_the_inputs_show_one_side_is_undecided() -> None:
    outcome, result = _searched(_canonicalised(1.0), is_explained=True)
    assert (result.accepted, result.rejected, result.undecided) == ([], [], ["C3"])
    assert outcome.e_star.space.is_full and result.symmetries[0].relation.one_sided
    grown = outcome.chain[1].evidence
    assert grown.reason.startswith("undecided: equivariance of the relation under C3 (p = ")
    assert not grown.stationary_not_optimal and (grown.groups, grown.rejected) == ((), ())
    assert outcome.chain[2].evidence.reason.endswith("the inputs show one side only of C3, undecided")
    assert result.symmetries[0].price.interval[0] < 0.02 and result.diagnosis == {}
    (line,) = result.warnings
    assert re.search(r"one side only of C3.*show other sides.*scheme ea; tying by C3 costs .* % .*\[", line)


@pytest.mark.slow
def test_a_smaller_group_is_found_where_a_larger_one_is_rejected() -> None:
    """Particles leave E^S3 and stay on E^C3, on rows that were completed by C3."""
    task = one_sided_task(100, 0.7)
    outcome, result = _searched(problem(task, "S3", unit="matrix+bias", symmetry="relation", **BRIEF))
    assert (result.accepted, result.rejected) == (["C3"], ["S3", "C2:<(0 1)>", "C2:<(0 2)>", "C2:<(1 2)>"])
    labels = [node.label for node in outcome.chain]
    assert labels == ["{0}", "E^S3", "E^C3"]
    left, stayed = (node.evidence for node in outcome.chain[1:])
    assert left.dist2 > left.delta and stayed.dist2 < 0.1 * left.dist2 and not left.stationary_not_optimal


@pytest.mark.parametrize(
    ("truth", "group"),
    [pytest.param("C3", "S3", marks=pytest.mark.slow), ("C2", "C2"), pytest.param("C1", "C2", marks=pytest.mark.slow)],
)
def test_where_inputs_are_invariant_all_modes_agree(truth: str, group: str) -> None:
    task = teacher_task(truth, int(group[1]), 50 * int(group[1]), 1, kind="arbitrary" if truth == "C1" else "wi")
    found = [_searched(problem(task, group, symmetry=mode, **BRIEF))[1] for mode in ("law", "auto", "relation")]
    law, auto, relation = found
    keep = {"accepted", "rejected", "undecided", "e_star", "chain", "maximal", "decided_by"}
    assert auto.model_dump(include=keep) == law.model_dump(include=keep)
    assert (relation.accepted, relation.e_star) == (law.accepted, law.e_star)


def test_labels_that_a_group_turns_to_their_negative_are_0_on_average() -> None:
    """{0} is the fixed space of a sign on the labels: the relation says that E[Y | X] = 0."""
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(size=(80, 2)))
    noise = (1 + x[:, :1]) * rng.normal(size=(80, 1))
    for y, verdict in ((noise, "accepted"), (noise + 3 * x[:, :1], "rejected")):
        config = search_config(group="C2", in_rep="trivial:2", out_rep="sign", symmetry="relation", **BRIEF)
        case = build_problem(config, finite_task("signs", x, y), named_group("C2"))
        outcome, result = _searched(case)
        assert getattr(result, verdict) == ["C2"]
        assert outcome.e_star.space.is_zero == (verdict == "accepted")


@pytest.mark.slow
def test_a_blind_search_tests_the_relation_of_what_it_proposes() -> None:
    """Of a linear map, whose best predictor is equivariant whatever the inputs look like."""
    rng = np.random.default_rng(0)
    x = one_sided_task(400, 0.8).x
    y = x - 0.5 * np.roll(x, 1, axis=1) + 0.3 * np.roll(x, 2, axis=1) + 0.1 * rng.normal(size=x.shape)
    for mode in ("relation", "auto"):
        config = search_config(blind=True, symmetry=mode, unit="matrix", **BRIEF)
        outcome, result = _searched(build_problem(config, finite_task("shifts", x, y), named_group("C2")))
        assert (result.decided_by, result.group.order, outcome.e_star.space.dim) == ("relation", 3, 3)
