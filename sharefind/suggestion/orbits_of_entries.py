"""Orbits of permutations on entries of arrays, found by passing the smallest number along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sharefind.typing import IntArray


def orbit_labels(permutations: Sequence[IntArray], size: int) -> IntArray:
    """The orbit of each point, numbered from 0 in the order of their smallest points.

    Args:
        permutations: Generators, each an array (size,).
        size: Number of points.

    Returns:
        Labels, shape (size,).
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
    """Orbits of generators that move the rows and the columns of a matrix together.

    Args:
        rows: How each generator moves rows, shape (m,) each.
        columns: How it moves columns, shape (p,) each.

    Returns:
        Labels, shape (m, p).
    """
    m, p = len(rows[0]), len(columns[0])
    moves = [(r[:, None] * p + c[None, :]).ravel() for r, c in zip(rows, columns, strict=True)]
    return orbit_labels(moves, m * p).reshape(m, p)
