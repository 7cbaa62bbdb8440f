"""The change of data as the tensors that a network carries: its centre in two parts, its shift and its scale.

They stand in the state of torch modules, in files of weights and in graphs. The matrix of the change is in none of
them: it is part of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sharefind.meanfield.clouds.standardise import Standardisation
from sharefind.typing import FloatArray

CENTRE, SHIFT, SCALE = "centre", "shift", "scale"
"""Names of the tensors: (2, d_in), (d_out,) and ()."""

STATISTICS = (CENTRE, SHIFT, SCALE)
"""All of them."""


def statistics(change: Standardisation) -> dict[str, FloatArray]:
    """The tensors of a change of data.

    Args:
        change: The change; its matrix has no part in this.

    Returns:
        `centre`, shape (2, d_in), in the units of x; `shift`, shape (d_out,), and `scale`, shape (), in those of y.
    """
    return {
        CENTRE: parts(change.centre),
        SHIFT: np.array(change.shift, dtype=np.float64),
        SCALE: np.array(change.scale, dtype=np.float64),
    }


def parts(centre: FloatArray, bits: int = 24) -> FloatArray:
    """Return a centre in two parts: rounded to `bits`, and the rest; their sum is exact.

    Subtracted one after the other from float32 inputs, which hold 24 bits, they cost no digit that the inputs have.

    Args:
        centre: Shape (d_in,).
        bits: Number of bits of the first part.

    Returns:
        Shape (2, d_in).
    """
    mantissa, exponent = np.frexp(centre)
    rounded = np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits) + 0.0
    return np.stack([rounded, centre - rounded])


def with_statistics(change: Standardisation, tensors: Mapping[str, FloatArray]) -> Standardisation:
    """Return a change of data with centre, shift and scale from tensors as in `statistics`, its matrix kept.

    Args:
        change: The change of data.
        tensors: The tensors by name.
    """
    centre = np.asarray(tensors[CENTRE], dtype=np.float64).sum(axis=0)
    return replace(
        change, centre=centre, shift=np.asarray(tensors[SHIFT], dtype=np.float64), scale=float(tensors[SCALE])
    )
