"""How fast this machine is beside the one that the usual rates were measured on. Loads numpy alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from sharefind.rng import named_stream


def machine_speed(repeats: int, reference: float = 0.0105, clock: Callable[[], float] = time.thread_time) -> float:
    """How slow this machine is: above 1 where reference work takes longer than usual.

    Args:
        repeats: How often the work is timed; the quickest counts.
        reference: Seconds that it takes on the machine of the usual rates.
        clock: What measures: processor time, so that other work on the machine does not count.
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
