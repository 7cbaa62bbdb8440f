"""Linear regression on the folds of a walk, for comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.rows import DeepRows
from sharefind.typing import FloatArray


def least_squares(rows: DeepRows, folds: Sequence[NDArray[np.int64]]) -> tuple[FloatArray, FloatArray]:
    """Return losses (n,) and predictions (n, d_out) of linear regressions on each fold's other rows.

    For classes these are regressions of the indicators of classes; other rows than those of a fold have no number.

    Args:
        rows: The rows.
        folds: The rows that each fold holds out.
    """
    x, y = rows.scaled_x, rows.scaled_y
    design = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    predictions = np.full(y.shape, np.nan)
    for held in folds:
        seen = np.setdiff1d(np.arange(len(x)), held)
        predictions[held] = design[held] @ np.linalg.lstsq(design[seen], y[seen], rcond=None)[0]
    if not rows.classes:
        return ((predictions - y) ** 2).mean(axis=1), predictions
    shares = np.maximum(predictions, 1e-3)
    return -np.log((shares * y).sum(axis=1) / shares.sum(axis=1)), predictions
