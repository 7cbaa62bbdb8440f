"""Invariant labels of many inputs: what is taken by default sees a group that does not hold."""

import pytest

from sharefind.groups import subgroups, trivial
from sharefind.inference.statistics.registry import statistic_of
from sharefind.inference.statistics.traits import ProblemTraits
from tests.bench.invariant_power import Task, point, tasks

pytestmark = pytest.mark.usefixtures("independent_rows")


def default_of(task: Task, n: int) -> str:
    """The name of the statistic that a search takes by itself."""
    group = task.rep.finite_group
    return statistic_of(ProblemTraits(task.rep, trivial(group, 1), subgroups(group), n)).name


@pytest.mark.slow
def test_the_default_sees_a_false_group_on_images() -> None:
    """C_4 in D_4 on 3 x 3 pixels, n = 200: the marginal likelihood rejects D_4 in 3 of these 20 sets at .05."""
    task = tasks()["images-3x3"]
    found = point(task, default_of(task, 200), 200, 20)
    print(found)
    assert int(found["rejected_0.05"]) >= 10 and int(found["rejected_0.01"]) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folded-4", "folded-10"])
def test_the_default_sees_a_false_group_among_inputs_that_do_not_matter(name: str) -> None:
    """The correlogram rejects B_2 in 12 and 1 of these 20 sets."""
    task = tasks()[name]
    found = point(task, default_of(task, 50), 50, 20)
    print(found)
    assert int(found["rejected_0.05"]) >= 18


@pytest.mark.slow
def test_symmetric_evidence_sees_what_smaller_groups_tie() -> None:
    """C_6 in D_6 on R^6, n = 100: the marginal likelihood rejects D_6 in 1 of 20 sets."""
    found = point(tasks()["cycle-6"], "symmetric-evidence", 100, 10)
    print(found)
    assert int(found["rejected_0.05"]) >= 6
