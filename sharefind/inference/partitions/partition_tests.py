"""Which parameters of a linear model, or of a mean, are equal, opposite or zero? Blind sharing of K parameters.

Exact tests of all equalities (`equality_tests`) find parameters that differ; `partition_search` joins the rest; this
module refits the tied parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
import scipy

from sharefind.errors import ConfigError
from sharefind.inference.partitions.equality_tests import EqualityTests, equality_tests
from sharefind.inference.partitions.linear_estimates import Estimates, mean_estimates, weight_estimates
from sharefind.inference.partitions.partition_search import Classes, joined, simplest
from sharefind.spaces import Subspace
from sharefind.spaces import tying as _tying
from sharefind.typing import BoolArray, FloatArray

Chains = Literal["joined", "cut"]
"""The treatment of parameters that differ although each is equal to a third one."""


class PartitionOptions(TypedDict, total=False):
    """How parameters are compared.

    Attributes:
        signed: Whether parameters may also be equal up to sign; False if left out.
        zeros: Whether they may also be 0; False if left out.
        alpha: Probability with which any true equality may be refuted; 0.01 if left out.
        chains: "joined", the default, keeps together all parameters that may be equal, directly or through others;
            "cut" takes the fewest classes that the tests leave standing.
        draws: Draws of the tests; 999 if left out.
        seed: Seed of the tests; 0 if left out.
    """

    signed: bool
    zeros: bool
    alpha: float
    chains: Chains
    draws: int
    seed: int


@dataclass(frozen=True, eq=False)
class Partition:
    """A partition of K parameters into tied ones, with their tied estimates; r classes do not vanish.

    With probability at least 1 - alpha (Gaussian noise; at every sample size) all pairs that were found to differ do
    differ: see `equality_tests`. Then "joined" splits no two parameters that are equal; "cut" may, where `undecided`
    lists them, but has at most as many classes as the truth (uncorrelated, equally precise estimates). Nothing is
    promised in the other direction: parameters that are tied may differ by less than the data can show.

    Attributes:
        labels: Canonical labels, int32 (K,): 0 = zero, k or -k = class k with sign.
        values: Tied estimates of class 1, 2, ..., generalised least squares, shape (r,).
        errors: Their standard errors, shape (r,).
        free: Estimates with nothing tied, shape (K,).
        free_errors: Their standard errors, shape (K,).
        p_value: p-value of the F test of the tied model against the free one. The partition was chosen on the same
            data, so small values speak against it, while large ones are no proof.
        p_equal: Adjusted p-values of w_k = w_l, shape (K, K).
        p_opposite: Adjusted p-values of w_k = -w_l, shape (K, K), if signed.
        p_zero: Adjusted p-values of w_k = 0, shape (K,), if zeros were tested.
        refuted: Pairs that are tied although they were found to differ; (k, k) stands for w_k = 0. Only with "joined".
        undecided: Pairs that are not tied although they were not found to differ. Only with "cut".
        alpha: The family-wise level.
        chains: How such cases were settled.
    """

    labels: _tying.Labels
    values: FloatArray
    errors: FloatArray
    free: FloatArray
    free_errors: FloatArray
    p_value: float
    p_equal: FloatArray
    p_opposite: FloatArray | None
    p_zero: FloatArray | None
    refuted: tuple[tuple[int, int], ...]
    undecided: tuple[tuple[int, int], ...]
    alpha: float
    chains: Chains

    @property
    def blocks(self) -> int:
        """Number of classes that do not vanish, r."""
        return self.values.size

    @property
    def tied(self) -> FloatArray:
        """The parameters refitted under the partition, (K,)."""
        return _incidence(self.labels) @ self.values

    @property
    def resolved(self) -> bool:
        """Whether the data leave one answer: all tied pairs may be equal, all others differ, and the F test agrees.

        The F test adds what pairs do not show, for example two weights whose sum alone is known and is not 0. False
        with probability at most 2 alpha where parameters of different classes are far enough apart.
        """
        return not (self.refuted or self.undecided) and self.p_value > self.alpha

    @property
    def criterion(self) -> str:
        """How it was chosen, in words."""
        return f"step-down max-|t| tests of all equalities, family-wise level {self.alpha:g}, chains {self.chains}"

    def subspace(self) -> Subspace:
        """Return the exact tying space of the labels in R^K."""
        return Subspace.from_tying(self.labels)


def mean_partition(samples: Any, **options: Unpack[PartitionOptions]) -> Partition:
    """Which entries of a mean are equal? Samples mu + sigma z with independent coordinates of one unknown variance.

    Args:
        samples: Shape (n, K), n >= 2; float64 is used.
        **options: See `PartitionOptions`.

    Returns:
        The partition.

    Raises:
        InputError: The samples are too few or not finite.
        ConfigError: See `estimate_partition`.
    """
    return estimate_partition(mean_estimates(samples), **options)


def weight_partition(x: Any, y: Any, *, intercept: bool = False, **options: Unpack[PartitionOptions]) -> Partition:
    """Which weights of y = sum_k w_k x_k + noise are equal? Ordinary least squares, noise of one unknown variance.

    Args:
        x: Shape (n, K), n > K.
        y: Shape (n,).
        intercept: Whether a constant is fitted too; it is never tied.
        **options: See `PartitionOptions`.

    Returns:
        The partition.

    Raises:
        InputError: The samples do not match, are too few or not finite, or a column of x is determined by others.
        ConfigError: See `estimate_partition`.
    """
    return estimate_partition(weight_estimates(x, y, intercept), **options)


def estimate_partition(
    estimates: Estimates,
    *,
    signed: bool = False,
    zeros: bool = False,
    alpha: float = 0.01,
    chains: Chains = "joined",
    draws: int = 999,
    seed: int = 0,
) -> Partition:
    """Test which of K estimated parameters are equal; the two functions above, for estimates from elsewhere.

    Args:
        estimates: The estimates and their noise.
        signed: Whether parameters may also be equal up to sign.
        zeros: Whether they may also be 0.
        alpha: Probability with which any true equality may be refuted.
        chains: "joined" keeps together all parameters that may be equal, directly or through others; "cut" takes the
            fewest classes that the tests leave standing.
        draws: Draws of the tests.
        seed: Seed of the tests.

    Returns:
        The partition.

    Raises:
        ConfigError: Alpha is not in (0, 1), `draws` is too small, or `chains` is neither of the two.
    """
    if chains not in ("joined", "cut"):
        raise ConfigError(f"chains={chains!r}: give 'joined' or 'cut'")
    tests = equality_tests(estimates, signed=signed, zeros=zeros, alpha=alpha, draws=draws, seed=seed)
    weights = np.pad(1 / np.diag(estimates.shape), (0, int(zeros)))
    classes = joined(tests) if chains == "joined" else simplest(tests, weights)
    together, clash = _compared(tests, classes)
    labels = _tying.canonical(_labels(tests, classes))
    values, errors, p_value = _refitted(estimates, labels)
    size = labels.size
    return Partition(
        labels=labels,
        values=values,
        errors=errors,
        free=estimates.values,
        free_errors=estimates.errors,
        p_value=p_value,
        p_equal=tests.p_values[0, :size, :size],
        p_opposite=tests.p_values[1, :size, :size] if signed else None,
        p_zero=tests.p_values[0, :size, size] if zeros else None,
        refuted=_pairs(together & clash, size),
        undecided=_pairs(~together & ~tests.refuted.all(axis=0), size),
        alpha=alpha,
        chains=chains,
    )


def _labels(tests: EqualityTests, classes: Classes) -> Classes:
    """(J,) -> (K,): the class of the parameter 0 vanishes."""
    return np.where(np.abs(classes) == abs(classes[-1]), 0, classes)[:-1] if tests.zeros else classes


def _compared(tests: EqualityTests, classes: Classes) -> tuple[BoolArray, BoolArray]:
    """Pairs of one class, and pairs that cannot be tied as their class ties them, (J, J)."""
    together = np.equal.outer(np.abs(classes), np.abs(classes))
    vanishing = np.abs(classes) == (abs(classes[-1]) if tests.zeros else 0)
    clash = np.where(np.logical_and.outer(vanishing, vanishing), tests.unlike, tests.conflicts(np.sign(classes)))
    return together, clash


def _pairs(chosen: BoolArray, size: int) -> tuple[tuple[int, int], ...]:
    """Pairs k < l of (J, J); (k, k) for a parameter k and 0."""
    first, second = np.nonzero(np.triu(chosen, k=1))
    return tuple((int(k), int(k if other == size else other)) for k, other in zip(first, second, strict=True))


def _refitted(estimates: Estimates, labels: _tying.Labels) -> tuple[FloatArray, FloatArray, float]:
    """Tied values (r,), their standard errors (r,), and the p-value of the F test against the free model."""
    design = np.linalg.solve(estimates.factor, _incidence(labels))
    white = np.linalg.solve(estimates.factor, estimates.values)
    q, r = np.linalg.qr(design)
    values, inverse = np.linalg.solve(r, q.T @ white), np.linalg.inv(r)
    ties = labels.size - values.size
    errors = estimates.scale * np.sqrt((inverse**2).sum(axis=1))
    if ties == 0:
        return values, errors, 1.0
    lost = float((((white - design @ values) / estimates.scale) ** 2).sum())
    return values, errors, float(scipy.special.fdtrc(ties, estimates.dof, lost / ties))


def _incidence(labels: _tying.Labels) -> FloatArray:
    """(K, r): the sign with which a parameter follows its class."""
    incidence = np.zeros((labels.size, _tying.dimension(labels)))
    used = np.flatnonzero(labels)
    incidence[used, np.abs(labels[used]) - 1] = np.sign(labels[used])
    return incidence
