"""Whether consecutive rows of the file depend on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.suggestion.sheet import Sheet
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class RowsInOrder:
    """Evidence that rows depend on the rows before them.

    Attributes:
        length: Suggested number of rows per block.
        words: The evidence in words.
    """

    length: int
    words: str


def rows_in_order(sheet: Sheet, most: int = 5000, least: int = 8) -> RowsInOrder | None:
    """Return the evidence that consecutive rows depend on each other; None if there is none.

    Args:
        sheet: All rows of the data, in the order of the file.
        most: Largest number of rows that are examined.
        least: Number of rows of the shortest block that is suggested.
    """
    x = sheet.x[:most]
    if len(x) < 30:
        return None
    limit = 4 / np.sqrt(len(x))
    seam = _correlation(x[:-1, -1], x[1:, 0])
    shuffled = _correlation(x[:-2, -1], x[2:, 0])
    if len(sheet.shape) == 1 and x.shape[1] >= 6 and seam > max(0.3, limit) and seam > shuffled + limit:
        words = f"the last column of a row is correlated ({seam:.2f}) with the first one of the next row"
        return RowsInOrder(least, f"{words}, as in a series that was cut into rows")
    lags = [_mean_lag(x, lag) for lag in range(1, min(200, len(x) // 10))]
    if lags[0] <= max(0.1, limit):
        words = "a column with times says that rows follow each other"
        return RowsInOrder(least, words) if sheet.has_time else None
    end = next((k for k, value in enumerate(lags, 1) if value < limit), len(lags))
    words = f"columns are correlated ({lags[0]:.2f}) with themselves in the next row, and up to {end} rows on"
    return RowsInOrder(max(least, 2 * end), words)


def _mean_lag(x: FloatArray, lag: int) -> float:
    centred = x - x.mean(axis=0)
    variance = (centred**2).mean(axis=0)
    together = (centred[:-lag] * centred[lag:]).mean(axis=0)
    return float(np.mean(together[variance > 0] / variance[variance > 0])) if (variance > 0).any() else 0.0


def _correlation(one: FloatArray, other: FloatArray) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0
