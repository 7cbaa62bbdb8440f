"""The search as a scikit-learn classifier: labels of any type, a logit for each class, probabilities by softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
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

    Labels become one column a class, in the order of `classes_`; the group leaves classes as they are, unless `out_rep`
    says that it permutes them. Everything else is as in `sharefind.SharingSearch`, with the same parameters and
    attributes.

    Attributes:
        classes_: The labels that occur, sorted, of the type in which they were given, shape (k,).
    """

    classes_: NDArray[Any]
    _columns: IntArray

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the largest logit.

        Args:
            X: Rows as in `fit`.

        Returns:
            One of `classes_` a row, shape (n,).

        Raises:
            NotConvergedError: The search is unfinished.
            ValueError: Rows of another width, or other names of columns, than in `fit`.
        """
        logits = self._logits(X)
        chosen: NDArray[Any] = self.classes_[logits.argmax(axis=1)]
        return chosen

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Logits of the classes.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k); of two classes the logit of the second minus that of the first, shape (n,).

        Raises:
            NotConvergedError: The search is unfinished.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Probabilities of the classes, the softmax of their logits.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k), in the order of `classes_`.

        Raises:
            NotConvergedError: The search is unfinished.
        """
        return np.asarray(special.softmax(self._logits(X), axis=1))

    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Logarithms of `predict_proba`.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k).

        Raises:
            NotConvergedError: The search is unfinished.
        """
        return np.asarray(special.log_softmax(self._logits(X), axis=1))

    def _logits(self, X: ArrayLike) -> FloatArray:
        """Logits (n, k) in the order of `classes_`: of labels that are digits as words, the task sorts the numbers."""
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
    """Labels (n,) as numbers or words, which a file can hold without pickles."""
    return np.array(labels.tolist()) if labels.dtype == object else labels
