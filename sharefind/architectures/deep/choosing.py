"""Chooses hidden types, width and depth of a deep network by evidence and cross-validation, and trains it on all rows.

The group is decided before, free of any architecture. Depth, width and types are tried one after another from the best
so far, which is a walk through the lists of types; the record keeps every node with its evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.census import LayerCensus, census, untrained_matrices
from sharefind.architectures.deep.choice_budget import ChoiceBudget
from sharefind.architectures.deep.choice_settings import USUAL_DEPTH, WIDTHS, ChoiceSettings
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
from sharefind.architectures.deep.kept import Fit, KeptTrainings
from sharefind.architectures.deep.layer_price import LayerPrice, price_of_tying, why_no_price
from sharefind.architectures.deep.least_squares import least_squares
from sharefind.architectures.deep.mean_errors import held_out_score, mean_error
from sharefind.architectures.deep.mixtures import REGULAR, Mixture, counted_mixture, usual_mixtures, window_places
from sharefind.architectures.deep.network import DeepNetwork, most_numbers
from sharefind.architectures.deep.places import unit_windows
from sharefind.architectures.deep.record import FREE, Choice, Reference, Start, TypesEdge, TypesNode
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.temperature import cooled
from sharefind.architectures.deep.trainers import fit_networks
from sharefind.architectures.deep.training import Augmentation, Plan
from sharefind.architectures.deep.tried_units import deep_unit, dense_unit, numbers_of, refuse_wide
from sharefind.architectures.deep.type_escape import escape_of
from sharefind.errors import GroupError
from sharefind.groups import HiddenTypes, Representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.units import DeepUnit
from sharefind.progress import StageProgress
from sharefind.search.observer import StopSearch
from sharefind.typing import FloatArray

UNBOUNDED = ChoiceBudget()


@dataclass(frozen=True, eq=False)
class _Visited:
    node: TypesNode
    mixture: Mixture
    depth: int
    unit: DeepUnit
    losses: FloatArray
    temperature: float


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
        settings: Widths, depths, types and trainings to try.
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
    refuse_wide(rows, settings, limits)
    fit: Fit = fit_networks if kept is None else kept.over(fit_networks)
    return _Chooser(rows, settings, progress, limits, fit, budget).chosen()


class _Chooser:
    """One walk: what was visited, on the same folds throughout."""

    def __init__(
        self,
        rows: DeepRows,
        settings: ChoiceSettings,
        progress: StageProgress | None,
        limits: Limits,
        fit: Fit,
        budget: ChoiceBudget,
    ) -> None:
        self.rows, self.settings, self.progress, self.limits = rows, settings, progress, limits
        self.fit, self.budget = fit, budget
        self.references: tuple[Reference, ...] = ()
        self.starts: tuple[Start, ...] = ()
        self.price: LayerPrice | None = None
        self.stopped: str | None = None
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
        extra += (self.priced is not None) + (has_census and settings.escape is not None)
        extra += settings.restarts if settings.restarts > 1 else 0
        self.total = len(self.widths) + len(mixtures) - 1 + len(self.depths) - 1 + extra + 1

    def chosen(self) -> tuple[DeepNetwork, Choice]:
        try:
            with self.budget.within():
                self._walk()
        except StopSearch as late:
            if not self.visited:
                raise
            self.stopped = str(late)
            if self.settings.has_references and not self.references:
                self.references = (self._squares(),)
        return self._trained()

    def _walk(self) -> None:
        """Try what is to be tried, until the deadline."""
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
        self._look_at_types()
        self._see_price()
        if self.settings.has_references:
            self._compare()
        if self.settings.restarts > 1:
            self._restart()

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
        gap, error = mean_error(one.losses - lowest.losses, self.rows.units)
        return gap <= errors * error

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
        return numbers_of(self.rows, width, depth) <= most_numbers(self.limits)

    def _look_at_types(self) -> None:
        """Look at the types of each node of the chosen width."""
        rule = self.settings.escape
        if rule is None or self.rows.group.order == 1:
            return
        self._tell("whether types are rich enough")
        for number, one in enumerate(self.visited):
            if one.node.width == self.best.node.width and rule.looks_at(one.unit):
                escape = escape_of(one.unit, self.rows, rule, self.settings.seed)
                self.visited[number] = replace(one, node=replace(one.node, escape=escape))

    @property
    def priced(self) -> str | None:
        """Which ways to tie layers are compared; None where none were asked for, or there is nothing to compare."""
        kind = self.settings.price
        return None if kind is None or why_no_price(self.rows, kind, max(self.depths) + 1) else kind

    def _see_price(self) -> None:
        """Find the price of the chosen node's ties, if it was asked for."""
        kind = self.priced
        if kind is None:
            return
        self._tell("the price of tying")
        plan = self._plan(self.best.node.window)
        self.price = price_of_tying(self.rows, self.best.unit, kind, plan, self.settings.seed)

    def _tell(self, what: str) -> None:
        """Report what begins, unless it is too late for it."""
        self.budget.check()
        self._report(what)

    def _report(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, self.done, self.total)
        self.done += 1

    def visit(self, mixture: Mixture, width: int, depth: int, change: str) -> bool:
        """Return whether a network is the best so far, after a training unless it is known or too large.

        Args:
            mixture: Types of the hidden layers.
            width: Their coordinates, about.
            depth: Their number.
            change: The difference from the best so far, in words.
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
        trained = self.fit(unit, self.rows, self.folds, self._plan(mixture.window), self.settings.seed)
        known = self.best if self.visited else None
        number = len(self.visited)
        risk, error, accuracy = held_out_score(self.rows, trained.losses, trained.predictions)
        node = TypesNode(
            number, mixture.name, width, names, parameters, risk, error, accuracy, trained.step, trained.seconds,
            evidence=float(np.mean(trained.evidence)) if trained.evidence else None,
            function=unit.function.name, window=mixture.window,
        )  # fmt: skip
        self.visited.append(_Visited(node, mixture, depth, unit, trained.losses, trained.temperature))
        if known is not None:
            gain = mean_error(known.losses - trained.losses, self.rows.units)
            self.edges.append(TypesEdge(known.node.number, number, change, *gain))
        return self.best.node.number == number

    def _unit(self, hidden: Sequence[Representation], window: int | None) -> DeepUnit:
        unit = deep_unit(self.expression, self.rows.in_rep, self.rows.out_rep, hidden)
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
        plan, seed = replace(self._plan(None), evidence=None), self.settings.seed
        trained = self.fit(unit, self.rows, [nothing], plan, seed, augmentation=Augmentation(self.rows))
        first = untrained_matrices(unit, seed)
        self.counted = census(unit, trained.networks[0], first, self.rows, self.types, self.settings.rule)
        return counted_mixture([layer.kept for layer in self.counted], self.types)

    def _compare(self) -> None:
        """Score least squares, the free twin, and the free twin on moved rows and averaged over the group."""
        plan, seed, best = self._reference_plan, self.settings.seed, self.best
        widths = tuple(min(rep.dim, WIDEST_FREE) for rep in best.unit.hidden_reps)
        unit = dense_unit(best.unit.name, self.rows, widths)
        squares = self._squares()
        self.references = (squares,)
        wanted = list[tuple[str, Augmentation | None]]()
        if self.rows.group.order > 1:
            wanted.append((FREE, None))
            wanted.append(("no sharing, rows moved by the group, averaged over it", Augmentation(self.rows)))
        for name, augmentation in wanted:
            self._tell(name)
            trained = self.fit(unit, self.rows, self.folds, plan, seed, augmentation=augmentation)
            score = held_out_score(self.rows, trained.losses, trained.predictions)
            self.references = (*self.references[:-1], Reference(name, unit.space.dim, *score), squares)

    def _squares(self) -> Reference:
        numbers = (self.rows.in_rep.dim + 1) * self.rows.out_rep.dim
        return Reference("least squares", numbers, *held_out_score(self.rows, *least_squares(self.rows, self.folds)))

    @property
    def _reference_plan(self) -> Plan:
        """Networks without sharing are large and start once: their starts differ little."""
        plan = self._plan(None)
        if plan.evidence is None:
            return plan
        return replace(plan, evidence=replace(plan.evidence, starts=1, final_starts=1))

    def _restart(self) -> None:
        """Compare starts of the best node on the first fold."""
        best, first = self.best, self.settings.seed
        plan = self._plan(best.node.window)
        for number in range(self.settings.restarts):
            self._tell(f"start {number + 1}")
            trained = self.fit(best.unit, self.rows, [self.folds[0]], plan, first + number)
            self.starts += (Start(first + number, float(np.nanmean(trained.losses)), trained.step),)

    def _trained(self) -> tuple[DeepNetwork, Choice]:
        """The network of the best node on all rows, from its best start."""
        self._report("the chosen network on all rows")
        best, rows = self.best, self.rows
        nothing: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        start = min(self.starts, key=lambda one: one.risk, default=None)
        seed, steps = (self.settings.seed, best.node.steps) if start is None else (start.seed, start.steps)
        plan = replace(self._plan(best.node.window), stop=steps)
        trained = self.fit(best.unit, rows, [nothing], plan, seed)
        choice = Choice(
            rows.group_name or rows.group.name, rows.group.order, len(rows.x), best.unit.function.name,
            tuple(one.node for one in self.visited), tuple(self.edges), best.node.number, self.references,
            tuple(layer.to_json() for layer in self.counted), self.price, self.starts, self.stopped,
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
