"""The expected duration of a suggested search, from its sizes and a short measurement of this machine's speed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from sharefind.durations import Rates, estimate_from_sizes
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.machine_speed import machine_speed
from sharefind.search_sizes import usual_sizes
from sharefind.suggestion.sheet import Sheet


@dataclass(frozen=True)
class Planned:
    """A search whose duration is estimated.

    Attributes:
        group: Name of the candidate; None for a search without one.
        log_order: Natural logarithm of its order.
        holds: Whether it seems to hold; None if the quick look does not decide.
        moves_labels: Whether it moves labels; None if this is unknown.
        leaves_inputs: Whether it fixes some columns of x.
    """

    group: str | None = None
    log_order: float = 0.0
    holds: bool | None = None
    moves_labels: bool | None = None
    leaves_inputs: bool = False


SecondsOf = Callable[[Sheet, Planned], tuple[float, float]]
"""Function that estimates the duration of a search on a sheet: the lower and the upper end, in seconds."""


def machine_rates(repeats: int = 8) -> Rates:
    """Return the rates at which this machine does the work of a search.

    Args:
        repeats: Number of timed repetitions of the measurement.
    """
    return Rates(speed=machine_speed(repeats))


def seconds_with(rates: Rates, largest: float = 10.0) -> SecondsOf:
    """Return a function that estimates durations at the rates of a machine.

    Args:
        rates: Rates of the machine.
        largest: Natural logarithm of the order beyond which a larger group costs no more.
    """

    def seconds_of(sheet: Sheet, planned: Planned) -> tuple[float, float]:
        order, is_listed = round(math.exp(min(planned.log_order, largest))), True
        subgroups, degree = 20, None
        if planned.group is not None:
            is_listed = order <= MAX_SUBGROUP_ORDER
            subgroups = tested_groups(planned.group) if is_listed else 1
            degree = sum(map(int, re.findall(r"[0-9]+", planned.group))) or None
        sizes = usual_sizes(
            sheet.rows, sheet.x.shape[1], sheet.y.shape[1], order, subgroups, degree=degree,
            moves_labels=planned.moves_labels, leaves_inputs=planned.leaves_inputs, is_listed=is_listed,
        )  # fmt: skip
        found = estimate_from_sizes(sizes, rates, planned.holds)
        return found.low, found.high

    return seconds_of


def tested_groups(name: str, symmetric: tuple[int, ...] = (1, 1, 2, 6, 30, 156)) -> int:
    """Return roughly how many nontrivial subgroups a search may test, for a group whose subgroups are listed.

    Args:
        name: Name of the candidate, such as "D4" or "S3xS4".
        symmetric: Number of subgroups of S0, S1, ...
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
    return max(1, total - 1)
