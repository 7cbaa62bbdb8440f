"""Certified optima against an independent solver, closed forms and random feasible points."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.groups import named_group, natural
from sharefind.meanfield import (
    EmpiricalLaw,
    Risk,
    Scheme,
    better_particles,
    build_unit,
    haar_rule,
    huber,
    least_distance,
    least_risk,
    risk_columns,
)

ACCURACY = 1e-7
"""Agreement with SciPy's SLSQP, whose own tolerance is 1e-12 in the objective."""


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 12), st.floats(0, 3), st.integers(0, 2**16))
def test_against_another_solver_and_random_points(rows: int, count: int, shift: float, seed: int) -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(rows, count)) + shift
    optimum = least_distance(columns)
    assert optimum.weights.min() >= 0
    assert abs(optimum.weights.sum() - 1) < 1e-12
    assert optimum.lower_bound <= optimum.value
    other = minimize(
        lambda w: float(((columns @ w) ** 2).sum()), np.full(count, 1 / count),
        jac=lambda w: 2 * columns.T @ columns @ w,
        method="SLSQP", bounds=[(0, 1)] * count, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assert optimum.value <= other.fun + ACCURACY
    points = columns @ rng.dirichlet(np.full(count, 0.3), size=500).T
    assert float((points**2).sum(0).min()) >= optimum.lower_bound - 1e-12


def test_closed_forms() -> None:
    # The segment from (1, 1) to (1, -3): its closest point to the origin is (1, 0).
    segment = least_distance(np.array([[1.0, 1.0], [1.0, -3.0]]))
    np.testing.assert_allclose(segment.weights, [0.75, 0.25], atol=1e-12)
    assert abs(segment.value - 1) < 1e-12
    assert segment.gap < 1e-12
    # A triangle around the origin.
    inside = least_distance(np.array([[1.0, -1.0, 0.0], [-1.0, -1.0, 2.0]]))
    assert inside.value < 1e-24
    # A vertex.
    vertex = least_distance(np.array([[2.0, 3.0], [0.0, 1.0]]))
    assert abs(vertex.value - 4) < 1e-12


def test_a_wrong_solver_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.optimize

    monkeypatch.setattr(scipy.optimize, "nnls", lambda a, b, maxiter: (np.eye(a.shape[1])[0], 0.0))
    with pytest.raises(NotConvergedError, match="the least risk lies between"):
        least_distance(np.array([[1.0, -1.0], [1.0, 1.0]]))


@pytest.mark.parametrize("columns", [np.zeros((0, 3)), np.zeros((3, 0)), np.full((2, 2), np.nan), np.zeros(3)])
def test_no_dictionary(columns: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="dictionary of shape"):
        least_distance(columns)


def network() -> tuple[Risk, torch.Tensor]:
    group = named_group("C3")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    rng = np.random.default_rng(0)
    law = EmpiricalLaw(torch.from_numpy(rng.normal(size=(9, 3))), torch.from_numpy(rng.uniform(-1, 1, size=(9, 3))))
    return Risk(unit, law), torch.from_numpy(rng.normal(size=(8, 9, 1)))


@pytest.mark.parametrize("scheme", list(Scheme))
def test_columns_give_the_risk_of_mixtures(scheme: Scheme) -> None:
    from sharefind.meanfield import Projector
    from sharefind.spaces import fixed_space

    plain, clouds = network()
    fixed = Projector(fixed_space(plain.unit.space.action))
    risk = Risk(plain.unit, plain.law, scheme=scheme, rule=haar_rule(plain.unit), fixed=fixed)
    columns = risk_columns(risk, clouds)
    cloud = clouds[[0, 3, 3, 5]].permute(2, 1, 0)
    point = columns[:, [0, 3, 3, 5]].mean(1)
    torch.testing.assert_close((point**2).sum(), risk.value(cloud)[0])


def test_column_generation_lowers_the_optimum() -> None:
    risk, clouds = network()
    first = least_risk(risk, clouds)
    more = better_particles(risk, clouds, first, clouds + 0.1, radius=3.0)
    assert float(more.abs().max()) <= 3.0
    second = least_risk(risk, torch.cat([clouds, more]))
    assert second.value < first.value - 1e-3


def test_other_losses_are_not_quadratic() -> None:
    risk, clouds = network()
    with pytest.raises(ConfigError, match="need the squared loss"):
        least_risk(Risk(risk.unit, risk.law, huber()), clouds)
