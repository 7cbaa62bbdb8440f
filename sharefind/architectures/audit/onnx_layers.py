"""The layers of an ONNX graph, read from its operators; the graph is never run for it.

A graph is read if every value is an affine map of activations of one value before: Gemm, MatMul, scalers, reshapes and
means, with pointwise activations between them. Anything else is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.audit.activations import clip, onnx_activation
from sharefind.architectures.audit.layer_chain import LayerChain, Pointwise, UnreadError, Wire
from sharefind.architectures.audit.onnx_constants import Array, axes_of, folded, reshaped
from sharefind.errors import quoted

if TYPE_CHECKING:
    import onnx

WIDEST = 4_096
"""Largest number of inputs, hidden units or outputs of a layer that is read."""

PASSED = ("Identity", "Dropout", "Cast")
"""Operators that leave a value unchanged when the network is used."""


def onnx_layers(graph: onnx.GraphProto, shape: tuple[int, ...]) -> LayerChain:
    """Return the layers of a graph with one input and one output.

    Args:
        graph: The graph; its constants are in the file.
        shape: Shape of a row of the input.

    Raises:
        UnreadError: The graph is no chain of linear layers and pointwise activations.
    """
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    (source,) = [value.name for value in graph.input if value.name not in constants]
    if np.prod(shape) > WIDEST:
        raise UnreadError(f"the input is wider than {WIDEST}")
    reader = _Reader({name: _read(array) for name, array in constants.items()}, {source: Wire.of_inputs(shape)})
    for node in graph.node:
        reader.take(node)
    found = reader.wires.get(graph.output[0].name)
    if found is None:
        raise UnreadError("the output does not depend on the input")
    return found.chain()


def _read(array: Array) -> Array:
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array


class _Reader:
    """Facts about the values of a graph.

    Args:
        constants: Arrays by name.
        wires: Values that depend on the input, by name.
    """

    def __init__(self, constants: dict[str, Array], wires: dict[str, Wire]) -> None:
        self.constants = constants
        self.wires = wires

    def take(self, node: onnx.NodeProto) -> None:
        """Read one operator; its inputs are known, since nodes of a graph are sorted."""
        from onnx import helper

        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.domain not in ("", "ai.onnx"):
            raise UnreadError(f"the operator {quoted(node.op_type)} of {quoted(node.domain)} is not read")
        names = [name for name in node.input if name]
        if node.op_type == "Constant":
            self.constants[node.output[0]] = _constant(attributes)
        elif all(name in self.constants for name in names):
            self.constants[node.output[0]] = folded(node.op_type, [self.constants[n] for n in names], attributes)
        else:
            self.wires[node.output[0]] = self._value(node.op_type, names, attributes)

    def _value(self, operator: str, names: list[str], attributes: Mapping[str, Any]) -> Wire:
        wires = [self.wires[name] for name in names if name in self.wires]
        activation = onnx_activation(operator, attributes)
        if len(wires) > 1:
            return _joined(operator, wires)
        wire = wires[0]
        others = [self.constants[name] for name in names if name in self.constants]
        if activation is not None:
            return wire.activated(activation)
        if operator == "Clip":
            return wire.activated(_clip(others, attributes))
        if operator in PASSED:
            return wire
        if operator not in READ:
            raise UnreadError(f"the operator {operator} is no linear layer and no pointwise activation")
        is_first = names[0] in self.wires
        try:
            found = READ[operator](wire, others, attributes, is_first)
        except UnreadError:
            raise
        except (ValueError, IndexError, TypeError) as error:
            raise UnreadError(f"the operator {operator} has shapes that are not read") from error
        if found.size > WIDEST:
            raise UnreadError(f"a layer is wider than {WIDEST}")
        return found


JOINS: dict[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}


def _joined(operator: str, wires: list[Wire]) -> Wire:
    found = wires[0].joined(wires[1], JOINS[operator]) if operator in JOINS and len(wires) == 2 else None
    if found is None:
        raise UnreadError(f"the operator {operator} joins values of different layers, as a residual connection does")
    return found


def _constant(attributes: Mapping[str, Any]) -> Array:
    from onnx import numpy_helper

    if "value" in attributes:
        return _read(numpy_helper.to_array(attributes["value"]))
    ((name, value),) = attributes.items()
    if name not in ("value_float", "value_floats", "value_int", "value_ints"):
        raise UnreadError("a constant is sparse or holds text")
    return np.asarray(value)


def _clip(others: list[Array], attributes: Mapping[str, Any]) -> Pointwise:
    bounds = [float(array) for array in others] if others else [attributes.get("min"), attributes.get("max")]
    if len(bounds) < 2 or None in bounds:
        raise UnreadError("a Clip with one bound is not read")
    return Pointwise("clip", clip(*bounds))


Others = list[NDArray[Any]]
Read = Callable[[Wire, Others, Mapping[str, Any], bool], Wire]


def _flat(wire: Wire, constant: Array) -> NDArray[np.float64]:
    """Return a constant that is broadcast against (batch, *shape), flattened to the size of a row."""
    if constant.ndim > len(wire.shape) + 1 or (constant.ndim == len(wire.shape) + 1 and constant.shape[0] != 1):
        raise ValueError(constant.shape)
    row = constant[0] if constant.ndim == len(wire.shape) + 1 else constant
    return np.broadcast_to(np.asarray(row, dtype=np.float64), wire.shape).ravel()


def _added(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    return wire.scaled(np.ones(wire.size), _flat(wire, others[0]))


def _subtracted(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    sign, constant = (1.0 if is_first else -1.0), _flat(wire, others[0])
    return wire.scaled(np.full(wire.size, sign), -sign * constant)


def _multiplied(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    return wire.scaled(_flat(wire, others[0]), np.zeros(wire.size))


def _divided(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    if not is_first:
        raise UnreadError("a constant is divided by a computed value")
    return wire.scaled(1 / _flat(wire, others[0]), np.zeros(wire.size))


def _negated(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    return wire.scaled(-np.ones(wire.size), np.zeros(wire.size))


def _matmul(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    matrix = others[0]
    if not is_first or matrix.ndim != 2:
        raise UnreadError("a MatMul with the constant on its left, or with a stack of matrices, is not read")
    lead = wire.shape[:-1]
    whole = np.kron(np.eye(int(np.prod(lead, dtype=np.int64))), matrix.T) if lead else matrix.T
    return wire.linear(np.asarray(whole, dtype=np.float64), shape=(*lead, others[0].shape[1]))


def _gemm(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    if not is_first or attributes.get("transA", 0) or len(wire.shape) != 1:
        raise UnreadError("a Gemm with the computed value transposed or on its right is not read")
    weight = others[0] if attributes.get("transB", 0) else others[0].T
    bias = np.broadcast_to(attributes.get("beta", 1.0) * others[1].reshape(-1), (len(weight),)) if others[1:] else 0.0
    return wire.linear(attributes.get("alpha", 1.0) * weight, bias)


def _reshape(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    target = others[0].astype(np.int64).ravel()
    shape = reshaped((1, *wire.shape), _whole_batch(target, wire.size), bool(attributes.get("allowzero", 0)))
    if shape[0] != 1:
        raise UnreadError("a Reshape mixes the rows of a batch")
    return wire.shaped(shape[1:])


def _whole_batch(target: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return the target of a batch of one row: the first axis is the batch, of any size."""
    rest = target[1:]
    if -1 in rest.tolist() or int(np.prod(rest)) == size or 0 in rest.tolist():
        return np.concatenate([[1], rest])
    return target


def _flatten(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    if attributes.get("axis", 1) != 1:
        raise UnreadError("a Flatten mixes the rows of a batch")
    return wire.shaped((wire.size,))


def _axes(wire: Wire, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return axes of a batch as axes of its rows."""
    kept = tuple((axis % (len(wire.shape) + 1)) - 1 for axis in axes)
    if min(kept) < 0:
        raise UnreadError("an operator changes the axis of the batch")
    return kept


def _squeeze(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    axes = axes_of([np.empty(0), *others], attributes)
    if axes is None:
        raise UnreadError("a Squeeze without axes is not read")
    return wire.shaped(tuple(np.squeeze(np.empty(wire.shape), _axes(wire, axes)).shape))


def _transpose(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    perm = [int(axis) for axis in attributes.get("perm", range(len(wire.shape), -1, -1))]
    if perm[0] != 0:
        raise UnreadError("a Transpose moves the axis of the batch")
    places = np.arange(wire.size).reshape(wire.shape).transpose([axis - 1 for axis in perm[1:]])
    return wire.linear(np.eye(wire.size)[places.ravel()], shape=places.shape)


def _reduced(mean: bool) -> Read:
    def read(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
        axes = axes_of([np.empty(0), *others], attributes)
        if axes is None:
            raise UnreadError("a mean over the rows of a batch is not read")
        basis = np.eye(wire.size).reshape(wire.size, *wire.shape)
        places = tuple(axis + 1 for axis in _axes(wire, axes))
        make = np.mean if mean else np.sum
        values = make(basis, axis=places, keepdims=bool(attributes.get("keepdims", 1)))
        return wire.linear(values.reshape(wire.size, -1).T, shape=values.shape[1:])

    return read


def _normalised(wire: Wire, others: Others, attributes: Mapping[str, Any], is_first: bool) -> Wire:
    if len(wire.shape) != 1 or attributes.get("training_mode", 0):
        raise UnreadError("a BatchNormalization of images, or one in training, is not read")
    scale, shift, mean, variance = others
    factor = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    return wire.scaled(factor, shift - factor * mean)


READ: dict[str, Read] = {
    "Add": _added,
    "Sub": _subtracted,
    "Mul": _multiplied,
    "Div": _divided,
    "Neg": _negated,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "ReduceMean": _reduced(mean=True),
    "ReduceSum": _reduced(mean=False),
    "BatchNormalization": _normalised,
}
"""How operators change a value."""
