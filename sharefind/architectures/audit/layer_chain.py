"""A network of linear layers with pointwise activations between them, as plain matrices in float64.

`onnx_layers` and `torch_layers` read it from graphs and modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from sharefind.errors import InputError
from sharefind.typing import FloatArray

Function = Callable[[FloatArray], FloatArray]


class UnreadError(InputError):
    """A network has no layers that the audit can read; the message says why."""


@dataclass(frozen=True, eq=False)
class Pointwise:
    """An activation, which acts on every number alone.

    Attributes:
        name: Its name.
        value: The function, elementwise on float64.
    """

    name: str
    value: Function

    @cached_property
    def _grid(self) -> FloatArray:
        return np.concatenate([np.linspace(0.003, 8, 97), [0.5, 1.0, 2.0, 3.0]])

    @cached_property
    def half_turn(self) -> float | None:
        """The c with sigma(-t) = 2 c - sigma(t), to rounding: 0 for tanh, 1/2 for the logistic function; None without
        such a symmetry.
        """
        centre = float(self.value(np.zeros(1))[0])
        both = self.value(self._grid) + self.value(-self._grid)
        size = np.abs(self.value(self._grid)).max() + abs(centre)
        return centre if bool(np.abs(both - 2 * centre).max() <= 1e-9 * size) else None

    @cached_property
    def is_homogeneous(self) -> bool:
        """Whether sigma(c t) = c sigma(t) for positive c, to rounding, as of ReLU."""
        both = np.concatenate([self._grid, -self._grid])
        return all(self._is_like(self.value(c * both), c * self.value(both)) for c in (0.25, 3.0))

    def _is_like(self, first: FloatArray, second: FloatArray) -> bool:
        return bool(np.abs(first - second).max() <= 1e-9 * np.abs(first).max())


@dataclass(frozen=True, eq=False)
class Layer:
    """A linear layer and the activation after it.

    Attributes:
        weight: Shape (out, in), float64.
        bias: Shape (out,), float64.
        activation: Activation of its values; None for the last layer.
    """

    weight: FloatArray
    bias: FloatArray
    activation: Pointwise | None = None

    def values(self, inputs: FloatArray) -> FloatArray:
        """Return W x + b, shape (n, out).

        Args:
            inputs: Shape (n, in).
        """
        return inputs @ self.weight.T + self.bias

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """Return sigma(W x + b), shape (n, out).

        Args:
            inputs: Shape (n, in).
        """
        values = self.values(inputs)
        return values if self.activation is None else self.activation.value(values)


@dataclass(frozen=True, eq=False)
class LayerChain:
    """Linear layers one after another.

    Attributes:
        layers: The layers; all but the last have an activation.
    """

    layers: tuple[Layer, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of inputs, of hidden units of each layer, and of outputs."""
        return (self.layers[0].weight.shape[1], *(len(layer.bias) for layer in self.layers))

    @property
    def hidden(self) -> tuple[Layer, ...]:
        """The layers of hidden units: all but the last."""
        return self.layers[:-1]

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the outputs, shape (n, d_out).

        Args:
            x: Inputs, shape (n, d_in).
        """
        for layer in self.layers:
            x = layer(x)
        return x

    def rounded(self, dtype: str) -> LayerChain:
        """Return the same chain with weights and biases in another precision, in which it computes.

        Args:
            dtype: The precision.
        """
        return self.with_parameters([(layer.weight.astype(dtype), layer.bias.astype(dtype)) for layer in self.layers])

    def with_parameters(self, parameters: Sequence[tuple[FloatArray, FloatArray]]) -> LayerChain:
        """Return the same chain with other weights and biases.

        Args:
            parameters: Weight (out, in) and bias (out,) of each layer.
        """
        layers = zip(self.layers, parameters, strict=True)
        return LayerChain(tuple(replace(layer, weight=w, bias=b) for layer, (w, b) in layers))


@dataclass(frozen=True, eq=False)
class Wire:
    """A value inside a network that is being read: an affine map of the last activations, flattened.

    Attributes:
        layers: The layers before it.
        weight: Shape (size, units of the last layer).
        bias: Shape (size,).
        shape: Shape of a row.
        root: The value that this one is a function of, number by number; None for itself.
        function: The function.
    """

    layers: tuple[Layer, ...]
    weight: FloatArray
    bias: FloatArray
    shape: tuple[int, ...]
    root: Wire | None = None
    function: Function | None = field(default=None)

    @classmethod
    def of_inputs(cls, shape: tuple[int, ...]) -> Wire:
        """Return the inputs of a network.

        Args:
            shape: Shape of a row.
        """
        size = int(np.prod(shape, dtype=np.int64))
        return cls((), np.eye(size), np.zeros(size), shape)

    @property
    def size(self) -> int:
        """Numbers of a row."""
        return len(self.bias)

    def shaped(self, shape: tuple[int, ...]) -> Wire:
        """Return the same numbers in rows of another shape.

        Args:
            shape: The shape.
        """
        return replace(self, shape=shape)

    def linear(self, matrix: FloatArray, bias: FloatArray | float = 0.0, shape: tuple[int, ...] | None = None) -> Wire:
        """Return a linear map of the value, plus a bias.

        Args:
            matrix: Shape (out, size).
            bias: Shape (out,), or one number for all.
            shape: Shape of a row of the result; (out,) by default.
        """
        return Wire(self.layers, matrix @ self.weight, matrix @ self.bias + bias, shape or (len(matrix),))

    def scaled(self, factor: FloatArray, offset: FloatArray) -> Wire:
        """Return factor * value + offset, number by number; one factor and one offset keep the root.

        Args:
            factor: Shape (size,).
            offset: Shape (size,).
        """
        changed = Wire(self.layers, factor[:, None] * self.weight, factor * self.bias + offset, self.shape)
        if np.ptp(factor) == 0 and np.ptp(offset) == 0:
            a, c = float(factor[0]), float(offset[0])
            return replace(changed, root=self.source, function=self._then(lambda t: a * t + c))
        return changed

    def activated(self, activation: Pointwise) -> Wire:
        """Return the activation of the value.

        Args:
            activation: The activation.
        """
        layer = Layer(self.weight, self.bias, activation)
        found = Wire((*self.layers, layer), np.eye(self.size), np.zeros(self.size), self.shape)
        return replace(found, root=self.source, function=self._then(activation.value))

    @property
    def source(self) -> Wire:
        """The root, or the value itself."""
        return self if self.root is None else self.root

    def joined(self, other: Wire, join: Callable[[FloatArray, FloatArray], FloatArray]) -> Wire | None:
        """Return a function of two values that are functions of one root, number by number; None for other values.

        Args:
            other: The other value.
            join: The function, such as the product in x * sigmoid(x).
        """
        if self.source is not other.source or self.shape != other.shape:
            return None
        first, second = self._then(lambda t: t), other._then(lambda t: t)
        return self.source.activated(Pointwise("composed", lambda t: join(first(t), second(t))))

    def _then(self, outer: Function) -> Function:
        inner = self.function
        return outer if inner is None else lambda t: outer(inner(t))

    def chain(self) -> LayerChain:
        """Return the network that ends with this value.

        Raises:
            UnreadError: The network is linear: it has no hidden units.
        """
        if not self.layers:
            raise UnreadError("the network has no hidden units: it is one linear map")
        return LayerChain((*self.layers, Layer(self.weight, self.bias)))
