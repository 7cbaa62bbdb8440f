"""Step-size schedules varsigma(t) > 0: s_k = eps_N varsigma(k eps_N) in SGD, the speed of time in the flow (Thm 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sharefind.errors import ConfigError
from sharefind.meanfield.objectives.named_functions import build_named


@dataclass(frozen=True)
class Schedule:
    """varsigma.

    Attributes:
        name: the text that builds it. value: t >= 0, in units of the horizon T, to a positive factor.
    """

    name: str
    value: Callable[[float], float]


CONSTANT = Schedule("constant", lambda t: 1.0)
"""varsigma = 1, the paper's."""


def power(exponent: float) -> Schedule:
    """(1 + t)^-exponent.

    Raises:
        ConfigError: a negative or infinite exponent.
    """
    if not 0 <= exponent < math.inf:
        raise ConfigError(f"schedule power: exponent is {exponent}; give a number of at least 0")
    return Schedule(f"power:{exponent:g}", lambda t: (1 + t) ** -exponent)


def cosine(horizon: float, floor: float = 0.1) -> Schedule:
    """From 1 down to `floor` along half a cosine over `horizon`, then constant.

    Raises:
        ConfigError: the horizon is not positive or the floor is not in (0, 1].
    """
    if not (0 < horizon < math.inf and 0 < floor <= 1):
        raise ConfigError(
            f"schedule cosine: horizon {horizon} and floor {floor}; give a positive horizon and a floor in (0, 1]"
        )

    def value(t: float) -> float:
        return floor + (1 - floor) * (1 + math.cos(math.pi * min(t / horizon, 1.0))) / 2

    return Schedule(f"cosine:{horizon:g}:{floor:g}", value)


def build_schedule(text: str) -> Schedule:
    """The schedule of a text: "constant", "power:EXPONENT" or "cosine:HORIZON[:FLOOR]".

    Raises:
        ConfigError: no schedule is written so; the message shows how.
    """
    makers, use = {"power": power, "cosine": cosine}, "constant, power:0.5 or cosine:20:0.1"
    return build_named("schedule", text, (CONSTANT,), makers, use, "power:0.5 or cosine:20:0.1")
