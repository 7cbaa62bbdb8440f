"""Which rejected groups are looked at closely, and what that says."""

import pytest

from sharefind.datasets import load_task
from sharefind.groups import FiniteGroup, named_group
from sharefind.inference import Cause, FamilyTest, RandomisationTest, Verdict
from sharefind.inference.relation.relation_family import RelationFamily
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
    assert set(near) == {"S3", "C3"}
    assert near["C3"].inputs is None and near["C3"].risk.gap < 0.01
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


def test_all_groups_whose_relation_was_tested_have_a_price() -> None:
    """What the tests found is taken over: neither the inputs nor the relation is judged a second time."""
    names = ("S3", "C3", "C2:<(0 1)>")
    test = RandomisationTest(0.005, "input-law", 199, 0, 3.0)
    accepted, rejected = dict.fromkeys(names, Verdict.ACCEPTED), dict.fromkeys(names, Verdict.REJECTED)
    adjusted = dict.fromkeys(names, 0.005)
    law = FamilyTest(rejected, {}, adjusted, (), 0.01, ())
    inputs = FamilyTest({**rejected, "C3": Verdict.ACCEPTED}, {"S3": test}, adjusted, ("C3",), 0.01, ())
    family = FamilyTest({**accepted, "S3": Verdict.REJECTED}, {}, adjusted, ("C3",), 0.01, ())
    relation = RelationFamily(family, {}, (), ())
    found = Symmetries(None, law, inputs=inputs, relation=relation, decided_by="relation")
    case = hypotheses.TestedProblem.of(problem(teacher_task("C3", 3, 60, 0), "S3"), found)
    calls: list[str] = []
    prices = diagnoses(case, NoMemory(), lambda *told: calls.append(told[0]))
    known = [name for name in names if name in prices]
    assert next(iter(prices)) == "S3" and set(known) == set(prices) and {"S3", "C3"} <= set(prices)
    assert calls[:2] == ["diagnosis of the free model", "diagnosis of S3"] and len(calls) == 1 + len(prices)
    assert prices["S3"].inputs == test and prices["S3"].cause is Cause.BOTH
    assert prices["C3"].inputs is None and prices["C3"].cause is Cause.UNDETERMINED
    assert len({price.risk.free_r2 for price in prices.values()}) == 1
    assert list(diagnoses(case, NoMemory(), lambda *told: None, most_related=1)) == ["S3", "C3"]


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
