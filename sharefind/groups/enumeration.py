"""Lists a finite permutation group: its elements, a word for each, and its Cayley graph.

This module handles integer arrays only; `group` has names, limits and equality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class Enumeration:
    """The list of a group of `order` permutations of `degree` points.

    Attributes:
        elements: Shape (order, degree), int64, read-only; row 0 is the identity.
        parent: Shape (order,), int64; -1 at the identity.
        generator: Shape (order,), int64; -1 at the identity. elements[k] = elements[parent[k]] o gen[generator[k]].
        right: Shape (order, n_generators), int64, the right Cayley graph: elements[right[k, j]] = elements[k] o gen[j].
        positions: Row of each element, by its bytes.
    """

    elements: IntArray
    parent: IntArray
    generator: IntArray
    right: IntArray
    positions: dict[bytes, int]

    def table(self) -> NDArray[np.int32]:
        """Return the Cayley table, shape (order, order), int32, filled column by column along the words: a (p g) = (a
        p) g.
        """
        order = len(self.elements)
        table = np.empty((order, order), dtype=np.int32)
        table[:, 0] = np.arange(order)
        for k in range(1, order):
            table[:, k] = self.right[table[:, self.parent[k]], self.generator[k]]
        return table


def enumerate_elements(generators: IntArray, limit: int) -> Enumeration | None:
    """Return the breadth-first closure of permutations; None if it has more than `limit` elements.

    This takes order x n_generators compositions of `degree` points.

    Args:
        generators: Shape (n_generators, degree), int64.
        limit: Largest order.
    """
    identity = np.arange(generators.shape[1], dtype=np.int64)
    elements, positions = [identity], {identity.tobytes(): 0}
    tree = [(-1, -1)]
    right: list[list[int]] = []
    while len(right) < len(elements):
        current, row = elements[len(right)], []
        for j, generator in enumerate(generators):
            product = current[generator]
            position = positions.setdefault(product.tobytes(), len(elements))
            if position == len(elements):
                if position == limit:
                    return None
                elements.append(product)
                tree.append((len(right), j))
            row.append(position)
        right.append(row)
    return _freeze(elements, tree, right, positions)


def _freeze(
    elements: list[IntArray], tree: list[tuple[int, int]], right: list[list[int]], positions: dict[bytes, int]
) -> Enumeration:
    words = np.asarray(tree, dtype=np.int64)
    graph = np.asarray(right, dtype=np.int64).reshape(len(elements), -1)
    arrays = (np.stack(elements), words[:, 0].copy(), words[:, 1].copy(), graph)
    for array in arrays:
        array.flags.writeable = False
    return Enumeration(*arrays, positions)


def closure(table: NDArray[np.int32], steps: Sequence[int] | IntArray) -> NDArray[np.bool_]:
    """Return the subgroup that some elements generate, as a mask, shape (order,), bool.

    Args:
        table: Cayley table, shape (order, order), int32.
        steps: Indices of the elements.
    """
    reached = np.zeros(len(table), dtype=bool)
    reached[0] = True
    frontier, columns = np.array([0]), np.array(steps)
    while len(frontier):
        images = np.zeros_like(reached)
        images[table[frontier[:, None], columns]] = True
        frontier = np.flatnonzero(images & ~reached)
        reached |= images
    return reached


def element_orders(table: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the order of each element, shape (order,), int64.

    Args:
        table: Cayley table, shape (order, order), int32.
    """
    n = len(table)
    orders, power = np.ones(n, dtype=np.int64), np.arange(n, dtype=np.int32)
    running = power != 0
    while running.any():
        orders[running] += 1
        power = table[power, np.arange(n)]
        running &= power != 0
    return orders
