"""The search as a scikit-learn regressor: fit on rows with numbers as labels, read what was found, predict, export."""

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

    Follows scikit-learn: parameters are stored as given and checked by `fit`; what ends in an underscore exists after
    it. An unfinished search (a hook raised `StopSearch`, or a budget was spent) has everything but a model:
    `is_finished_` says so. Labels are numbers; for classes there is `SharingClassifier`. The parameters are those of
    `sharefind.api.search_parameters.SearchParameters`.

    Attributes:
        subspace_: E_*, the last space when unfinished.
        e_star_: Its node.
        stabiliser_: The largest candidate group that fixes it; None where no group is known.
        accepted_: Names of the candidate groups that were not rejected.
        rejected_: Names of those that were.
        lattice_: Every node and growth.
        evidence_: A row for every visited node.
        verdicts_: A row for every candidate group: of the law of (X, Y), and where they were asked for, of the inputs
            alone, of the relation and of the price of tying.
        likeliest_: Which group the evidence speaks for, beside what was tested; None where there are no shares.
        result_: What `sharefind discover --json` prints, as a value.
        spec_: The architecture as a specification; absent where the search is unfinished or its unit cannot be
            exported.
        network_: The same with the weights that `predict` uses, those of the search or, with `train_epochs`, of the
            full training.
        training_: How that full training went; absent without one.
        run_dir_: Where the run lies.
        n_features_in_: d_in.
        feature_names_in_: Names of the columns of X, where they are texts.
    """

    _row_shape: tuple[int, ...]

    def predict(self, X: ArrayLike) -> FloatArray:
        """f(X) by the model on E_*.

        Args:
            X: Rows as in `fit`.

        Returns:
            One prediction a row, in the shape of y: (n, d_out), (n,), or (n, ...) where y had axes.

        Raises:
            NotConvergedError: The search is unfinished.
            ValueError: Rows of another width, or other names of columns, than in `fit`.
        """
        values = self._outputs(X)
        return values.reshape(len(values), *self._row_shape)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2 of `predict`, the mean over the outputs.

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
        # Whole numbers could be taken for classes where the rows of a kept run are read again.
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
