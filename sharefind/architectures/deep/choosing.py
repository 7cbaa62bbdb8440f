"""Chooses hidden types, width and depth of a deep network by evidence and cross-validation, and trains it on all rows.

The group is decided before, free of any architecture. Depth, width and types are tried one after another from the best
so far, which is a walk through the lists of types; the record keeps every node with its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.census import CensusRule, LayerCensus, census, untrained_matrices
from sharefind.architectures.deep.class_walk import (
    CLASS_DEPTHS,
    CLASS_WIDTHS,
    MANY_ROWS,
    WIDEST_FREE,
    WINDOW_COPIES,
    WINDOWS,
    class_expressions,
    walk_classes,
    walk_plan,
)
from sharefind.architectures.deep.least_squares import least_squares
from sharefind.architectures.deep.mixtures import (
    REGULAR,
    Mixture,
    counted_mixture,
    usual_mixtures,
    window_places,
)
from sharefind.architectures.deep.network import DeepNetwork, most_numbers
from sharefind.architectures.deep.places import unit_windows
from sharefind.architectures.deep.record import Choice, Reference, TypesEdge, TypesNode
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.temperature import cooled
from sharefind.architectures.deep.trainers import fit_networks
from sharefind.architectures.deep.training import Augmentation, Plan, train
from sharefind.errors import ConfigError, GroupError, setting
from sharefind.groups import HiddenTypes, Representation, unmoved
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.meanfield.units import DeepUnit, build_unit
from sharefind.progress import StageProgress
from sharefind.typing import FloatArray

WIDTHS = (12, 24, 48, 96)
DEPTHS = (2, 3, 4)
USUAL_DEPTH = 3


@dataclass(frozen=True)
class ChoiceSettings:
    """What is tried.

    Attributes:
        unit: Unit expression of a deep kind.
        depths: Numbers of hidden layers; none for what suits the rows: three, and one to three for classes.
        widths: Widths of hidden layers.
        plan: How networks are trained.
        rule: Rule of the census.
        seed: Seed of folds, first weights and minibatches.
        has_references: Whether other models are trained on the same folds.
        least_labels: Fewest labels (rows times outputs) for each free number; networks with fewer are not tried, but
            for the first. It does not apply to classes.
        risk_errors: A network is chosen for its evidence only if its held-out risk is above the smallest by at most
            this number of standard errors of the difference.
    """

    unit: str = "deep:tanh"
    depths: tuple[int, ...] = ()
    widths: tuple[int, ...] = WIDTHS
    plan: Plan = field(default_factory=Plan)
    rule: CensusRule = field(default_factory=CensusRule)
    seed: int = 0
    has_references: bool = True
    least_labels: float = 2.0
    risk_errors: float = 2.0


@dataclass(frozen=True, eq=False)
class _Visited:
    node: TypesNode
    mixture: Mixture
    depth: int
    unit: DeepUnit
    losses: FloatArray
    temperature: float


def choose_network(
    rows: DeepRows, settings: ChoiceSettings, progress: StageProgress | None = None, limits: Limits = DEFAULT_LIMITS
) -> tuple[DeepNetwork, Choice]:
    """Return a trained network whose hidden types were chosen on held-out rows, and how it was chosen.

    Args:
        rows: The rows, with the group that was decided on.
        settings: What is tried.
        progress: Hears of each training.
        limits: `dim` bounds the numbers of a network, free ones and others.

    Raises:
        ConfigError: The widest and deepest network is above the limit.
        GroupError: The group has more elements than subgroups are listed for.
        DataError: There are too few rows.
        NotConvergedError: A training diverged.
    """
    if rows.group.order > MAX_SUBGROUP_ORDER:
        raise GroupError(
            f"{rows.group.name} has {rows.group.order} elements, and hidden types are listed up to "
            f"{MAX_SUBGROUP_ORDER}; search inside a smaller group"
        )
    _refuse_wide(rows, settings, limits)
    return _Chooser(rows, settings, progress, limits).chosen()


def _refuse_wide(rows: DeepRows, settings: ChoiceSettings, limits: Limits) -> None:
    """Refuse the largest network where it is above a limit, before anything is trained."""
    width, depth = max(*settings.widths, rows.group.order), max(settings.depths, default=USUAL_DEPTH)
    dim = _numbers(rows, width, depth)
    if dim > limits.dim:
        raise ConfigError(
            f"{depth} hidden layers of width {width} have {dim} parameters, above the limit of {limits.dim}; take a "
            f"smaller {setting('width')}, or {raise_it('dim', dim)}"
        )


def _numbers(rows: DeepRows, width: int, depth: int) -> int:
    """Numbers of a network, free ones and others."""
    widths = (rows.in_rep.dim, *(width,) * depth, rows.out_rep.dim)
    return sum((below + 1) * above for below, above in pairwise(widths))


class _Chooser:
    """One walk: what was visited, on the same folds throughout."""

    def __init__(
        self, rows: DeepRows, settings: ChoiceSettings, progress: StageProgress | None, limits: Limits
    ) -> None:
        self.rows, self.settings, self.progress, self.limits = rows, settings, progress, limits
        self.expression = class_expressions(settings.unit)[0] if rows.classes else settings.unit
        self.types = HiddenTypes.of(rows.group)
        self.folds = rows.folds(settings.seed)[: 1 if len(rows.x) >= MANY_ROWS else None]
        self.places = window_places(self.types, rows.in_rep, rows.scaled_x)
        self.widths = CLASS_WIDTHS if rows.classes and settings.widths == WIDTHS else settings.widths
        self.depths = settings.depths or (CLASS_DEPTHS if rows.classes else (USUAL_DEPTH,))
        self.visited: list[_Visited] = []
        self.edges: list[TypesEdge] = []
        self.counted: list[LayerCensus] = []
        self.done = 0
        mixtures = usual_mixtures(self.types, rows.in_rep)
        self.mixtures = {mixture.name: mixture for mixture in mixtures}
        has_census = rows.group.order > 1
        extra = 2 * has_census + 2 * has_census * settings.has_references
        self.total = len(self.widths) + len(mixtures) - 1 + len(self.depths) - 1 + extra + 1

    def chosen(self) -> tuple[DeepNetwork, Choice]:
        depths = self.depths
        usual = USUAL_DEPTH if USUAL_DEPTH in depths else depths[-1]
        depth = depths[0] if self.rows.classes else usual
        self._widen(self.mixtures[REGULAR], self.widths, depth)
        for name, mixture in self.mixtures.items():
            if name != REGULAR:
                self.visit(mixture, self.best.node.width, depth, f"types {name}")
        if self.rows.group.order > 1:
            mixture = self._counted(self.best.node.width, depth)
            self.visit(mixture, self.best.node.width, depth, f"types {mixture.name}")
        if self.best.mixture.name != REGULAR:
            self._adjust_width(self.best.mixture, self.best.node.width, depth)
        self._see_windows(usual)
        for other in depths:
            if other != self.best.depth:
                self.visit(self.best.mixture, self.best.node.width, other, f"{other} hidden layers")
        if self.rows.classes:
            walk_classes(self)
        references = self._references() if self.settings.has_references else ()
        return self._trained(references)

    def _widen(self, mixture: Mixture, widths: Sequence[int], depth: int) -> None:
        """Visit one width after another, until one is not the best so far."""
        for number, width in enumerate(widths, start=1):
            if not self.visit(mixture, width, depth, f"width {width}"):
                self.done += len(widths) - number
                break

    def _adjust_width(self, mixture: Mixture, width: int, depth: int) -> None:
        """Visit larger and smaller widths of a mixture, which may need others than the regular one."""
        widths = self.widths
        larger, smaller = [one for one in widths if one > width], [one for one in reversed(widths) if one < width]
        self.total += len(larger) + len(smaller)
        self._widen(mixture, larger, depth)
        self._widen(mixture, smaller, depth)

    @property
    def best(self) -> _Visited:
        """The node of the largest evidence so far, if its held-out risk is near the smallest.

        Where the network of the smallest risk was trained without evidence, it is taken itself. For classes it is a
        node whose risk was smaller, by more than a standard error, than that of the best before it.
        """
        if self.rows.classes:
            return reduce(lambda known, new: known if self._is_near(known, new, 1.0) else new, self.visited)
        lowest = min(self.visited, key=lambda one: one.node.risk)
        if lowest.node.evidence is None:
            return lowest
        near = [
            (one.node.evidence, one) for one in self.visited if self._is_near(one, lowest, self.settings.risk_errors)
        ]
        return max(((value, one) for value, one in near if value is not None), key=lambda pair: pair[0])[1]

    def _is_near(self, one: _Visited, lowest: _Visited, errors: float) -> bool:
        gap, error = _mean(one.losses - lowest.losses, self.rows.units)
        return gap <= errors * error

    def _tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, self.done, self.total)
        self.done += 1

    def _see_windows(self, depth: int) -> None:
        """Visit layers whose places see the nearest ones alone, where inputs are places of one kind."""
        if self.places is None:
            return
        one, places = self.places
        width = max(self.best.node.width, WINDOW_COPIES * one.dim)
        for size in WINDOWS:
            if 2 * size < places.count and self.has_room(width, depth):
                mixture = Mixture(f"{one.name}, windows of {size}", ({one: 1.0},), size)
                self.expect(1)
                self.visit(mixture, width, depth, f"windows of {size}")

    def expect(self, count: int) -> None:
        """Count further trainings into the progress.

        Args:
            count: How many.
        """
        self.total += count

    def has_room(self, width: int, depth: int) -> bool:
        """Return whether a network is within the limit of numbers.

        Args:
            width: Coordinates of its hidden layers.
            depth: Their number.
        """
        return _numbers(self.rows, width, depth) <= most_numbers(self.limits)

    def visit(self, mixture: Mixture, width: int, depth: int, change: str) -> bool:
        """Train on the folds, unless the layers are known or too large; return whether it is the best so far.

        Args:
            mixture: Types of the hidden layers.
            width: Their coordinates, about.
            depth: Their number.
            change: What is different from the best so far, in words.
        """
        hidden = mixture.representations(width, depth)
        names = tuple(rep.name for rep in hidden)
        self._tell(f"{depth} layers, {change}")
        unit = self._unit(hidden, mixture.window)
        key = names, mixture.window, unit.function.name
        for one in self.visited:
            if (one.node.layers, one.node.window, one.node.function) == key:
                return one is self.best
        parameters = sum(space.dim for space in unit.layer_spaces)
        if self.visited and not self.rows.classes and parameters * self.settings.least_labels > self.rows.y.size:
            return False
        trained = fit_networks(unit, self.rows, self.folds, self._plan(mixture.window), self.settings.seed)
        known = self.best if self.visited else None
        number = len(self.visited)
        risk, error, accuracy = self._score(trained.losses, trained.predictions)
        node = TypesNode(
            number, mixture.name, width, names, parameters, risk, error, accuracy, trained.step, trained.seconds,
            float(np.mean(trained.evidence)) if trained.evidence else None,
            unit.function.name, mixture.window,
        )  # fmt: skip
        self.visited.append(_Visited(node, mixture, depth, unit, trained.losses, trained.temperature))
        if known is not None:
            gain = _mean(known.losses - trained.losses, self.rows.units)
            self.edges.append(TypesEdge(known.node.number, number, change, *gain))
        return self.best.node.number == number

    def _unit(self, hidden: Sequence[Representation], window: int | None) -> DeepUnit:
        unit = _deep(self.expression, self.rows.in_rep, self.rows.out_rep, hidden)
        if window is None or self.places is None:
            return unit
        return replace(unit, windows=unit_windows(unit, self.places[1], window))

    def _plan(self, window: int | None) -> Plan:
        return walk_plan(self.settings.plan, window, is_class=bool(self.rows.classes))

    def _counted(self, width: int, depth: int) -> Mixture:
        """The mixture of a census of one dense network."""
        self._tell("census of a dense network")
        unit = dense_unit(self.expression, self.rows, (width,) * depth)
        nothing = np.zeros(0, dtype=np.int64)
        plan, seed = self._plan(None), self.settings.seed
        trained = train(unit, self.rows, [nothing], plan, seed, augmentation=Augmentation(self.rows))
        first = untrained_matrices(unit, seed)
        self.counted = census(unit, trained.networks[0], first, self.rows, self.types, self.settings.rule)
        return counted_mixture([layer.kept for layer in self.counted], self.types)

    def _references(self) -> tuple[Reference, ...]:
        """The free twin, the free twin on moved rows and averaged over the group, and least squares."""
        plan, seed, best = self._reference_plan, self.settings.seed, self.best
        widths = tuple(min(rep.dim, WIDEST_FREE) for rep in best.unit.hidden_reps)
        unit = dense_unit(best.unit.name, self.rows, widths)
        found = []
        wanted = list[tuple[str, Augmentation | None]]()
        if self.rows.group.order > 1:
            wanted.append(("no sharing", None))
            wanted.append(("no sharing, rows moved by the group, averaged over it", Augmentation(self.rows)))
        for name, augmentation in wanted:
            self._tell(name)
            trained = fit_networks(unit, self.rows, self.folds, plan, seed, augmentation=augmentation)
            score = self._score(trained.losses, trained.predictions)
            found.append(Reference(name, unit.space.dim, *score))
        losses, predictions = least_squares(self.rows, self.folds)
        numbers = (self.rows.in_rep.dim + 1) * self.rows.out_rep.dim
        found.append(Reference("least squares", numbers, *self._score(losses, predictions)))
        return tuple(found)

    @property
    def _reference_plan(self) -> Plan:
        """Networks without sharing are large and start once: their starts differ little."""
        plan = self.settings.plan
        return (
            plan if plan.evidence is None else replace(plan, evidence=replace(plan.evidence, starts=1, final_starts=1))
        )

    def _score(self, losses: FloatArray, predictions: FloatArray) -> tuple[float, float, float | None]:
        """Risk, its standard error, and accuracy for classes."""
        risk, error = _mean(losses, self.rows.units)
        if not self.rows.classes:
            return risk, error, None
        held = np.isfinite(losses)
        return risk, error, float(np.mean(predictions[held].argmax(axis=1) == self.rows.y[held].argmax(axis=1)))

    def _trained(self, references: tuple[Reference, ...]) -> tuple[DeepNetwork, Choice]:
        """The network of the best node on all rows."""
        self._tell("the chosen network on all rows")
        best, rows = self.best, self.rows
        nothing: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        plan = replace(self._plan(best.node.window), stop=best.node.steps)
        trained = fit_networks(best.unit, rows, [nothing], plan, self.settings.seed)
        choice = Choice(
            rows.group_name or rows.group.name, rows.group.order, len(rows.x), best.unit.function.name,
            tuple(one.node for one in self.visited), tuple(self.edges), best.node.number, references,
            tuple(_census_record(layer) for layer in self.counted),
        )  # fmt: skip
        network = DeepNetwork.from_matrices(
            rows.name,
            best.unit,
            rows.scaling.unscaled(cooled(trained.networks[0], best.temperature)),
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
    """The mean over held-out rows and its standard error over rows, or over units of rows that belong together."""
    held = np.isfinite(losses)
    losses, units = losses[held], None if units is None else units[held]
    mean = float(losses.mean())
    if units is None:
        return mean, float(losses.std(ddof=1) / np.sqrt(len(losses)))
    numbers = np.unique(units, return_inverse=True)[1]
    sums = np.bincount(numbers, weights=losses - mean)
    return mean, float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1)) / len(losses))


def _census_record(layer: LayerCensus) -> dict[str, dict[str, float]]:
    parts = {"trained": layer.trained, "untrained": layer.untrained, "kept": layer.kept}
    return {word: {one.name: round(share, 4) for one, share in shares.items()} for word, shares in parts.items()}
