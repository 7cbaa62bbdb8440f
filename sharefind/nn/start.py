"""Standard deviations from which coefficients start, so that layers spread as when every entry is free.

They agree with those that `sharefind.export` writes into a module's source.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sharefind.export import initial
from sharefind.export.spec import SharingSpec

FloatArray = NDArray[np.float64]


def linear_start(spec: SharingSpec) -> FloatArray:
    """(dim,): on average an entry of W has the variance 1 / (3 d_in) with which nn.Linear starts."""
    return np.full(spec.space.dim, math.sqrt(initial.spreads(spec)["weight"] / (3 * spec.d_in)))


def network_start(spec: SharingSpec) -> FloatArray:
    """(dim,): W x starts with variance 1 on average, for inputs of the length that the search saw; A and b too."""
    length = initial.input_length(spec)
    if not spec.has_hidden:
        return np.full(spec.space.dim, math.sqrt(initial.spreads(spec)["weight"]) / length)
    return initial.start_stds(spec, {"output": 1.0, "bias": 1.0, "weight": 1 / length})


def block_start(spec: SharingSpec, channels: int) -> FloatArray:
    """(dim,): A / channels, W and b start with the variances of two nn.Linear with channels d_hidden units between."""
    hidden = spec.block("weight").shape[0]
    inner = 1 / math.sqrt(3 * spec.d_in)
    return initial.start_stds(spec, {"output": math.sqrt(channels / (3 * hidden)), "bias": inner, "weight": inner})
