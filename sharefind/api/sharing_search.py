"""The search as a scikit-learn estimator: fit on arrays, read what was found, predict, export, draw.

It only puts the parts together: the search is `sharefind.search`, what is written
`sharefind.architectures`, torch layers are `sharefind.architectures.layers`, pictures `sharefind.report`.
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from sharefind.api.found import FoundSharing
from sharefind.api.parameters import EvidenceRow, Hooks, Parameters, SearchedModel, new_folder, refuse_no_numbers
from sharefind.api.resolve import resolve_problem
from sharefind.api.shown import check_verbose, progress
from sharefind.architectures import searched_network
from sharefind.datasets import finite_task, unit_numbers
from sharefind.errors import ConfigError, UnitError, YardstickWarning, worded
from sharefind.groups import Group
from sharefind.inference.dependence import warn_of_rows
from sharefind.limits import DEFAULT_LIMITS, Limits, settings_of
from sharefind.parallel import Workers
from sharefind.report.text.run_samples import Samples
from sharefind.search import (
    Candidate,
    Observer,
    Observers,
    RunFolder,
    SearchConfig,
    SearchNode,
    SearchOutcome,
    run_search,
    search_config,
)
from sharefind.search.run import Clock
from sharefind.storage import write_atomically
from sharefind.typing import FloatArray

DATA = "data.npz"
"""The rows beside a kept run."""

GROUPS = "groups"
"""Their units there, and the parameter of `fit` that names them."""


class SharingSearch(RegressorMixin, FoundSharing):  # type: ignore[misc]
    """Finds the smallest subspace of parameters that training does not leave, and predicts with the model found there.

    Follows scikit-learn: parameters are stored as given and checked by `fit`; what ends in an underscore exists after
    it. An unfinished search (a hook raised `StopSearch`, or a budget was spent) has everything but a model:
    `is_finished_` says so.

    Args:
        group: candidate group: a name ("C4", "D4", "S3", "C2xC3", ...), a Group, or a Candidate with representations;
            None proposes one from the data. generators: path of a file with generators, instead of a group.
        unit, in_rep, out_rep, hidden_rep, scheme, growth, stop, statistic, delta, alpha, tolerance, particles, horizon,
            replicates, copies, training_copies, preset, max_nodes, max_seconds, block_length: as in
            `sharefind.search.SearchConfig`; None lets the preset decide.
        random_state: a seed, a numpy RandomState, or None for another search every time.
        n_jobs: worker processes as in joblib; the result does not depend on it.
        verbose: 0 says nothing; 1 shows how far the search is: live in a notebook and on a terminal, elsewhere a line a
            node.
        run_dir: a new folder that keeps the run and its rows, for the commands `inspect` and `report`, and where the
            group has a name or a file for `train`, `export` and `discover --resume`; None keeps it as long as the
            estimator lives.
        limits: on the sizes of what is given; None for the usual ones.
        on_node_start, on_node_end: called with a SearchNode. on_error: called with the exception before it is raised.
            Any may raise `StopSearch` to end the search cleanly, except on_error. observer: all hooks in one object.

    Attributes:
        subspace_: E_*, the last space when unfinished. e_star_: its node. stabiliser_: the largest candidate group that
            fixes it; None where no group is known.
        accepted_, rejected_: names of the candidate groups. lattice_: every node and growth.
        evidence_: a row for every visited node. result_: what `sharefind discover --json` prints, as a value.
        spec_: the architecture as a specification, network_: the same with the particles of the search; both absent
            where the search is unfinished or its unit cannot be exported. run_dir_: where the run lies.
        n_features_in_: d_in.
    """

    def __init__(
        self,
        group: str | Group | Candidate | None = None,
        unit: str | None = None,
        *,
        generators: str | Path | None = None,
        in_rep: str | None = None,
        out_rep: str | None = None,
        hidden_rep: str | None = None,
        scheme: str = "vanilla",
        growth: str | None = None,
        stop: str | None = None,
        statistic: str | None = None,
        delta: float | None = None,
        alpha: float = 0.01,
        tolerance: float | None = None,
        particles: int | None = None,
        horizon: float | None = None,
        replicates: int | None = None,
        copies: int | None = None,
        training_copies: int | None = None,
        preset: str = "fast",
        max_nodes: int | None = None,
        max_seconds: float | None = None,
        block_length: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
        run_dir: str | Path | None = None,
        limits: Limits | None = None,
        on_node_start: Callable[[SearchNode], object] | None = None,
        on_node_end: Callable[[SearchNode], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.group = group
        self.unit = unit
        self.generators = generators
        self.in_rep = in_rep
        self.out_rep = out_rep
        self.hidden_rep = hidden_rep
        self.scheme = scheme
        self.growth = growth
        self.stop = stop
        self.statistic = statistic
        self.delta = delta
        self.alpha = alpha
        self.tolerance = tolerance
        self.particles = particles
        self.horizon = horizon
        self.replicates = replicates
        self.copies = copies
        self.training_copies = training_copies
        self.preset = preset
        self.max_nodes = max_nodes
        self.max_seconds = max_seconds
        self.block_length = block_length
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.run_dir = run_dir
        self.limits = limits
        self.on_node_start = on_node_start
        self.on_node_end = on_node_end
        self.on_error = on_error
        self.observer = observer

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Search on the rows X (n, d_in) and y (n, d_out), or y (n,) for one output.

        Args:
            X: (n, d_in).
            y: (n, d_out), or (n,).
            groups: (n,), values of any kind, as scikit-learn's splitters take them: rows with one value may
                depend on each other, so that tests draw one group element for all of them; None where rows are
                independent.

        Raises:
            InputError: a setting or `groups` cannot be used, or the widths do not fit the group. DataTypeError: rows
                are sparse, complex, text or dates. ValueError: rows that are not finite, masked, or of another shape.
                NotConvergedError: training diverged or no space held.
        """
        refuse_no_numbers(X, "X")
        refuse_no_numbers(y, "y")
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        labels = np.asarray(y, dtype=np.float64)
        self._is_flat = labels.ndim == 1
        with worded(Parameters()):
            units = None if groups is None else unit_numbers(groups, len(labels), GROUPS)
            self._search(np.asarray(X), labels.reshape(len(labels), -1), units)
        return self

    def _search(self, x: FloatArray, y: FloatArray, units: NDArray[np.int64] | None) -> None:
        check_verbose(self.verbose)
        clock, config = Clock(time.monotonic()), self._config(None if units is None else GROUPS)
        problem = resolve_problem(config, finite_task("data", x, y, units=units), self._given_group())
        for line in problem.warnings:
            warn_of_rows(line, stacklevel=4)
        self._samples = Samples("data", problem.fingerprint, len(x), (x.shape[1], y.shape[1]))
        self._run = new_folder(self.run_dir)
        path = self._run if isinstance(self._run, Path) else self._run.path
        folder = RunFolder.create(path, self._recorded(problem.resolved, path))
        if isinstance(self._run, Path):
            buffer = io.BytesIO()
            named: dict[str, Any] = {} if units is None else {GROUPS: units}
            np.savez(buffer, x=x, y=y, **named)
            write_atomically(path / DATA, buffer.getvalue())
        hooks = Hooks(on_node_start=self.on_node_start, on_node_end=self.on_node_end, on_error=self.on_error)
        with progress(self.verbose, problem, self._run if isinstance(self._run, Path) else None) as shown:
            outcome, self.result_ = run_search(
                problem,
                folder,
                Observers(shown, hooks, *([] if self.observer is None else [self.observer])),
                Workers(effective_n_jobs(self.n_jobs)),
                clock=clock,
            )
        for line in outcome.warnings:
            warnings.warn(line, YardstickWarning, stacklevel=4)
        self._keep(outcome, folder)

    def _recorded(self, config: SearchConfig, path: Path) -> SearchConfig:
        """The configuration in the run folder: that of a kept run names the data beside it, for the command line."""
        return config.model_copy(update={"data": str(path / DATA)}) if isinstance(self._run, Path) else config

    def _config(self, rows_of: str | None) -> SearchConfig:
        given = {} if self.limits is None else settings_of(self._limits)
        same = set(SearchConfig.model_fields) & set(self.get_params(deep=False)) - {"group", "generators"}
        return search_config(
            group=self.group if isinstance(self.group, str) else None,
            generators=None if self.generators is None else str(self.generators),
            blind=self.group is None and self.generators is None,
            seed=self._seed(),
            rows_of=rows_of,
            **{name: getattr(self, name) for name in same},
            **given,
        )

    @property
    def _limits(self) -> Limits:
        if not isinstance(self.limits, Limits | None):
            raise ConfigError(f"limits is a {type(self.limits).__name__}; give sharefind.limits.Limits(...) or None")
        return self.limits or DEFAULT_LIMITS

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _given_group(self) -> Candidate | Group | None:
        """The candidate that no setting names."""
        if self.generators is not None and self.group is not None:
            raise ConfigError("group and generators exclude each other; give one of them")
        if not isinstance(self.group, str | Group | Candidate | None):
            raise ConfigError(f"group is a {type(self.group).__name__}; give a name, a Group, a Candidate or None")
        return None if isinstance(self.group, str) else self.group

    def _keep(self, outcome: SearchOutcome, folder: RunFolder) -> None:
        self.is_finished_, self.lattice_ = outcome.finished, outcome.lattice
        self.e_star_, self.subspace_ = outcome.e_star, outcome.e_star.space
        place = outcome.problem.lattice_node(outcome.e_star)
        self.stabiliser_ = None if place is None else place.group
        self.accepted_, self.rejected_ = self.result_.accepted, self.result_.rejected
        self.evidence_ = [
            EvidenceRow(node.number or 0, node.label, node.space.dim, node.evidence)
            for node in outcome.lattice.visited()
            if node.evidence is not None
        ]
        for name in ("spec_", "network_", "_model"):
            self.__dict__.pop(name, None)
        if outcome.finished:
            self._keep_model(outcome, folder)

    def _keep_model(self, outcome: SearchOutcome, folder: RunFolder) -> None:
        try:
            self.network_ = searched_network(outcome, folder)
            self._model = self.network_
            self.spec_ = self.network_.spec
        except UnitError:  # a unit that is searched and cannot be exported still predicts
            problem, node = outcome.problem, outcome.e_star
            final = folder.particles(node.number or 0)[1]
            particles = np.asarray(node.space.project(final), np.float64)
            self._model = SearchedModel(problem.unit, particles, problem.change)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
