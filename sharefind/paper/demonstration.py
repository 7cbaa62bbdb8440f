"""A demonstration and its outcome: numbers, checks that can fail, panels to draw. `folder` writes the files."""

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
"""The heights of the bars of each label, one for every group."""


@dataclass(frozen=True)
class Check:
    """One claim: value <= bound or value >= bound. It fails if the value or the bound is not finite.

    Attributes:
        name: The compared quantity, in words.
        value: The measured value.
        relation: "<=" or ">=".
        bound: The declared tolerance or, for a control, the value that must be exceeded.
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
        """Return JSON values; a value that is not finite is written as text."""
        return {
            "name": self.name, "value": _plain(self.value), "relation": self.relation, "bound": _plain(self.bound),
            "passed": self.passed,
        }  # fmt: skip


def _plain(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


def at_most(name: str, value: float, bound: float) -> Check:
    """Return the claim value <= bound.

    Args:
        name: The compared quantity, in words.
        value: The measured value.
        bound: The bound.
    """
    return Check(name, value, "<=", bound)


def at_least(name: str, value: float, bound: float) -> Check:
    """Return the claim value >= bound.

    Args:
        name: The compared quantity, in words.
        value: The measured value.
        bound: The bound.
    """
    return Check(name, value, ">=", bound)


@dataclass(frozen=True)
class Series:
    """A line of a panel: y over x, with optional error bars.

    Attributes:
        label: Its name in the legend.
        x: Positions, length n.
        y: Values, length n.
        low: Lower ends of the error bars, length n or 0.
        high: Upper ends of the error bars, length n or 0.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def of_repetitions(cls, label: str, repeated: Mapping[int, NDArray[np.float64]]) -> Series:
        """Return the means over repetitions at every x, with their standard errors; no error bar reaches below 0.

        Args:
            label: Its name in the legend.
            repeated: For each x, the values of the repetitions, shape (r,), float64.
        """
        ends = [(float(values.mean()), standard_error(values)) for values in repeated.values()]
        low = tuple(max(0.0, mean - error) for mean, error in ends)
        high = tuple(mean + error for mean, error in ends)
        return cls(label, tuple(map(float, repeated)), tuple(mean for mean, _ in ends), low, high)


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Its title.
        x_label: Label of the x axis.
        y_label: Label of the y axis.
        series: The lines or bars.
        x_scale: "linear" or "log".
        y_scale: "linear" or "log".
        bars: Whether to draw each series as bars over `ticks`, instead of lines with markers.
        ticks: Names under the bars.
    """

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
        """Return a panel with one bar per label for every group.

        Args:
            title: Its title.
            y: Label of the y axis.
            groups: Names of the groups.
            heights: For each label, the height of its bar for every group.
            y_scale: "linear" or "log".
        """
        x = tuple(map(float, range(len(groups))))
        series = [Series(label, x, tuple(values)) for label, values in heights.items()]
        return cls(title, "group", y, series, "linear", y_scale, bars=True, ticks=tuple(groups))


def standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean over repetitions; 0 for a single one.

    Args:
        values: Shape (r,), float64.
    """
    return float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0


def column(rows: Iterable[Row], key: str, **where: str) -> list[float]:
    """Return the numbers in one column of selected rows.

    Args:
        rows: The rows.
        key: Name of the column.
        **where: Values that other columns must have.
    """
    return [float(row[key]) for row in rows if all(row[name] == value for name, value in where.items())]


@dataclass(frozen=True)
class Outcome:
    """The result of a demonstration.

    Attributes:
        rows: The numbers, one mapping per line.
        checks: The claims.
        panels: The panels to draw.
        figure: The main number obtained, in one line for tables.
        notes: Remarks on the measurement.
    """

    rows: Sequence[Row]
    checks: Sequence[Check]
    panels: Sequence[Panel]
    figure: str
    notes: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """The verdict: whether there is a check and every check passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)


Experiment = Callable[[Context], Outcome]
"""Measures and checks a statement. The experiments of this package are frozen dataclasses with their
numbers as fields.
"""


@dataclass(frozen=True)
class Demonstration:
    """A statement of the paper with its numerical demonstration.

    Attributes:
        name: Its name in `sharefind reproduce`.
        statement: Its number in the paper.
        claim: The statement, in one line.
        code: The modules of its objects.
        experiment: Measures and checks it.
        quick: The same on smaller grids, for quick requests; None if nothing can be smaller.
    """

    name: str
    statement: str
    claim: str
    code: str
    experiment: Experiment
    quick: Experiment | None = None

    def run(self, context: Context) -> Outcome:
        """Return the outcome for a request.

        Args:
            context: The environment, with the request.
        """
        chosen = self.quick if context.request.quick and self.quick is not None else self.experiment
        return chosen(context)
