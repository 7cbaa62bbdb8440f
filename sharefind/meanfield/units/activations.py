"""The sigmoidal functions that act on every coordinate of Y, with derivatives written in terms of their values.

Which actions on Y such a function commutes with is decided in `units`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from sharefind.errors import UnitError, quoted


@dataclass(frozen=True)
class Activation:
    """A pointwise function sigma: R -> (low, high).

    Attributes:
        name: Its name in unit expressions.
        low: Lower end of the open interval of its values.
        high: Upper end of that interval.
        is_odd: Whether sigma(-t) = -sigma(t), which a signed action on Y needs.
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
        """Keep an activation of sharefind the same object in a worker process, where the compiled kernel must recognise
        it.
        """
        if self in ACTIVATIONS:
            return activation, (self.name,)
        return super().__reduce__()


LOGISTIC = Activation("logistic", 0.0, 1.0, False, torch.sigmoid, lambda a: a * (1 - a))
TANH = Activation("tanh", -1.0, 1.0, True, torch.tanh, lambda a: 1 - a * a)


ACTIVATIONS = LOGISTIC, TANH


class Named(Protocol):
    """Something with a name in unit expressions."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


Something = TypeVar("Something", bound=Named)


def by_name(known: Iterable[Something], name: str, what: str) -> Something:
    """Return the item with a name.

    Args:
        known: Items with names.
        name: The name.
        what: Name of the items in the message.

    Raises:
        UnitError: No item has that name.
    """
    found = {each.name: each for each in known}
    if name not in found:
        raise UnitError(f"{what} {quoted(name)} is unknown; use one of {', '.join(sorted(found))}")
    return found[name]


def activation(name: str) -> Activation:
    """Return the activation with a name.

    Args:
        name: The name.

    Raises:
        UnitError: No activation has that name.
    """
    return by_name(ACTIVATIONS, name, "activation")
