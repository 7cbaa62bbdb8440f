"""Features of the inputs, and second moments of features and labels, from which quick least-squares
fits are computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Features:
    """The columns themselves, and products of some pairs of them.

    Attributes:
        words: Name: "linear" or "quadratic".
        width: Number of columns d.
        first: First columns of the products, shape (q,), int64.
        second: Second columns of the products, shape (q,), int64.
    """

    words: str
    width: int
    first: IntArray
    second: IntArray

    @property
    def count(self) -> int:
        """Number of features."""
        return self.width + len(self.first)

    def of(self, x: FloatArray) -> FloatArray:
        """Return the centred features of rows, shape (n, count), float64.

        Products use columns that are clipped far from their means, so that a few rows do not dominate.

        Args:
            x: The rows, shape (n, d).
        """
        centred = x - x.mean(axis=0)
        scales = common_scales(centred)
        cut = np.clip(x - common_centres(x.mean(axis=0), scales, len(x)), -3.0 * scales, 3.0 * scales)
        products = cut[:, self.first] * cut[:, self.second]
        return np.hstack([centred, products - products.mean(axis=0)])

    def moved(self, permutation: IntArray) -> IntArray:
        """Return the permutation of features that a permutation of columns induces, shape (count,).

        Args:
            permutation: Shape (d,), int64.
        """
        if len(self.first) == 0:
            return permutation
        number = np.zeros((self.width, self.width), dtype=np.int64)
        number[self.first, self.second] = number[self.second, self.first] = np.arange(len(self.first))
        moved = number[permutation[self.first], permutation[self.second]]
        return np.concatenate([permutation, self.width + moved])


def common_scales(centred: FloatArray, near: float = 1.5) -> FloatArray:
    """Return a scale for each column, shape (d,); columns with similar standard deviations share one scale.

    Args:
        centred: Columns with mean 0, shape (n, d).
        near: Consecutive deviations with a ratio below this share a scale.
    """
    deviation = centred.std(axis=0)
    order = np.argsort(deviation)
    ascending = deviation[order]
    starts = np.concatenate([[0], np.cumsum(ascending[1:] > near * ascending[:-1])])
    scale = np.empty_like(deviation)
    scale[order] = np.sqrt(np.bincount(starts, ascending**2) / np.bincount(starts))[starts]
    return np.asarray(scale, dtype=np.float64)


def common_centres(means: FloatArray, scales: FloatArray, rows: int, near: float = 4.0) -> FloatArray:
    """Return a centre for each column, shape (d,); columns whose means differ only by chance share one centre.

    With separate centres, a product would contain a small multiple of each single column, and a group does not tie
    these.

    Args:
        means: Means of the columns, shape (d,).
        scales: Their scales, shape (d,); only columns with equal scales can share a centre.
        rows: Number of rows.
        near: Consecutive means that differ by at most this number of standard errors share a centre.
    """
    order = np.lexsort((means, scales))
    gaps = np.diff(means[order]) > near * scales[order][1:] / np.sqrt(rows)
    label = np.concatenate([[0], np.cumsum(gaps | (np.diff(scales[order]) != 0))])
    centres = np.empty_like(means)
    centres[order] = (np.bincount(label, means[order]) / np.bincount(label))[label]
    return centres


def linear(width: int) -> Features:
    """Return features without products.

    Args:
        width: Number of columns.
    """
    none = np.zeros(0, dtype=np.int64)
    return Features("linear", width, none, none)


def quadratic(width: int, most: int = 600) -> Features:
    """Return features with the products of all pairs of columns, or with squares only if there would be too many.

    Args:
        width: Number of columns.
        most: Largest number of features.
    """
    first, second = np.triu_indices(width)
    if width + len(first) > most:
        first = second = np.arange(width)
    return Features("quadratic", width, np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of some rows of features z (n, p) and labels y (n, m), both with mean 0 over all rows.

    Attributes:
        rows: Number of rows n.
        inner: z^T z, shape (p, p).
        cross: z^T y, shape (p, m).
    """

    rows: int
    inner: FloatArray
    cross: FloatArray

    @classmethod
    def of(cls, z: FloatArray, y: FloatArray) -> Moments:
        """Return the moments of features and labels.

        Args:
            z: Features, shape (n, p).
            y: Labels, shape (n, m).
        """
        return cls(len(z), z.T @ z, z.T @ y)
