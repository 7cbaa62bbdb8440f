"""The speed of this machine relative to the one on which the default rates were measured. It loads numpy only."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sharefind.rng import named_stream


def machine_speed(repeats: int, reference: float = 0.0105, clock: Callable[[], float] = time.thread_time) -> float:
    """Return how slow this machine is: above 1 if a reference computation takes longer than on the reference machine.

    Args:
        repeats: Number of timed repetitions; the fastest one counts.
        reference: Seconds that the computation takes on the reference machine.
        clock: The clock; processor time by default, so that other work on the machine does not count.
    """
    matrix = named_stream(0, "machine speed").normal(size=(160, 160))
    rows = np.tile(matrix, (12, 1))
    seconds = []
    for _ in range(repeats):
        started = clock()
        product = matrix @ matrix.T
        np.linalg.eigh(product)
        np.exp(rows @ product / 1e4)
        seconds.append(clock() - started)
    return min(seconds) / reference
