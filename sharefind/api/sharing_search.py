"""The search as a scikit-learn regressor: fit it to rows with numeric labels, read what was found, predict, export."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from sharefind.api.fitted_rows import LabelRows, flat_rows, usual_names
from sharefind.api.kept_rows import Side, apart
from sharefind.api.search_estimator import SearchEstimator
from sharefind.datasets.classes import looks_like_classes
from sharefind.datasets.frames import numbers_of
from sharefind.datasets.roles import LabelKind
from sharefind.errors import ConfigError, LabelsWarning
from sharefind.groups.axes import OUTPUT_AXES, read_axes
from sharefind.typing import FloatArray


class SharingSearch(RegressorMixin, SearchEstimator):  # type: ignore[misc]
    """Finds the smallest subspace of parameters that training does not leave, and predicts with the model found there.

    The class follows scikit-learn: parameters are stored unchanged and checked by `fit`, and names that end in an
    underscore exist after it. An unfinished search (a hook raised `StopSearch`, or a budget was spent) has everything
    but a model; `is_finished_` is then False. Labels are numbers; use `SharingClassifier` for classes. The parameters
    are those of `sharefind.api.search_parameters.SearchParameters`.

    Attributes:
        subspace_: The space found, E_*; the last space visited if the search is unfinished.
        e_star_: Its node.
        stabiliser_: The largest candidate group that fixes it; None if no group is known.
        accepted_: Names of the candidate groups that were not rejected.
        rejected_: Names of the candidate groups that were rejected.
        lattice_: Every node and growth.
        evidence_: One row for each visited node.
        verdicts_: One row for each candidate group: the verdict on the law of (X, Y) and, if requested, on the inputs
            alone, on the relation and on the price of tying.
        likeliest_: The group with most evidence, beside the tested ones; None if shares of evidence were not computed.
        result_: The output of `sharefind discover --json`, as a value.
        spec_: The architecture as a specification; missing if the search is unfinished or its unit cannot be exported.
        network_: The architecture with the weights that `predict` uses: those of the search or, with `train_epochs`, of
            the full training.
        training_: The course of that full training; missing without one.
        run_dir_: Folder of the run.
        n_features_in_: d_in.
        feature_names_in_: Names of the columns of X, if they are texts.

    Examples:
        >>> search = SharingSearch("S4").fit(X, y)  # X of shape (n, 4), y of shape (n, 4)
        >>> search.accepted_, search.subspace_.dim, search.predict(X).shape
    """

    _row_shape: tuple[int, ...]

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the predictions of the model on E_*.

        Args:
            X: Rows as in `fit`.

        Returns:
            One prediction per row, in the shape of y: (n, d_out), (n,), or (n, ...) if y has axes; float64.

        Raises:
            NotConvergedError: The search is unfinished.
            ValueError: The width of the rows, or the names of the columns, differ from those in `fit`.
        """
        values = self._outputs(X)
        return values.reshape(len(values), *self._row_shape)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2 of `predict`, averaged over the outputs.

        Args:
            X: Rows as in `fit`.
            y: Their labels.
            sample_weight: Weights of the rows, shape (n,).
        """
        predicted = self.predict(X)
        labels = np.asarray(numbers_of(y, "y").values)
        flat = (values.reshape(len(values), -1) for values in (labels, predicted))
        return float(r2_score(*flat, sample_weight=sample_weight))

    def _labels(self, y: ArrayLike, taken: set[str]) -> LabelRows:
        if self.labels not in (None, "numbers"):
            raise ConfigError(
                f"labels is {self.labels!r}; give 'numbers' or None, and use SharingClassifier for classes"
            )
        columns = numbers_of(y, "y")
        values = flat_rows(columns, "y", ensure_2d=False, estimator=self)
        self._row_shape = columns.row_shape
        values = values.reshape(len(values), -1)
        axes = read_axes(self.out_axes, self.out_shape, columns.row_shape or (1,), OUTPUT_AXES)
        self._warn_of_classes(values)
        shape = () if axes is None else axes.shape
        names = tuple(apart(name, taken) for name in columns.names)
        key = apart("y", taken)
        kept = Side("outputs", key, values if names or not shape else values.reshape(-1, *shape), names)
        # Whole numbers could be mistaken for classes when the rows of a stored run are read again.
        kind: LabelKind | None = (
            "numbers" if self.labels == "numbers" or bool((values == np.rint(values)).all()) else None
        )
        return LabelRows(values, names or usual_names(key, values.shape[1], axes), kept, kind, axes=axes)

    def _warn_of_classes(self, y: FloatArray) -> None:
        count = looks_like_classes(y) if self.labels is None and y.shape[1] == 1 else 0
        if count:
            warnings.warn(
                f"y looks like {count} classes, and SharingSearch treats them as "
                "numbers; use SharingClassifier, or say labels='numbers'",
                LabelsWarning,
                stacklevel=5,
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
