"""The search as a scikit-learn classifier: labels of any type, one logit per class, probabilities by softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sharefind.api.fitted_rows import LabelRows
from sharefind.api.kept_rows import Side, apart
from sharefind.api.search_estimator import SearchEstimator
from sharefind.datasets.classes import class_levels
from sharefind.datasets.frames import labels_of
from sharefind.errors import ConfigError, DataError
from sharefind.typing import FloatArray, IntArray


class SharingClassifier(ClassifierMixin, SearchEstimator):  # type: ignore[misc]
    """Finds the smallest subspace of parameters that training does not leave, and classifies with the model found.

    Labels become one column per class, in the order of `classes_`. The group fixes each class, unless `out_rep` says
    that it permutes them. Parameters and attributes are those of `sharefind.SharingSearch`.

    Attributes:
        classes_: The labels that occur, sorted, shape (k,), of their original type.
    """

    classes_: NDArray[Any]
    _columns: IntArray

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class with the largest logit.

        Args:
            X: Rows as in `fit`.

        Returns:
            One of `classes_` per row, shape (n,).

        Raises:
            NotConvergedError: The search is unfinished.
            ValueError: The width of the rows, or the names of the columns, differ from those in `fit`.
        """
        logits = self._logits(X)
        chosen: NDArray[Any] = self.classes_[logits.argmax(axis=1)]
        return chosen

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the logits of the classes.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k), float64; for two classes the logit of the second minus that of the first, shape (n,).

        Raises:
            NotConvergedError: The search is unfinished.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probabilities of the classes, the softmax of their logits.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k), float64, in the order of `classes_`.

        Raises:
            NotConvergedError: The search is unfinished.
        """
        return np.asarray(scipy.special.softmax(self._logits(X), axis=1))

    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Return the logarithms of `predict_proba`.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k), float64.

        Raises:
            NotConvergedError: The search is unfinished.
        """
        return np.asarray(scipy.special.log_softmax(self._logits(X), axis=1))

    def _logits(self, X: ArrayLike) -> FloatArray:
        """Return the logits (n, k) in the order of `classes_`; the task may order the classes differently, digits as
        numbers.
        """
        logits = self._outputs(X)
        return logits[:, self._columns]

    def _labels(self, y: ArrayLike, taken: set[str]) -> LabelRows:
        self._refuse_other_labels()
        columns = labels_of(y, "y")
        labels = column_or_1d(columns.values, warn=True)
        check_classification_targets(labels)
        name = apart(columns.names[0] if columns.names else "y", taken)
        levels = class_levels(labels, name, "y")
        self.classes_, first = np.unique(labels, return_index=True)
        if len(self.classes_) != len(levels.names):
            raise DataError("y has labels that differ in blanks or in type alone; give each class one label")
        self._columns = levels.codes[first]
        outputs = tuple(f"{name}={level}" for level in levels.names)
        kept = Side("outputs", name, plain(labels))
        return LabelRows(levels.one_hot, outputs, kept, "classes", levels.names)

    def _refuse_other_labels(self) -> None:
        if self.labels not in (None, "classes"):
            raise ConfigError(f"labels is {self.labels!r}; give 'classes' or None; numbers are for SharingSearch")
        for name in ("out_axes", "out_shape"):
            if getattr(self, name) is not None:
                raise ConfigError(f"{name} describes rows of numbers, and a row of y is one class; drop it", name)


def plain(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels (n,) as numbers or words, which a file can hold without pickles.

    Args:
        labels: Shape (n,), any dtype.
    """
    return np.array(labels.tolist()) if labels.dtype == object else labels
