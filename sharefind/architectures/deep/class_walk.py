"""What the walk to a network for classes visits besides: wider layers while they help, and another function of units."""

from __future__ import annotations

from typing import Any, Protocol

from sharefind.architectures.deep.mixtures import Mixture
from sharefind.architectures.deep.rows import DeepRows

CLASS_FUNCTIONS = ("relu", "tanh")
"""What is tried for classes where the unit names no function, the one that usually wins first."""

MOST_COPIES = 32
"""Elements of the group times this: the widest layers that are tried."""

LEAST_WIDEST = 384
"""The widest layers of small groups."""


class Walk(Protocol):
    """What is known of a walk.

    Attributes:
        rows: The rows.
        expression: Unit expression of the next visits.
        settings: What is tried.
    """

    rows: DeepRows
    expression: str
    settings: Any

    @property
    def best(self) -> Any:
        """What was visited with the smallest held-out risk so far."""
        ...

    def visit(self, mixture: Mixture, width: int, depth: int, change: str) -> None:
        """Train a network and note its risk."""
        ...

    def expect(self, count: int) -> None:
        """Count further trainings into the progress."""
        ...

    def has_room(self, width: int, depth: int) -> bool:
        """Return whether a network is within the limit of numbers."""
        ...


def class_expressions(unit: str) -> tuple[str, ...]:
    """Return the unit expressions that are tried for classes.

    Args:
        unit: A unit expression of a deep kind; one without a function leaves the choice to the rows.
    """
    return (unit,) if ":" in unit else tuple(f"{unit}:{name}" for name in CLASS_FUNCTIONS)


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
