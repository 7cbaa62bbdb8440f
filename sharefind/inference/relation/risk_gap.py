"""The price of a symmetry: what tying a model costs in risk, an estimate with an interval and no test.

The two models, free and tied, are in `reference_models`. The free one is the same for all groups of a search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import InputError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.relation.reference_models import HeldOut, ReferenceModels
from sharefind.inference.row_blocks import renumbered, subsample, unit_count
from sharefind.inference.sample_checks import refuse_bad_samples


@dataclass(frozen=True)
class RiskGap:
    """The cost of tying: held-out squared error of the tied model minus that of the free one, over the variance of Y.

    Attributes:
        gap: The estimate, below 0 where tying helps.
        low: Lower end of its interval.
        high: Upper end of its interval.
        free_r2: 1 - risk / variance of the free model.
        tied_r2: The same of the tied model.
        free_low: Lower end of the interval around `free_r2`.
        free_accuracy: Where labels are classes, the share of rows whose class the free model gives the largest value,
            on rows that it was not fitted to; None elsewhere.
        tied_accuracy: The same of the tied model.
        fitting_r2: R^2 of the free model below which it does not fit: then what tying costs in it says nothing.
    """

    fitting_r2: ClassVar[float] = 0.2

    gap: float
    low: float
    high: float
    free_r2: float
    tied_r2: float
    free_low: float
    free_accuracy: float | None = None
    tied_accuracy: float | None = None

    @property
    def is_fitting(self) -> bool:
        """Whether the free model, to which the tied one is compared, predicts anything worth the comparison."""
        return self.free_r2 >= self.fitting_r2 and self.free_low > 0


@dataclass(frozen=True)
class CrossValidation:
    """How a risk gap is estimated.

    Attributes:
        folds: Folds of the cross-validation; at least twice as many samples, or units, are needed.
        most_samples: Most samples that are used, drawn at random.
        confidence: Confidence level of the intervals around the gap and around the R^2 of the free model.
        constant: Share of the mean square below which the labels' variance is rounding.
        models: The two models.
    """

    folds: int = 5
    most_samples: int = 6000
    confidence: float = 0.95
    constant: float = 1e-20
    models: ReferenceModels = field(default_factory=ReferenceModels)

    def kept(self, n: int, units: Tensor | None, rng: np.random.Generator) -> tuple[Tensor, NDArray[np.int64]]:
        """Return at most `most_samples` of n rows, whole units where there are units, with the unit of each.

        Args:
            n: Number of rows.
            units: The unit of each row, shape (n,), int64, or None.
            rng: Source of the choice.
        """
        if units is None:
            chosen = np.sort(rng.permutation(n)[: self.most_samples])
            return torch.from_numpy(chosen), np.arange(len(chosen))
        kept = subsample(units, self.most_samples, rng)
        return kept, renumbered(units[kept]).numpy()

    def error(self, values: NDArray[np.float64], units: NDArray[np.int64]) -> float:
        """Return half the length of a normal interval around the mean, with rows of one unit together.

        Args:
            values: Shape (n,).
            units: The unit of each row, shape (n,), int64, numbered from 0.
        """
        sums = np.bincount(units, weights=values - values.mean())
        error = math.sqrt(len(sums) / (len(sums) - 1) * float((sums**2).sum())) / len(values)
        return float(scipy.special.ndtri((1 + self.confidence) / 2)) * error


@dataclass(frozen=True)
class FreeFit:
    """The free model of some data: what does not depend on the group.

    Attributes:
        rows: Rows of the data that are used, shape (n,), int64.
        units: The unit of each, from 0, shape (n,).
        folds: The fold of each, shape (n,).
        total: Rows of the data.
        variance: Variance of the labels, summed over outputs.
        spread: Squared distances of labels from their mean, over the variance, shape (n,).
        held_out: Held-out predictions of the free model.
        settings: How it was done.
    """

    rows: Tensor
    units: NDArray[np.int64]
    folds: NDArray[np.int64]
    total: int
    variance: float
    spread: NDArray[np.float64]
    held_out: HeldOut
    settings: CrossValidation


def free_fit(
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    units: Tensor | None = None,
    settings: CrossValidation | None = None,
) -> FreeFit:
    """Fit the model to which tied ones are compared; done once, it serves all groups.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        rng: Source of the folds and the features.
        units: Which unit a row belongs to, shape (n,), int64; each row is one of its own where None.
        settings: How it is estimated; `CrossValidation()` where None.

    Returns:
        The fit.

    Raises:
        InputError: Fewer samples or units than folds, labels that do not vary, or samples that cannot be used.
    """
    refuse_bad_samples(x, y, units)
    settings = settings or CrossValidation()
    least = 2 * settings.folds
    if units is not None and unit_count(units, len(x)) < least:
        raise InputError(f"a risk gap needs at least {least} units; give more")
    if len(x) < least:
        raise InputError(f"a risk gap needs at least {least} samples, not {len(x)}; give more data")
    kept, numbers = settings.kept(len(x), units, rng)
    _, places = np.unique(numbers, return_inverse=True)
    count = int(places.max()) + 1
    if count < least:
        raise InputError(f"a risk gap needs at least {least} units of rows, not {count}; give more data")
    inputs, labels = x[kept].double(), y[kept].double()
    squares = ((labels - labels.mean(0)) ** 2).sum(1).numpy()
    variance = float(squares.mean())
    if variance <= settings.constant * float((labels**2).sum(1).mean()):
        raise InputError("a risk gap needs labels that vary; all labels are equal")
    folds = (rng.permutation(count) % settings.folds)[places]
    found = settings.models.free(inputs, labels, folds, rng)
    return FreeFit(kept, places, folds, len(x), variance, squares / variance, found, settings)


def risk_gap(
    x: Tensor,
    y: Tensor,
    moves: AmbientMoves,
    rng: np.random.Generator,
    units: Tensor | None = None,
    settings: CrossValidation | None = None,
    *,
    has_classes: bool = False,
    free: FreeFit | None = None,
) -> RiskGap:
    """Held-out loss of kernel ridge regression that the group ties, minus that of the free one.

    The intervals are normal, from the differences of single samples or units; folds share training samples, so that
    they are a guide and no test.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        moves: The group, orthogonal.
        rng: Source of the folds and the features.
        units: Which unit a row belongs to, shape (n,), int64; each row is one of its own where None.
        settings: How it is estimated; `CrossValidation()` where None.
        has_classes: Whether labels are classes, one-hot: then accuracies are given, too.
        free: The free model of the same data; it is fitted where None. With it, `units` and `settings` are its own.

    Returns:
        The gap with its interval.

    Raises:
        InputError: Fewer samples or units than folds, labels that do not vary, samples that cannot be used, or a free
            model of other data.
    """
    free = free or free_fit(x, y, rng, units, settings)
    if free.total != len(x):
        raise InputError(f"the free model was fitted to {free.total} rows, and here are {len(x)}; fit it to these")
    settings = free.settings
    tied = settings.models.tied(x[free.rows].double(), y[free.rows].double(), moves, free.folds, rng)
    losses = [found.errors / free.variance for found in (free.held_out, tied)]
    loose, tight = (float(v.mean()) for v in losses)
    error = settings.error(losses[1] - losses[0], free.units)
    # The variance in the denominator is estimated from the same rows.
    spread = settings.error(losses[0] - loose * free.spread, free.units)
    gap = tight - loose
    accuracies = [float(found.hits.mean()) if has_classes else None for found in (free.held_out, tied)]
    return RiskGap(gap, gap - error, gap + error, 1 - loose, 1 - tight, 1 - loose - spread, *accuracies)
