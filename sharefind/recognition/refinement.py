"""Automorphisms of a coloured digraph by individualisation and refinement, without a graph library.

It is used if igraph is not installed, and as an independent check of it (McKay and Piperno, "Practical graph
isomorphism, II", J. Symbolic Comput. 60, 2014, Sections 2-3, without their search-tree pruning beyond orbits).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sharefind.spaces.tying import components
from sharefind.typing import IntArray

# Odd multipliers of splitmix64's finaliser (Steele, Lea and Flood 2014).
_FIRST, _SECOND, _STEP = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15

Hashes = NDArray[np.uint64]


def automorphisms(colours: IntArray) -> tuple[list[IntArray], int]:
    """Return strong generators, shape (n,), int64 each, and the order of {g : colours[g i, g j] = colours[i, j]}.

    The result is exact: hashes only prune the search, and each generator is verified.

    Args:
        colours: Shape (n, n), int64.
    """
    return _Search(colours).run()


@dataclass
class _Level:
    """One level of the stabiliser chain: the cells (n,) before `point` is individualised, and the rivals of `point`."""

    cells: IntArray
    point: int

    @property
    def rivals(self) -> list[int]:
        """Other points of the cell, ascending."""
        return [int(y) for y in np.flatnonzero(self.cells == self.cells[self.point]) if y != self.point]


@dataclass
class _Search:
    """The search for automorphisms.

    Attributes:
        colours: Shape (n, n), int64.
        generators: The generators found so far, deepest level of the chain first.
    """

    colours: IntArray
    generators: list[IntArray] = field(default_factory=list)

    @cached_property
    def arcs(self) -> Hashes:
        """A hash of (colour of i -> j, colour of j -> i) for each pair, (n, n)."""
        forth = _mixed(self.colours.astype(np.uint64))
        back = np.ascontiguousarray(forth.T)
        return _mixed(forth + _mixed(back + np.uint64(_STEP)))

    def run(self) -> tuple[list[IntArray], int]:
        """Go up the chain. At each level the known group fixes all points above, so one success joins whole orbits."""
        order = 1
        for level in reversed(self.chain()):
            order *= self.orbit_size(level)
        return self.generators, order

    def chain(self) -> list[_Level]:
        """Individualise one point after another until all points are distinguished."""
        diagonal = np.diagonal(self.colours)
        cells = self.refined(np.stack([diagonal, diagonal]))
        levels = []
        while cells is not None and (point := _branch_point(cells[0])) is not None:
            levels.append(_Level(cells[0], point))
            cells = self.refined(_individualised(cells, point, point))
        return levels

    def orbit_size(self, level: _Level) -> int:
        """Return the size of the orbit of the point of a level, and add the generators found on the way."""
        orbits = self.orbits()
        failed: set[int] = set()
        for rival in level.rivals:
            if orbits[rival] == orbits[level.point] or orbits[rival] in failed:
                continue
            start = _individualised(np.stack([level.cells, level.cells]), level.point, rival)
            found = self.extended(start)
            if found is None:
                failed.add(int(orbits[rival]))
            else:
                self.generators.append(found)
                orbits = self.orbits()
                failed = {int(orbits[y]) for y in failed}
        return int(np.sum(orbits == orbits[level.point]))

    def orbits(self) -> IntArray:
        """Return the smallest point of the orbit of each point under the known generators, (n,)."""
        images = np.array(self.generators, dtype=np.int64).reshape(-1, len(self.colours))
        orbit = components(images)
        return np.unique(orbit, return_index=True)[1][orbit]

    def extended(self, cells: IntArray) -> IntArray | None:
        """Return an automorphism that carries cells[0] to cells[1], (2, n); None if there is none."""
        refined = self.refined(cells)
        if refined is None:
            return None
        guess = _guess(refined)
        if self.is_automorphism(guess):
            return guess
        point = _branch_point(refined[0])
        if point is None:
            return None
        for image in np.flatnonzero(refined[1] == refined[0, point]):
            found = self.extended(_individualised(refined, point, int(image)))
            if found is not None:
                return found
        return None

    def is_automorphism(self, g: IntArray) -> bool:
        """Return whether g, (n,), preserves all colours."""
        return bool(np.array_equal(self.colours[np.ix_(g, g)], self.colours))

    def refined(self, cells: IntArray) -> IntArray | None:
        """Refine both rows (2, n) at once; return None as soon as they distinguish the two graphs."""
        count = 0
        while True:
            numbers = np.unique(cells, return_inverse=True)[1].reshape(cells.shape)
            if not np.array_equal(np.sort(numbers[0]), np.sort(numbers[1])):
                return None
            if int(numbers.max()) + 1 == count:
                return numbers
            count = int(numbers.max()) + 1
            keys = _mixed(numbers.astype(np.uint64) + np.uint64(_STEP))
            sums = [_mixed(self.arcs + key).sum(axis=1, dtype=np.uint64) for key in keys]
            # The old cell number comes first, so a refinement only splits cells, even if hashes collide.
            cells = _paired(numbers, np.stack(sums))


def _paired(numbers: IntArray, sums: Hashes) -> IntArray:
    ranks = np.unique(sums, return_inverse=True)[1].reshape(sums.shape)
    return np.asarray(numbers * (int(ranks.max()) + 1) + ranks, dtype=np.int64)


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
    return values ^ (values >> np.uint64(31))


def _branch_point(cells: IntArray) -> int | None:
    """Return the first point of the smallest cell with several points; None if every cell has one."""
    sizes = np.bincount(cells)
    sizes[sizes < 2] = math.prod(cells.shape) + 1
    smallest = int(np.argmin(sizes))
    return None if sizes[smallest] > cells.size else int(np.flatnonzero(cells == smallest)[0])


def _individualised(cells: IntArray, point: int, image: int) -> IntArray:
    fresh = cells.copy()
    fresh[0, point] = fresh[1, image] = int(cells.max()) + 1
    return fresh


def _guess(cells: IntArray) -> IntArray:
    """Return a bijection that carries cells[0] to cells[1] and moves few points; it is often an
    automorphism already.
    """
    n = cells.shape[1]
    stays = cells[0] == cells[1]
    guess = np.arange(n)
    free = np.flatnonzero(~stays)
    order = np.argsort(cells[0, free], kind="stable"), np.argsort(cells[1, free], kind="stable")
    guess[free[order[0]]] = free[order[1]]
    return guess
