"""Chooses hidden types, width and depth of a deep network by cross-validation, and trains the network on all rows.

The group is decided before, free of any architecture. Depth, width and types are tried one after another from the best
so far, which is a walk through the lists of types; the record keeps every node with its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.census import CensusRule, LayerCensus, census, untrained_matrices
from sharefind.architectures.deep.choice_budget import ChoiceBudget
from sharefind.architectures.deep.kept import Fit, KeptTrainings
from sharefind.architectures.deep.mixtures import REGULAR, Mixture, counted_mixture, usual_mixtures
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.deep.record import FREE, Choice, Reference, Start, TypesEdge, TypesNode
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Augmentation, Plan, train
from sharefind.errors import ConfigError, GroupError, setting
from sharefind.groups import HiddenTypes, Representation, unmoved
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.meanfield.units import DeepUnit, build_unit
from sharefind.progress import StageProgress
from sharefind.search.observer import StopSearch
from sharefind.typing import FloatArray

WIDTHS = (12, 24, 48, 96)
DEPTHS = (2, 3, 4)
USUAL_DEPTH = 3

UNBOUNDED = ChoiceBudget()


@dataclass(frozen=True)
class ChoiceSettings:
    """What is tried.

    Attributes:
        unit: Unit expression of a deep kind.
        depths: Numbers of hidden layers.
        widths: Widths of hidden layers.
        plan: How networks are trained.
        rule: Rule of the census.
        seed: Seed of folds, first weights and minibatches.
        has_references: Whether other models are trained on the same folds.
        restarts: Starts of the chosen network; the best on a held-out fold is kept.
    """

    unit: str = "deep:tanh"
    depths: tuple[int, ...] = (USUAL_DEPTH,)
    widths: tuple[int, ...] = WIDTHS
    plan: Plan = field(default_factory=Plan)
    rule: CensusRule = field(default_factory=CensusRule)
    seed: int = 0
    has_references: bool = True
    restarts: int = 1


@dataclass(frozen=True, eq=False)
class _Visited:
    node: TypesNode
    mixture: Mixture
    depth: int
    unit: DeepUnit
    losses: FloatArray


def choose_network(
    rows: DeepRows,
    settings: ChoiceSettings,
    progress: StageProgress | None = None,
    limits: Limits = DEFAULT_LIMITS,
    kept: KeptTrainings | None = None,
    budget: ChoiceBudget = UNBOUNDED,
) -> tuple[DeepNetwork, Choice]:
    """Return a trained network whose hidden types were chosen on held-out rows, and how it was chosen.

    Args:
        rows: The rows, with the group that was decided on.
        settings: What is tried.
        progress: Hears of each training.
        limits: `dim` bounds the numbers of a network, free ones and others.
        kept: Trainings that were done before, and where new ones are kept; None to keep none.
        budget: When to stop trying; the best network so far is then trained on all rows.

    Raises:
        ConfigError: The widest and deepest network is above the limit.
        GroupError: The group has more elements than subgroups are listed for.
        DataError: There are too few rows.
        NotConvergedError: A training diverged.
        StopSearch: The budget was spent before one network was tried; it is `budget.deadline.late`.
    """
    if rows.group.order > MAX_SUBGROUP_ORDER:
        raise GroupError(
            f"{rows.group.name} has {rows.group.order} elements, and hidden types are listed up to "
            f"{MAX_SUBGROUP_ORDER}; search inside a smaller group"
        )
    _refuse_wide(rows, settings, limits)
    fit: Fit = train if kept is None else kept.over(train)
    return _Chooser(rows, settings, progress, fit, budget).chosen()


def _refuse_wide(rows: DeepRows, settings: ChoiceSettings, limits: Limits) -> None:
    """Refuse the largest network where it is above a limit, before anything is trained."""
    width, depth = max(*settings.widths, rows.group.order), max(settings.depths)
    widths = (rows.in_rep.dim, *(width,) * depth, rows.out_rep.dim)
    dim = sum((below + 1) * above for below, above in pairwise(widths))
    if dim > limits.dim:
        raise ConfigError(
            f"{depth} hidden layers of width {width} have {dim} parameters, above the limit of {limits.dim}; take a "
            f"smaller {setting('width')}, or {raise_it('dim', dim)}"
        )


class _Chooser:
    """One walk: what was visited, on the same folds throughout."""

    def __init__(
        self,
        rows: DeepRows,
        settings: ChoiceSettings,
        progress: StageProgress | None,
        fit: Fit,
        budget: ChoiceBudget,
    ) -> None:
        self.rows, self.settings, self.progress = rows, settings, progress
        self.fit, self.budget = fit, budget
        self.references: tuple[Reference, ...] = ()
        self.starts: tuple[Start, ...] = ()
        self.stopped: str | None = None
        self.types = HiddenTypes.of(rows.group)
        self.folds = rows.folds(settings.seed)
        self.visited: list[_Visited] = []
        self.edges: list[TypesEdge] = []
        self.counted: list[LayerCensus] = []
        self.done = 0
        mixtures = usual_mixtures(self.types, rows.in_rep)
        self.mixtures = {mixture.name: mixture for mixture in mixtures}
        has_census = rows.group.order > 1
        extra = 2 * has_census + 2 * has_census * settings.has_references
        extra += settings.restarts if settings.restarts > 1 else 0
        self.total = len(settings.widths) + len(mixtures) - 1 + len(settings.depths) - 1 + extra + 1

    def chosen(self) -> tuple[DeepNetwork, Choice]:
        try:
            with self.budget.within():
                self._walk()
        except StopSearch as late:
            if not self.visited:
                raise
            self.stopped = str(late)
            if self.settings.has_references and not self.references:
                self.references = (self._least_squares(),)
        return self._trained()

    def _walk(self) -> None:
        """Try what is to be tried, until the deadline."""
        depths = self.settings.depths
        depth = USUAL_DEPTH if USUAL_DEPTH in depths else depths[-1]
        for width in self.settings.widths:
            self._visit(self.mixtures[REGULAR], width, depth, f"width {width}")
        for name, mixture in self.mixtures.items():
            if name != REGULAR:
                self._visit(mixture, self.best.node.width, depth, f"types {name}")
        if self.rows.group.order > 1:
            mixture = self._counted(self.best.node.width, depth)
            self._visit(mixture, self.best.node.width, depth, f"types {mixture.name}")
        for other in depths:
            if other != depth:
                self._visit(self.best.mixture, self.best.node.width, other, f"{other} hidden layers")
        if self.settings.has_references:
            self._compare()
        if self.settings.restarts > 1:
            self._restart()

    @property
    def best(self) -> _Visited:
        """The node of the smallest held-out risk so far."""
        return min(self.visited, key=lambda one: one.node.risk)

    def _tell(self, what: str) -> None:
        """Report what begins, unless it is too late for it."""
        self.budget.check()
        self._report(what)

    def _report(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, self.done, self.total)
        self.done += 1

    def _visit(self, mixture: Mixture, width: int, depth: int, change: str) -> None:
        """Train on the folds, unless the same layers were visited before."""
        hidden = mixture.representations(width, depth)
        names = tuple(rep.name for rep in hidden)
        self._tell(f"{depth} layers, {change}")
        if any(one.node.layers == names for one in self.visited):
            return
        unit = self._unit(hidden)
        trained = self.fit(unit, self.rows, self.folds, self.settings.plan, self.settings.seed)
        known = self.best if self.visited else None
        number, parameters = len(self.visited), sum(space.dim for space in unit.layer_spaces)
        risk, error, accuracy = self._score(trained.losses, trained.predictions)
        node = TypesNode(
            number, mixture.name, width, names, parameters, risk, error, accuracy, trained.step, trained.seconds
        )
        self.visited.append(_Visited(node, mixture, depth, unit, trained.losses))
        if known is not None:
            gain = _mean(known.losses - trained.losses, self.rows.units)
            self.edges.append(TypesEdge(known.node.number, number, change, *gain))

    def _unit(self, hidden: Sequence[Representation]) -> DeepUnit:
        return _deep(self.settings.unit, self.rows.in_rep, self.rows.out_rep, hidden)

    def _counted(self, width: int, depth: int) -> Mixture:
        """The mixture of a census of one dense network."""
        self._tell("census of a dense network")
        unit = dense_unit(self.settings.unit, self.rows, (width,) * depth)
        nothing = np.zeros(0, dtype=np.int64)
        plan, seed = self.settings.plan, self.settings.seed
        trained = self.fit(unit, self.rows, [nothing], plan, seed, augmentation=Augmentation(self.rows))
        first = untrained_matrices(unit, seed)
        self.counted = census(unit, trained.networks[0], first, self.rows, self.types, self.settings.rule)
        return counted_mixture([layer.kept for layer in self.counted], self.types)

    def _compare(self) -> None:
        """Score least squares, the free twin, and the free twin on moved rows and averaged over the group."""
        plan, seed, best = self.settings.plan, self.settings.seed, self.best
        widths = tuple(rep.dim for rep in best.unit.hidden_reps)
        unit = dense_unit(self.settings.unit, self.rows, widths)
        squares = self._least_squares()
        self.references = (squares,)
        wanted = list[tuple[str, Augmentation | None]]()
        if self.rows.group.order > 1:
            wanted.append((FREE, None))
            wanted.append(("no sharing, rows moved by the group, averaged over it", Augmentation(self.rows)))
        for name, augmentation in wanted:
            self._tell(name)
            trained = self.fit(unit, self.rows, self.folds, plan, seed, augmentation=augmentation)
            score = self._score(trained.losses, trained.predictions)
            self.references = (*self.references[:-1], Reference(name, unit.space.dim, *score), squares)

    def _restart(self) -> None:
        """Compare starts of the best node on the first fold."""
        best, plan, first = self.best, self.settings.plan, self.settings.seed
        for number in range(self.settings.restarts):
            self._tell(f"start {number + 1}")
            trained = self.fit(best.unit, self.rows, [self.folds[0]], plan, first + number)
            self.starts += (Start(first + number, float(np.nanmean(trained.losses)), trained.step),)

    def _least_squares(self) -> Reference:
        """Linear regression on each fold's other rows; for classes of the indicators of classes, scored by accuracy."""
        x, y = self.rows.scaled_x, self.rows.scaled_y
        design = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        predictions = np.full(y.shape, np.nan)
        for held in self.folds:
            seen = np.setdiff1d(np.arange(len(x)), held)
            predictions[held] = design[held] @ np.linalg.lstsq(design[seen], y[seen], rcond=None)[0]
        if self.rows.classes:
            clipped = np.clip(predictions, 1e-3, None)
            losses = -np.log((clipped * y).sum(axis=1) / clipped.sum(axis=1))
        else:
            losses = ((predictions - y) ** 2).mean(axis=1)
        return Reference("least squares", design.shape[1] * y.shape[1], *self._score(losses, predictions))

    def _score(self, losses: FloatArray, predictions: FloatArray) -> tuple[float, float, float | None]:
        """Risk, its standard error, and accuracy for classes."""
        risk, error = _mean(losses, self.rows.units)
        if not self.rows.classes:
            return risk, error, None
        return risk, error, float(np.mean(predictions.argmax(axis=1) == self.rows.y.argmax(axis=1)))

    def _trained(self) -> tuple[DeepNetwork, Choice]:
        """The network of the best node on all rows, from its best start."""
        self._report("the chosen network on all rows")
        best, rows = self.best, self.rows
        nothing: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        start = min(self.starts, key=lambda one: one.risk, default=None)
        seed, steps = (self.settings.seed, best.node.steps) if start is None else (start.seed, start.steps)
        plan = replace(self.settings.plan, stop=steps)
        trained = self.fit(best.unit, rows, [nothing], plan, seed)
        choice = Choice(
            rows.group_name or rows.group.name, rows.group.order, len(rows.x), best.unit.function.name,
            tuple(one.node for one in self.visited), tuple(self.edges), best.node.number, self.references,
            tuple(_census_record(layer) for layer in self.counted), self.starts, self.stopped,
        )  # fmt: skip
        network = DeepNetwork.from_matrices(
            rows.name,
            best.unit,
            rows.scaling.unscaled(trained.networks[0]),
            inputs=rows.inputs,
            outputs=rows.outputs,
            classes=rows.classes,
            evidence=choice.to_json(),
            group_name=rows.group_name,
        )
        return network, choice


def dense_unit(expression: str, rows: DeepRows, widths: Sequence[int]) -> DeepUnit:
    """Return a deep unit that shares nothing: the trivial group acts on every layer.

    Args:
        expression: Unit expression of a deep kind.
        rows: Rows with the widths of inputs and outputs.
        widths: Widths of the hidden layers.
    """
    reps = [unmoved(width) for width in (rows.in_rep.dim, rows.out_rep.dim, *widths)]
    return _deep(expression, reps[0], reps[1], reps[2:])


def _deep(
    expression: str, in_rep: Representation, out_rep: Representation, hidden: Sequence[Representation]
) -> DeepUnit:
    unit = build_unit(expression, in_rep, out_rep, hidden)
    if not isinstance(unit, DeepUnit):
        raise TypeError(f"{expression} is no deep unit")
    return unit


def _mean(losses: FloatArray, units: NDArray[np.int64] | None) -> tuple[float, float]:
    """The mean over rows and its standard error over rows, or over units of rows that belong together."""
    mean = float(losses.mean())
    if units is None:
        return mean, float(losses.std(ddof=1) / np.sqrt(len(losses)))
    numbers = np.unique(units, return_inverse=True)[1]
    sums = np.bincount(numbers, weights=losses - mean)
    return mean, float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1)) / len(losses))


def _census_record(layer: LayerCensus) -> dict[str, dict[str, float]]:
    parts = {"trained": layer.trained, "untrained": layer.untrained, "kept": layer.kept}
    return {word: {one.name: round(share, 4) for one, share in shares.items()} for word, shares in parts.items()}
