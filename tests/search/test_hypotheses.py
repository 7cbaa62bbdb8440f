"""What the exact tests of the candidate's subgroups say about nodes of the search."""

from dataclasses import replace

from sharefind.groups import FiniteGroup, named_group
from sharefind.inference import FamilyTest, RandomisationTest, Verdict
from sharefind.search import SearchNode, hypotheses
from sharefind.search.rules.growth import candidate_node
from sharefind.search.symmetries import Symmetries
from sharefind.spaces import LatticeNode, Subspace
from tests.search.problems import problem, teacher_task

CASE = problem(teacher_task("C3", 3, 60, 0), "S3")
GATE = RandomisationTest(0.005, "known", 199, 0, 3.0)


def with_verdicts(p_values: dict[str, float], alpha: float = 0.01, is_open: bool = False) -> hypotheses.TestedProblem:
    """The problem with tests that gave these p-values; the largest group that was accepted comes first."""
    tests = {name: RandomisationTest(p, "known", 199, 0, 0.0, is_open=is_open) for name, p in p_values.items()}
    verdicts = {name: Verdict.ACCEPTED if p > alpha else Verdict.REJECTED for name, p in p_values.items()}
    maximal = tuple(name for name, verdict in verdicts.items() if verdict is Verdict.ACCEPTED)[:1]
    family = FamilyTest(verdicts, tests, p_values, maximal, alpha, ())
    return hypotheses.TestedProblem.of(CASE, Symmetries(GATE, family))


def place(label: str) -> LatticeNode:
    """A space of the candidate's lattice."""
    return next(p for p in CASE.lattice.nodes if p.label == label)


def test_a_node_holds_if_a_group_with_its_space_was_accepted() -> None:
    found = with_verdicts({"S3": 0.001, "C3": 0.4})
    kept, left = (found.judgement(candidate_node(place(label))) for label in ("E^C3", "E^S3"))
    assert (kept.holds, kept.p_value, kept.p_adjusted) == (True, 0.4, 0.4)
    assert (left.holds, left.p_value, left.p_adjusted) == (False, 0.001, 0.005)
    assert isinstance(kept.null, FiniteGroup) and kept.null.order == 3
    assert found.is_rejected(place("E^S3")) and not found.is_rejected(place("E^C3"))
    assert [g.order for g in found.accepted_groups(place("E^C3"))] == [3]


def test_elsewhere_independence_decides() -> None:
    node = SearchNode("mean:1", Subspace.full(9), None, "E_1")
    judged = with_verdicts({"S3": 0.001}).judgement(node)
    assert (judged.null, judged.p_value, judged.holds) == (None, GATE.p_value, False)
    untested = hypotheses.TestedProblem.of(CASE, None)
    assert untested.judgement(node) == hypotheses.Judgement(None, None, None, False)
    assert untested.family is None and untested.independence_p_value is None and untested.left_open is None


def test_spaces_inside_that_of_an_accepted_group_lead_to_it() -> None:
    found = with_verdicts({"S3": 0.001, "C3": 0.4})
    leads = {p.label for p in CASE.lattice.nodes if found.leads_to_accepted(candidate_node(p))}
    inside = {p.label for p in CASE.lattice.nodes if p.space <= place("E^C3").space}
    assert leads == inside
    nothing = with_verdicts({"S3": 0.001, "C3": 0.001})
    assert all(nothing.leads_to_accepted(candidate_node(p)) for p in CASE.lattice.nodes)


def test_an_open_test_that_decides_is_told() -> None:
    assert with_verdicts({"C3": 0.4}).left_open is None
    assert (with_verdicts({"C3": 0.4}, is_open=True).left_open or "").startswith(
        "the test of C3 is open: with 199 copies"
    )


def test_a_changed_problem_keeps_its_tests() -> None:
    found = with_verdicts({"C3": 0.4})
    assert replace(found, warnings=("a line",)).symmetries is found.symmetries


def test_hypotheses_have_words_whatever_their_generators() -> None:
    one, other = FiniteGroup("a", 3, ((1, 2, 0),)), FiniteGroup("b", 3, ((2, 0, 1),))
    assert hypotheses.identity_of(one) == hypotheses.identity_of(other) != hypotheses.identity_of(None)
    assert hypotheses.identity_of(named_group("SO2")) == "SO2"
    assert hypotheses.is_within(one, named_group("S3")) and not hypotheses.is_within(named_group("S3"), one)
