"""How long the search of a suggestion will take, by its sizes and a short look at the speed of this machine."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sharefind.durations import Rates, estimate_from_sizes, usual_sizes
from sharefind.rng import named_stream
from sharefind.suggestion.sheet import Sheet


@dataclass(frozen=True)
class Planned:
    """A search whose time is estimated.

    Attributes:
        group: Name of the candidate; None for a search without one.
        log_order: Logarithm of its order.
        holds: Whether it seems to hold; None where a look does not say.
    """

    group: str | None = None
    log_order: float = 0.0
    holds: bool | None = None


SecondsOf = Callable[[Sheet, Planned], tuple[float, float]]
"""What estimates the seconds of a search on some data, the least and the most."""


def machine_rates(repeats: int = 3, reference: float = 0.0105, clock: Callable[[], float] = time.perf_counter) -> Rates:
    """Rates of the pieces of work of a search on this machine.

    Args:
        repeats: How often a piece of reference work is timed; the quickest counts.
        reference: Seconds that it takes on the machine of the usual rates.
        clock: What measures.
    """
    matrix = named_stream(0, "suggestion speed").normal(size=(160, 160))
    rows = np.tile(matrix, (12, 1))
    seconds = []
    for _ in range(repeats):
        started = clock()
        product = matrix @ matrix.T
        np.linalg.eigh(product)
        np.exp(rows @ product / 1e4)
        seconds.append(clock() - started)
    return Rates(speed=min(seconds) / reference)


def seconds_with(rates: Rates, largest: float = 10.0) -> SecondsOf:
    """Estimates by the rates of a machine.

    Args:
        rates: Of the machine.
        largest: Logarithm of the group order from which on a larger one costs no more.
    """

    def seconds_of(sheet: Sheet, planned: Planned) -> tuple[float, float]:
        order = round(math.exp(min(planned.log_order, largest)))
        subgroups = 20 if planned.group is None else tested_groups(planned.group)
        sizes = usual_sizes(sheet.rows, sheet.x.shape[1], sheet.y.shape[1], order, subgroups)
        found = estimate_from_sizes(sizes, rates, planned.holds)
        return found.low, found.high

    return seconds_of


def tested_groups(name: str, symmetric: tuple[int, ...] = (1, 1, 2, 6, 30, 156, 1455), most: int = 200) -> int:
    """About how many subgroups a search may test.

    Args:
        name: Of the candidate, such as "D4" or "S3xS4".
        symmetric: Subgroups of S0, S1, ...; of larger ones, only the whole group is tested.
        most: Most that count, since a search stops long before.
    """
    total = 1
    for factor in name.split("x"):
        match = re.fullmatch(r"([A-Z]+)([0-9]+)", factor)
        if match is None:
            continue
        n = int(match[2])
        divisors = [k for k in range(1, n + 1) if n % k == 0]
        if match[1] == "S":
            total *= symmetric[n] if n < len(symmetric) else 1
        else:
            total *= len(divisors) + (sum(divisors) if match[1] == "D" else 0)
    return min(total, most)
