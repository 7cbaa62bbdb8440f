"""A base and strong generating set of a permutation group: order, membership and Haar draws without a list of elements.

The method is that of Schreier and Sims (Sims 1970; Seress 2003, "Permutation Group Algorithms", chapters 4 and 5), on
whole arrays of permutations. Random elements fill the chain. If the order is not known beforehand, all Schreier
generators are sifted, so that the chain is proven complete.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import GroupError
from sharefind.typing import IntArray

Permutations = NDArray[np.int32]
"""Permutations in image form, shape (count, degree)."""


@dataclass(frozen=True, eq=False)
class Level:
    """One stabiliser of the chain, with representatives of the cosets of the next one.

    Attributes:
        point: The base point.
        orbit: Its images, shape (m,), int64; the point itself comes first.
        transversal: Shape (m, degree), int32: element k sends the base point to orbit[k].
        inverses: Their inverses, shape (m, degree), int32.
        place: Position of each point in `orbit`, shape (degree,), int64; -1 outside.
        generators: Strong generators that fix the previous base points, shape (s, degree), int32.
    """

    point: int
    orbit: IntArray
    transversal: Permutations
    inverses: Permutations
    place: IntArray
    generators: Permutations


@dataclass(frozen=True)
class ChainSettings:
    """Settings of the construction of a chain.

    Attributes:
        seed: Seed of the random elements; the resulting group does not depend on it.
        quiet: Number of consecutive random elements that must sift to the identity before the chain is assumed, or then
            proven, to be complete.
        pool: Number of elements from which random ones are built by products of pairs (Celler et al. 1995).
        mixing: Number of products before the first random element is taken.
        at_once: Largest number of entries of permutations that are sifted at a time.
    """

    seed: int = 0
    quiet: int = 6
    pool: int = 12
    mixing: int = 10
    at_once: int = 4_000_000


@dataclass(frozen=True, eq=False)
class StabiliserChain:
    """A chain of pointwise stabilisers G = G_0 > G_1 > ... > 1, each with representatives of the cosets of the next
    one.

    Attributes:
        degree: Number of points.
        levels: One level for each base point.
    """

    degree: int
    levels: tuple[Level, ...]

    @classmethod
    def of(
        cls,
        generators: NDArray[np.integer[Any]] | Sequence[Sequence[int]],
        degree: int,
        base: Sequence[int] = (),
        known_order: int | None = None,
        most: int | None = None,
        settings: ChainSettings | None = None,
    ) -> StabiliserChain:
        """Return the complete chain of the group that permutations generate.

        Args:
            generators: Permutations in image form, shape (s, degree).
            degree: Number of points.
            base: Points that come first in the base, if a generator moves them.
            known_order: The order, if it is known; the chain is complete when it is reached.
            most: Largest order for which a chain is built; None for any order.
            settings: Settings of the construction.

        Raises:
            GroupError: The order differs from `known_order`, or exceeds `most`.
        """
        moves = np.asarray(generators, dtype=np.int32).reshape(-1, degree)
        moves = moves[np.any(moves != np.arange(degree), axis=1)]
        builder = _Builder(moves, [int(b) for b in base], most, settings or ChainSettings())
        builder.fill(known_order)
        if known_order is None:
            builder.complete()
        chain = cls(degree, tuple(level for level in builder.levels if len(level.orbit) > 1))
        if known_order is not None and chain.order != known_order:
            raise GroupError(f"the generators do not make a group of known_order={known_order} elements; correct it")
        return chain

    @property
    def order(self) -> int:
        """Number of elements."""
        return math.prod(len(level.orbit) for level in self.levels)

    @property
    def base(self) -> tuple[int, ...]:
        """The base points."""
        return tuple(level.point for level in self.levels)

    def sift(self, permutations: IntArray | Permutations) -> Permutations:
        """Return the remainder of permutations after division by the chain, shape (count, degree), int32; the identity
        for elements.

        Args:
            permutations: Shape (count, degree), integers.
        """
        return _sifted(self.levels, np.asarray(permutations, dtype=np.int32))[0]

    def contains(self, permutations: IntArray | Permutations) -> NDArray[np.bool_]:
        """Return which permutations are elements, shape (count,), bool.

        Args:
            permutations: Shape (count, degree), integers.
        """
        return np.asarray((self.sift(permutations) == np.arange(self.degree)).all(axis=1))

    def sample(self, rng: np.random.Generator, size: int) -> Permutations:
        """Return Haar draws, shape (size, degree), int32: uniform products of one member of each transversal.

        Args:
            rng: Source of the draws.
            size: Number of draws.
        """
        drawn = np.broadcast_to(np.arange(self.degree, dtype=np.int32), (size, self.degree))
        for level in self.levels:
            steps = level.transversal[rng.integers(len(level.orbit), size=size)]
            drawn = np.take_along_axis(drawn, steps, axis=1)
        return drawn

    def with_images(self, images: IntArray) -> Permutations | None:
        """Return the elements that send the base points to given images, shape (count, degree), int32.

        Args:
            images: Images of the base points, shape (count, base), integers.

        Returns:
            One element per row, since the images determine it; None if no element has the images of some row.
        """
        count = len(images)
        found = np.broadcast_to(np.arange(self.degree, dtype=np.int32), (count, self.degree))
        for k, level in enumerate(self.levels):
            back = np.argsort(found, axis=1)
            places = level.place[back[np.arange(count), images[:, k]]]
            if (places < 0).any():
                return None
            found = np.take_along_axis(found, level.transversal[places], axis=1)
        return found


def _sifted(levels: Sequence[Level], permutations: Permutations) -> tuple[Permutations, IntArray]:
    """Return remainders (count, degree), and the level at which each stopped; the number of levels if it passed all."""
    left = permutations.copy()
    stopped = np.full(len(left), len(levels), dtype=np.int64)
    for k, level in enumerate(levels):
        running = np.flatnonzero(stopped == len(levels))
        places = level.place[left[running, level.point]]
        stopped[running[places < 0]] = k
        inside = running[places >= 0]
        left[inside] = np.take_along_axis(level.inverses[places[places >= 0]], left[inside], axis=1)
    return left, stopped


def _inverses(permutations: Permutations) -> Permutations:
    found = np.empty_like(permutations)
    np.put_along_axis(found, permutations, np.broadcast_to(np.arange(permutations.shape[1]), permutations.shape), 1)
    return found


class _Builder:
    """Fills a chain with strong generators; `levels` holds the levels so far."""

    def __init__(self, generators: Permutations, base: list[int], most: int | None, settings: ChainSettings) -> None:
        self.degree, self.settings, self.start, self.most = generators.shape[1], settings, generators, most
        self.base: list[int] = []
        self.strong: list[Permutations] = []
        self.levels: list[Level] = []
        for point in base:
            if np.any(generators[:, point] != point):
                self._add_level(point)
        for g in generators:
            self._insert(g, 0)

    def _add_level(self, point: int) -> None:
        self.base.append(point)
        self.strong.append(np.empty((0, self.degree), dtype=np.int32))
        self.levels.append(self._level(len(self.base) - 1))

    def _insert(self, g: Permutations, first: int) -> None:
        """Make g, which fixes the base points before `first`, a strong generator of every stabiliser that
        contains it.
        """
        moved = np.flatnonzero(g != np.arange(self.degree))
        if all(g[b] == b for b in self.base):
            self._add_level(int(moved[0]))
        for k in range(first, len(self.base)):
            self.strong[k] = np.vstack([self.strong[k], g])
            level = self.levels[k]
            is_closed = bool((level.place[g[level.orbit]] >= 0).all())
            self.levels[k] = replace(level, generators=self.strong[k]) if is_closed else self._level(k)
            if self.most is not None and self.order > self.most:
                raise GroupError(f"the permutations generate a group above {self.most:.0e} elements; give fewer")
            if g[self.base[k]] != self.base[k]:
                break

    def _level(self, k: int) -> Level:
        """Return the orbit of a base point under the strong generators of its stabiliser, breadth first."""
        point, moves = self.base[k], self.strong[k]
        place = np.full(self.degree, -1, dtype=np.int64)
        place[point] = 0
        orbit, found = [point], [np.arange(self.degree, dtype=np.int32)]
        for image, carrier in zip(orbit, found, strict=False):
            for target, g in zip(moves[:, image].tolist(), moves, strict=True):
                if place[target] < 0:
                    place[target] = len(orbit)
                    orbit.append(target)
                    found.append(g[carrier])
        transversal = np.stack(found)
        return Level(point, np.array(orbit), transversal, _inverses(transversal), place, moves)

    @property
    def order(self) -> int:
        return math.prod(len(level.orbit) for level in self.levels)

    def _absorbed(self, permutations: Permutations, first: int = 0) -> bool:
        """Return whether elements of the stabiliser of `first` base points are known; the first unknown one is
        added.
        """
        left = _sifted(self.levels[first:], permutations)[0]
        news = np.flatnonzero((left != np.arange(self.degree)).any(axis=1))
        if news.size:
            # It fixes the base points at which it passed, so it belongs to all stabilisers down to where it stopped.
            self._insert(left[news[0]], first)
        return news.size == 0

    def fill(self, known_order: int | None) -> None:
        """Sift random elements until many consecutive ones are known, or the order is reached."""
        if len(self.start) == 0:
            return
        rng = np.random.default_rng(self.settings.seed)
        pool = [self.start[k % len(self.start)] for k in range(max(self.settings.pool, len(self.start)))]
        last = np.arange(self.degree, dtype=np.int32)

        def drawn() -> Permutations:
            nonlocal last
            i, j = rng.choice(len(pool), size=2, replace=False)
            other = pool[j] if rng.integers(2) else _inverses(pool[j][None])[0]
            pool[i] = pool[i][other] if rng.integers(2) else other[pool[i]]
            last = np.asarray(last[pool[i]])
            return last

        for _ in range(self.settings.mixing):
            drawn()
        quiet = 0
        while quiet < self.settings.quiet or (known_order is not None and self.order < known_order):
            if known_order is not None and self.order >= known_order:
                return
            quiet = quiet + 1 if self._absorbed(drawn()[None]) else 0
            if known_order is not None and quiet > 100 * self.settings.quiet:
                return

    def complete(self) -> None:
        """Sift all Schreier generators of every level, from the last one up, until all are known."""
        k = len(self.levels) - 1
        while k >= 0:
            k = k - 1 if self._is_closed(k) else len(self.levels) - 1

    def _different(self, permutations: Permutations) -> IntArray:
        """Return the rows that differ, by a random 64-bit sum each; most Schreier generators are equal."""
        weights = np.random.default_rng(self.settings.seed).integers(2**62, size=self.degree, dtype=np.int64)
        return np.asarray(np.unique(permutations @ weights, return_index=True)[1])

    def _is_closed(self, k: int) -> bool:
        """Return whether the Schreier generators of a level lie in the chain below it; one that does not is added
        there.
        """
        level = self.levels[k]
        moves = level.generators if k else self.start  # both generate the stabiliser; these are fewer
        rows = max(1, self.settings.at_once // max(1, self.degree * len(moves)))
        for start in range(0, len(level.orbit), rows):
            carriers = level.transversal[start : start + rows]
            products = moves[:, carriers].reshape(-1, self.degree)
            back = level.inverses[level.place[products[:, level.point]]]
            schreier = np.take_along_axis(back, products, axis=1)
            schreier = schreier[self._different(schreier)]
            if len(schreier) and not self._absorbed(schreier, k + 1):
                return False
        return True
