"""The parameters of the estimators, and the search configuration that follows from them.

Parameters are stored unchanged; `fit` checks them.
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
from sharefind.search import ActingGroup, Observer, SearchConfig, SearchNode, search_config


class SearchParameters(BaseEstimator):  # type: ignore[misc]
    """Parameters that all estimators have.

    Args:
        group: Candidate group: a name ("C4", "D4", "S3", "C2xC3", ...), a Group, or an ActingGroup with its
            representations.
            None proposes a group from the data.
        unit: Unit expression, as in `sharefind.search.SearchConfig`. For this and the parameters below, None means the
            value of the preset.
        generators: Path of a file with generators, instead of a group.
        map: Map of columns, instead of a group: the path of a table (name, image, sign), a dict such as {"hip_1":
            "-hip_4", "hip_4": "-hip_1"}, which fixes all other columns, or a list of these, one per generator.
        signs: If there is no candidate, whether to search for mirror maps: separate permutations with signs of inputs
            and of labels.
        in_rep: Representation expression on X.
        out_rep: Representation expression on y. For classes it permutes them in the order of `classes_`; None fixes
            each class.
        hidden_rep: Representation expression on hidden units, for a unit with a hidden layer.
        axes: Names of the axes of a row of X, slowest first, such as "points coords".
        shape: Lengths of these axes for flat rows, such as "5x4".
        relative_to_mean: Axis of X whose coordinates are taken relative to their mean over the other axes, such as
            "coords", or "coords:3" for its first three entries. Models are then invariant to a common shift of all
            points.
        out_axes: Names of the axes of a row of y.
        out_shape: Lengths of these axes for flat rows.
        labels: "numbers" if y holds numbers that look like classes; a classifier has "classes".
        scheme: How training uses the group.
        growth: Growth rule.
        stop: Stopping rule.
        statistic: Statistic of the exact tests.
        delta: Threshold on dist^2, the squared distance of the particles to a space, for the rule `fixed`.
        symmetry: The symmetry that decides: "law", "relation" or "auto" (None), as in `SearchConfig`.
        alpha: Level of the tests.
        tolerance: Largest relative escape that counts as staying in a space.
        particles: Width of the network.
        horizon: Length T of a training of the search.
        replicates: Number of folds of the cross-fitted escape.
        copies: Number of randomised copies of the data in each test.
        training_copies: Number of copies with which a training at a node is compared.
        preset: "fast" or "paper": the values of all settings that are not given.
        max_nodes: Largest number of nodes that are visited.
        max_seconds: Largest number of seconds of work.
        block_length: Number of consecutive rows in a block whose rows may depend on each other.
        train_epochs: Largest number of passes over the rows in a full training of the network on E_* after the search,
            as in `sharefind train`. Its weights are then used by `predict` and exports. 0 keeps the weights of the
            search's short training.
        train_width: Number of particles of that network; None for the number in the search.
        train_lr: Adam's step in that training, relative to the size of the first weights.
        explain: Whether `fit` also reports why groups were rejected (`result_.diagnosis`), and how well the space
            predicts compared with least squares and the untied network (`result_.yardstick`, `YardstickWarning`).
            Nothing else depends on it; grid searches and cross-validation can turn it off.
        random_state: A seed, a numpy RandomState, or None for a different search every time.
        n_jobs: Number of worker processes, as in joblib; the result does not depend on it.
        verbose: 0 prints nothing; 1 shows progress: live in a notebook and on a terminal, elsewhere one line per node.
        run_dir: A new folder that keeps the run and its rows, with the names of columns and classes. The commands
            `inspect` and `report` read it; `train`, `export` and `discover --resume` read it if the group has a name or
            a file. None keeps the run as long as the estimator exists.
        limits: Limits on the sizes of inputs; None for the defaults.
        on_node_start: Called with a SearchNode before it is visited; it may raise `StopSearch` to end the search
            cleanly.
        on_node_end: Called with a SearchNode after it was visited; it may raise `StopSearch`, too.
        on_error: Called with an exception before it is raised.
        observer: All hooks in one object.
    """

    def __init__(
        self,
        group: str | Group | ActingGroup | None = None,
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
        """Return the configuration of a search.

        Args:
            data: Settings of the columns of the data: fields of `sharefind.datasets.roles.Roles`.
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

    def _given_group(self) -> ActingGroup | Group | WrittenMap | None:
        """Return the candidate if it is an object, which a setting cannot name."""
        given = [name for name in ("group", "generators", "map") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} exclude each other; give one of them")
        if self.map is not None and not isinstance(self.map, str | Path):
            return written_map(self.map, self._limits)
        if not isinstance(self.group, str | Group | ActingGroup | None):
            raise ConfigError(f"group is a {type(self.group).__name__}; give a name, a Group, a ActingGroup or None")
        return None if isinstance(self.group, str) else self.group
