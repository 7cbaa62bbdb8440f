"""Subspaces known only through floats: orthonormal rows, inclusion and intersection up to a tolerance.

The exact counterparts are in `linear` and `tying`; `Subspace` decides which of them applies.
"""

from __future__ import annotations

import numpy as np

from sharefind.errors import SpaceError
from sharefind.typing import FloatArray


def orthonormal_rows(vectors: FloatArray, tolerance: float) -> FloatArray:
    """Orthonormal basis (rank, n) of the rows of `vectors` (k, n).

    The rank counts singular values above `tolerance` times the largest. Raises SpaceError unless the entries
    are finite and the array has two axes.
    """
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise SpaceError(f"a numerical subspace needs an array of shape (k, ambient), not {vectors.shape}")
    if not np.all(np.isfinite(vectors)):
        raise SpaceError("a numerical subspace has NaN or infinite entries; drop those vectors")
    if vectors.shape[0] == 0:
        return vectors
    _, values, right = np.linalg.svd(vectors, full_matrices=False)
    rank = int(np.sum(values > tolerance * values[0]))
    return right[:rank]


def orthonormal_frame(basis: FloatArray) -> FloatArray:
    """Orthonormal basis (k, n) of the rows of a full-rank `basis` (k, n), row by row as in Gram-Schmidt."""
    q, r = np.linalg.qr(basis.T)
    return np.asarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T)


def lies_in(inner: FloatArray, outer: FloatArray, tolerance: float) -> bool:
    """True when each row of `inner` (k, n) is within `tolerance` of the orthonormal `outer` (m, n)."""
    residual = inner - (inner @ outer.T) @ outer
    return bool(np.all(np.linalg.norm(residual, axis=1) <= tolerance))


def meet(first: FloatArray, second: FloatArray, tolerance: float) -> FloatArray:
    """Directions of `first` (k, n) at an angle of sine <= `tolerance` to `second` (m, n), orthonormal."""
    residual = first - (first @ second.T) @ second
    left, sines, _ = np.linalg.svd(residual, full_matrices=True)
    padded = np.concatenate([sines, np.zeros(first.shape[0] - sines.size)])
    return np.asarray(left[:, padded <= tolerance].T @ first)
