"""Which rejected groups are looked at closely, and what that says."""

import pytest

from sharefind.datasets import load_task
from sharefind.groups import FiniteGroup, named_group
from sharefind.inference import Cause, FamilyTest, RandomisationTest, Verdict
from sharefind.search import Engine, hypotheses
from sharefind.search.memory import NoMemory
from sharefind.search.rejected_groups import _nearest_rejected, diagnoses
from sharefind.search.symmetries import Symmetries
from tests.search.problems import problem, teacher_task


@pytest.mark.slow
def test_diagnoses_say_what_is_broken_and_by_how_much() -> None:
    """The nearest larger group of a C_3 teacher is so nearly right that tying costs nothing that 800 rows would show.

    The swap of an arbitrary teacher is far off.
    """
    near = Engine(problem(teacher_task("C3", 3, 800, 2), "S3")).run().diagnoses
    assert set(near) == {"S3"}
    assert near["S3"].cause is Cause.UNDETERMINED and near["S3"].is_approximate
    (far,) = Engine(problem(load_task("c2-arbitrary"), horizon=2.0, copies=199, seed=1)).run().diagnoses.values()
    assert far.cause is Cause.RELATION and far.risk.low > 0.3


def with_verdicts(n: int = 60, **verdicts: Verdict) -> hypotheses.TestedProblem:
    """A problem with verdicts on some subgroups of S_3."""
    test = RandomisationTest(0.005, "known", 199, 0, 3.0)
    family = FamilyTest(verdicts, {}, dict.fromkeys(verdicts, test.p_value), ("C3",), 0.01, ())
    return hypotheses.TestedProblem.of(problem(teacher_task("C3", 3, n, 0), "S3"), Symmetries(None, family))


def test_nothing_is_looked_at_where_there_is_nothing_to_see() -> None:
    calls: list[object] = []
    for case in (with_verdicts(60, C3=Verdict.ACCEPTED), with_verdicts(60), with_verdicts(19, S3=Verdict.REJECTED)):
        assert diagnoses(case, NoMemory(), lambda *told: calls.append(told)) == {}
    case = with_verdicts(60, S3=Verdict.REJECTED)
    assert diagnoses(case, NoMemory(), lambda *told: calls.append(told), fewest_samples=61) == {}
    assert diagnoses(case, NoMemory(), lambda *told: calls.append(told), most=0) == {}
    assert calls == []


def test_the_nearest_rejected_groups_contain_what_is_accepted() -> None:
    full = named_group("S4")
    groups = {
        "S4": full,
        "A4": FiniteGroup("A4", 4, ((1, 2, 0, 3), (1, 0, 3, 2))),
        "C4": FiniteGroup("C4", 4, ((1, 2, 3, 0),)),
        "C3": FiniteGroup("C3", 4, ((1, 2, 0, 3),)),
    }
    rejected = dict.fromkeys(("S4", "A4", "C4"), Verdict.REJECTED)
    family = FamilyTest({**rejected, "C3": Verdict.ACCEPTED}, {}, {}, ("C3",), 0.01, ())
    assert _nearest_rejected(family, groups) == ["S4", "A4"]
