"""A demonstration, and what it ends with: numbers, checks that can fail, panels to draw. Files are left to `folder`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.paper.context import Context

Scale = Literal["linear", "log"]
Row = Mapping[str, str | int | float]
"""One line of numbers.csv; every row of an outcome has the same keys."""


Heights = Mapping[str, Iterable[float]]
"""For each label the height of its bar over every group."""


@dataclass(frozen=True)
class Check:
    """One claim, value <= bound or value >= bound; a value or bound that is not finite fails.

    Attributes:
        name: What is compared, in words.
        value: What was measured.
        relation: How it must lie to the bound.
        bound: The declared tolerance, or what a control must exceed.
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


def at_most(name: str, value: float, bound: float) -> Check:
    """The claim value <= bound."""
    return Check(name, value, "<=", bound)


def at_least(name: str, value: float, bound: float) -> Check:
    """The claim value >= bound."""
    return Check(name, value, ">=", bound)


@dataclass(frozen=True)
class Series:
    """A line of a panel: y over x, with error bars from `low` to `high` where they are given."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def of_repetitions(cls, label: str, repeated: Mapping[int, NDArray[np.float64]]) -> Series:
        """The means over repetitions at every x, with their standard errors; no error bar reaches below 0."""
        ends = [(float(values.mean()), standard_error(values)) for values in repeated.values()]
        low = tuple(max(0.0, mean - error) for mean, error in ends)
        high = tuple(mean + error for mean, error in ends)
        return cls(label, tuple(map(float, repeated)), tuple(mean for mean, _ in ends), low, high)


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `bars` draws each series as bars over the names in `ticks`, else lines with markers."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    bars: bool = False
    ticks: tuple[str, ...] = ()

    @classmethod
    def of_groups(cls, title: str, y: str, groups: Sequence[str], heights: Heights, y_scale: Scale = "log") -> Panel:
        """One bar a label over every group."""
        x = tuple(map(float, range(len(groups))))
        series = [Series(label, x, tuple(values)) for label, values in heights.items()]
        return cls(title, "group", y, series, "linear", y_scale, bars=True, ticks=tuple(groups))


def standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean over repetitions; 0 for a single one."""
    return float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0


def column(rows: Iterable[Row], key: str, **where: str) -> list[float]:
    """The numbers called `key` in the rows that have the given values."""
    return [float(row[key]) for row in rows if all(row[name] == value for name, value in where.items())]


@dataclass(frozen=True)
class Outcome:
    """The end of a demonstration.

    Attributes:
        rows: The numbers, one mapping a line.
        checks: What must hold.
        panels: What to draw.
        figure: The figure obtained, one line for tables.
        notes: Remarks on how it was measured.
    """

    rows: Sequence[Row]
    checks: Sequence[Check]
    panels: Sequence[Panel]
    figure: str
    notes: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """The verdict: every check passed, and there was at least one."""
        return bool(self.checks) and all(check.passed for check in self.checks)


Experiment = Callable[[Context], Outcome]
"""Measures and checks a statement. Those of this package are frozen dataclasses; their numbers are their fields."""


@dataclass(frozen=True)
class Demonstration:
    """A statement of the paper with its numerical demonstration.

    Attributes:
        name: What `sharefind reproduce` calls it.
        statement: Its number in the paper.
        claim: What it says, in one line.
        code: Where the objects live.
        experiment: Shows it.
        quick: The same on smaller grids, for quick requests; None where there is nothing to make smaller.
    """

    name: str
    statement: str
    claim: str
    code: str
    experiment: Experiment
    quick: Experiment | None = None

    def run(self, context: Context) -> Outcome:
        """The outcome of what was asked."""
        chosen = self.quick if context.request.quick and self.quick is not None else self.experiment
        return chosen(context)
