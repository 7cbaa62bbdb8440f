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
from sharefind.datasets.frames import labels_of
from sharefind.datasets.task import NUMERIC_KINDS
from sharefind.errors import ConfigError, DataError
from sharefind.typing import FloatArray


class SharingClassifier(ClassifierMixin, SearchEstimator):  # type: ignore[misc]
    """Finds the smallest subspace of parameters that training does not leave, and classifies with the model found.

    Labels become one column a class, in the order of `classes_`; the group leaves classes as they are, unless `out_rep`
    says that it permutes them. Everything else is as in `sharefind.SharingSearch`, with the same parameters and
    attributes.

    Attributes:
        classes_: The labels that occur, sorted, of the type in which they were given, shape (k,).
    """

    classes_: NDArray[Any]

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
        places = self._outputs(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[places]
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
        logits = self._outputs(X)
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
        return np.asarray(special.softmax(self._outputs(X), axis=1))

    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Logarithms of `predict_proba`.

        Args:
            X: Rows as in `fit`.

        Returns:
            Shape (n, k).

        Raises:
            NotConvergedError: The search is unfinished.
        """
        return np.asarray(special.log_softmax(self._outputs(X), axis=1))

    def _labels(self, y: ArrayLike, taken: set[str]) -> LabelRows:
        self._refuse_other_labels()
        columns = labels_of(y, "y")
        labels = column_or_1d(columns.values, warn=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        words = tuple(map(word_of, self.classes_))
        if len(words) < 2:
            raise DataError(f"y holds one class, {words[0]}; a classifier needs rows of two classes or more")
        name = apart(columns.names[0] if columns.names else "y", taken)
        outputs = tuple(f"{name}={word}" for word in words)
        return LabelRows(np.eye(len(words))[codes], outputs, Side("outputs", name, plain(labels)), "classes", words)

    def _refuse_other_labels(self) -> None:
        if self.labels not in (None, "classes"):
            raise ConfigError(f"labels is {self.labels!r}; give 'classes' or None; numbers are for SharingSearch")
        for name in ("out_axes", "out_shape"):
            if getattr(self, name) is not None:
                raise ConfigError(f"{name} describes rows of numbers, and a row of y is one class; drop it", name)


def word_of(label: object) -> str:
    """What a class is called."""
    return label.decode(errors="replace") if isinstance(label, bytes) else str(label)


def plain(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels (n,) of any type as numbers or words, which a file can hold without pickles."""
    array = np.array(labels.tolist()) if labels.dtype == object else labels
    return array if array.dtype.kind in NUMERIC_KINDS else np.array([word_of(label) for label in labels])
