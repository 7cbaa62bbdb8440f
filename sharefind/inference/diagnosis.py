"""Why was a symmetry rejected, and by how much does it fail? The law of X on its own, and what tying costs in risk.

A rejection of the joint law does not say whether the inputs or the relation broke the symmetry. The test on X alone is
exact; the risk gap is an estimate with an interval, and what makes an approximate symmetry visible as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.groups import FiniteGroup
from sharefind.inference.marginal_likelihood import matern, squared_distances
from sharefind.inference.moves import Moves, invariant_scale, moved_coordinates
from sharefind.inference.p_values import RandomisationTest
from sharefind.inference.randomisation import Bound, randomisation_test
from sharefind.inference.samples import refuse_bad_samples
from sharefind.inference.units import renumbered, subsample, unit_count, unit_folds
from sharefind.meanfield.actions import JointAction
from sharefind.workers import Workers

INPUT_LENGTHS = (0.3, 1.2)
"""Inverse length scales of the test on X for inputs of spread 1, divided by the root of their number."""

LARGEST = 600
"""Most samples for the test on X and for the risk gap: both cost their square or more."""

FOLDS = 5
"""Folds of the cross-validation behind a risk gap."""

IMAGES = 8
"""Images of a training sample under a group, at most: all of them for smaller groups, Haar draws for larger ones."""

FITTED = 2400
"""Most samples and images that a tied model is fitted to; larger training sets are thinned, for both models alike."""

CONSTANT = 1e-20
"""Share of the mean square below which the labels' variance is rounding."""

TUNED = 500
"""Most samples and images on which length and ridge are chosen."""

LENGTHS = (0.2, 0.6)
"""Inverse length scales of the fitted kernels, on inputs of spread 1, divided by the root of their number."""

RIDGES = (3e-3, 0.03, 0.3)
"""Noise variances of the fits, relative to the amplitude of the function."""

CONFIDENCE = 0.95
"""Of the interval around a risk gap."""

NEGLIGIBLE = 0.01
"""Share of the labels' variance below which a loss is called an approximate symmetry."""


@dataclass(frozen=True)
class InputLaw:
    """sum_ij k(x_i, x_j): the squared distance of the law of X from its symmetrisation, up to what orbits decide.

    In the feature space of an invariant kernel, |mean phi(x_i) - m|^2 with m = mean_{j,g} phi(g x_j) is the squared
    maximum mean discrepancy; <phi(x_i), m> and <m, m> do not change when samples move along their orbits.
    """

    @property
    def name(self) -> str:
        """input-law."""
        return "input-law"

    def bind(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> Bound:
        """The statistic on at most `LARGEST` samples; labels are not looked at."""
        scale = invariant_scale(x, moved_coordinates(moves, x.shape[1], y.shape[1], rng))
        kept = torch.from_numpy(rng.permutation(len(x))[:LARGEST])
        widths = [w / x.shape[1] ** 0.5 for w in INPUT_LENGTHS]

        def energies(rows: Tensor, _: Tensor) -> Tensor:
            values = [_energies(row[kept].double() * scale, widths) for row in rows]
            return torch.stack(values)

        return Bound(y, energies)


def _energies(x: Tensor, widths: list[float]) -> Tensor:
    distances = squared_distances(x.unsqueeze(0))[0]
    return torch.stack([matern(distances, w).sum() for w in widths])


@dataclass(frozen=True)
class RiskGap:
    """What tying costs: held-out squared error of the tied model minus that of the free one, over the variance of Y.

    Attributes:
        gap: the estimate, below 0 where tying helps. low, high: its interval. free_r2: 1 - risk / variance of the
            free model, tied_r2 of the tied one.
    """

    gap: float
    low: float
    high: float
    free_r2: float
    tied_r2: float


class Cause(StrEnum):
    """What a rejection is due to, as far as the data tell."""

    RELATION = "relation"
    INPUTS = "inputs"
    BOTH = "inputs and relation"


@dataclass(frozen=True)
class Diagnosis:
    """One symmetry, looked at closely.

    Attributes:
        inputs: exact test that the law of X is invariant. risk: what the tied model loses. alpha: of both verdicts.
    """

    inputs: RandomisationTest
    risk: RiskGap
    alpha: float

    @property
    def cause(self) -> Cause:
        """Of a rejection. Where the inputs are not rejected it is the relation, by however little.

        Where they are, the relation counts as broken too when the interval of the risk gap lies above 0.
        """
        if self.inputs.p_value > self.alpha:
            return Cause.RELATION
        return Cause.BOTH if self.risk.low > 0 else Cause.INPUTS

    @property
    def is_approximate(self) -> bool:
        """Whether the tied model loses less than `NEGLIGIBLE` of the variance, with confidence."""
        return self.risk.high <= NEGLIGIBLE


def diagnose(
    x: Tensor,
    y: Tensor,
    moves: Moves,
    rng: np.random.Generator,
    alpha: float = 0.01,
    copies: int = 199,
    workers: Workers | None = None,
    units: Tensor | None = None,
) -> Diagnosis:
    """Look at one symmetry: is X invariant on its own, and what does tying cost?

    Args:
        x: (n, d_in). y: (n, d_out). moves: the group, orthogonal. alpha, copies: of the test on X. workers: for it.
        units: (n,), int64, numbered from 0: one group element a unit, and folds of whole units; None for one a row.

    Raises:
        InputError: fewer samples or units than folds, or labels that do not vary. ConfigError: no copies.
    """
    if not 0 < alpha < 1:
        raise ConfigError(f"diagnosis: alpha={alpha}; give a number between 0 and 1")
    inputs = randomisation_test(x, y, moves, InputLaw(), rng, copies, workers=workers, units=units)
    return Diagnosis(inputs, risk_gap(x, y, moves, rng, units), alpha)


def risk_gap(x: Tensor, y: Tensor, moves: Moves, rng: np.random.Generator, units: Tensor | None = None) -> RiskGap:
    """Held-out loss of kernel ridge regression on samples with their images, minus that on the samples alone.

    With all images the fit is exactly equivariant (Reisert & Burkhardt 2007). The interval is normal, from the
    differences of single samples or units; folds share training samples, so that it is a guide and no test.

    Args:
        x: (n, d_in). y: (n, d_out). moves: the group, orthogonal. units: (n,), int64, see `diagnose`.

    Raises:
        InputError: fewer samples or units than folds, labels that do not vary, or samples that cannot be used.
    """
    refuse_bad_samples(x, y, units)
    if units is not None and unit_count(units, len(x)) < 2 * FOLDS:
        raise InputError(f"a risk gap needs at least {2 * FOLDS} units; give more")
    if len(x) < 2 * FOLDS:
        raise InputError(f"a risk gap needs at least {2 * FOLDS} samples, not {len(x)}; give more data")
    kept, blocks = _kept(len(x), units, rng)
    inputs, labels = x[kept].double(), y[kept].double()
    variance = float(((labels - labels.mean(0)) ** 2).sum(1).mean())
    if variance <= CONSTANT * float((labels**2).sum(1).mean()):
        raise InputError("a risk gap needs labels that vary; all labels are equal")
    scale = invariant_scale(x, moved_coordinates(moves, x.shape[1], y.shape[1], rng))
    losses = _losses(inputs, labels, moves, scale, rng, _folds(len(kept), blocks, rng)) / variance
    free, tied = losses.mean(axis=1)
    error = float(special.ndtri((1 + CONFIDENCE) / 2)) * _standard_error(losses[1] - losses[0], blocks)
    gap = float(tied - free)
    return RiskGap(gap, gap - error, gap + error, 1 - float(free), 1 - float(tied))


def _kept(n: int, units: Tensor | None, rng: np.random.Generator) -> tuple[Tensor, Tensor | None]:
    """Rows that are used, with their units: at random, or whole units."""
    most = LARGEST + LARGEST // (FOLDS - 1)
    if units is None:
        return torch.from_numpy(rng.permutation(n)[:most]), None
    kept = subsample(units, most, rng)
    kept = kept[torch.from_numpy(rng.permutation(len(kept)))]
    return kept, renumbered(units[kept])


def _folds(n: int, units: Tensor | None, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Rows of each fold."""
    if units is None:
        return list(np.array_split(np.arange(n), FOLDS))
    return [fold.numpy() for fold in unit_folds(units, FOLDS, rng)]


def _standard_error(differences: NDArray[np.float64], units: Tensor | None) -> float:
    """Of the mean of differences (n,), of which those of one unit may be alike."""
    n = len(differences)
    if units is None:
        return float(differences.std(ddof=1)) / math.sqrt(n)
    sums = np.bincount(units.numpy(), differences - differences.mean())
    return math.sqrt(float((sums**2).sum()) * len(sums) / (len(sums) - 1)) / n


def _losses(
    x: Tensor,
    y: Tensor,
    moves: Moves,
    scale: Tensor,
    rng: np.random.Generator,
    folds: list[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Held-out squared errors of the free model, row 0, and of the tied one, row 1: (2, n)."""
    losses = np.empty((2, len(x)))
    everything = np.arange(len(x))
    for row, images in enumerate((_as_they_are, _images(moves, rng))):
        count = len(_images(moves, rng)(x[:1], y[:1])[0])
        tuned = images(x[: max(FOLDS, TUNED // count)], y[: max(FOLDS, TUNED // count)])
        width, ridge = _tuned(tuned[0] * scale, tuned[1])
        for fold in folds:
            train = np.setdiff1d(everything, fold)[: max(1, FITTED // count)]
            train_x, train_y = images(x[train], y[train])
            predicted = _predicted(train_x * scale, train_y, x[fold] * scale, width, ridge)
            losses[row, fold] = ((predicted - y[fold]) ** 2).sum(1).numpy()
    return losses


def _as_they_are(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return x, y


def _images(moves: Moves, rng: np.random.Generator) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Samples (n, .) with their images, (n k, .)."""
    group = moves.group if isinstance(moves, JointAction) else None

    def images(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(group, FiniteGroup) and group.order <= IMAGES:
            elements = torch.arange(group.order).unsqueeze(1).expand(-1, len(x))
        else:
            elements = moves.draw((IMAGES, len(x)), rng)
        moved = moves.move(elements, x.unsqueeze(0), y.unsqueeze(0))
        moved_x, moved_y = (v.flatten(0, 1) for v in moved)
        return moved_x, moved_y

    return images


def _tuned(x: Tensor, y: Tensor) -> tuple[float, float]:
    """Inverse length and ridge of the least leave-one-out error."""
    distances, centred = squared_distances(x.unsqueeze(0))[0], y - y.mean(0)
    errors = {}
    for width in (w / x.shape[1] ** 0.5 for w in LENGTHS):
        values, vectors = torch.linalg.eigh(matern(distances, width))
        projected = vectors.t() @ centred
        for ridge in RIDGES:
            inverse = 1 / (values.clamp_min(0) + ridge)
            weights = vectors @ (inverse.unsqueeze(1) * projected)
            left_out = weights / ((vectors**2) @ inverse).unsqueeze(1)
            errors[width, ridge] = float((left_out**2).sum())
    return min(errors, key=lambda pair: errors[pair])


def _predicted(x: Tensor, y: Tensor, new: Tensor, width: float, ridge: float) -> Tensor:
    """Kernel ridge regression of y (n, q) on x (n, d), at new (m, d): (m, q)."""
    covariance = matern(squared_distances(x.unsqueeze(0))[0], width)
    covariance.diagonal().add_(ridge)
    mean = y.mean(0)
    weights = torch.cholesky_solve(y - mean, torch.linalg.cholesky(covariance))
    return mean + matern(_between(new, x), width) @ weights


def _between(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|^2, (n, m)."""
    squares = (a**2).sum(1, keepdim=True) + (b**2).sum(1)
    return (squares - 2 * a @ b.t()).clamp_min(0)
