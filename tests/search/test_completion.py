"""Rows that are trained on where the relation decides: orbits of rows, whole, in one unit, with their labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sharefind.datasets import fresh_task
from sharefind.groups import named_group
from sharefind.inference import FamilyTest, Verdict
from sharefind.inference.relation.relation_family import RelationFamily
from sharefind.search import Problem, build_problem, hypotheses, search_config
from sharefind.search.completion import completed
from sharefind.search.symmetries import Symmetries
from tests.search.problems import one_sided_task, problem


def _accepted(case: Problem, name: str | None, decided_by: str = "relation") -> hypotheses.TestedProblem:
    """The problem with a relation that was accepted under a group, and nothing else."""
    names = ["C4", "C2"]
    verdicts = {n: Verdict.REJECTED if name is None or (n, name) == ("C4", "C2") else Verdict.ACCEPTED for n in names}
    family = FamilyTest(verdicts, {}, dict.fromkeys(names, 0.5), () if name is None else (name,), 0.01, ())
    found = RelationFamily(family, {}, (), ())
    orders = {"C4": 4, "C2": 2}
    return hypotheses.TestedProblem.of(case, Symmetries(None, family, orders, relation=found, decided_by=decided_by))


def _case(n: int = 30) -> Problem:
    return problem(one_sided_task(n, 1.0, degree=4), "C4")


@pytest.mark.parametrize(("name", "order"), [("C4", 4), ("C2", 2)])
def test_rows_come_with_all_images_and_their_labels_in_one_unit(name: str, order: int) -> None:
    tested = _accepted(_case(), name)
    found = completed(tested)
    assert found.units is not None and torch.bincount(found.units).tolist() == [order] * 30
    step = 4 // order
    for unit in range(30):
        rows = found.units == unit
        both = torch.cat([found.x[rows].reshape(order, 4), found.y[rows].reshape(order, 4)], dim=1)
        expected = [
            torch.cat([torch.roll(tested.x[unit], k * step), torch.roll(tested.y[unit], k * step)])
            for k in range(order)
        ]
        assert sorted(both.tolist()) == sorted(torch.stack(expected).tolist())


def test_many_rows_give_one_image_each() -> None:
    tested = _accepted(_case(), "C4")
    found = completed(tested, most_rows=100)
    assert found.x.shape == tested.x.shape and found.units is None
    turns = [
        next(k for k in range(4) if torch.equal(torch.roll(a, k), b) and torch.equal(torch.roll(c, k), d))
        for a, b, c, d in zip(tested.x, found.x, tested.y, found.y, strict=True)
    ]
    assert set(turns) == {0, 1, 2, 3}
    again = completed(tested, most_rows=100)
    assert torch.equal(again.x, found.x)


def test_images_stay_in_the_unit_of_their_row_and_in_one_fold() -> None:
    case = replace(_case(), units=torch.arange(30) // 2)
    found = completed(_accepted(case, "C2"))
    assert torch.equal(found.units, case.units.repeat_interleave(2))
    folds = found.independent_source(np.random.default_rng(0))._split
    seen = [set(found.units[fold].tolist()) for fold in folds]
    assert len(seen) > 1 and sum(map(len, seen)) == len(set.union(*seen))


def test_nothing_is_completed_where_the_law_decides_or_no_group_is_accepted() -> None:
    case = _case()
    for tested in (_accepted(case, "C4", "law"), _accepted(case, None), hypotheses.TestedProblem.of(case, None)):
        assert completed(tested) is tested


class _Skewed:
    """Samples of an equivariant map at inputs that no shift leaves alone in law."""

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """x (n, 4), y (n, 4)."""
        x = rng.normal(size=(n, 4)) + np.array([3.0, 0.0, 0.0, 0.0])
        return x, np.tanh(x - np.roll(x, 1, axis=1))


def test_fresh_samples_are_moved_as_they_are_drawn() -> None:
    task = fresh_task("skewed", _Skewed(), 4, 4)
    case = build_problem(search_config(group="C4", unit="matrix"), task, named_group("C4"))
    x, y = completed(_accepted(case, "C4")).task.sample(np.random.default_rng(0), 4000)
    np.testing.assert_allclose(y, np.tanh(x - np.roll(x, 1, axis=1)), atol=1e-12)
    np.testing.assert_allclose(x.mean(0), 0.75, atol=0.15)
    assert case.task.sample(np.random.default_rng(0), 4000)[0].mean(0)[0] > 2.9
