"""What an estimator of sharefind is given, and the configuration of a search that follows from it.

Parameters are stored as they are given; nothing is checked before `fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sharefind.datasets.map_file import GivenMap, written_map
from sharefind.errors import ConfigError
from sharefind.groups import Group
from sharefind.groups.column_maps import WrittenMap
from sharefind.limits import DEFAULT_LIMITS, Limits, settings_of
from sharefind.search import Candidate, Observer, SearchConfig, SearchNode, search_config


class SearchParameters(BaseEstimator):  # type: ignore[misc]
    """Parameters that all estimators have.

    Args:
        group: Candidate group: a name ("C4", "D4", "S3", "C2xC3", ...), a Group, or a Candidate with representations;
            None proposes one from the data.
        unit: Unit expression, as in `sharefind.search.SearchConfig`; None lets the preset decide, here and below.
        generators: Path of a file with generators, instead of a group.
        map: Which column goes where, instead of a group: the path of a table (name, image, sign), a dict such as
            {"hip_1": "-hip_4", "hip_4": "-hip_1"} whose other columns stay, or a list of these, a generator each.
        signs: Where there is no candidate, look for mirror maps: permutations with signs of inputs and labels, apart.
        in_rep: Representation expression on X.
        out_rep: Representation expression on y. Of classes it permutes them in the order of `classes_`; they stay as
            they are where it is None.
        hidden_rep: Representation expression for a unit with a hidden layer.
        axes: Names of the axes of a row of X, the slowest first, such as "points coords".
        shape: Lengths of these axes, such as "5x4", where rows are flat.
        relative_to_mean: Axis of X whose coordinates are taken relative to their mean over the other axes, such as
            "coords", or "coords:3" for its first three entries. Models then do not change when all points move alike.
        out_axes: Names of the axes of a row of y.
        out_shape: Lengths of these axes, where rows are flat.
        labels: "numbers" says that y holds numbers although they look like classes; a classifier has "classes".
        scheme: How training uses the group.
        growth: Growth rule.
        stop: Stopping rule.
        statistic: Of the exact tests.
        delta: Threshold on dist^2 of the rule `fixed`.
        symmetry: What decides: "law", "relation" or "auto" (None), as in `SearchConfig`.
        alpha: Level of the tests.
        tolerance: Largest relative escape that still counts as staying.
        particles: Width of the network.
        horizon: T, the length of a training of the search.
        replicates: Folds of the cross-fitted escape.
        copies: Randomised copies of each test.
        training_copies: Copies that a training at a node is compared with.
        preset: "fast" or "paper": what fills in the rest.
        max_nodes: Most nodes that are visited.
        max_seconds: Most seconds of work.
        block_length: Rows of a block of rows that may depend on each other, in their order.
        train_epochs: Most passes over the rows with which the network on E_* is trained in full after the search, as
            `sharefind train` does; `predict` and exports then use its weights. 0: those of the search's short training.
        train_width: Particles of that network; as in the search where None.
        train_lr: Adam's step there, over the size of the first weights.
        explain: Whether `fit` says, once the space is found, why groups were rejected (`result_.diagnosis`) and how
            well the space predicts beside least squares and the untied network (`result_.yardstick`,
            `YardstickWarning`). Nothing else depends on it, and grids and cross-validation read neither.
        random_state: A seed, a numpy RandomState, or None for another search every time.
        n_jobs: Worker processes as in joblib; the result does not depend on it.
        verbose: 0 says nothing; 1 shows how far the search is: live in a notebook and on a terminal, elsewhere a line a
            node.
        run_dir: A new folder that keeps the run and its rows, with the names of columns and classes, for the commands
            `inspect` and `report`, and where the group has a name or a file for `train`, `export` and `discover
            --resume`; None keeps it as long as the estimator lives.
        limits: Bounds on the sizes of inputs; None for the default bounds.
        on_node_start: Called with a SearchNode; it may raise `StopSearch` to end the search cleanly.
        on_node_end: The same after the node.
        on_error: Called with the exception before it is raised.
        observer: All hooks in one object.
    """

    def __init__(
        self,
        group: str | Group | Candidate | None = None,
        unit: str | None = None,
        *,
        generators: str | Path | None = None,
        map: GivenMap | None = None,
        signs: bool | None = None,
        in_rep: str | None = None,
        out_rep: str | None = None,
        hidden_rep: str | None = None,
        axes: str | None = None,
        shape: str | None = None,
        relative_to_mean: str | None = None,
        out_axes: str | None = None,
        out_shape: str | None = None,
        labels: str | None = None,
        scheme: str = "vanilla",
        growth: str | None = None,
        stop: str | None = None,
        statistic: str | None = None,
        delta: float | None = None,
        symmetry: str | None = None,
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
        train_epochs: int = 0,
        train_width: int | None = None,
        train_lr: float = 0.05,
        explain: bool = True,
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
        self.map = map
        self.signs = signs
        self.in_rep = in_rep
        self.out_rep = out_rep
        self.hidden_rep = hidden_rep
        self.axes = axes
        self.shape = shape
        self.relative_to_mean = relative_to_mean
        self.out_axes = out_axes
        self.out_shape = out_shape
        self.labels = labels
        self.scheme = scheme
        self.growth = growth
        self.stop = stop
        self.statistic = statistic
        self.delta = delta
        self.symmetry = symmetry
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
        self.train_epochs = train_epochs
        self.train_width = train_width
        self.train_lr = train_lr
        self.explain = explain
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.run_dir = run_dir
        self.limits = limits
        self.on_node_start = on_node_start
        self.on_node_end = on_node_end
        self.on_error = on_error
        self.observer = observer

    def _config(self, data: Mapping[str, Any]) -> SearchConfig:
        """The configuration of a search.

        Args:
            data: What it says of the columns of the data: fields of `sharefind.datasets.roles.Roles`.
        """
        given = {} if self.limits is None else settings_of(self._limits)
        same = set(SearchConfig.model_fields) & set(self.get_params(deep=False)) - {"group", "generators", "map", *data}
        return search_config(
            group=self.group if isinstance(self.group, str) else None,
            generators=None if self.generators is None else str(self.generators),
            map=str(self.map) if isinstance(self.map, str | Path) else None,
            blind=self.group is None and self.generators is None and self.map is None,
            seed=self._seed(),
            **data,
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

    def _given_group(self) -> Candidate | Group | WrittenMap | None:
        """The candidate that no setting names."""
        given = [name for name in ("group", "generators", "map") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} exclude each other; give one of them")
        if self.map is not None and not isinstance(self.map, str | Path):
            return written_map(self.map, self._limits)
        if not isinstance(self.group, str | Group | Candidate | None):
            raise ConfigError(f"group is a {type(self.group).__name__}; give a name, a Group, a Candidate or None")
        return None if isinstance(self.group, str) else self.group
