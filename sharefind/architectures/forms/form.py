"""Forms: ways to compute W x + b of a tied layer, each with an estimate of the cost of a step of training."""

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
        weight: Labels of W, shape (d_out, d_in).
        bias: Labels of b, shape (d_out,); None for a layer without a bias.
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
        number: Seconds for each number in an elementwise operation.
        read: Seconds to read an entry from the coefficients by an index, and to add its gradient there.
        call: Seconds of an operation of torch on an empty tensor.
    """

    product: float = 2e-11
    number: float = 4e-10
    read: float = 1.5e-9
    call: float = 8e-6


@dataclass(frozen=True)
class Work:
    """The operations of a step of training, or of one of its parts.

    Attributes:
        products: Multiplications in products of matrices.
        numbers: Numbers in elementwise operations.
        reads: Entries read from coefficients by an index.
        calls: Operations of torch.
    """

    products: float = 0.0
    numbers: float = 0.0
    reads: float = 0.0
    calls: float = 0.0

    def seconds(self, pace: Pace | None = None) -> float:
        """Return the estimated time in seconds.

        Args:
            pace: Speed of the processor; `Pace()` where None.
        """
        pace = Pace() if pace is None else pace
        return (
            pace.product * self.products + pace.number * self.numbers + pace.read * self.reads + pace.call * self.calls
        )


class Form(Protocol):
    """One way to compute a layer.

    Attributes:
        name: The name by which a user chooses it.
    """

    name: ClassVar[str]

    def work(self, batch: int) -> Work:
        """Return the number of operations of a step of training, without those of the bias.

        Args:
            batch: Rows of the minibatch.
        """
        ...


@dataclass(frozen=True, eq=False)
class Dense:
    """The whole matrix, made from coefficients by the entries of the layer: fits every space.

    Attributes:
        name: The name by which a user chooses it.
        entries: Number of entries of W.
        width: d_in + d_out.
        dim: Number of coefficients.
        crowd: Mean number of entries a coefficient from which on gradients are slow to add up.
    """

    name: ClassVar[str] = "dense"
    entries: int
    width: int
    dim: int
    crowd: ClassVar[int] = 64

    @classmethod
    def of(cls, layer: TiedLayer) -> Self:
        """Return the form of a layer.

        Args:
            layer: Its labels.
        """
        return cls(layer.weight.size, sum(layer.weight.shape), layer.dim)

    def work(self, batch: int) -> Work:
        """Return the operations of a step: each product is made three times, for outputs, weights and inputs.

        Args:
            batch: Rows of the minibatch.
        """
        # Additions to one number wait for each other.
        reads = self.entries * (2 if self.crowd * self.dim <= self.entries else 1)
        return Work(3.0 * batch * self.entries, batch * self.width, reads, 5)


@dataclass(frozen=True, eq=False)
class Gather(Dense):
    """The matrix, read by columns from the coefficients by operations of torch alone: for layers that are not wide.

    Attributes:
        name: The name by which a user chooses it.
    """

    name: ClassVar[str] = "gather"

    def work(self, batch: int) -> Work:
        """Return the number of operations of a step of training.

        Args:
            batch: Rows of the minibatch.
        """
        whole = super().work(batch)
        return replace(whole, calls=whole.calls - 2)
