"""What a demonstration ends with: numbers, checks that can fail, and panels to draw. Files are left to `folder`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scale = Literal["linear", "log"]
Row = Mapping[str, str | int | float]
"""One line of numbers.csv; every row of an outcome has the same keys."""


@dataclass(frozen=True)
class Check:
    """One claim, value <= bound or value >= bound; a value or bound that is not finite fails.

    Attributes:
        name: what is compared, in words. value: what was measured. relation: how it must lie to the bound.
        bound: the declared tolerance, or what a control must exceed.
    """

    name: str
    value: float
    relation: Literal["<=", ">="]
    bound: float

    @property
    def passed(self) -> bool:
        """Whether the claim holds."""
        if not (math.isfinite(self.value) and math.isfinite(self.bound)):
            return False
        return bool(self.value <= self.bound if self.relation == "<=" else self.value >= self.bound)

    def to_json(self) -> dict[str, Any]:
        """Plain values; one that is not finite is written as text."""
        return {
            "name": self.name, "value": _plain(self.value), "relation": self.relation, "bound": _plain(self.bound),
            "passed": self.passed,
        }  # fmt: skip


def _plain(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


@dataclass(frozen=True)
class Series:
    """A line of a panel: y over x, with error bars from `low` to `high` where they are given."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `bars` draws each series as bars over the names in `ticks`, else lines with markers."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    bars: bool = False
    ticks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The end of a demonstration.

    Attributes:
        rows: the numbers, one mapping a line. checks: what must hold. panels: what to draw.
        figure: the figure obtained, one line for tables. notes: remarks on how it was measured.
    """

    rows: tuple[Row, ...]
    checks: tuple[Check, ...]
    panels: tuple[Panel, ...]
    figure: str
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """The verdict: every check passed, and there was at least one."""
        return bool(self.checks) and all(check.passed for check in self.checks)
