"""Constants of an ONNX graph, and values that follow from them by a few array operators.

Nothing is run but numpy, and no array is made that is larger than the limit: a small file may ask for a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.audit.layer_chain import UnreadError

Array = NDArray[Any]
Attributes = Mapping[str, Any]

LARGEST = 50_000_000
"""Largest number of entries of an array that is computed from constants."""


def folded(operator: str, arrays: list[Array], attributes: Attributes) -> Array:
    """Return what an operator makes of constants.

    Args:
        operator: Its name in ONNX.
        arrays: Its inputs.
        attributes: Its attributes.

    Raises:
        UnreadError: The operator is not one of a few, or would make too large an array.
    """
    make = FOLDS.get(operator)
    if make is None:
        raise UnreadError(f"the operator {operator} on constants is not read")
    try:
        return np.asarray(make(arrays, attributes))
    except UnreadError:
        raise
    except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
        raise UnreadError(f"the operator {operator} has constants that do not fit it") from error


def _limited(shape: tuple[int, ...]) -> None:
    if np.prod(np.array(shape, dtype=float)) > LARGEST:
        raise UnreadError(f"a constant of shape {shape} is above the limit of {LARGEST} entries")


def _elementwise(function: Callable[..., Array]) -> Callable[[list[Array], Attributes], Array]:
    def make(arrays: list[Array], attributes: Attributes) -> Array:
        _limited(np.broadcast_shapes(*(array.shape for array in arrays)))
        return np.asarray(function(*arrays))

    return make


def _divided(a: Array, b: Array) -> Array:
    return a // b if np.issubdtype(a.dtype, np.integer) else a / b


def _gather(arrays: list[Array], attributes: Attributes) -> Array:
    data, index = arrays
    axis = int(attributes.get("axis", 0))
    _limited((index.size, max(data.size // max(data.shape[axis], 1), 1)))
    return np.take(data, index, axis=axis)


def _matmul(arrays: list[Array], attributes: Attributes) -> Array:
    a, b = arrays
    _limited((a.size // max(a.shape[-1], 1), b.size // max(b.shape[-2] if b.ndim > 1 else b.shape[0], 1)))
    return np.asarray(np.matmul(a, b))


def _slice(arrays: list[Array], attributes: Attributes) -> Array:
    data, starts, ends, *rest = arrays
    axes = rest[0] if rest else np.arange(len(starts))
    steps = rest[1] if len(rest) > 1 else np.ones(len(starts), dtype=np.int64)
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index[int(axis)] = slice(int(start), int(end), int(step))
    return data[tuple(index)]


def reshaped(old: tuple[int, ...], target: Array, allow_zero: bool) -> tuple[int, ...]:
    """Return the shape that a Reshape gives: 0 keeps an axis, and -1 takes the rest.

    Args:
        old: The shape before.
        target: The shape that the operator names, shape (k,), integers.
        allow_zero: Whether 0 is an empty axis.
    """
    kept = [old[k] if s == 0 and not allow_zero else int(s) for k, s in enumerate(target.tolist())]
    if kept.count(-1) == 1:
        rest = int(np.prod([s for s in kept if s != -1]))
        kept[kept.index(-1)] = int(np.prod(old)) // max(rest, 1)
    return tuple(kept)


def _reshape(arrays: list[Array], attributes: Attributes) -> Array:
    return arrays[0].reshape(reshaped(arrays[0].shape, arrays[1], bool(attributes.get("allowzero", 0))))


def axes_of(arrays: list[Array], attributes: Attributes) -> tuple[int, ...] | None:
    """Return the axes that an operator names as an attribute or as its second input; None for all.

    Args:
        arrays: Its inputs.
        attributes: Its attributes.
    """
    if len(arrays) > 1:
        return tuple(int(axis) for axis in arrays[1].ravel())
    axes = attributes.get("axes")
    return None if axes is None else tuple(int(axis) for axis in axes)


def _unsqueezed(arrays: list[Array], attributes: Attributes) -> Array:
    return np.expand_dims(arrays[0], axes_of(arrays, attributes) or ())


FOLDS: dict[str, Callable[[list[Array], Attributes], Array]] = {
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divided),
    "Neg": _elementwise(np.negative),
    "Sqrt": _elementwise(np.sqrt),
    "Reciprocal": _elementwise(np.reciprocal),
    "Identity": lambda arrays, attributes: arrays[0],
    "Cast": lambda arrays, attributes: arrays[0],  # numbers are read as float64 and whole numbers anyway
    "Concat": lambda arrays, attributes: np.concatenate(arrays, axis=int(attributes["axis"])),
    "Gather": _gather,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": lambda arrays, attributes: np.squeeze(arrays[0], axes_of(arrays, attributes)),
    "Unsqueeze": _unsqueezed,
    "Transpose": lambda arrays, attributes: np.transpose(arrays[0], attributes.get("perm")),
}
"""Operators by name."""
