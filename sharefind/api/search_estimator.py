"""The fit of every estimator: rows held in Python become a task, and a search runs on it.

This module only combines parts: `sharefind.datasets.frames` converts, `sharefind.search` searches,
`sharefind.architectures` writes files, and `sharefind.architectures.layers` has torch layers and their training.
"""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_consistent_length, validate_data

from sharefind.api.deep_model import DeepModel, DeepParameters, deep_model
from sharefind.api.fitted_rows import InputRows, LabelRows, flat_rows
from sharefind.api.found import FoundSharing
from sharefind.api.full_training import refuse_settings, refuse_unit, trained_in_full
from sharefind.api.kept_rows import DATA, UNITS, KeptRows, kept_rows
from sharefind.api.parameters import EvidenceRow, Hooks, Parameters, SearchedModel, new_folder
from sharefind.api.resolve import resolve_problem
from sharefind.api.search_parameters import SearchParameters
from sharefind.api.shown import check_verbose, deep_progress, preparing, progress
from sharefind.architectures import searched_network
from sharefind.datasets import Task, finite_task, unit_numbers
from sharefind.datasets.frames import has_names, numbers_of
from sharefind.errors import ConfigError, DataError, UnitError, YardstickWarning, worded
from sharefind.groups.axes import INPUT_AXES, Axes, read_axes
from sharefind.inference.dependence import warn_of_rows
from sharefind.parallel import Workers
from sharefind.report.text.run_samples import Samples
from sharefind.search import Observers, RunFolder, SearchConfig, SearchOutcome, run_search
from sharefind.search.relative_rows import relative_to_mean
from sharefind.search.run import Clock
from sharefind.typing import FloatArray

ROWS = ("_outcome", "_row_units")
"""Attributes that hold the rows of `fit`; copies and pickles go without them."""


class SearchEstimator(FoundSharing, SearchParameters):
    """Fits a search on rows. A subclass decides which labels it accepts and what it predicts."""

    _in_axes: Axes | None
    _outcome: SearchOutcome
    _row_units: NDArray[np.int64] | None

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Run a search on the rows of X and their labels y.

        Args:
            X: Shape (n, d_in), or (n, ...) if `axes` names the axes of a row: an array, a list, a data frame of pandas
                or polars, or a torch tensor.
            y: Labels. Numbers: shape (n, d_out) or (n,), or (n, ...) with `out_axes`. Classes: one label of any type
                per row. The same types as X, or a column of a frame.
            groups: Shape (n,), values of any type, as in scikit-learn's splitters. Rows with the same value may depend
                on each other; tests then draw one group element for all of them. None if rows are independent.

        Returns:
            The estimator itself.

        Raises:
            InputError: A setting or `groups` cannot be used, or the widths do not fit the group.
            DataTypeError: Rows are sparse, complex, text, categories or dates.
            ValueError: Rows are not finite, are masked, or have another shape.
            NotConvergedError: Training diverged, or no space held.
        """
        with worded(Parameters()):
            self._fit(X, y, groups)
        return self

    def _fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None) -> None:
        clock = Clock(time.monotonic())
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        check_verbose(self.verbose)
        refuse_settings(self.train_epochs, self.train_width, self.train_lr)
        rows = self._rows(X)
        labels = self._labels(y, {*rows.inputs, rows.kept.key})
        check_consistent_length(rows.values, labels.values)
        units = None if groups is None else unit_numbers(groups, len(labels.values), UNITS)
        self._search(rows, labels, units, clock)

    @abstractmethod
    def _labels(self, y: ArrayLike, taken: set[str]) -> LabelRows:
        """Return labels y, with names of columns that are not in `taken`."""

    def _rows(self, X: ArrayLike) -> InputRows:
        columns = numbers_of(X, "X")
        shape = columns.row_shape
        axes = read_axes(self.axes, self.shape, shape, INPUT_AXES) if len(shape) > 1 else None
        values = flat_rows(columns, "X", estimator=self)
        self._in_axes = axes or read_axes(self.axes, self.shape, values.shape[1:], INPUT_AXES)
        validate_data(self, X if has_names(X) else values, skip_check_array=True)
        return InputRows(values, columns.names, self._in_axes)

    def deep_network(
        self,
        unit: str = DeepParameters.unit,
        layers: Sequence[int] | None = None,
        widths: Sequence[int] = DeepParameters.widths,
        *,
        lr: float | None = None,
        weight_decay: float | None = None,
        restarts: int = DeepParameters.restarts,
        max_seconds: float | None = None,
        seed: int | None = None,
    ) -> DeepModel:
        """Return a deep network on the group that was found, chosen and trained on the rows of `fit`.

        Hidden types, width and depth are chosen by five-fold cross-validation, as `sharefind train --unit deep` does;
        its trainings are kept in the folder of the run, so that an interrupted call goes on where it was.

        Args:
            unit: "deep" or "deep-residual", with ":tanh" (the default), ":logistic", ":relu" or ":gelu".
            layers: Numbers of hidden layers that are tried; None for what suits the rows: three, and one to three
                for classes.
            widths: Widths of hidden layers that are tried.
            lr: First step of AdamW for an entry of the weights; all networks are trained by AdamW then. None to train
                small networks by evidence and others with a step of .01.
            weight_decay: Decay of weights by AdamW, which trains all networks then; biases do not decay. None as for
                `lr`.
            restarts: Starts of the chosen network; the best on a held-out fold is kept.
            max_seconds: Seconds after which nothing more is tried; None for no bound. The chosen network is trained on
                all rows after them.
            seed: Seed of folds, first weights and minibatches; None for that of the search.

        Raises:
            NotConvergedError: The search is unfinished, or a training diverged.
            ConfigError: A parameter is out of range, the search found {0}, the time was over before one network was
                tried, or the estimator is a copy, which has no rows.
            UnitError: The unit is unknown.
            ExportError: The group is infinite, or the mirror maps are not determined.
            RunFolderError: The folder of the run is gone, or another process trains in it.
        """
        self._model_of_search()
        outcome: SearchOutcome | None = self.__dict__.get("_outcome")
        if outcome is None:
            raise ConfigError("this estimator is a copy or was read from a file, without the rows of fit; fit it again")
        parameters = DeepParameters(unit, layers, widths, lr, weight_decay, restarts, max_seconds, seed)
        with worded(Parameters()), deep_progress(self.verbose) as told:
            return deep_model(self, outcome, self._row_units, parameters, told)

    def __getstate__(self) -> Any:
        """Return the state without the rows of `fit`."""
        return {name: value for name, value in super().__getstate__().items() if name not in ROWS}

    def _outputs(self, X: ArrayLike) -> FloatArray:
        """Return the output of the model, (n, d_out), on rows (n, d_in) or on rows with the axes of the fitted rows."""
        return self._model_of_search().predict(self._inputs(X))

    def _inputs(self, X: ArrayLike) -> FloatArray:
        """Return rows (n, d_in) as the model takes them."""
        columns = numbers_of(X, "X")
        shape = columns.row_shape
        if len(shape) > 1 and shape != getattr(self._in_axes, "shape", None):
            found = " x ".join(map(str, shape))
            fitted = " x ".join(map(str, getattr(self._in_axes, "shape", ()) or (self.n_features_in_,)))
            raise DataError(f"X has rows of shape {found}, and fit had {fitted}; give rows of the same shape")
        values = flat_rows(columns, "X", estimator=self)
        validate_data(self, X if has_names(X) else values, skip_check_array=True, reset=False)
        if self.relative_to_mean is not None:
            values = relative_to_mean(values, self._in_axes, self.relative_to_mean)
        return values

    def _search(self, rows: InputRows, labels: LabelRows, units: NDArray[np.int64] | None, clock: Clock) -> None:
        kept = kept_rows((rows.kept, labels.kept), units)
        config = self._config({"labels": labels.kind, **kept.settings})
        with preparing(self.verbose) as on_progress:
            problem = resolve_problem(config, _task(rows, labels, units), self._given_group(), on_progress)
        self._in_axes = problem.task.in_axes
        if self.train_epochs:
            refuse_unit(problem)
        for line in problem.warnings:
            warn_of_rows(line, stacklevel=5)
        widths = (rows.values.shape[1], labels.values.shape[1])
        self._samples = Samples("data", problem.fingerprint, len(rows.values), widths)
        folder = self._new_run(problem.resolved, kept)
        hooks = Hooks(on_node_start=self.on_node_start, on_node_end=self.on_node_end, on_error=self.on_error)
        workers = Workers(effective_n_jobs(self.n_jobs))
        with progress(self.verbose, problem, folder, workers, clock, is_kept=isinstance(self._run, Path)) as shown:
            outcome, self.result_ = run_search(
                problem,
                folder,
                Observers(shown, hooks, *([] if self.observer is None else [self.observer])),
                workers,
                clock=clock,
                is_explained=bool(self.explain),
            )
        for line in outcome.warnings:
            warnings.warn(line, YardstickWarning, stacklevel=5)
        self._keep(outcome, folder, units)

    def _new_run(self, config: SearchConfig, kept: KeptRows) -> RunFolder:
        """Create the folder of the run; a folder that is kept stores the rows, and its configuration names them."""
        self._run = new_folder(self.run_dir)
        if not isinstance(self._run, Path):
            return RunFolder.create(self._run.path, config)
        folder = RunFolder.create(self._run, config.model_copy(update={"data": str(self._run / DATA)}))
        kept.write(self._run)
        return folder

    def _keep(self, outcome: SearchOutcome, folder: RunFolder, units: NDArray[np.int64] | None) -> None:
        self.is_finished_, self.lattice_ = outcome.finished, outcome.lattice
        self.e_star_, self.subspace_ = outcome.e_star, outcome.e_star.space
        place = outcome.problem.lattice_node(outcome.e_star)
        self.stabiliser_ = None if place is None else place.group
        self.accepted_, self.rejected_ = self.result_.accepted, self.result_.rejected
        self.verdicts_, self.likeliest_ = self.result_.symmetries, self.result_.likeliest
        self.evidence_ = [
            EvidenceRow(node.number or 0, node.label, node.space.dim, node.evidence)
            for node in outcome.lattice.visited()
            if node.evidence is not None
        ]
        for name in ("spec_", "network_", "training_", "_model", *ROWS):
            self.__dict__.pop(name, None)
        if outcome.finished:
            self._outcome, self._row_units = outcome, units
            self._keep_model(outcome, folder)

    def _keep_model(self, outcome: SearchOutcome, folder: RunFolder) -> None:
        try:
            self.network_ = searched_network(outcome, folder)
        except UnitError:  # a unit that cannot be exported can still predict
            problem, node = outcome.problem, outcome.e_star
            final = folder.particles(node.number or 0)[1]
            particles = np.asarray(node.space.project(final), np.float64)
            self._model = SearchedModel(problem.unit, particles, problem.change)
            return
        if self.train_epochs and not outcome.e_star.space.is_zero:
            trained = trained_in_full(outcome, self.train_epochs, self.train_width, self.train_lr)
            self.network_, self.training_ = trained.network, trained.training
        self._model = self.network_
        self.spec_ = self.network_.spec


def _task(rows: InputRows, labels: LabelRows, units: NDArray[np.int64] | None) -> Task:
    """Return the rows as a task; the group fixes its classes unless a setting says otherwise."""
    return finite_task(
        "data",
        rows.values,
        labels.values,
        units=units,
        inputs=rows.inputs,
        outputs=labels.outputs,
        classes=labels.classes,
        in_axes=rows.axes,
        out_axes=labels.axes,
        out_rep=f"trivial:{len(labels.classes)}" if labels.classes else None,
    )
