"""The heuristic on problems whose answer is known: E_* is the true group's fixed space, with evidence for each step."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import finite_task, load_task
from sharefind.errors import ConfigError, NotConvergedError, RunFolderError
from sharefind.groups import FiniteGroup, hom
from sharefind.inference import Cause, RandomisationTest
from sharefind.parallel import Workers
from sharefind.search import (
    Decision,
    Engine,
    Growth,
    Observer,
    RunFolder,
    SearchLattice,
    SearchNode,
    SearchOutcome,
    StopSearch,
    ThresholdRule,
    build_problem,
    run_search,
    search_config,
)
from sharefind.search.engine import NoMemory
from sharefind.search.hypotheses import judgement
from sharefind.search.rules.growth import Proposal, candidate_node
from sharefind.search.symmetries import INDEPENDENCE
from sharefind.spaces import LatticeNode, Subspace, fixed_space
from tests.search.problems import problem, representation, teacher_task

FAST = {"horizon": 2.0, "copies": 199}


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


@pytest.mark.parametrize(
    ("truth", "degree"),
    [
        pytest.param("C4", 4, marks=pytest.mark.slow),
        pytest.param("D4", 4, marks=pytest.mark.slow),
        pytest.param("V4", 4, marks=pytest.mark.slow),
        ("C3", 3),
    ],
)
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
    outcome = Engine(problem(teacher_task("C3", 3, 800, 0), "S3")).run()
    assert outcome.e_star.label == "E^C3"
    assert all(n.space < outcome.e_star.space for n in outcome.lattice.visited()[:-1])
    assert outcome.problem.symmetries.family.maximal == ("C3",)
    assert outcome.e_star.evidence.groups == ("C3",)


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["displacement", "cross-displacement", "held-out-gap", "marginal-likelihood"])
def test_other_statistics_decide_as_well(statistic: str) -> None:
    """Little noise, and a symmetry that is clearly broken: the arbitrary teacher is not invariant under the swap."""
    settings = {"statistic": statistic, "alpha": 0.05, "copies": 39}
    broken = problem(teacher_task("C1", 2, 400, 0, kind="arbitrary", noise=0.01), "C2", **settings)
    outcome = Engine(broken).run()
    test = outcome.problem.symmetries.family.tests["C2"]
    assert test.statistic == statistic
    assert (test.p_value <= 0.05) == outcome.e_star.space.is_full
    assert outcome.problem.symmetries.family.rejected == ("C2",)


def test_two_groups_that_exclude_each_other_leave_one_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both reflections of S_3 are not rejected, S_3 and C_3 are: the likelier one is taken and the record says so."""
    tests = {"S3": 0.001, "C3": 0.001, "C2:<(0 1)>": 0.4, "C2:<(0 2)>": 0.7, "C2:<(1 2)>": 0.001}
    memory = Written({INDEPENDENCE: 0.001, **tests})
    outcome = Engine(problem(teacher_task("C1", 3, 300, 0, kind="arbitrary"), "S3"), memory=memory).run()
    family = outcome.problem.symmetries.family
    assert (family.accepted, family.undecided) == (("C2:<(0 2)>",), ("C2:<(0 1)>",))
    assert outcome.e_star.label == "E^C2:<(0 2)>"
    other = next(p for p in outcome.problem.lattice.nodes if p.label == "E^C2:<(0 1)>")
    judged = judgement(outcome.problem, candidate_node(other))
    assert (judged.holds, judged.preferred, judged.p_value) == (False, "C2:<(0 2)>", 0.4)


class Written(NoMemory):
    """Remembers exact tests with given p-values, and no node."""

    def __init__(self, p_values: dict[str, float]) -> None:
        self.p_values = p_values

    def recall_test(self, name: str) -> RandomisationTest:
        """The p-value that was written down."""
        return RandomisationTest(self.p_values[name], "written", 999, 0, 0.0)


@pytest.mark.slow
def test_diagnoses_say_what_is_broken_and_by_how_much() -> None:
    """The nearest larger group of a C_3 teacher is so nearly right that tying costs nothing that 800 rows would show.

    The swap of an arbitrary teacher is far off.
    """
    near = Engine(problem(teacher_task("C3", 3, 800, 2), "S3")).run().diagnoses
    assert set(near) == {"S3"}
    assert near["S3"].cause is Cause.UNDETERMINED and near["S3"].is_approximate
    (far,) = search("c2-arbitrary", seed=1).diagnoses.values()
    assert far.cause is Cause.RELATION and far.risk.low > 0.3


def even_task(seed: int = 0) -> object:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 2))
    return finite_task("even", x, 0.2 * (x**2).sum(axis=1, keepdims=True) - 0.4 + 0.02 * rng.normal(size=(800, 1)))


@pytest.mark.slow
def test_a_saddle_is_told_from_a_rest_when_the_unit_can_leave_it() -> None:
    """y is even in x: {0} is stationary for tanh units, but with a bias a free start learns more."""
    outcome = Engine(problem(even_task(), out_rep="trivial", unit="matrix+bias:tanh")).run()
    zero = outcome.chain[0].evidence
    assert zero.stationary_not_optimal
    assert "stationary but not optimal" in zero.reason
    assert outcome.e_star.label == "E^C2"


@pytest.mark.slow
def test_a_signal_that_the_unit_cannot_see_is_told() -> None:
    """Without a bias every tanh model is odd: E^C2 is right, but the unit learns nothing, and the record says so."""
    outcome = Engine(problem(even_task(), out_rep="trivial", unit="matrix:tanh")).run()
    last = outcome.e_star
    assert last.label == "E^C2"
    assert last.evidence.stationary_not_optimal
    assert "learns nothing" in last.evidence.reason
    assert "use a unit with a bias" in last.evidence.reason


def test_labels_without_signal_stay_on_zero_and_are_not_called_a_saddle() -> None:
    rng = np.random.default_rng(0)
    task = finite_task("noise", rng.normal(size=(400, 2)), 0.5 + 0.1 * rng.normal(size=(400, 2)))
    zero = Engine(problem(task)).run().e_star
    assert zero.label == "{0}"
    assert not zero.evidence.stationary_not_optimal
    assert "no visible signal" in zero.evidence.reason


@pytest.mark.parametrize("scheme", ["da", "fa", "ea"])
def test_schemes_that_impose_the_symmetry_are_no_evidence_for_it(scheme: str) -> None:
    from sharefind.search.result_record import group_verdicts

    case = problem(load_task("c2-arbitrary"), scheme=scheme, horizon=2.0)
    outcome = Engine(case).run()
    assert group_verdicts(outcome) == ([], [])


def test_calibrated_delta_separates_symmetric_from_arbitrary_data() -> None:
    assert search("c2-wi", stop="calibrated", seed=2).e_star.label == "E^C2"
    assert search("c2-arbitrary", stop="calibrated", seed=2).e_star.label == "Z"


def test_a_tolerance_accepts_an_approximate_symmetry_and_says_so() -> None:
    outcome = search("c2-arbitrary", tolerance=0.9)
    assert outcome.e_star.label == "E^C2"
    assert "within the tolerance" in outcome.e_star.evidence.reason
    assert outcome.e_star.evidence.p_value <= 0.01


@pytest.mark.slow
def test_a_group_with_too_many_subgroups_still_has_its_own_fixed_space_as_candidate() -> None:
    rep = representation("S6", 6)
    case = problem(teacher_task("S6", 6, 500, 0, kind="si"), "S6")
    assert [n.space.dim for n in case.lattice.nodes] == [0, 2, 36]
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


class _StopAfter(Observer):
    def __init__(self, nodes: int) -> None:
        self.left = nodes

    def on_node_end(self, node: SearchNode) -> None:
        self.left -= 1
        if self.left == 0:
            raise StopSearch


def stable(path: Path) -> dict[str, object]:
    """A result without what may differ between runs."""
    record = json.loads(path.read_text())
    return {k: v for k, v in record.items() if k not in ("wall_s", "versions", "run")}


def test_a_stopped_run_keeps_its_nodes_and_resumes_to_the_same_result(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=19, alpha=0.1)
    whole = RunFolder.create(tmp_path / "whole", case.resolved)
    run_search(case, whole)
    part = RunFolder.create(tmp_path / "part", case.resolved)
    outcome, _ = run_search(case, part, _StopAfter(1))
    assert not outcome.finished
    opened = RunFolder.open(tmp_path / "part")
    assert opened.recall("{0}") is not None
    run_search(case, opened)
    assert stable(tmp_path / "part" / "result.json") == stable(tmp_path / "whole" / "result.json")
    assert opened.config() == case.resolved


class _StopWithin(Observer):
    """Stops the search in the first stage whose name begins with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.has_stopped = prefix, False

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        if stage.startswith(self.prefix):
            self.has_stopped = True
            raise StopSearch


def test_a_search_that_is_stopped_among_its_diagnoses_has_its_answer(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=19, alpha=0.1)
    watcher = _StopWithin("diagnosis")
    outcome, result = run_search(case, RunFolder.create(tmp_path / "run", case.resolved), watcher)
    assert watcher.has_stopped
    assert outcome.finished and result.e_star.candidate == "E^C3" and result.diagnosis == {}


def test_a_rule_of_ones_own_decides(tmp_path: Path) -> None:
    class Always:
        name = "always"

        def assess(self, problem, node, progress):
            found = ThresholdRule("fixed", 1e9).assess(problem, node, progress)
            return replace(found, evidence=replace(found.evidence, decision=Decision.STAY, rule=self.name))

    case = problem(load_task("c2-wi"), copies=19, alpha=0.1, horizon=0.1)
    outcome, result = run_search(case, RunFolder.create(tmp_path / "run", case.resolved), stop=Always())
    assert outcome.e_star.space.is_zero and result.chain[-1].rule == "always"


def test_a_rule_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    class Round:
        name = "round"

        def propose(self, problem, node, escape, lattice):
            return [Proposal(node, Growth(node.key, node.key, self.name, 1.0))]

    case = problem(load_task("c2-wi"), copies=19, alpha=0.1, horizon=1.0)
    with pytest.raises(ConfigError, match=r"the growth rule round proposed \{0\} \(dimension 0\) from \{0\}"):
        run_search(case, RunFolder.create(tmp_path / "run", case.resolved), growth=Round())


def test_a_divergence_names_the_node(tmp_path: Path) -> None:
    class Diverging:
        name = "diverging"

        def assess(self, problem, node, progress):
            raise NotConvergedError("training diverged in replicate 1 of 4")

    case = problem(load_task("c2-wi"), copies=19, alpha=0.1)
    with pytest.raises(NotConvergedError, match=r"^\{0\}: training diverged in replicate 1 of 4$"):
        run_search(case, RunFolder.create(tmp_path / "run", case.resolved), stop=Diverging())


def test_a_run_that_ends_among_its_exact_tests_repeats_none_of_them(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 150, 0), "S3", copies=199)
    whole = run_search(case, RunFolder.create(tmp_path / "whole", case.resolved))[1].to_json()
    path = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        run_search(case, RunFolder.create(path, case.resolved), Tests(end_after=3))
    finished = RunFolder.open(path).tests()
    assert len(finished) == 2
    counting = Tests()
    resumed = run_search(case, RunFolder.open(path), counting)[1].to_json()
    assert counting.begun and not set(counting.begun) & set(finished)
    assert RunFolder.open(path).tests()["S3"] == finished["S3"]
    for key in ("run", "wall_s"):
        del whole[key], resumed[key]
    assert resumed == whole


class Tests(Observer):
    """Which exact tests were begun; a Ctrl-C at the beginning of one of them."""

    __test__ = False

    def __init__(self, end_after: int | None = None) -> None:
        self.begun: list[str] = []
        self.end_after = end_after

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        if stage.startswith("test of "):
            self.begun.append(stage.removeprefix("test of "))
            if len(self.begun) == self.end_after:
                raise KeyboardInterrupt


def test_a_run_does_not_go_on_with_other_data(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=19, alpha=0.1)
    folder = RunFolder.create(tmp_path / "run", case.resolved)
    run_search(case, folder, _StopAfter(1))
    with pytest.raises(RunFolderError, match="other data"):
        run_search(problem(teacher_task("C3", 3, 300, 1), "S3", copies=19, alpha=0.1), RunFolder.open(folder.path))


@pytest.mark.slow
def test_workers_do_not_change_the_result(tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3")
    for jobs in (1, 2):
        run_search(case, RunFolder.create(tmp_path / str(jobs), case.resolved), workers=Workers(jobs))
    assert stable(tmp_path / "1" / "result.json") == stable(tmp_path / "2" / "result.json")


def test_the_resolved_configuration_builds_the_same_problem() -> None:
    task = teacher_task("C3", 3, 300, 0)
    case = problem(task, "S3", seed=4)
    again = build_problem(case.resolved, task, case.candidate.group)
    assert again.settings.sgd == case.settings.sgd
    assert replace(again.settings, config=case.settings.config) == case.settings


@pytest.mark.slow
def test_the_lattice_survives_json_exactly_and_has_a_graphml_form() -> None:
    lattice = search("c2-arbitrary").lattice
    text = lattice.dumps()
    again = SearchLattice.from_json(json.loads(text))
    assert again.dumps() == text
    assert json.loads(text)["edges"], "the edge key is named explicitly"
    assert "<graphml" in lattice.to_graphml()


def test_a_blind_search_by_directions_needs_a_threshold() -> None:
    from sharefind.errors import ConfigError

    with pytest.raises(ConfigError, match="--delta"):
        search_config(blind=True, growth="escape")
    case = build_problem(
        search_config(blind=True, delta=1e-3, horizon=1.0), load_task("c2-wi"), FiniteGroup("C1", 1, ())
    )
    assert Engine(case).run().lattice.visited()
