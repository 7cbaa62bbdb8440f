"""How well models predict rows kept apart: squared errors of numbers, log losses of classes, compared by unit.

`yardstick` and `sharefind.architectures.layers.comparison` fit the models.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.errors import DataError
from sharefind.meanfield.clouds.standardise import LAST_PLACES, varies
from sharefind.search.result_parts import ClassScore, ClassYardstick, Yardstick
from sharefind.typing import BoolArray, FloatArray

Rows = NDArray[np.int64]

LEAST_SQUARES, TIED, FREE = "least squares", "shared", "untied"
"""The names of the three models."""

REGRESSION, BASELINE = "multinomial regression", "class shares"
"""The names of the models that replace least squares for classes, and that use no inputs."""


@dataclass(frozen=True)
class Scored:
    """Predictions of rows kept apart, as squared errors.

    Attributes:
        errors: For each model, one squared error a row, shape (m,).
        spread: Sum of the squared deviations of the labels from their mean.
        units: Which unit a row belongs to, shape (m,).
        confidence: Confidence level of the interval around a difference of two R^2.
        noticeable: Difference of two R^2 up to which no warning is given.
    """

    errors: Mapping[str, FloatArray]
    spread: float
    units: Rows
    confidence: float = 0.95
    noticeable: float = 0.01

    @property
    def reference(self) -> str:
        """The usual model that networks are compared with."""
        return LEAST_SQUARES

    def words(self, name: str) -> str:
        """Return the score of a model, for a sentence.

        Args:
            name: Name of the model.
        """
        return f"R^2 {self.r2(name):.3f}"

    def score(self, name: str) -> ClassScore | None:
        """Return accuracy and log loss of a model of classes; None where there is no such model, or labels are numbers.

        Args:
            name: Name of the model.
        """
        return None

    def r2(self, name: str) -> float | None:
        """Return 1 - squared error over the labels' spread; None where there is no such model.

        Args:
            name: Name of the model.
        """
        errors = self.errors.get(name)
        return None if errors is None else 1 - float(errors.sum()) / self.spread

    def yardstick(self, warnings: Iterable[str]) -> Yardstick:
        """Return the scores of the models `LEAST_SQUARES`, `TIED` and `FREE`, with the warnings that follow.

        Args:
            warnings: The warnings.
        """
        least_squares, tied, free = map(self.r2, (LEAST_SQUARES, TIED, FREE))
        kept = len(self.units)
        return Yardstick(rows=kept, least_squares=least_squares, tied=tied, free=free, warnings=list(warnings))

    def is_worse(self, name: str, other: str) -> bool:
        """Return whether a model is worse than another by more than `noticeable` and by more than chance, paired by
        unit.

        Args:
            name: Name of the model.
            other: Name of the other model.
        """
        if name not in self.errors or other not in self.errors:
            return False
        difference = (self.errors[name] - self.errors[other]) / self.spread
        _, places = np.unique(self.units, return_inverse=True)
        sums = np.bincount(places, weights=difference)
        if len(sums) < 2 or float(sums.sum()) <= self.noticeable:
            return False
        error = math.sqrt(len(sums)) * float(sums.std(ddof=1))
        low = float(sums.sum()) - float(scipy.special.stdtrit(len(sums) - 1, (1 + self.confidence) / 2)) * error
        return low > 0


@dataclass(frozen=True)
class ClassScored(Scored):
    """Predictions of the classes of rows kept apart; `errors` are log losses, and `spread` is that of the baseline.

    So `r2` is the share of the baseline's log loss that a model saves.

    Attributes:
        hits: For each model, whether the class of a row has its largest probability, shape (m,).
    """

    hits: Mapping[str, BoolArray] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """See `Scored`."""
        return REGRESSION

    def words(self, name: str) -> str:
        """Return the score of a model, for a sentence.

        Args:
            name: Name of the model.
        """
        found = self._known(name)
        return f"log loss {found.log_loss:.3f} (accuracy {found.accuracy:.3f})"

    def score(self, name: str) -> ClassScore | None:
        """Return accuracy and log loss of a model; None where there is no such model.

        Args:
            name: Name of the model.
        """
        return self._known(name) if name in self.errors else None

    def _known(self, name: str) -> ClassScore:
        return ClassScore(accuracy=float(self.hits[name].mean()), log_loss=float(self.errors[name].mean()))

    def yardstick(self, warnings: Iterable[str]) -> Yardstick:
        """Return the scores of all models, with the warnings that follow.

        Args:
            warnings: The warnings.
        """
        regression, tied, free = map(self.score, (REGRESSION, TIED, FREE))
        scores = ClassYardstick(baseline=self._known(BASELINE), regression=regression, tied=tied, free=free)
        lines = list(warnings)
        return Yardstick(rows=len(self.units), least_squares=None, tied=None, free=None, warnings=lines, classes=scores)


@dataclass(frozen=True)
class Split:
    """Rows to fit on and rows kept apart.

    Attributes:
        x: Inputs to fit on, shape (n, d_in).
        y: Their labels, shape (n, d_out).
        asked: Inputs kept apart, shape (m, d_in).
        truth: Their labels, shape (m, d_out).
        units: Which unit a row kept apart belongs to, shape (m,).
    """

    x: FloatArray
    y: FloatArray
    asked: FloatArray
    truth: FloatArray
    units: Rows


def scores_of(predicted: Mapping[str, FloatArray], split: Split, has_classes: bool) -> Scored:
    """Return scores of networks beside those of the usual model: least squares, or for classes multinomial regression.

    Args:
        predicted: Predictions of each network for the held-out rows, shape (m, d_out): logits for classes.
        split: The rows.
        has_classes: Whether labels are classes.

    Raises:
        DataError: Numeric labels of the held-out rows do not vary.
    """
    return _class_scores(predicted, split) if has_classes else _number_scores(predicted, split)


def _number_scores(predicted: Mapping[str, FloatArray], split: Split) -> Scored:
    linear = least_squares(split.x, split.y, split.asked)
    every = {**({} if linear is None else {LEAST_SQUARES: linear}), **predicted}
    errors = {name: ((values - split.truth) ** 2).sum(1) for name, values in every.items()}
    return Scored(errors, spread_of(split.truth), split.units)


def _class_scores(predicted: Mapping[str, FloatArray], split: Split) -> ClassScored:
    shares = np.log(_shares(split.y))
    regression = multinomial_regression(split.x, split.y, split.asked)
    every = {BASELINE: np.tile(shares, (len(split.asked), 1))}
    every |= {} if regression is None else {REGRESSION: regression}
    every |= {name: scipy.special.log_softmax(logits, axis=1) for name, logits in predicted.items()}
    losses = {name: -(split.truth * values).sum(1) for name, values in every.items()}
    true = split.truth.argmax(1)
    hits = {name: values.argmax(1) == true for name, values in every.items()}
    return ClassScored(losses, float(losses[BASELINE].sum()), split.units, hits=hits)


def _shares(y: FloatArray) -> FloatArray:
    """Shares of the classes of y (n, k), (k,), with a row more of each so that none is impossible."""
    return np.asarray((y.sum(0) + 1) / (len(y) + y.shape[1]), dtype=np.float64)


def least_squares(x: FloatArray, y: FloatArray, new: FloatArray, rank: float = 1e-10) -> FloatArray | None:
    """The affine map of least squares at other rows.

    Args:
        x: Rows, shape (n, d).
        y: Their labels, shape (n, q).
        new: The other rows, shape (m, d).
        rank: Singular values, relative to the largest, that are rounding: columns that depend on others cost nothing.

    Returns:
        Predictions, shape (m, q); None where it may fit any labels: with a coefficient for each row.
    """
    centre, shift = x.mean(0), y.mean(0)
    varying = varies(x)
    if np.count_nonzero(varying) + 1 >= len(x):
        return None
    centred, asked = ((v - centre)[:, varying] for v in (x, new))
    size = np.abs(centred).max(0)
    slope, _, _, _ = np.linalg.lstsq(centred / size, y - shift, rcond=rank)
    return np.asarray(shift + (asked / size) @ slope, dtype=np.float64)


def multinomial_regression(x: FloatArray, y: FloatArray, new: FloatArray, iterations: int = 1000) -> FloatArray | None:
    """Log probabilities by multinomial logistic regression on columns of spread 1, with scikit-learn's usual penalty.

    A class without rows to fit on has the probability that its share gives it.

    Args:
        x: Rows, shape (n, d).
        y: Their classes, one-hot, shape (n, k).
        new: The other rows, shape (m, d).
        iterations: The most that are made.

    Returns:
        Shape (m, k); None where all rows are of one class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found, codes = np.unique(y.argmax(1), return_inverse=True)
    if len(found) < 2:
        return None
    varying = varies(x)
    if not varying.any():
        return np.tile(np.log(_shares(y)), (len(new), 1))
    kept, asked = ((v - x.mean(0))[:, varying] for v in (x, new))
    size = np.abs(kept).max(0)
    spread = size * np.sqrt(((kept / size) ** 2).mean(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what it has by then is what others are compared with
        model = LogisticRegression(max_iter=iterations).fit(kept / spread, codes)
    shares = _shares(y)
    probabilities = np.tile(shares, (len(new), 1))
    probabilities[:, found] = model.predict_proba(asked / spread) * shares[found].sum()
    return np.asarray(np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)), dtype=np.float64)


def spread_of(y: FloatArray) -> float:
    """Return the sum of squared deviations of the labels of held-out rows from their mean.

    Args:
        y: The labels, shape (m, q).

    Raises:
        DataError: They do not vary.
    """
    spread = float(((y - y.mean(0)) ** 2).sum())
    rounding = LAST_PLACES * np.finfo(np.float64).eps * float(np.abs(y).max(initial=0.0))
    if spread <= y.size * rounding**2:
        raise DataError("the labels of the rows kept apart do not vary; give more rows")
    return spread
