"""The held-out symmetry gap: exact under the hypothesis, powerful against a larger group than the true one."""

import numpy as np
import pytest
import torch
from scipy import stats

from sharefind.search.free_models import free_models
from sharefind.search.gap import _averaging_indices, _fold_scores, _stouffer, gap_p_value, independence_p_value
from sharefind.search.problem import Problem
from tests.search.problems import problem, teacher_task


def p_value(case: Problem, label: str) -> float:
    """The gap's p-value at the node of that label."""
    assert case.lattice is not None
    node = next(n for n in case.lattice.nodes if n.label == label)
    inside = [n.group for n in case.lattice.above(node)]
    return gap_p_value(case, free_models(case), node.group, inside, label)


def test_scores_average_to_zero_over_the_group_and_have_unit_randomisation_variance() -> None:
    case = problem(teacher_task("C4", 4, 200, 0), "C4")
    group = case.candidate.group
    scores = _fold_scores(case, free_models(case)[0], group, _averaging_indices(group, [group]))
    assert np.abs(scores).max() == 0, "averaging over the whole group leaves no asymmetry"
    trivial = case.lattice.full.group
    scores = _fold_scores(case, free_models(case)[0], group, _averaging_indices(group, [trivial]))
    assert np.abs(scores.mean(axis=2)).max() < 1e-12
    assert scores.var(axis=2).sum() == pytest.approx(1)


def test_scores_equal_their_definition_by_direct_symmetrisation() -> None:
    case = problem(teacher_task("C4", 4, 150, 1), "D4")
    node = next(n for n in case.lattice.nodes if n.label == "E^D4")
    sub = next(n.group for n in case.lattice.nodes if n.label == "E^C4")
    model, group = free_models(case)[2], node.group
    scores = _fold_scores(case, model, group, _averaging_indices(group, [sub]))
    matrices = case.candidate.in_rep.float_matrices()

    def averaged(x: np.ndarray, elements: np.ndarray) -> np.ndarray:
        moved = [model.predict(case, torch.from_numpy(x @ matrices[k].T)).numpy() @ matrices[k] for k in elements]
        return np.mean(moved, axis=0)

    whole, part = np.arange(8), np.array([group.index(e) for e in sub.elements()])
    x, y = model.x.numpy(), model.y.numpy()
    raw = []
    for k in range(8):
        moved_x, moved_y = x @ matrices[k].T, y @ matrices[k].T
        residual = moved_y - averaged(moved_x, whole)
        raw.append(((averaged(moved_x, part) - averaged(moved_x, whole)) * residual).sum(axis=1))
    expected = np.stack(raw, axis=1)
    expected /= np.sqrt(expected.var(axis=1).sum())
    np.testing.assert_allclose(scores[0], expected, atol=1e-9)


def test_the_gap_tells_c4_from_its_supergroups() -> None:
    case = problem(teacher_task("C4", 4, 600, 3), "S4")
    assert p_value(case, "E^S4") < 1e-3
    assert p_value(case, "E^D4") < 1e-3
    assert p_value(case, "E^C4") > 1e-2


def test_independence_is_rejected_where_labels_depend_on_inputs_and_kept_where_not() -> None:
    task = teacher_task("C2", 2, 300, 0)
    case = problem(task)
    assert independence_p_value(case, free_models(case), "a") < 1e-3
    rng = np.random.default_rng(0)
    from sharefind.datasets import finite_task

    shuffled = problem(finite_task("shuffled", task.x, task.y[rng.permutation(300)]))
    assert independence_p_value(shuffled, free_models(shuffled), "a") > 1e-2


def test_stouffer_of_uniform_p_values_is_uniform() -> None:
    rng = np.random.default_rng(0)
    combined = [_stouffer(p, [1.0, 1.4, 2.0]) for p in rng.random((2000, 3))]
    assert stats.kstest(combined, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.ci
def test_the_gap_is_exact_on_symmetric_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """600 data sets from C4-symmetric laws: the p-value of E^C4 is uniform, sequential weights included.

    Exactness does not depend on how well the models are trained, so they are trained briefly.
    """
    monkeypatch.setattr("sharefind.search.free_models.STEPS", 10)
    monkeypatch.setattr("sharefind.search.gap.DRAWS", 199)
    p_values = [p_value(problem(teacher_task("C4", 4, 60, s), "C4", seed=s), "E^C4") for s in range(600)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
