"""Orbits on pairs (i, j) of two permutation actions, without a graph on all pairs: for Hom spaces.

A spanning tree over the rows i carries the labels of one row to all others. Labels are then merged where a generator
outside the tree disagrees. `tying.tied` handles any signed permutation action, with several times the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.spaces import tying

Perms = NDArray[np.intp]
Classes = NDArray[np.int32]


def product_orbits(
    outer: NDArray[Any], inner: NDArray[Any], few: float = 1 / 16, schreier: int = 8, block: int = 2**16
) -> tying.Labels:
    """Return the orbits of the maps (i, j) -> (outer[g, i], inner[g, j]) as canonical labels.

    The time is at most O(k m n). It is one pass over the result if, beside one large orbit, the stabiliser of a row
    moves few points. No memory of order m n is needed beyond the result. The last three arguments affect speed alone.

    Args:
        outer: Shape (k, m), integers: one permutation of the rows per generator.
        inner: Shape (k, n), integers: one permutation of the columns per generator.
        few: If at most this share of a row lies outside its largest class, only these entries are followed.
        schreier: Largest number of Schreier generators by which the labels of a tree are merged beforehand.
        block: Number of table entries that are compared at once.

    Returns:
        The labels, shape (m n,), int32, row by row.
    """
    (_, m), (_, n) = outer.shape, inner.shape
    if m > n:
        swapped = product_orbits(inner, outer, few, schreier, block).reshape(n, m)
        return tying.canonical(swapped.T.ravel())
    table = _Table(np.empty((m, n), dtype=np.int32), outer, inner.astype(np.intp), few, schreier, block)
    used = 1
    # Roots ascend and every class meets its root's row, so classes are numbered by first occurrence.
    for tree in _forest(outer):
        used += table.label(tree, used)
    return table.labels.ravel()


@dataclass(frozen=True)
class _Tree:
    """An orbit of rows, breadth first.

    rows[0] is the root. For k > 0, row rows[k] is outer[generator[k]] applied to row rows[parent[k]]; `parent` holds
    positions in `rows`.
    """

    rows: list[int]
    parent: list[int]
    generator: list[int]

    def others(self, outer: NDArray[Any]) -> NDArray[np.intp]:
        """Return the edges outside the tree, breadth first: (position, generator, position of the image),
        (edges, 3).
        """
        place = np.empty(outer.shape[1], dtype=np.intp)
        place[self.rows] = np.arange(len(self.rows))
        outside = np.ones((len(self.rows), len(outer)), dtype=bool)
        outside[self.parent[1:], self.generator[1:]] = False
        places, generators = np.nonzero(outside)
        images = place[outer[generators, np.array(self.rows)[places]]]
        return np.stack([places, generators, images], axis=1)


def _forest(perms: NDArray[Any]) -> list[_Tree]:
    """Return breadth-first trees of the orbits of permutations (k, m), with ascending roots."""
    images = perms.T.tolist()
    seen = [False] * perms.shape[1]
    trees = []
    for root in range(perms.shape[1]):
        if seen[root]:
            continue
        seen[root] = True
        rows, parents, generators = [root], [-1], [-1]
        for place, row in enumerate(rows):
            for g, child in enumerate(images[row]):
                if not seen[child]:
                    seen[child] = True
                    rows.append(child)
                    parents.append(place)
                    generators.append(g)
        trees.append(_Tree(rows, parents, generators))
    return trees


def _path(tree: _Tree, place: int) -> list[int]:
    """Return the generators that lead from the root to a position, the first one first."""
    letters = []
    while place > 0:
        letters.append(tree.generator[place])
        place = tree.parent[place]
    return letters[::-1]


@dataclass(frozen=True)
class _Table:
    """Labels, int32 (m, n), while they are written; the two actions; and the settings of `product_orbits`."""

    labels: Classes
    outer: NDArray[Any]
    inner: Perms
    few: float
    schreier: int
    block: int

    def label(self, tree: _Tree, first: int) -> int:
        """Write the rows of a tree with labels from `first` on; return the number of labels."""
        others = tree.others(self.outer)
        base = self.merged_beforehand(tree, others) + np.int32(first)
        sizes = np.bincount(base)
        if base.size - sizes.max() <= self.few * base.size:
            merged = self.write_few(tree, base, int(sizes.argmax()))
        else:
            merged = self.write_all(tree, others, base)
        count = int(merged.max()) + 1
        if count < len(merged):
            for rows in self.blocks(np.array(tree.rows)):
                self.labels[rows] = (merged + np.int32(first))[self.labels[rows] - first]
        return count

    def merged_beforehand(self, tree: _Tree, others: NDArray[np.intp]) -> Classes:
        """Return the orbits, on the columns, of some Schreier generators of the root's stabiliser, numbered from 0,
        (n,).

        The generators come from the edges nearest the root. They may cost at most an eighth of the rows of the tree.
        """
        n, budget = self.inner.shape[1], len(tree.rows) // 8
        found: list[Perms] = []
        for place, g, image in others[: min(budget, self.schreier)].tolist():
            there, back = _path(tree, place), _path(tree, image)
            budget -= len(there) + len(back)
            if budget < 0:
                break
            inverse = np.empty(n, dtype=np.intp)
            inverse[self.composed(back)] = np.arange(n)
            found.append(inverse[self.composed([*there, g])])
        if not found:
            return np.arange(n, dtype=np.int32)
        return tying.canonical(tying.components(np.stack(found)) + 1) - np.int32(1)

    def composed(self, letters: list[int]) -> Perms:
        """Return the action of a word on the columns; its first letter acts first."""
        images = np.arange(self.inner.shape[1])
        for g in letters:
            images = self.inner[g][images]
        return images

    def write_few(self, tree: _Tree, base: Classes, common: int) -> Classes:
        """Write the rows of a tree by the positions of all labels but the most common; return the class of each label
        of `base`.

        Only the few labels need checking: since class sizes agree, every other position holds the common label.
        """
        labels, inner = self.labels, self.inner
        rows, kept = np.array(tree.rows), np.flatnonzero(base != common)
        places = np.empty((len(rows), len(kept)), dtype=np.intp)
        places[0] = kept
        for k in range(1, len(rows)):
            places[k] = inner[tree.generator[k]][places[tree.parent[k]]]
        labels[rows if len(rows) < len(labels) else slice(None)] = common
        labels[rows[:, None], places] = base[kept]
        here, there = [base[:0]], [base[:0]]
        for g in range(len(inner)):
            found = labels[self.outer[g, rows][:, None], inner[g][places]]
            wrong = np.nonzero(found != base[kept])
            here.append(base[kept][wrong[1]])
            there.append(found[wrong])
        return _joined(np.concatenate(here), np.concatenate(there), base)

    def write_all(self, tree: _Tree, others: NDArray[np.intp], base: Classes) -> Classes:
        """Write each row of a tree from its parent row; return the class of each label of `base`."""
        labels, inner = self.labels, self.inner
        rows, inverse = np.array(tree.rows), np.argsort(inner, axis=1)
        labels[rows[0]] = base
        for k in range(1, len(rows)):
            parent = labels[tree.rows[tree.parent[k]]]
            np.take(parent, inverse[tree.generator[k]], out=labels[tree.rows[k]], mode="clip")
        first = base[0]
        merged = np.arange(base.max() - first + 1, dtype=np.int32)
        for g in range(len(inner)):
            for edges in self.blocks(others[others[:, 1] == g]):
                here, there = labels[rows[edges[:, 0]]], labels[rows[edges[:, 2]]][:, inner[g]]
                differ = here != there
                if differ.any():
                    merged = _joined(merged[here[differ] - first], merged[there[differ] - first], merged)[merged]
        return merged

    def blocks(self, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
        """Split rows into blocks whose entries fit a cache."""
        step = max(1, self.block // self.inner.shape[1])
        return (rows[start : start + step] for start in range(0, len(rows), step))


def _joined(here: Classes, there: Classes, labels: Classes) -> Classes:
    """Return the class of each label from labels.min() on after here[p] and there[p] are joined, numbered from 0."""
    first, size = labels.min(), int(labels.max() - labels.min()) + 1
    return tying.connected(here - first, there - first, size).astype(np.int32)
