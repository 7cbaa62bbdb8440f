"""How well tied and free least squares predict rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sharefind.suggestion.actions import SuggestedAction
from sharefind.suggestion.moments import Features, Moments
from sharefind.suggestion.orbits_of_entries import orbit_labels
from sharefind.suggestion.tied_fits import Tie, filter_weights, free_weights, tie_of, tied_weights
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model on rows that it was not fitted on.

    Attributes:
        errors: Squared errors, shape (n, m).
        coefficients: Free numbers.
    """

    errors: FloatArray
    coefficients: int


@dataclass(frozen=True, eq=False)
class Level:
    """Rows cut into folds, with one kind of features.

    Attributes:
        features: What z is.
        z: Features of all rows, shape (n, p).
        y: Labels of mean 0, shape (n, m).
        folds: Rows of each fold.
        training: Moments of the rows outside each fold.
        free: Squared errors of free least squares on rows held out, shape (n, m); None where there are too few rows.
    """

    features: Features
    z: FloatArray
    y: FloatArray
    folds: tuple[IntArray, ...]
    training: tuple[Moments, ...]
    free: FloatArray | None

    def errors(self, fit: Callable[[Moments], FloatArray]) -> FloatArray:
        """Squared errors on rows held out, shape (n, m), of what `fit` makes of the moments of the others.

        No prediction leaves the range of the labels, so that columns that are constant in most rows do no harm.
        """
        squared = np.empty_like(self.y)
        least, most = self.y.min(axis=0), self.y.max(axis=0)
        for rows, training in zip(self.folds, self.training, strict=True):
            squared[rows] = (self.y[rows] - np.clip(self.z[rows] @ fit(training), least, most)) ** 2
        return squared

    def tied(self, action: SuggestedAction) -> Fitted | None:
        """Least squares tied by an action; None where its numbers are too many for the rows."""
        tie = tie_of([self.features.moved(g) for g in action.inputs], action.outputs)
        if not self._is_determined(tie):
            return None
        return Fitted(self.errors(lambda moments: tied_weights(moments, tie)), tie.coefficients)

    def _is_determined(self, tie: Tie, share: float = 0.4) -> bool:
        return all(
            int(label.max()) + 1 <= share * self.training[0].rows * len(orbit)
            for orbit, label in zip(tie.orbits, tie.ties, strict=True)
        )


def level_of(features: Features, x: FloatArray, y: FloatArray, rng: np.random.Generator, parts: int = 3) -> Level:
    """Rows x (n, d) and y (n, m) cut into folds at random.

    Args:
        features: What is made of x.
        x: Inputs.
        y: Labels.
        rng: Where the folds come from.
        parts: Number of folds.
    """
    z, centred = features.of(x), y - y.mean(axis=0)
    folds = tuple(np.sort(part) for part in np.array_split(rng.permutation(len(x)), min(parts, len(x))))
    training = tuple(_others(z, centred, rows) for rows in folds)
    level = Level(features, z, centred, folds, training, None)
    if features.count > 0.4 * training[0].rows:
        return level
    return Level(features, z, centred, folds, training, level.errors(free_weights))


def _others(z: FloatArray, y: FloatArray, rows: IntArray) -> Moments:
    """Moments of all rows but these."""
    kept = np.ones(len(z), dtype=bool)
    kept[rows] = False
    return Moments.of(z[kept], y[kept])


@dataclass(frozen=True, eq=False)
class Comparison:
    """A tied model beside the best that a quick look has.

    Attributes:
        words: Which features.
        tied: R^2 of the tied model on rows held out.
        best: R^2 of the reference there.
        deviation: By how many standard errors the tied model is worse; below 0 where it is better.
        coefficients: Free numbers of the tied model.
        of: Free numbers without tying.
    """

    words: str
    tied: float
    best: float
    deviation: float
    coefficients: int
    of: int

    @property
    def kept(self) -> float:
        """Share of what the reference explains that the tied model explains, too; 0 to 1."""
        return float(np.clip(self.tied / self.best, 0.0, 1.0)) if self.best > 0 else 0.0

    @property
    def saving(self) -> float:
        """How far the numbers are fewer, on a scale of logarithms: 1 where one is left."""
        return 1.0 - float(np.log(self.coefficients) / np.log(max(self.of, 2)))

    def holds(self, errors: float = 3.0, negligible: float = 0.01, exact: float = 1e-4) -> bool:
        """Whether the tied model predicts as well as the reference.

        Args:
            errors: Standard errors by which it may be worse.
            negligible: Or the share by which its squared error may be larger.
            exact: Squared error, as a share of the variance, below which a reference counts as having this one.
        """
        excess = (self.best - self.tied) / max(1.0 - self.best, exact)
        return self.deviation <= errors or (excess <= negligible and self.kept >= 1 - 2 * negligible)

    def clearly_fails(self, errors: float = 8.0, kept: float = 0.98) -> bool:
        """Whether the tied model predicts so much worse that a test on all rows will hardly miss it.

        Args:
            errors: Least standard errors by which it is worse.
            kept: Largest share of what the reference explains that it explains.
        """
        return self.deviation >= errors and self.kept <= kept


def label_weights(action: SuggestedAction, y: FloatArray) -> FloatArray:
    """One over the variance of each label (m,), averaged over what the group carries into each other."""
    variance = np.maximum((y**2).mean(axis=0), 1e-300)
    label = orbit_labels(action.outputs, y.shape[1])
    return np.asarray((np.bincount(label) / np.bincount(label, variance))[label])


def compared(level: Level, model: Fitted, reference: Fitted, weights: FloatArray) -> Comparison:
    """A model and a reference on the same rows.

    A model with more numbers than the reference predicts a little worse, whatever is true: by so much it may.

    Args:
        level: The rows.
        model: A tied model.
        reference: What it is held against.
        weights: Of the labels, shape (m,).
    """
    null, tied, best = ((squared @ weights) for squared in (level.y**2, model.errors, reference.errors))
    more = max(0, model.coefficients - reference.coefficients)
    allowed = 1.5 * float(best.mean()) * more / (level.training[0].rows * level.y.shape[1])
    worse = tied - best
    spread = float(worse.std()) / np.sqrt(len(worse))
    deviation = (float(worse.mean()) - allowed) / spread if spread > 0 else 0.0
    scale = max(float(null.mean()), 1e-300)
    r2 = (1 - float(tied.mean()) / scale, 1 - float(best.mean()) / scale)
    of = level.features.count * level.y.shape[1]
    return Comparison(level.features.words, *r2, deviation, model.coefficients, of)


def is_seen(level: Level, errors: FloatArray, standard_errors: float = 4.0, few_rows: float = 5.0) -> bool:
    """Whether a model with these squared errors (n, m) predicts better than the mean.

    Args:
        level: The rows.
        errors: Of predictions of rows that were held out.
        standard_errors: By how many the squared errors are smaller.
        few_rows: Or the same for the correlation of predictions and labels, which tells more where rows are few.
    """
    weights = 1 / np.maximum((level.y**2).mean(axis=0), 1e-300)
    gain = (level.y**2 - errors) @ weights
    if gain.mean() > standard_errors * gain.std() / np.sqrt(len(gain)):
        return True
    correlation = np.sqrt(np.clip(gain.mean() / level.y.shape[1], 0.0, 1 - 1e-9))
    return bool(np.arctanh(correlation) * np.sqrt(max(len(gain) - 3, 0)) > few_rows)


def filter_comparison(level: Level) -> Comparison | None:
    """A filter that is the same at every position, judged on labels away from the borders.

    None where x and y are not sequences of one length, or rows are too few for free least squares.
    """
    m = level.y.shape[1]
    if level.free is None or level.features.count != m or m < 6:
        return None
    inside = np.arange(m // 4, m - m // 4)
    weights = np.zeros(m)
    weights[inside] = 1 / np.maximum((level.y[:, inside] ** 2).mean(axis=0), 1e-300)
    errors = level.errors(lambda moments: filter_weights(moments, inside))
    free = Fitted(level.free, level.features.count * m)
    return compared(level, Fitted(errors, 2 * m - 1), free, weights)
