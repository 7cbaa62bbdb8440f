"""Why was a symmetry rejected, and by how much does it fail? The law of X on its own, and what tying costs in risk.

A rejection of the joint law does not say whether the inputs or the relation broke the symmetry. The test on X alone is
exact; the risk gap is an estimate with an interval. Its models are in `reference_models`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.row_blocks import renumbered, subsample, unit_count
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.statistics.input_law import InputLaw
from sharefind.inference.statistics.reference_models import held_out_errors
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.parallel import Workers

FOLDS = 5
"""Folds of the cross-validation behind a risk gap."""

LARGEST = 6000
"""Most samples of a risk gap, drawn at random."""

CONSTANT = 1e-20
"""Share of the mean square below which the labels' variance is rounding."""

CONFIDENCE = 0.95
"""Of the intervals around a risk gap and around the R^2 of the free model."""

NEGLIGIBLE = 0.01
"""Share of the labels' variance below which a loss is called an approximate symmetry."""

FITTING_R2 = 0.2
"""R^2 of the free model below which it does not fit: then what tying costs in it says nothing."""


@dataclass(frozen=True)
class RiskGap:
    """What tying costs: held-out squared error of the tied model minus that of the free one, over the variance of Y.

    Attributes:
        gap: The estimate, below 0 where tying helps.
        low: Lower end of its interval.
        high: Upper end of its interval.
        free_r2: 1 - risk / variance of the free model.
        tied_r2: The same of the tied model.
        free_low: Lower end of the interval around `free_r2`.
    """

    gap: float
    low: float
    high: float
    free_r2: float
    tied_r2: float
    free_low: float

    @property
    def is_fitting(self) -> bool:
        """Whether the free model, to which the tied one is compared, predicts anything worth the comparison."""
        return self.free_r2 >= FITTING_R2 and self.free_low > 0


class Cause(StrEnum):
    """What a rejection is due to, as far as the data tell."""

    RELATION = "relation"
    INPUTS = "inputs"
    BOTH = "inputs and relation"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Diagnosis:
    """One symmetry, looked at closely.

    Attributes:
        inputs: Exact test that the law of X is invariant.
        risk: What the tied model loses.
        alpha: Level of both verdicts.
    """

    inputs: RandomisationTest
    risk: RiskGap
    alpha: float

    @property
    def cause(self) -> Cause:
        """Of a rejection: what is shown to be broken, `UNDETERMINED` where neither is.

        The inputs are where their test rejects. The relation is where the reference model fits and the interval of the
        risk gap lies above 0: that the inputs were not rejected proves nothing about it.
        """
        inputs, relation = self.inputs.p_value <= self.alpha, self.risk.is_fitting and self.risk.low > 0
        if inputs and relation:
            return Cause.BOTH
        if inputs:
            return Cause.INPUTS
        return Cause.RELATION if relation else Cause.UNDETERMINED

    @property
    def is_approximate(self) -> bool:
        """Whether the tied model loses less than `NEGLIGIBLE` of the variance, with confidence."""
        return self.risk.is_fitting and self.risk.high <= NEGLIGIBLE


@warns_of_rows
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

    Neither answer depends on a vector that the group fixes, added to x or to y, or on the scale of x or of y.

    Args:
        x: Inputs, shape (n, d_in); the test of the inputs uses all of them.
        y: Labels, shape (n, d_out).
        moves: The group, orthogonal.
        rng: Of everything random.
        alpha: Level of the verdicts.
        copies: Of the test on X.
        workers: Who does that test; this process alone if None.
        units: Which unit a row belongs to, shape (n,), int64; no unit is split between folds.

    Returns:
        The diagnosis.

    Raises:
        InputError: Fewer samples or units than folds, or labels that do not vary.
        ConfigError: No copies.
    """
    if not 0 < alpha < 1:
        raise ConfigError(f"diagnosis: alpha={alpha}; give a number between 0 and 1")
    inputs = randomisation_test(x, y, moves, InputLaw(), rng, copies, workers=workers, units=units)
    return Diagnosis(inputs, risk_gap(x, y, moves, rng, units), alpha)


def risk_gap(x: Tensor, y: Tensor, moves: Moves, rng: np.random.Generator, units: Tensor | None = None) -> RiskGap:
    """Held-out loss of ridge regression on features, its coefficients tied by the group, minus that of the free one.

    The intervals are normal, from the differences of single samples or units; folds share training samples, so that
    they are a guide and no test.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        moves: The group, orthogonal.
        rng: Of the folds and the features.
        units: Which unit a row belongs to, shape (n,), int64; each row is one of its own where None.

    Returns:
        The gap with its interval.

    Raises:
        InputError: Fewer samples or units than folds, labels that do not vary, or samples that cannot be used.
    """
    refuse_bad_samples(x, y, units)
    if units is not None and unit_count(units, len(x)) < 2 * FOLDS:
        raise InputError(f"a risk gap needs at least {2 * FOLDS} units; give more")
    if len(x) < 2 * FOLDS:
        raise InputError(f"a risk gap needs at least {2 * FOLDS} samples, not {len(x)}; give more data")
    kept, numbers = _kept(len(x), units, rng)
    _, places = np.unique(numbers, return_inverse=True)
    count = int(places.max()) + 1
    if count < 2 * FOLDS:
        raise InputError(f"a risk gap needs at least {2 * FOLDS} units of rows, not {count}; give more data")
    inputs, labels = x[kept].double(), y[kept].double()
    centred = labels - labels.mean(0)
    variance = float((centred**2).sum(1).mean())
    if variance <= CONSTANT * float((labels**2).sum(1).mean()):
        raise InputError("a risk gap needs labels that vary; all labels are equal")
    folds = (rng.permutation(count) % FOLDS)[places]
    losses = held_out_errors(inputs, labels, moves, folds, rng) / variance
    free, tied = (float(v) for v in losses.mean(axis=1))
    error = _error(losses[1] - losses[0], places)
    # The variance in the denominator is estimated from the same rows.
    spread = _error(losses[0] - free * (centred**2).sum(1).numpy() / variance, places)
    gap = tied - free
    return RiskGap(gap, gap - error, gap + error, 1 - free, 1 - tied, 1 - free - spread)


def _kept(n: int, units: Tensor | None, rng: np.random.Generator) -> tuple[Tensor, NDArray[np.int64]]:
    """At most `LARGEST` rows, whole units where there are any, with the unit of each."""
    if units is None:
        return torch.from_numpy(np.sort(rng.permutation(n)[:LARGEST])), np.arange(min(n, LARGEST))
    kept = subsample(units, LARGEST, rng)
    return kept, renumbered(units[kept]).numpy()


def _error(values: NDArray[np.float64], units: NDArray[np.int64]) -> float:
    """Half the length of a normal interval around the mean of values (n,), with rows of one unit together."""
    sums = np.bincount(units, weights=values - values.mean())
    error = math.sqrt(len(sums) / (len(sums) - 1) * float((sums**2).sum())) / len(values)
    return float(special.ndtri((1 + CONFIDENCE) / 2)) * error
