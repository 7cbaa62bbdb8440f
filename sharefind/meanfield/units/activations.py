"""The sigmoidal functions that act on every coordinate of Y, with derivatives written in terms of their values.

Which actions on Y such a function commutes with is decided in `units`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sharefind.errors import UnitError, quoted


@dataclass(frozen=True)
class Activation:
    """A pointwise function sigma: R -> (low, high).

    Attributes:
        name: its name in unit expressions.
        low, high: the open interval of its values.
        is_odd: whether sigma(-t) = -sigma(t), which is what a signed action on Y needs.
        value: sigma, elementwise.
        slope: sigma'(t) as a function of the value sigma(t), elementwise.
    """

    name: str
    low: float
    high: float
    is_odd: bool
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]

    def __reduce__(self) -> str | tuple[Any, ...]:
        """One of ours stays itself in a worker process, where the compiled kernel must know it again."""
        if self in (LOGISTIC, TANH):
            return activation, (self.name,)
        return super().__reduce__()


LOGISTIC = Activation("logistic", 0.0, 1.0, False, torch.sigmoid, lambda a: a * (1 - a))
TANH = Activation("tanh", -1.0, 1.0, True, torch.tanh, lambda a: 1 - a * a)


def activation(name: str) -> Activation:
    """The activation called `name`.

    Raises:
        UnitError: no activation has that name.
    """
    known = {a.name: a for a in (LOGISTIC, TANH)}
    if name not in known:
        raise UnitError(f"activation {quoted(name)} is unknown; use one of {', '.join(sorted(known))}")
    return known[name]
