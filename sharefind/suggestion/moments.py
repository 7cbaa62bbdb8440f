"""Features of the inputs, and second moments of features and labels: all that quick least-squares fits need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Features:
    """The columns themselves, and products of some pairs of them.

    Attributes:
        words: What they are called: "linear", "quadratic".
        width: Number of columns d.
        first: First columns of the products, shape (q,).
        second: Second columns, shape (q,).
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
        """Features of rows x (n, d), centred, shape (n, count).

        Products are taken of columns that are cut off far from their means, so that few rows do not decide.
        """
        centred = x - x.mean(axis=0)
        scales = common_scales(centred)
        cut = np.clip(x - common_centres(x.mean(axis=0), scales, len(x)), -3.0 * scales, 3.0 * scales)
        products = cut[:, self.first] * cut[:, self.second]
        return np.hstack([centred, products - products.mean(axis=0)])

    def moved(self, permutation: IntArray) -> IntArray:
        """How features move where columns move, shape (count,)."""
        if len(self.first) == 0:
            return permutation
        number = np.zeros((self.width, self.width), dtype=np.int64)
        number[self.first, self.second] = number[self.second, self.first] = np.arange(len(self.first))
        moved = number[permutation[self.first], permutation[self.second]]
        return np.concatenate([permutation, self.width + moved])


def common_scales(centred: FloatArray, near: float = 1.5) -> FloatArray:
    """A scale for each column (d,), one and the same for columns with like standard deviations.

    Args:
        centred: Columns of mean 0, shape (n, d).
        near: Deviations that follow each other at less than this ratio share a scale.
    """
    deviation = centred.std(axis=0)
    order = np.argsort(deviation)
    ascending = deviation[order]
    starts = np.concatenate([[0], np.cumsum(ascending[1:] > near * ascending[:-1])])
    scale = np.empty_like(deviation)
    scale[order] = np.sqrt(np.bincount(starts, ascending**2) / np.bincount(starts))[starts]
    return np.asarray(scale, dtype=np.float64)


def common_centres(means: FloatArray, scales: FloatArray, rows: int, near: float = 4.0) -> FloatArray:
    """A centre for each column (d,), one and the same for columns whose means chance may tell apart.

    Products about means of their own would hold a little of each column alone, which a group does not tie.

    Args:
        means: Of the columns, shape (d,).
        scales: Theirs, equal for columns that may share a centre, shape (d,).
        rows: Number of rows.
        near: Standard errors up to which means that follow each other are one.
    """
    order = np.lexsort((means, scales))
    gaps = np.diff(means[order]) > near * scales[order][1:] / np.sqrt(rows)
    label = np.concatenate([[0], np.cumsum(gaps | (np.diff(scales[order]) != 0))])
    centres = np.empty_like(means)
    centres[order] = (np.bincount(label, means[order]) / np.bincount(label))[label]
    return centres


def linear(width: int) -> Features:
    """No products."""
    none = np.zeros(0, dtype=np.int64)
    return Features("linear", width, none, none)


def quadratic(width: int, most: int = 600) -> Features:
    """Products of all pairs of columns, of each with itself where these are too many.

    Args:
        width: Number of columns.
        most: Most features.
    """
    first, second = np.triu_indices(width)
    if width + len(first) > most:
        first = second = np.arange(width)
    return Features("quadratic", width, np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of some rows of features z (n, p) and labels y (n, m), both of mean 0 over all rows.

    Attributes:
        rows: n.
        inner: z^T z, shape (p, p).
        cross: z^T y, shape (p, m).
    """

    rows: int
    inner: FloatArray
    cross: FloatArray

    @classmethod
    def of(cls, z: FloatArray, y: FloatArray) -> Moments:
        """The moments of z (n, p) and y (n, m)."""
        return cls(len(z), z.T @ z, z.T @ y)
