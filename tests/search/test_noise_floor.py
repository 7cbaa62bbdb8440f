"""Is there a signal that the unit cannot see? The noise floor against what is known, and what a search says of it."""

import numpy as np
import pytest

from sharefind.datasets import finite_task
from sharefind.search import Engine
from sharefind.search.noise_floor import noise_floor
from tests.search.problems import problem


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
    assert "learn nothing" in last.evidence.reason
    assert "use a unit with a bias" in last.evidence.reason


def test_labels_without_signal_stay_on_zero_and_are_not_called_a_saddle() -> None:
    rng = np.random.default_rng(0)
    task = finite_task("noise", rng.normal(size=(400, 2)), 0.5 + 0.1 * rng.normal(size=(400, 2)))
    zero = Engine(problem(task)).run().e_star
    assert zero.label == "{0}"
    assert not zero.evidence.stationary_not_optimal
    assert "no visible signal" in zero.evidence.reason


def test_the_floor_is_the_variance_of_the_noise() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(2000, 1))
    y = np.sin(6 * x) + 0.3 * rng.normal(size=x.shape)
    found = noise_floor(x, y)
    assert abs(found.floor - 0.09) < 0.02 and found.has_signal
    assert abs(found.variance - float(y.var())) < 1e-12


def test_noise_alone_has_no_signal() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(500, 3)), rng.normal(size=(500, 2))
    assert not noise_floor(x, y).has_signal
    constant = noise_floor(x, np.full((500, 1), 7.0))
    assert (constant.floor, constant.variance, constant.has_signal) == (0.0, 0.0, False)
