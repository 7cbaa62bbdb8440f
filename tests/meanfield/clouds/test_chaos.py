"""Propagation of chaos: exponents with honest intervals, and covariances that vanish when they should."""

import numpy as np
import pytest
import torch

from sharefind.errors import ConfigError
from sharefind.meanfield import coupling_distance2, fit_power_law, pair_covariance, w2_squared


def test_exact_powers_are_found() -> None:
    sizes = (10, 20, 40, 80)
    values = np.array([[3.0 * n**-0.5] * 2 for n in sizes])
    fit = fit_power_law(sizes, values)
    assert abs(fit.exponent + 0.5) < 1e-12
    assert fit.low <= fit.exponent <= fit.high
    assert fit.high - fit.low < 1e-6


def test_intervals_cover_at_their_level() -> None:
    """1,000 noisy fits: the true exponent lies in the 90 % interval 900 times, give or take four deviations."""
    rng = np.random.default_rng(0)
    sizes = np.array([10, 30, 100, 300])
    covered = 0
    for _ in range(1000):
        values = sizes[:, None] ** -0.5 * np.exp(rng.normal(0, 0.3, size=(4, 5)))
        fit = fit_power_law(sizes.tolist(), values, level=0.9)
        covered += fit.low <= -0.5 <= fit.high
    assert abs(covered - 900) < 4 * np.sqrt(90)


def test_independent_particles_have_no_covariance_and_common_shocks_have() -> None:
    rng = np.random.default_rng(1)
    alone = torch.from_numpy(rng.normal(size=(4000, 6)))
    # The mean over 30 ordered pairs of a covariance of independent variables: 4 standard deviations.
    assert abs(float(pair_covariance(alone))) < 4 / np.sqrt(4000 * 15)
    shocked = alone + 0.5 * torch.from_numpy(rng.normal(size=(4000, 1)))
    assert abs(float(pair_covariance(shocked)) - 0.25) < 0.05


def test_pair_covariance_is_the_mean_over_pairs() -> None:
    values = torch.from_numpy(np.random.default_rng(2).normal(size=(7, 4)))
    matrix = np.cov(values.numpy(), rowvar=False)
    expected = (matrix.sum() - np.trace(matrix)) / 12
    assert abs(float(pair_covariance(values)) - expected) < 1e-12


def test_couplings_bound_the_transport_distance() -> None:
    rng = np.random.default_rng(3)
    a, b = torch.from_numpy(rng.normal(size=(1, 3, 20))), torch.from_numpy(rng.normal(size=(1, 3, 20)))
    assert float(coupling_distance2(a, b)) >= w2_squared(a[0].t().numpy(), b[0].t().numpy())
    assert float(coupling_distance2(a, a)) == 0.0


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([10], np.ones((1, 4)), "two sizes"),
        ([10, 20], np.ones((1, 4)), "two sizes"),
        ([10, 20], np.zeros((2, 2)), "positive values"),
    ],
)
def test_no_exponent_without_data(sizes: list[int], values: np.ndarray, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fit_power_law(sizes, values)


def test_no_covariance_without_replicates() -> None:
    with pytest.raises(ConfigError, match="2 replicates"):
        pair_covariance(torch.zeros(1, 5))
