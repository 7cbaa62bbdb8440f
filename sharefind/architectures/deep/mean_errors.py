"""Means over rows kept apart, with errors that know which rows belong together."""

from __future__ import annotations

import numpy as np
import scipy.special
from numpy.typing import NDArray

from sharefind.architectures.deep.rows import DeepRows
from sharefind.typing import FloatArray

CONFIDENCE = 0.95
"""Confidence of intervals of differences of risk."""


def mean_error(values: FloatArray, units: NDArray[np.int64] | None) -> tuple[float, float]:
    """Return the mean over rows and its standard error over rows, or over units of rows that belong together.

    Args:
        values: A number for each row, shape (n,); rows without a finite one do not count.
        units: The unit of each row, shape (n,); None where rows are independent.
    """
    kept = np.isfinite(values)
    values, units = values[kept], None if units is None else units[kept]
    mean = float(values.mean())
    if units is None:
        return mean, float(values.std(ddof=1) / np.sqrt(len(values)))
    numbers = np.unique(units, return_inverse=True)[1]
    sums = np.bincount(numbers, weights=values - mean)
    return mean, float(np.sqrt((sums**2).sum() * len(sums) / max(1, len(sums) - 1)) / len(values))


def mean_interval(
    values: FloatArray, units: NDArray[np.int64] | None, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the mean over rows with both ends of its interval by Student's distribution over rows or units.

    Args:
        values: A number for each row, shape (n,).
        units: The unit of each row, shape (n,); None where rows are independent.
        confidence: Confidence of the interval.
    """
    mean, error = mean_error(values, units)
    count = len(values) if units is None else len(np.unique(units))
    half = float(scipy.special.stdtrit(max(1, count - 1), (1 + confidence) / 2)) * error
    return mean, mean - half, mean + half


def held_out_score(rows: DeepRows, losses: FloatArray, predictions: FloatArray) -> tuple[float, float, float | None]:
    """Return the risk, its standard error, and for classes the accuracy.

    Args:
        rows: The rows.
        losses: Loss of each row, shape (n,); not finite for rows that no network held out.
        predictions: Predictions for the rows, shape (n, d_out).
    """
    risk, error = mean_error(losses, rows.units)
    if not rows.classes:
        return risk, error, None
    held = np.isfinite(losses)
    return risk, error, float(np.mean(predictions[held].argmax(axis=1) == rows.y[held].argmax(axis=1)))
