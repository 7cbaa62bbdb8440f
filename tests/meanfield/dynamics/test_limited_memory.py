"""L-BFGS against SciPy's, step by step, and where it must end."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize, rosen, rosen_der

from sharefind.meanfield.dynamics.limited_memory import minimise

Vector = NDArray[np.float64]
MATRIX = np.random.default_rng(0).normal(size=(60, 20))
TARGET = np.random.default_rng(1).normal(size=60)


def least_squares(x: Vector) -> tuple[float, Vector]:
    left = MATRIX @ x - TARGET
    return float(left @ left) / 2, MATRIX.T @ left


def valley(x: Vector) -> tuple[float, Vector]:
    return float(rosen(x)), rosen_der(x)


def logistic(x: Vector) -> tuple[float, Vector]:
    scores, classes = 3 * MATRIX @ x, TARGET > 0
    risk = float(np.logaddexp(0, scores).sum() - scores @ classes + 0.01 * x @ x)
    return risk, 3 * MATRIX.T @ (1 / (1 + np.exp(-scores)) - classes) + 0.02 * x


def wave(x: Vector) -> tuple[float, Vector]:
    """Not convex: brackets and all kinds of steps are needed."""
    return float((x**2 / 20 - np.cos(3 * x)).sum()), x / 10 + 3 * np.sin(3 * x)


@pytest.mark.parametrize("risk", [least_squares, valley, logistic, wave])
@pytest.mark.parametrize("memory", [3, 10])
def test_iterations_are_those_of_scipy(risk: Callable[[Vector], tuple[float, Vector]], memory: int) -> None:
    start = np.linspace(-1.5, 1.2, 20)
    theirs, ours = list[Vector](), list[Vector]()
    options = {"maxiter": 25, "maxcor": memory, "gtol": 1e-9, "ftol": 0.0}
    found = minimize(
        risk, start, jac=True, method="L-BFGS-B", callback=lambda x: theirs.append(x.copy()), options=options
    )
    made = minimise(risk, start, lambda x: bool(ours.append(x)), 25, memory)
    assert made == found.nit == len(ours)
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_it_ends_where_the_caller_says_so_and_where_the_gradient_is_flat() -> None:
    assert minimise(valley, np.zeros(4), lambda x: True, 25) == 1
    assert minimise(least_squares, np.linalg.lstsq(MATRIX, TARGET)[0], lambda x: False, 25, flat=1e-6) == 0


def test_a_function_without_numbers_ends_it() -> None:
    assert minimise(lambda x: (float("nan"), np.ones(2)), np.zeros(2), lambda x: False, 25) == 0
