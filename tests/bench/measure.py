"""Ratios of two pieces of work timed in turn, so that whatever else the machine does falls on both alike.

A benchmark module offers `rows(quick)`, which yields a `Row` for each thing that was asked to be fast. Rows say whether
their target was met; nothing here fails because of time.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

Work = Callable[[], object]
Seconds = list[float]


@dataclass(frozen=True)
class Target:
    """What the figure of a row must reach: "at least" or "at most" `value`."""

    sense: Literal["at least", "at most"]
    value: float

    def is_met(self, figure: float) -> bool:
        """Whether a figure reaches it."""
        return figure >= self.value if self.sense == "at least" else figure <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.sense == 'at least' else '≤'} {self.value:g}"


@dataclass(frozen=True)
class Row:
    """One figure of the table.

    Attributes:
        topic: "SGD step", "exact bases", ... case: what was run, with its sizes.
        quantity: what `figure` is: "JAX / ours", "seconds", "MB", "exponent", ...
        figure: the median over repetitions; None where nothing could be measured, `note` says why.
        low, high: quartiles over the repetitions; None where there was one.
        target: None where the figure is for information. note: seconds on both sides, versions, reasons.
    """

    topic: str
    case: str
    quantity: str
    figure: float | None
    low: float | None = None
    high: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """One of "pass", "miss", "not measured", or "" without a target."""
        if self.figure is None:
            return "not measured"
        if self.target is None:
            return ""
        return "pass" if self.target.is_met(self.figure) else "miss"


Rows = Iterator[Row]


def seconds(work: Work, repeats: int) -> Seconds:
    """Wall seconds of each repetition, after one that is not counted."""
    return in_turn((work,), repeats)[0]


def in_turn(works: tuple[Work, ...], repeats: int, clock: Callable[[], float] = perf_counter) -> list[Seconds]:
    """Seconds of several works, one repetition of each in turn, after one of each that is not counted.

    Args:
        works: What is timed.
        repeats: How often.
        clock: Wall time, or `time.process_time` for work on one thread beside other work.
    """
    for work in works:
        work()
    times: list[Seconds] = [[] for _ in works]
    gc.collect()
    for _ in range(repeats):
        for work, kept in zip(works, times, strict=True):
            started = clock()
            work()
            kept.append(clock() - started)
    return times


def spread(values: Seconds) -> tuple[float, float, float]:
    """Median and quartiles."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return statistics.median(values), low, high


def ratio_row(
    topic: str, case: str, quantity: str, top: Seconds, bottom: Seconds, target: Target | None, note: str = ""
) -> Row:
    """The ratio of two lists of seconds that were taken in turn, pair by pair."""
    figure, low, high = spread([a / b for a, b in zip(top, bottom, strict=True)])
    return Row(topic, case, quantity, figure, low, high, target, note)


def absolute_row(
    topic: str, case: str, quantity: str, values: list[float], target: Target | None, note: str = ""
) -> Row:
    """A figure with a unit of its own, such as seconds or MB."""
    figure, low, high = spread(values)
    return Row(topic, case, quantity, figure, low, high, target, note)


def unit_time(value: float) -> str:
    """Seconds as a reader likes them: "87 us", "1.4 ms", "2.1 s"."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"
