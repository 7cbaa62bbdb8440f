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
        rounded: Draws the same network with every weight moved by at most one unit in the last place.
        chain: Its layers; None where they cannot be read.
        unread: Why its layers cannot be read; "" where they can.
        inputs: Names of its inputs; empty where it has none.
        outputs: Names of its outputs; empty where it has none.
    """

    name: str
    d_in: int | None
    dtype: str
    predict: Predict
    rounded: Callable[[np.random.Generator], Predict]
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
    """Return numbers of which each is moved by at most one unit in the last place, float64, same shape.

    Args:
        values: The numbers.
        rng: Source of the moves.
        eps: Distance from 1 to the next number of the precision.
    """
    return values * (1 + eps * rng.uniform(-1, 1, size=values.shape))
