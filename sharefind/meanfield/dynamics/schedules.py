"""Step-size schedules varsigma(t) > 0: s_k = eps_N varsigma(k eps_N) in SGD, the speed of time in the flow (Thm 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sharefind.errors import ConfigError
from sharefind.meanfield.objectives.named_functions import build_named


@dataclass(frozen=True)
class Schedule:
    """A step-size schedule varsigma.

    Attributes:
        name: The text that builds it.
        value: Maps a time t >= 0, in units of the horizon T, to a positive factor.
    """

    name: str
    value: Callable[[float], float]


CONSTANT = Schedule("constant", lambda t: 1.0)
"""varsigma = 1, the paper's."""


def power(exponent: float) -> Schedule:
    """Return the schedule (1 + t)^-exponent.

    Args:
        exponent: A number of at least 0.

    Raises:
        ConfigError: The exponent is negative or infinite.
    """
    if not 0 <= exponent < math.inf:
        raise ConfigError(f"schedule power: exponent is {exponent}; give a number of at least 0")
    return Schedule(f"power:{exponent:g}", lambda t: (1 + t) ** -exponent)


def cosine(horizon: float, floor: float = 0.1) -> Schedule:
    """Return a schedule that falls from 1 to `floor` along half a cosine over `horizon`, then stays constant.

    Args:
        horizon: Where the fall ends.
        floor: The last factor, in (0, 1].

    Raises:
        ConfigError: The horizon is not positive or the floor is not in (0, 1].
    """
    if not (0 < horizon < math.inf and 0 < floor <= 1):
        raise ConfigError(
            f"schedule cosine: horizon {horizon} and floor {floor}; give a positive horizon and a floor in (0, 1]"
        )

    def value(t: float) -> float:
        return floor + (1 - floor) * (1 + math.cos(math.pi * min(t / horizon, 1.0))) / 2

    return Schedule(f"cosine:{horizon:g}:{floor:g}", value)


def build_schedule(text: str) -> Schedule:
    """Return the schedule that a text names.

    Args:
        text: "constant", "power:EXPONENT" or "cosine:HORIZON[:FLOOR]".

    Raises:
        ConfigError: The text names no schedule; the message shows how to write one.
    """
    makers: dict[str, Callable[..., Schedule]] = {"power": power, "cosine": cosine}
    use, write = "constant, power:0.5 or cosine:20:0.1", "power:0.5 or cosine:20:0.1"
    return build_named("schedule", text, (CONSTANT,), makers, use, write)
