"""Standard deviations from which coefficients start, so that layers spread as when every entry is free.

Those of a whole network are `sharefind.architectures.initial_values.network_start`, as they stand in a module's source.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import initial_values as initial
from sharefind.architectures.spec import SharingSpec

FloatArray = NDArray[np.float64]


def linear_start(spec: SharingSpec) -> FloatArray:
    """(dim,): on average an entry of W has the variance 1 / (3 d_in) with which nn.Linear starts."""
    return np.full(spec.space.dim, math.sqrt(initial.spreads(spec)["weight"] / (3 * spec.d_in)))


def block_start(spec: SharingSpec, channels: int) -> FloatArray:
    """(dim,): A / channels, W and b start with the variances of two nn.Linear with channels d_hidden units between."""
    hidden = spec.block("weight").shape[0]
    inner = 1 / math.sqrt(3 * spec.d_in)
    return initial.start_stds(spec, {"output": math.sqrt(channels / (3 * hidden)), "bias": inner, "weight": inner})
