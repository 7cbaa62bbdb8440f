"""How well tied and free least squares predict held-out rows."""

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
    """The errors of a model on held-out rows.

    Attributes:
        errors: Squared errors, shape (n, m), float64.
        coefficients: Number of free coefficients.
    """

    errors: FloatArray
    coefficients: int


@dataclass(frozen=True, eq=False)
class Level:
    """Rows split into folds, with one kind of features.

    Attributes:
        features: Definition of the features z.
        z: Features of all rows, shape (n, p), float64.
        y: Labels with mean 0, shape (n, m), float64.
        folds: The rows of each fold.
        training: Moments of the rows outside each fold.
        free: Squared errors of free least squares on held-out rows, shape (n, m); None if there are too few rows.
    """

    features: Features
    z: FloatArray
    y: FloatArray
    folds: tuple[IntArray, ...]
    training: tuple[Moments, ...]
    free: FloatArray | None

    def errors(self, fit: Callable[[Moments], FloatArray]) -> FloatArray:
        """Return the squared errors of a fit on held-out rows, shape (n, m).

        Predictions are clipped to the range of the labels, so that columns that are constant in most rows do no harm.

        Args:
            fit: Computes coefficients (p, m) from the moments of the training rows.
        """
        squared = np.empty_like(self.y)
        least, most = self.y.min(axis=0), self.y.max(axis=0)
        for rows, training in zip(self.folds, self.training, strict=True):
            squared[rows] = (self.y[rows] - np.clip(self.z[rows] @ fit(training), least, most)) ** 2
        return squared

    def tied(self, action: SuggestedAction) -> Fitted | None:
        """Return least squares tied by an action; None if it has too many coefficients for the rows.

        Args:
            action: The action.
        """
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
    """Return rows split into random folds, with the moments of each training part.

    Args:
        features: Definition of the features.
        x: Inputs, shape (n, d).
        y: Labels, shape (n, m).
        rng: Source of the folds.
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
    """Return the moments of all other rows."""
    kept = np.ones(len(z), dtype=bool)
    kept[rows] = False
    return Moments.of(z[kept], y[kept])


@dataclass(frozen=True, eq=False)
class Comparison:
    """A tied model compared with the best model of the quick look.

    Attributes:
        words: Name of the features.
        tied: R^2 of the tied model on held-out rows.
        best: R^2 of the reference on the same rows.
        deviation: Number of standard errors by which the tied model is worse; negative if it is better.
        coefficients: Number of free coefficients of the tied model.
        of: Number of coefficients without tying.
    """

    words: str
    tied: float
    best: float
    deviation: float
    coefficients: int
    of: int

    @property
    def kept(self) -> float:
        """Share of the variance explained by the reference that the tied model explains too, from 0 to 1."""
        return float(np.clip(self.tied / self.best, 0.0, 1.0)) if self.best > 0 else 0.0

    @property
    def saving(self) -> float:
        """Saving of coefficients on a logarithmic scale: 0 if none is saved, 1 if only one is left."""
        return 1.0 - float(np.log(self.coefficients) / np.log(max(self.of, 2)))

    def holds(self, errors: float = 3.0, negligible: float = 0.01, exact: float = 1e-4) -> bool:
        """Return whether the tied model predicts as well as the reference.

        The model may be worse by `errors` standard errors, or its squared error may be larger by the share
        `negligible`.

        Args:
            errors: Number of standard errors.
            negligible: Share of the squared error.
            exact: Smallest squared error of a reference, as a share of the variance; a smaller one is replaced by it.
        """
        excess = (self.best - self.tied) / max(1.0 - self.best, exact)
        return self.deviation <= errors or (excess <= negligible and self.kept >= 1 - 2 * negligible)

    def clearly_fails(self, errors: float = 8.0, kept: float = 0.98) -> bool:
        """Return whether the tied model predicts so much worse that a test on all rows will hardly miss it.

        Args:
            errors: Smallest number of standard errors by which it is worse.
            kept: Largest value of the property `kept`.
        """
        return self.deviation >= errors and self.kept <= kept


def label_weights(action: SuggestedAction, y: FloatArray) -> FloatArray:
    """Return the weight of each label, one over its variance averaged over the orbit of the label, shape (m,).

    Args:
        action: The group on the labels.
        y: Labels with mean 0, shape (n, m).
    """
    variance = np.maximum((y**2).mean(axis=0), 1e-300)
    label = orbit_labels(action.outputs, y.shape[1])
    return np.asarray((np.bincount(label) / np.bincount(label, variance))[label])


def compared(level: Level, model: Fitted, reference: Fitted, weights: FloatArray) -> Comparison:
    """Compare a model and a reference on the same rows.

    A model with more coefficients than the reference predicts slightly worse even if it is true. This expected loss is
    allowed for.

    Args:
        level: The rows.
        model: A tied model.
        reference: The reference.
        weights: Weights of the labels, shape (m,).

    Returns:
        The comparison.
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
    """Return whether a model predicts better than the mean.

    Args:
        level: The rows.
        errors: Squared errors of predictions of held-out rows, shape (n, m).
        standard_errors: Number of standard errors by which the squared errors must be smaller.
        few_rows: Alternatively, number of standard errors by which the correlation of predictions and labels must
            exceed 0; it is more sensitive if rows are few.
    """
    weights = 1 / np.maximum((level.y**2).mean(axis=0), 1e-300)
    gain = (level.y**2 - errors) @ weights
    if gain.mean() > standard_errors * gain.std() / np.sqrt(len(gain)):
        return True
    correlation = np.sqrt(np.clip(gain.mean() / level.y.shape[1], 0.0, 1 - 1e-9))
    return bool(np.arctanh(correlation) * np.sqrt(max(len(gain) - 3, 0)) > few_rows)


def filter_comparison(level: Level) -> Comparison | None:
    """Compare a filter that is the same at every position with free coefficients, on labels away from the borders.

    Args:
        level: The rows.

    Returns:
        The comparison; None if x and y are not sequences of one length, or rows are too few for free least squares.
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
