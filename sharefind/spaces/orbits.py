"""Orbits on pairs (i, j) of two permutation actions, without a graph on all pairs: for large Hom spaces.

A tree over i carries the labels of one row to all others; what remains is to merge labels where a generator
outside the tree disagrees. `tying.tied` does any signed permutation action, at several times the memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sharefind.spaces import tying

Step = tuple[int, int, int]


def product_orbits(outer: NDArray[Any], inner: NDArray[Any]) -> tying.Labels:
    """Canonical labels of the orbits of (i, j) -> (outer[g, i], inner[g, j]), row-major, int32 (m n,).

    outer: int (k, m), inner: int (k, n), one permutation a generator. Costs O(k m n) time, and no memory of
    that size beyond the answer.
    """
    (_, m), (_, n) = outer.shape, inner.shape
    if m > n:
        swapped = product_orbits(inner, outer).reshape(n, m)
        return tying.canonical(swapped.T.ravel())
    labels = np.empty((m, n), dtype=np.int32)
    used = 0
    # Roots ascend and every class meets its root's row, so that classes are numbered by first occurrence.
    for root, steps in _forest(outer):
        labels[root] = np.arange(n, dtype=np.int32)
        for child, parent, g in steps:
            labels[child, inner[g]] = labels[parent]
        rows = [root, *(child for child, _, _ in steps)]
        merged = _merged(labels, rows, outer, inner)
        for row in rows:
            labels[row] = merged[labels[row]] + (used + 1)
        used += int(merged.max()) + 1
    return labels.ravel()


def _forest(perms: NDArray[Any]) -> list[tuple[int, list[Step]]]:
    """Breadth-first trees of the orbits of permutations (k, m): (root, [(child, parent, generator), ...])."""
    images = perms.T.tolist()
    seen = [False] * perms.shape[1]
    trees = []
    for root in range(perms.shape[1]):
        if seen[root]:
            continue
        seen[root] = True
        queue, steps = [root], list[Step]()
        for parent in queue:
            for g, child in enumerate(images[parent]):
                if not seen[child]:
                    seen[child] = True
                    queue.append(child)
                    steps.append((child, parent, g))
        trees.append((root, steps))
    return trees


def _merged(labels: NDArray[np.int32], rows: list[int], outer: NDArray[Any], inner: NDArray[Any]) -> NDArray[np.int32]:
    """The class of each of the n labels of a tree, once every generator maps each row to one alike."""
    merged = np.arange(labels.shape[1], dtype=np.int32)
    for row in rows:
        for g in range(len(outer)):
            here, there = merged[labels[row]], merged[labels[outer[g, row], inner[g]]]
            if not np.array_equal(here, there):
                merged = _joined(here, there, int(merged.max()) + 1)[merged]
    return merged


def _joined(here: NDArray[np.int32], there: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """Components of the graph on range(size) with edges here[j] - there[j]."""
    graph = csr_array((np.ones(here.size), (here, there)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)
