"""What a form is: a way to compute W x + b of a tied layer, with an estimate of what a step of training costs in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TiedLayer:
    """The labels of a layer: k or -k is coefficient number k with its sign, 0 an entry that is zero.

    Attributes:
        weight: Of W, shape (d_out, d_in).
        bias: Of b, shape (d_out,); None for a layer without one.
        dim: Number of coefficients.
    """

    weight: Labels
    bias: Labels | None
    dim: int


@dataclass(frozen=True)
class Pace:
    """How fast a usual processor core is, forward and backward together, in float32.

    Attributes:
        product: Seconds of a multiplication in a product of matrices.
        number: Seconds of a number that an elementwise operation passes over.
        read: Seconds of an entry that is read from coefficients by an index, and whose gradient is added there.
        call: Seconds of an operation of torch on nothing.
    """

    product: float = 2e-11
    number: float = 4e-10
    read: float = 1.5e-9
    call: float = 8e-6


@dataclass(frozen=True)
class Work:
    """What a step of training, or one of its parts, asks of a processor.

    Attributes:
        products: Multiplications in products of matrices.
        numbers: Numbers that elementwise operations pass over.
        reads: Entries read from coefficients by an index.
        calls: Operations of torch.
    """

    products: float = 0.0
    numbers: float = 0.0
    reads: float = 0.0
    calls: float = 0.0

    def seconds(self, pace: Pace | None = None) -> float:
        """Return how long it takes."""
        pace = Pace() if pace is None else pace
        return (
            pace.product * self.products + pace.number * self.numbers + pace.read * self.reads + pace.call * self.calls
        )


class Form(Protocol):
    """One way to compute a layer.

    Attributes:
        name: What it is called.
    """

    name: ClassVar[str]

    def work(self, batch: int) -> Work:
        """Return what a step of training on a batch of so many rows asks for, the bias aside."""
        ...


@dataclass(frozen=True, eq=False)
class Dense:
    """The whole matrix, made from coefficients by the entries of the layer: fits every space.

    Attributes:
        entries: Entries of W.
        width: d_in + d_out.
        dim: Number of coefficients.
        crowd: Coefficients with more entries than that are slow to add up.
    """

    name: ClassVar[str] = "dense"
    entries: int
    width: int
    dim: int
    crowd: ClassVar[int] = 64

    @classmethod
    def of(cls, layer: TiedLayer) -> Self:
        """Return the form of a layer."""
        return cls(layer.weight.size, sum(layer.weight.shape), layer.dim)

    def work(self, batch: int) -> Work:
        """Return what a step asks for: each product is made three times, for outputs, weights and inputs."""
        # Additions to one number wait for each other.
        reads = self.entries * (2 if self.crowd * self.dim <= self.entries else 1)
        return Work(3.0 * batch * self.entries, batch * self.width, reads, 5)


@dataclass(frozen=True, eq=False)
class Gather(Dense):
    """The matrix read by columns from the coefficients, by operations of torch alone: for layers that are not wide."""

    name: ClassVar[str] = "gather"

    def work(self, batch: int) -> Work:
        """Return what a step asks for."""
        whole = super().work(batch)
        return replace(whole, calls=whole.calls - 2)
