"""Subspaces known only through floats: orthonormal rows, inclusion and intersection up to a tolerance.

The exact counterparts are in `linear_algebra` and `tying`; `Subspace` chooses between them.
"""

from __future__ import annotations

import numpy as np

from sharefind.errors import SpaceError
from sharefind.typing import FloatArray


def orthonormal_rows(vectors: FloatArray, tolerance: float) -> FloatArray:
    """Return an orthonormal basis of the span of the rows, shape (rank, n), float64.

    Args:
        vectors: Shape (k, n), float64.
        tolerance: The rank is the number of singular values above this multiple of the largest one.

    Raises:
        SpaceError: The array does not have two axes, has no columns, or has entries that are not finite.
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
    """Return an orthonormal basis of a row space, built row by row as in Gram-Schmidt, shape (k, n), float64.

    Args:
        basis: Shape (k, n), of rank k.
    """
    q, r = np.linalg.qr(basis.T)
    return np.asarray((q * np.where(np.diag(r) < 0, -1.0, 1.0)).T)


def lies_in(inner: FloatArray, outer: FloatArray, tolerance: float) -> bool:
    """Return whether every row of `inner` lies in the span of `outer`.

    Args:
        inner: Shape (k, n), unit vectors.
        outer: Shape (m, n), orthonormal rows.
        tolerance: Largest distance from the span.
    """
    residual = inner - (inner @ outer.T) @ outer
    return bool(np.all(np.linalg.norm(residual, axis=1) <= tolerance))


def meet(first: FloatArray, second: FloatArray, tolerance: float) -> FloatArray:
    """Return an orthonormal basis of the directions of `first` that lie in `second`, float64.

    Args:
        first: Shape (k, n), orthonormal rows.
        second: Shape (m, n), orthonormal rows.
        tolerance: Largest sine of the angle between a direction and the span of `second`.
    """
    residual = first - (first @ second.T) @ second
    left, sines, _ = np.linalg.svd(residual, full_matrices=True)
    padded = np.concatenate([sines, np.zeros(first.shape[0] - sines.size)])
    return np.asarray(left[:, padded <= tolerance].T @ first)
