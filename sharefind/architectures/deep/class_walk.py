"""How networks for classes and networks with windows are trained, and what else the walk to one for classes visits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from sharefind.architectures.deep.mixtures import Mixture
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Plan

CLASS_FUNCTIONS = ("relu", "tanh")
"""Functions to try for classes where the unit names none; the usual winner stands first."""

MOST_COPIES = 32
"""Elements of the group times this: the widest layers that are tried."""

LEAST_WIDEST = 384
"""The widest layers of small groups."""


WINDOWS = (3, 5, 9)
"""Places that a place sees, where inputs are places and the group moves each to each."""

WINDOW_COPIES = 8
"""Copies of the places, at least, in a layer with windows."""

WINDOW_BATCH = 128
"""Most rows of a minibatch of networks with windows, whose layers are wide."""

CLASS_STEPS = 600
"""Most steps of networks for classes without windows: they learn in fewer, and then overfit."""

CLASS_BATCH = 256
"""Most rows of a minibatch of such networks."""

MANY_ROWS = 2_000
"""Rows from which on one fold decides in place of all: its error is small, and networks are dear."""

WIDEST_FREE = 384
"""Widest layers of networks without sharing, which are trained beside the chosen one."""

CLASS_WIDTHS = (384, 96)
"""Widths for classes, where none are given: wide layers vary less from start to start."""

CLASS_DEPTHS = (1, 2, 3)
"""Numbers of hidden layers for classes, where none are given."""


class Walk(Protocol):
    """Parts of a walk that the walk for classes reads.

    Attributes:
        rows: The rows.
        expression: Unit expression of the next visits.
        settings: Settings of the choice.
    """

    rows: DeepRows
    expression: str
    settings: Any

    @property
    def best(self) -> Any:
        """The best visit so far."""
        ...

    def visit(self, mixture: Mixture, width: int, depth: int, change: str) -> bool:
        """Return whether a network is the best so far, after a training.

        Args:
            mixture: Types of its hidden layers.
            width: Coordinates of a hidden layer.
            depth: Number of hidden layers.
            change: The difference, in words.
        """
        ...

    def expect(self, count: int) -> None:
        """Count further trainings into the progress.

        Args:
            count: How many.
        """
        ...

    def has_room(self, width: int, depth: int) -> bool:
        """Return whether a network is within the limit of numbers.

        Args:
            width: Coordinates of its hidden layers.
            depth: Their number.
        """
        ...


def class_expressions(unit: str) -> tuple[str, ...]:
    """Return the unit expressions that are tried for classes.

    Args:
        unit: A unit expression of a deep kind; one without a function leaves the choice to the rows.
    """
    return (unit,) if ":" in unit else tuple(f"{unit}:{name}" for name in CLASS_FUNCTIONS)


def walk_plan(plan: Plan, window: int | None, *, is_class: bool) -> Plan:
    """Return how networks of a walk are trained.

    Args:
        plan: The plan of the walk.
        window: Places that each place sees; None for all.
        is_class: Whether outputs are classes.
    """
    if window is not None:
        return replace(plan, batch=min(plan.batch, WINDOW_BATCH), evidence=None)
    if not is_class:
        return plan
    steps, fewest = min(plan.steps, CLASS_STEPS), min(plan.fewest, CLASS_STEPS // 2)
    return replace(plan, steps=steps, fewest=fewest, batch=min(plan.batch, CLASS_BATCH), evidence=None)


def walk_classes(walk: Walk) -> None:
    """Visit wider layers while they lower the risk, and then the other functions of units.

    Args:
        walk: The walk so far.
    """
    _widen(walk)
    for expression in class_expressions(walk.settings.unit)[1:]:
        best, walk.expression = walk.best, expression
        walk.expect(1)
        walk.visit(best.mixture, best.node.width, best.depth, expression)


def _widen(walk: Walk) -> None:
    """Double the width of the best network as long as this is the best of all, where several widths are tried."""
    if len(walk.settings.widths) < 2:
        return
    widest = max(LEAST_WIDEST, MOST_COPIES * walk.rows.group.order)
    while True:
        best = walk.best
        width = 2 * best.node.width
        if width > widest or not walk.has_room(width, best.depth):
            return
        walk.expect(1)
        walk.visit(best.mixture, width, best.depth, f"width {width}")
        if walk.best is best:
            return
