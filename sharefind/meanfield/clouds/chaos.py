"""Propagation of chaos: how fast N interacting particles approach the nonlinear process, with fitted exponents.

The distances come from `measures` and `flow`; here they are compared over N.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.typing import FloatArray


def coupling_distance2(theta: Tensor, nonlinear: Tensor) -> Tensor:
    """Return mean_i |theta_i - theta_bar_i|^2 for particles that share their start with copies of the nonlinear
    process.

    It is an upper bound of W2^2 between the two clouds (Sznitman 1991, "Topics in propagation of chaos"; synchronous
    coupling).

    Args:
        theta: Particles, shape (R, D, N).
        nonlinear: The copies of the nonlinear process, shape (R, D, N).

    Returns:
        Shape (R,).
    """
    return ((theta - nonlinear) ** 2).sum(1).mean(-1)


def pair_covariance(observable: Tensor) -> Tensor:
    """Return the mean covariance of f(theta_i) and f(theta_j), i != j, over replicates.

    Chaos means that it vanishes as N grows. Computed from Var(sum_i f_i) = sum_i Var f_i + sum_{i != j} Cov.

    Args:
        observable: The values f(theta_i), shape (R, N).

    Returns:
        A scalar.

    Raises:
        ConfigError: Fewer than two replicates or particles.
    """
    replicates, particles = observable.shape
    if replicates < 2 or particles < 2:
        raise ConfigError(f"covariances need 2 replicates and 2 particles, not {replicates} and {particles}; add some")
    of_sum = observable.sum(1).var(correction=1)
    alone = observable.var(0, correction=1).sum()
    return (of_sum - alone) / (particles * (particles - 1))


@dataclass(frozen=True)
class PowerLaw:
    """A power law, value ~ c N^exponent, fitted by least squares on logarithms.

    Attributes:
        exponent: The slope.
        low: Lower end of its confidence interval.
        high: Upper end of its confidence interval.
        level: Level of the interval, for example .95.
    """

    exponent: float
    low: float
    high: float
    level: float


def fit_power_law(sizes: Sequence[int], values: FloatArray, level: float = 0.95) -> PowerLaw:
    """Return an exponent with its confidence interval (Student's t on the residuals of the log-log regression).

    Args:
        sizes: The numbers N, at least two different ones.
        values: Positive, independent values, shape (len(sizes), repetitions).
        level: Level of the interval.

    Raises:
        ConfigError: There are too few sizes or values, or a value is not positive.
    """
    from scipy import stats

    if values.ndim != 2 or len(values) != len(sizes) or len(set(sizes)) < 2 or values.size < 3:
        raise ConfigError(f"an exponent needs two sizes and three values, not {len(sizes)} sizes and {values.shape}")
    if not (values > 0).all():
        raise ConfigError("an exponent needs positive values; leave out sizes at which the distance is zero")
    log_sizes = np.repeat(np.log(np.asarray(sizes, dtype=float)), values.shape[1])
    fit = stats.linregress(log_sizes, np.log(values).reshape(-1))
    half = float(stats.t.ppf((1 + level) / 2, values.size - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return PowerLaw(slope, slope - half, slope + half, level)
