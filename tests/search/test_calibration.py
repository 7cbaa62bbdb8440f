"""The rule `calibrated` on rows: dist^2 against its critical value is a test, and the chain that it makes is right."""

from typing import Any

import numpy as np
import pytest

from sharefind.errors import ConfigError
from sharefind.groups import hom
from sharefind.inference import RandomisationTest
from sharefind.search import Decision, Engine, SearchOutcome
from sharefind.search.memory import TEST, Kind, NoMemory
from sharefind.search.problem import Problem
from sharefind.search.rules.calibration import calibrated_schedule, calibrated_sgd, compare, critical_value
from sharefind.search.rules.growth import Proposal
from sharefind.spaces import fixed_space
from tests.search.problems import problem, representation, teacher_task


@pytest.mark.parametrize(("copies", "alpha", "k"), [(199, 0.01, 198), (99, 0.01, 99), (19, 0.05, 19), (99, 0.07, 93)])
def test_the_critical_value_is_the_order_statistic_of_level_alpha(copies: int, alpha: float, k: int) -> None:
    values = np.random.default_rng(0).permutation(np.arange(1.0, copies + 1))
    assert critical_value(values, alpha) == k
    assert (copies + 1 - k) / (copies + 1) <= alpha + 1e-12


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_readings_together_keep_the_level(alpha: float) -> None:
    """Exchangeable rows whose readings are correlated and have heavy tails: 4,000 data sets."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(4000):
        common = rng.normal(size=(20, 1))
        found = compare(np.exp(2 * (common + rng.normal(size=(20, 2)))), alpha)
        hits += found.p_value <= alpha
    assert abs(hits / 4000 - alpha) < 4 * np.sqrt(alpha * (1 - alpha) / 4000)


def test_dist2_is_at_most_delta_exactly_where_the_p_value_says_so() -> None:
    rng = np.random.default_rng(2)
    for _ in range(300):
        dist2 = np.exp(rng.normal(size=(40, 2)))
        found = compare(dist2, 0.1)
        assert (found.p_value > 0.1) == (dist2[0, found.reading] <= found.delta * (1 + 1e-8))


def test_rows_that_differ_by_rounding_are_ties() -> None:
    dist2 = 1e-3 * (1 + 1e-13 * np.random.default_rng(3).random((100, 2)))
    assert compare(dist2, 0.01).p_value == 1
    assert compare(1e-33 * np.random.default_rng(3).random((100, 2)), 0.01, rounding=1e-20).p_value == 1


class Known(NoMemory):
    """Exact tests that were done: subgroups of the truth have p = .5, all others and independence .005."""

    def __init__(self, case: Problem, truth: str | None, degree: int) -> None:
        group = None if truth is None else representation(truth, degree).group
        groups = [g for node in case.lattice.nodes for g in node.groups]
        self.accepted = {case.label_of(g) for g in groups if group is not None and g.is_subgroup_of(group)}

    def get(self, kind: Kind[Any], key: str) -> Any:
        """The p-value that is known."""
        return RandomisationTest(0.5 if key in self.accepted else 0.005, "known", 199, 0, 0.0) if kind is TEST else None


def search(truth: str, seed: int, exact: str | None, n: int = 1000) -> SearchOutcome:
    """S_4 and `calibrated` on a teacher of `truth`, with exact tests that accepted the subgroups of `exact`."""
    case = problem(teacher_task(truth, 4, n, seed), "S4", stop="calibrated", seed=seed)
    # Diagnoses cost most of a search and decide nothing.
    return Engine(case, memory=Known(case, exact, 4), diagnose=lambda *seen: {}).run()


def is_right(outcome: SearchOutcome, truth: str) -> bool:
    rep = representation(truth, 4)
    return outcome.finished and outcome.e_star.space == fixed_space(hom(rep, rep))


@pytest.mark.slow
def test_the_chain_of_a_c4_teacher_ends_at_its_space() -> None:
    outcome = search("C4", 0, "C4")
    assert is_right(outcome, "C4")
    for node in outcome.lattice.visited():
        evidence = node.evidence
        assert (evidence.decision is Decision.STAY) == (evidence.dist2 <= evidence.delta) == (evidence.p_value > 0.01)
        assert evidence.rule == "calibrated" and not evidence.exact_disagrees
    assert outcome.e_star.evidence.groups == ("C4",)


@pytest.mark.slow
def test_where_the_exact_tests_say_otherwise_dist2_decides_and_the_record_says_it() -> None:
    """The exact tests are made to reject every group: particles stay on E^C4 all the same."""
    outcome = search("C4", 0, None)
    assert is_right(outcome, "C4")
    evidence = outcome.e_star.evidence
    assert evidence.exact_disagrees
    assert "the exact tests disagree: symmetry under C4 is rejected (p = 0.005)" in evidence.reason


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["C4", "D4", "V4"])
def test_nine_of_ten_seeds_are_right(truth: str) -> None:
    """Of 20 seeds 16 at least: with a rate of .9 fewer are seen in one of 25 trials, with a rate of .6 in 19 of 20."""
    assert sum(is_right(search(truth, seed, truth), truth) for seed in range(20)) >= 16


def test_too_few_copies_are_refused_on_rows() -> None:
    with pytest.raises(ConfigError, match="cannot reject anything at alpha"):
        problem(teacher_task("C4", 4, 100, 0), "S4", stop="calibrated", copies=50)


def test_start_and_step_follow_from_sizes() -> None:
    """On 4 columns the start is 1 and the second half takes steps 8 times larger; on 64 both are the usual ones."""
    small = problem(teacher_task("C4", 4, 100, 0), "C4", stop="calibrated")
    sgd, usual = calibrated_sgd(small), small.settings.sgd
    assert (sgd.initial_std, sgd.steps) == (1.0, 2 * usual.steps)
    schedule = calibrated_schedule(small)
    assert schedule.value(0.0) == 1 and schedule.value(sgd.horizon / 2) == 8
    assert schedule.value(sgd.horizon / 2 - 1e-9) == pytest.approx(0.02, abs=1e-6)
    two = problem(teacher_task("C4", 4, 100, 0), "C4", stop="calibrated", unit="two-layer:tanh")
    assert calibrated_schedule(two).value(calibrated_sgd(two).horizon / 2) == 1


class Nothing:
    """A growth rule that sees no direction."""

    name = "nothing"

    def propose(self, *seen: object) -> list[Proposal]:
        """No space."""
        return []


@pytest.mark.slow
@pytest.mark.ci
def test_a_space_that_is_left_without_a_direction_is_undecided() -> None:
    """What is left is no E_*, whatever rule saw no direction to grow along."""
    case = problem(teacher_task("C4", 4, 300, 1), "S4", stop="fixed", delta=0.0)
    outcome = Engine(case, growth=Nothing(), diagnose=lambda *seen: {}).run()
    last = outcome.e_star
    assert not outcome.finished and last.evidence.decision is Decision.GROW
    assert last.evidence.dist2 > last.evidence.delta
    assert last.evidence.reason.startswith("particles leave, but no direction of the escape is significant")
