"""Samples that several modules of the room are tested on."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Samples = tuple[NDArray[np.float64], NDArray[np.float64]]


def near_symmetric_samples(seed: int, n: int, d: int = 5) -> Samples:
    """A circulant relation with a quadratic part, between inputs that are symmetric under its group."""
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(n, d))
    y = x + 0.6 * np.roll(x, -1, axis=1) - 0.3 * np.roll(x, 1, axis=1) + 0.2 * x * np.roll(x, 1, axis=1)
    return x, y + 0.1 * rng.normal(size=x.shape)


@pytest.fixture(scope="session")
def near_symmetric() -> Callable[..., Samples]:
    """Draws samples of a relation that nearly has a larger group than it has: seed, n and d."""
    return near_symmetric_samples
