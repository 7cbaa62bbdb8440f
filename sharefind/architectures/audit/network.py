"""A network that is audited: a function of rows in its own precision, and its layers where they can be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sharefind.architectures.audit.layer_chain import LayerChain
from sharefind.typing import FloatArray

Predict = Callable[[FloatArray], FloatArray]
"""Rows of inputs (n, d_in) to rows of outputs (n, d_out), float64 both; rounded to the precision of the network."""


@dataclass(frozen=True, eq=False)
class AuditedNetwork:
    """A network as the audit sees it.

    Attributes:
        name: Its file or its class.
        d_in: Number of inputs of a row, with all axes flattened; None where it takes any number.
        dtype: Precision in which it computes: "float16", "float32" or "float64".
        predict: The function that it computes.
        rounding: Size of the rounding in each output, shape (n, d_out) for rows (n, d_in): the difference from the same
            network in double precision, or, of a network that cannot be computed so, the effect of moving every weight
            by at most one unit in the last place.
        chain: Its layers; None where they cannot be read.
        unread: Why its layers cannot be read; "" where they can.
        inputs: Names of its inputs; empty where it has none.
        outputs: Names of its outputs; empty where it has none.
    """

    name: str
    d_in: int | None
    dtype: str
    predict: Predict
    rounding: Callable[[FloatArray], FloatArray]
    chain: LayerChain | None = None
    unread: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def eps(self) -> float:
        """Distance from 1 to the next number of its precision."""
        return float(np.finfo(self.dtype).eps)


def in_blocks(predict: Predict, x: FloatArray, rows: int) -> FloatArray:
    """Return predictions, shape (n, d_out), computed block by block.

    Args:
        predict: The network.
        x: Inputs, shape (n, d_in), float64.
        rows: Number of rows of a block.
    """
    return np.concatenate([predict(x[k : k + rows]) for k in range(0, len(x), rows)])


def moved(values: FloatArray, rng: np.random.Generator, eps: float) -> FloatArray:
    """Return numbers, each moved by at most one unit in the last place, float64, same shape.

    Args:
        values: The numbers.
        rng: Source of the moves.
        eps: Distance from 1 to the next number of the precision.
    """
    return values * (1 + eps * rng.uniform(-1, 1, size=values.shape))


def lowered(dtype: str) -> tuple[str, float]:
    """Return the precision that is compared with double precision, and the factor that its differences get.

    Rounding is proportional to the unit in the last place. That of a network in double precision is measured in single
    precision, on weights and inputs that single precision holds.

    Args:
        dtype: Precision of the network.
    """
    if dtype != "float64":
        return dtype, 1.0
    return "float32", float(np.finfo(np.float64).eps / np.finfo(np.float32).eps)


def chain_rounding(chain: LayerChain, dtype: str, predict: Predict, x: FloatArray) -> FloatArray:
    """Return the rounding of a network whose layers are read, shape (n, d_out).

    Args:
        chain: Its layers.
        dtype: Its precision.
        predict: The network.
        x: Inputs, shape (n, d_in).
    """
    kind, factor = lowered(dtype)
    x = x.astype(kind).astype(np.float64)
    if dtype != "float64":
        return np.abs(predict(x) - chain(x))
    low = chain.rounded(kind)
    return factor * np.abs(low(x.astype(kind)).astype(np.float64) - low.rounded("float64")(x))


def moved_rounding(predict: Predict, draws: Callable[[], Predict], x: FloatArray, count: int = 4) -> FloatArray:
    """Return the effect of moving weights by at most one unit in the last place, root mean squares, shape (n, d_out).

    Args:
        predict: The network.
        draws: Draws it with moved weights.
        x: Inputs, shape (n, d_in).
        count: Number of draws.
    """
    y = predict(x)
    return np.asarray(np.sqrt(np.mean([np.square(draws()(x) - y) for _ in range(count)], axis=0)))
