"""The heuristic on problems whose answer is known: E_* is the true group's fixed space, with evidence for each step."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from sharefind.datasets import load_task
from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, hom
from sharefind.inference import GroupShares, RandomisationTest
from sharefind.search import (
    Decision,
    Engine,
    SearchNode,
    SearchOutcome,
    ThresholdRule,
    build_problem,
    search_config,
)
from sharefind.search.memory import TEST, Kind, NoMemory
from sharefind.search.rules.growth import candidate_node
from sharefind.search.symmetries import INDEPENDENCE
from sharefind.spaces import LatticeNode, Subspace, fixed_space
from tests.search.problems import problem, representation, teacher_task

FAST = {"horizon": 2.0, "copies": 199, "training_copies": 19}


def search(name: str, **settings: object) -> SearchOutcome:
    """A quick search of one of the paper's tasks."""
    return Engine(problem(load_task(name), **{**FAST, **settings})).run()


@pytest.mark.parametrize("name", ["c2-wi", pytest.param("c2-si", marks=pytest.mark.slow)])
def test_symmetric_teachers_end_at_the_fixed_space_of_the_swap(name: str) -> None:
    outcome = search(name, seed=1)
    assert [n.label for n in outcome.chain] == ["{0}", "E^C2"]
    assert outcome.finished
    assert outcome.e_star.space == Subspace.from_tying([1, 2, 2, 1])
    zero, star = (n.evidence for n in outcome.chain)
    assert zero.decision is Decision.GROW
    assert zero.p_value <= 0.01 < star.p_value
    assert zero.dist2 > zero.delta
    assert star.dist2 <= star.delta
    assert star.p_adjusted == max(zero.p_value, star.p_value)


@pytest.mark.slow
def test_an_arbitrary_teacher_ends_at_the_whole_space_with_the_group_rejected() -> None:
    outcome = search("c2-arbitrary", seed=1)
    assert [n.space.dim for n in outcome.chain] == [0, 2, 4]
    assert outcome.chain[1].evidence.rejected == ("C2",)
    assert outcome.e_star.space.is_full


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "degree"), [("C4", 4), ("D4", 4), ("V4", 4), ("C3", 3)])
def test_finite_samples_find_the_true_subgroup_of_the_symmetric_group(truth: str, degree: int) -> None:
    case = problem(teacher_task(truth, degree, 1200, 0), f"S{degree}")
    rep = representation(truth, degree)
    assert Engine(case).run().e_star.space == fixed_space(hom(rep, rep))


def true_subgroups(truth: str, seeds: range) -> int:
    """Seeds from which the space of the true subgroup of S_4 is found, from 2,000 samples."""
    rep = representation(truth, 4)
    true_space = fixed_space(hom(rep, rep))
    found = [Engine(problem(teacher_task(truth, 4, 2000, s), "S4", seed=s)).run().e_star.space for s in seeds]
    return sum(space == true_space for space in found)


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["C4", "V4"])
def test_nine_of_ten_seeds_find_the_true_subgroup(truth: str) -> None:
    assert true_subgroups(truth, range(10)) >= 9


@pytest.mark.slow
def test_data_without_symmetry_end_at_the_whole_space_along_a_chain_of_rejected_ones() -> None:
    outcome = Engine(problem(teacher_task("C1", 3, 1500, 0, kind="arbitrary"), "S3")).run()
    assert outcome.e_star.space.is_full
    assert all(n.evidence.decision is Decision.GROW for n in outcome.chain[:-1])
    for inner, outer in pairwise(outcome.chain):
        assert inner.space < outer.space
        assert outer.candidate in [p.index for p in outcome.problem.lattice.covers(lattice_place(outcome, inner))]
    family = outcome.problem.symmetries.family
    assert set(family.rejected) == set(family.verdicts) and family.maximal == ()


def lattice_place(outcome: SearchOutcome, node: SearchNode) -> LatticeNode:
    return outcome.problem.lattice.nodes[node.candidate]


def test_the_search_climbs_inside_the_space_of_the_accepted_group() -> None:
    """Every visited space but the last lies strictly inside E^C3, though others above {0} explain escapes too."""
    outcome = Engine(problem(teacher_task("C3", 3, 400, 0), "S3", copies=199, replicates=4)).run()
    assert outcome.e_star.label == "E^C3"
    assert all(n.space < outcome.e_star.space for n in outcome.lattice.visited()[:-1])
    assert outcome.problem.symmetries.family.maximal == ("C3",)
    assert outcome.e_star.evidence.groups == ("C3",)


def test_two_groups_that_exclude_each_other_leave_one_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both reflections of S_3 are not rejected, S_3 and C_3 are: that with more evidence is taken, whatever its p."""
    told = {"C2:<(0 1)>": -3.0, "C2:<(0 2)>": -2.0, "C2:<(1 2)>": 0.0, "C3": 0.0, "S3": 0.0}
    shares = GroupShares(told, dict.fromkeys(told, 0.2), 300)
    monkeypatch.setattr("sharefind.search.symmetries.likeliest_group", lambda *_: shares)
    tests = {"S3": 0.001, "C3": 0.001, "C2:<(0 1)>": 0.7, "C2:<(0 2)>": 0.4, "C2:<(1 2)>": 0.001}
    memory = Written({INDEPENDENCE: 0.001, **tests})
    case = problem(teacher_task("C1", 3, 300, 0, kind="arbitrary"), "S3", symmetry="law")
    outcome = Engine(case, memory=memory).run()
    family = outcome.problem.symmetries.family
    assert (family.accepted, family.undecided) == (("C2:<(0 2)>",), ("C2:<(0 1)>",))
    assert outcome.e_star.label == "E^C2:<(0 2)>"
    other = next(p for p in outcome.problem.lattice.nodes if p.label == "E^C2:<(0 1)>")
    judged = outcome.problem.judgement(candidate_node(other))
    assert (judged.holds, judged.preferred, judged.p_value) == (False, "C2:<(0 2)>", 0.7)


class Written(NoMemory):
    """Remembers exact tests with given p-values, and no node."""

    def __init__(self, p_values: dict[str, float]) -> None:
        self.p_values = p_values

    def get(self, kind: Kind[Any], key: str) -> Any:
        """The p-value that was written down."""
        return RandomisationTest(self.p_values[key], "written", 999, 0, 0.0) if kind is TEST else None


@pytest.mark.parametrize("scheme", ["da", "fa", "ea"])
def test_schemes_that_impose_the_symmetry_are_no_evidence_for_it(scheme: str) -> None:
    from sharefind.search.result_record import group_verdicts

    case = problem(load_task("c2-arbitrary"), scheme=scheme, horizon=2.0)
    outcome = Engine(case).run()
    assert group_verdicts(outcome) == ([], [])


@pytest.mark.slow
def test_calibrated_delta_separates_symmetric_from_arbitrary_data() -> None:
    assert search("c2-wi", stop="calibrated", seed=2).e_star.label == "E^C2"
    assert search("c2-arbitrary", stop="calibrated", seed=2).e_star.label == "Z"


def test_a_tolerance_accepts_an_approximate_symmetry_and_says_so() -> None:
    outcome = search("c2-arbitrary", tolerance=0.9, horizon=1.0)
    assert outcome.e_star.label == "E^C2"
    assert "within the tolerance" in outcome.e_star.evidence.reason
    assert outcome.e_star.evidence.p_value <= 0.01


@pytest.mark.slow
def test_a_group_with_too_many_subgroups_has_its_own_fixed_space_beside_those_that_rows_propose() -> None:
    rep = representation("S6", 6)
    case = problem(teacher_task("S6", 6, 500, 0, kind="si"), "S6")
    dims = [n.space.dim for n in case.lattice.nodes]
    assert (dims[:2], dims[-1]) == ([0, 2], 36)
    assert Engine(case).run().e_star.space == fixed_space(hom(rep, rep))


def test_a_rule_of_ones_own_replaces_the_built_in_one() -> None:
    outcome = Engine(problem(load_task("c2-wi"), **FAST), stop=ThresholdRule("mine", delta=1e6)).run()
    assert outcome.e_star.evidence.rule == "mine"


def test_a_rule_that_never_holds_ends_where_nothing_is_left_to_grow_to() -> None:
    class Never:
        name = "never"

        def assess(self, problem: object, node: SearchNode, progress: object) -> object:
            found = ThresholdRule("fixed", 0.0).assess(problem, node, progress)
            return replace(found, evidence=replace(found.evidence, decision=Decision.GROW))

    outcome = Engine(problem(load_task("c2-wi"), horizon=0.1), stop=Never()).run()
    assert outcome.e_star.space.is_full and not outcome.finished
    assert outcome.e_star.evidence.decision is Decision.GROW
    assert outcome.stopped.startswith("particles leave, but no direction of the escape is significant: give more data")


def test_a_blind_search_by_directions_needs_a_threshold() -> None:

    with pytest.raises(ConfigError, match="give delta, the largest distance"):
        search_config(blind=True, growth="mean")
    case = build_problem(
        search_config(blind=True, delta=1e-3, horizon=1.0), load_task("c2-wi"), FiniteGroup("C1", 1, ())
    )
    assert Engine(case).run().lattice.visited()
