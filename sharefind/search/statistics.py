"""Exact randomisation p-values from the statistics of observed data and of copies moved by the hypothesis.

If the hypothesis holds, the observed row and the copies are exchangeable, so the rank of the observed statistic gives
a p-value that is valid in finite samples, whatever the statistic (Hemerik & Goeman 2018, Test 9:  "Exact testing with
random permutations"). The proof is in docs/statistics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TIE_TOLERANCE = 1e-9
"""Relative difference below which two statistics count as tied: copies that moved nothing differ only by rounding."""


def studentised_maximum(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest standardised component of each row: components (m + 1, K) -> (m + 1,).

    Mean and standard deviation are taken over all rows, the observed one included, so that rows stay exchangeable.
    Components that are the same in every row carry nothing and are left out.
    """
    spread = components.std(axis=0)
    useful = spread > TIE_TOLERANCE * np.maximum(np.abs(components).max(axis=0), np.finfo(float).tiny)
    if not useful.any():
        return np.zeros(len(components))
    centred = components[:, useful] - components[:, useful].mean(axis=0)
    return np.asarray((centred / spread[useful]).max(axis=1), dtype=np.float64)


def randomisation_p_value(statistics: NDArray[np.float64]) -> float:
    """(1 + #{T_k >= T_0}) / (m + 1) for statistics (m + 1,), row 0 observed."""
    observed, copies = statistics[0], statistics[1:]
    slack = TIE_TOLERANCE * max(1.0, abs(float(observed)))
    return float((1 + np.count_nonzero(copies >= observed - slack)) / len(statistics))


def either_p_value(first: float, second: float) -> float:
    """Bonferroni over two tests of one hypothesis: min(1, 2 min)."""
    return min(1.0, 2 * min(first, second))
