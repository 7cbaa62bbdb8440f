"""Orbits of permutations on entries of arrays, computed by propagating the smallest index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharefind.typing import IntArray


def orbit_labels(permutations: Sequence[IntArray], size: int) -> IntArray:
    """Return the orbit of each point, numbered from 0 in the order of their smallest points.

    Args:
        permutations: Generators, shape (size,) each.
        size: Number of points.

    Returns:
        Labels, shape (size,), integers.
    """
    label = np.arange(size)
    while True:
        before = label
        for permutation in permutations:
            label = np.minimum(label, label[permutation])
        label = label[label]
        if np.array_equal(label, before):
            return np.asarray(np.unique(label, return_inverse=True)[1])


def pair_labels(rows: Sequence[IntArray], columns: Sequence[IntArray]) -> IntArray:
    """Return the orbits of generators that move the rows and the columns of a matrix together.

    Args:
        rows: For each generator, the permutation of the rows, shape (m,).
        columns: For each generator, the permutation of the columns, shape (p,).

    Returns:
        Labels, shape (m, p), integers.
    """
    m, p = len(rows[0]), len(columns[0])
    moves = [(r[:, None] * p + c[None, :]).ravel() for r, c in zip(rows, columns, strict=True)]
    return orbit_labels(moves, m * p).reshape(m, p)
