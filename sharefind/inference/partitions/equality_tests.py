"""Tests which parameters differ: all equalities of a linear model's parameters at once, at one error rate.

The estimates and their noise come from `linear_estimates`; what is found becomes a partition in `partition_search`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import ConfigError
from sharefind.inference.partitions.linear_estimates import Estimates
from sharefind.rng import named_stream
from sharefind.typing import BoolArray, FloatArray


@dataclass(frozen=True, eq=False)
class EqualityTests:
    """Results of the tests of w_k = s w_l, for signs s and pairs of parameters; symmetric in k, l.

    Attributes:
        signs: (1,), or (1, -1) where opposite parameters are tested, too.
        zeros: Whether 0 takes part, as one more parameter, the last. Then J = K + 1 below, otherwise J = K.
        values: The estimates, shape (J,).
        statistics: |t|, shape (len(signs), J, J).
        p_values: Adjusted p-values, shape (len(signs), J, J); 1 on the diagonal. For each a <= alpha, all equalities
            with p <= a are false with probability at least 1 - a.
        refuted: Whether p <= alpha, shape (len(signs), J, J).
        alpha: The family-wise level.
    """

    signs: tuple[int, ...]
    zeros: bool
    values: FloatArray
    statistics: FloatArray
    p_values: FloatArray
    refuted: BoolArray
    alpha: float

    def conflicts(self, oriented: NDArray[np.integer]) -> BoolArray:
        """Return pairs for which oriented_k w_k = oriented_l w_l is refuted.

        Args:
            oriented: Orientations +-1, shape (J,).

        Returns:
            Shape (J, J), bool.
        """
        opposite = np.multiply.outer(oriented, oriented) < 0
        return np.asarray(np.where(opposite, self.refuted[-1], self.refuted[0]))

    @property
    def unlike(self) -> BoolArray:
        """Pairs that have not both the value 0, (J, J)."""
        return np.asarray(self.refuted.any(axis=0))


def equality_tests(
    estimates: Estimates, *, signed: bool, zeros: bool, alpha: float, draws: int, seed: int
) -> EqualityTests:
    """Test all w_k = w_l, with `signed` all w_k = -w_l, with `zeros` all w_k = 0: step-down max-|t| tests.

    The largest |t| among the equalities that are still open is compared with its law when all of them hold, drawn
    `draws` times: noise F z / sqrt(chi^2_dof / dof) has that law, whatever the truth and sigma. Refuted equalities are
    no longer open, and the rest is tested again, until nothing more is refuted.

    Theorem. The probability that any true equality is refuted is at most alpha, for every K, F, truth and number of
    draws. Proof. Let S be the true equalities, T the largest |t| in S and T_1, ..., T_m that of the draws. On S the
    estimates' t is that of their noise, so T, T_1, ..., T_m are exchangeable and q = (1 + #{T_k >= T}) / (m + 1) has
    P(q <= alpha) <= alpha. Let the first true equality be refuted in some step. All of S is open in it, so its p-value
    there, taken with the maximum over more, is at least q; hence q <= alpha. QED. (Step-down: Romano & Wolf 2005,
    "Exact and approximate stepdown methods for multiple hypothesis testing"; draws: Dwass 1957.)

    An adjusted p-value is the largest of its own and those of earlier steps: at that value as the level, the same would
    have been refuted before. Costs O(draws K^2) a step.

    Args:
        estimates: The estimates and their noise.
        signed: Whether parameters may also be equal up to sign.
        zeros: Whether they may also be 0.
        alpha: Probability with which any true equality may be refuted.
        draws: Number of draws of the noise.
        seed: Seed of the draws.

    Returns:
        The statistics, the p-values and what is refuted.

    Raises:
        ConfigError: Alpha is not in (0, 1), or `draws` is too small for a refutation.
    """
    if not 0 < alpha < 1 or 1 / (draws + 1) > alpha:
        raise ConfigError(
            f"alpha={alpha}, draws={draws}: alpha must lie in (0, 1) and 1 / (draws + 1) not above it; give more draws"
        )
    signs = (1, -1) if signed else (1,)
    values, factor, noise = _with_zero(estimates, _noise(estimates, draws, seed), zeros)
    units = np.stack([_units(factor, sign) for sign in signs])
    differences = np.stack([np.abs(values[:, None] - sign * values) for sign in signs])
    statistics = differences / (estimates.scale * units)
    p_values = _stepped_down(statistics, noise, units, signs, _tested(len(signs), values.size, zeros), alpha)
    p_values = np.minimum(p_values, p_values.swapaxes(1, 2))
    if zeros and signed:  # w_k = -0 is w_k = 0, and was tested once
        for row in (np.s_[-1, :-1], np.s_[:-1, -1]):
            p_values[1][row] = p_values[0][row]
    return EqualityTests(signs, zeros, values, statistics, p_values, p_values <= alpha, alpha)


def _noise(estimates: Estimates, draws: int, seed: int) -> FloatArray:
    """Estimates of 0 in units of s, (K, draws)."""
    rng = named_stream(seed, "equality tests")
    normal = rng.standard_normal((estimates.values.size, draws))
    spread = np.sqrt(rng.chisquare(estimates.dof, size=draws) / estimates.dof)
    noise: FloatArray = (estimates.factor @ normal) / spread
    return noise


def _with_zero(estimates: Estimates, noise: FloatArray, zeros: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values (J,), factor (J, K) and noise (J, draws); 0 is a parameter that is known without error."""
    last = (0, 1 if zeros else 0)
    return np.pad(estimates.values, last), np.pad(estimates.factor, (last, (0, 0))), np.pad(noise, (last, (0, 0)))


def _units(factor: FloatArray, sign: int, cancelled: float = 1e-6) -> FloatArray:
    """Standard deviation of w_k - sign w_l in units of sigma, (J, J); 1 on the diagonal, not tested.

    cancelled: share of the two variances below which that of a difference is computed anew, free of cancellation.
    """
    shape = factor @ factor.T
    both = np.add.outer(np.diag(shape), np.diag(shape))
    squares = both - 2 * sign * shape
    first, second = np.nonzero(squares < cancelled * both)
    squares[first, second] = ((factor[first] - sign * factor[second]) ** 2).sum(axis=1)
    np.fill_diagonal(squares, 1.0)
    return np.asarray(np.sqrt(squares))


def _tested(signs: int, size: int, zeros: bool) -> BoolArray:
    """Each equality once, (signs, J, J)."""
    tested = np.triu(np.ones((signs, size, size), dtype=bool), k=1)
    if zeros:
        tested[1:, :, -1] = False
    return tested


def _stepped_down(
    statistics: FloatArray,
    noise: FloatArray,
    units: FloatArray,
    signs: tuple[int, ...],
    tested: BoolArray,
    alpha: float,
) -> FloatArray:
    """Adjusted p-values of the tested equalities, 1 elsewhere; all arrays (len(signs), J, J) but noise (J, draws)."""
    p_values = np.ones_like(statistics)
    still_open, floor = tested.copy(), 0.0
    while still_open.any():
        largest = np.sort(_largest(noise, units, signs, still_open))
        exceeding = largest.size - np.searchsorted(largest, statistics[still_open])
        p_values[still_open] = np.maximum(floor, (1 + exceeding) / (largest.size + 1))
        refuted = still_open & (p_values <= alpha)
        if not refuted.any():
            break
        floor = float(p_values[refuted].max())
        still_open &= ~refuted
    return p_values


def _largest(noise: FloatArray, units: FloatArray, signs: tuple[int, ...], chosen: BoolArray) -> FloatArray:
    """The largest |t| of each draw among the chosen equalities, (draws,)."""
    largest = np.zeros(noise.shape[1])
    for place, sign in enumerate(signs):
        for k in np.flatnonzero(chosen[place].any(axis=1)):
            others = np.flatnonzero(chosen[place, k])
            t = np.abs(noise[others] - sign * noise[k]) / units[place, k, others, None]
            np.maximum(largest, t.max(axis=0), out=largest)
    return largest
