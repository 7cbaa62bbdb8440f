"""Permutations of a layout's points [with signs] that nearly keep the coefficients: candidates for symmetries.

A backtracking search as in graph automorphism (images of base points, one after another, pruned where entries differ),
with noisy entries instead of colours. Whether a move is a symmetry is left to `climb` and to exact tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from sharefind.proposal.coefficients import Block, Coefficients, FloatArray
from sharefind.recognition.layout import IntArray
from sharefind.recognition.naming import orbit_numbers

LOOSENESS = 5.0
"""A partial move is dropped when its squared differences exceed what noise gives by so many standard deviations."""

EXPANSIONS = 200
"""Most partial moves that one search looks at."""

MOST_EXPANSIONS = 20_000
"""Most of all searches together."""

LEAVES = 6
"""Moves that one search returns at most."""

DISPERSION = 3.0
"""Variance of a squared difference, in units of its mean squared: 2, and more since neighbours share a coefficient."""

TIGHTER = (1.5, 0.5)
"""Smaller values of `LOOSENESS` that are tried too: where many moves pass, the nearest are found among fewer."""

MOST_LISTED = 50_000
"""Layouts with no more permutations than this have all of them compared with the coefficients."""

NEAREST = 150
"""Nearest of all moves that are returned."""

LISTED_AT_ONCE = 4_000_000
"""Most differences of coefficients that are held at a time."""


@dataclass
class MoveSearch:
    """Moves of the points of a layout, by base point and image.

    values, variances: (K, P, P), the coefficients of pairs of points (output, input), for each kind of coefficient;
        0 and infinity where a pair has none. base: representative points in the order in which they get images.
    """

    coefficients: Coefficients
    looseness: float = LOOSENESS
    expansions: int = 0
    is_exhaustive: bool = True
    values: FloatArray = field(init=False, repr=False)
    variances: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        layout = self.coefficients.layout
        self._axis_of = np.repeat(np.arange(len(layout.axes)), [axis.points for axis in layout.axes])
        starts = layout.starts
        base = [
            (i, k, start + i)
            for k, (a, start) in enumerate(zip(layout.axes, starts, strict=True))
            for i in range(a.size)
        ]
        self.base = [point for _, _, point in sorted(base)]
        self._antipodes = layout.antipodes
        kinds = (
            _IS_ODD if self.coefficients.about == "origin" else {n: v for n, v in _IS_ODD.items() if n != "constant"}
        )
        tables = [self._table(block) for block in self.coefficients.blocks if block.name in kinds]
        tables += [self._pairs(b) for b in self.coefficients.blocks if b.name == "pair" and len(b.values) == 1]
        self.values = np.stack([v for v, _ in tables])
        self.variances = np.stack([v for _, v in tables])

    def _table(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """One kind of coefficient and its variance on all pairs of points, (P, P) each."""
        layout = self.coefficients.layout
        table, spread = np.zeros((layout.points,) * 2), np.full((layout.points,) * 2, np.inf)
        rows, columns = layout.blocks[0]
        for r, s in self._halves(rows):
            if block.name == "constant":
                table[r, r], spread[r, r] = s * block.values[:, 0], block.variance[:, 0]
                continue
            for c, t in self._halves(columns):
                table[np.ix_(r, c)] = s * (t if _IS_ODD[block.name] else 1) * block.values
                spread[np.ix_(r, c)] = block.variance
        return table, spread

    def _pairs(self, block: Block) -> tuple[FloatArray, FloatArray]:
        """The products x_a x_b of one output on pairs of inputs, (P, P) each; its own sign is taken to stay."""
        layout = self.coefficients.layout
        table, spread = np.zeros((layout.points,) * 2), np.full((layout.points,) * 2, np.inf)
        first, second = (np.array(pair) for pair in zip(*(np.flatnonzero(e) for e in block.exponents), strict=True))
        for r, s in self._halves(layout.blocks[0][1]):
            for c, t in self._halves(layout.blocks[0][1]):
                for a, b in ((first, second), (second, first)):
                    table[r[a], c[b]], spread[r[a], c[b]] = s * t * block.values[0], block.variance[0]
        return table, spread

    def _halves(self, axis: int) -> list[tuple[IntArray, int]]:
        """The points of an axis, +e_i and -e_i apart, with their signs."""
        shape, start = self.coefficients.layout.axes[axis], self.coefficients.layout.starts[axis]
        plus = start + np.arange(shape.size)
        return [(plus, 1), (plus + shape.size, -1)] if shape.is_signed else [(plus, 1)]

    def generators(self) -> list[IntArray]:
        """Moves that, together, generate every group of moves that nearly keep the coefficients; sorted by nothing.

        Base points are fixed one after another (Sims 1970); at each, an image is looked for in every orbit that is not
        yet reached.
        """
        found: list[IntArray] = []
        for level in range(len(self.base) - 1, -1, -1):
            fixed, point = self.base[:level], self.base[level]
            orbits = orbit_numbers([g for g in found if all(g[f] == f for f in fixed)], len(self._antipodes))
            for image in np.flatnonzero(self._axis_of == self._axis_of[point]):
                if image == point or image in fixed or self._antipodes[image] in fixed:
                    continue
                if orbits[image] == orbits[point]:
                    continue
                found += self._leaves([*((f, f) for f in fixed), (point, int(image))])
        return found

    def candidates(self) -> list[IntArray]:
        """Moves from which groups are made, the nearest first: `generators` at several tolerances, and others.

        All moves are listed where there are few of them. The search is then exhaustive.
        """
        found = self.generators()
        for looseness in () if any(axis.is_signed for axis in self.coefficients.layout.axes) else TIGHTER:
            found += MoveSearch(self.coefficients, looseness).generators()
        listed = self._listed()
        if listed is not None:
            found += self._nearest(listed)
            self.is_exhaustive = True
        unique = list({g.tobytes(): g for g in found}.values())
        if not unique:
            return []
        excess = self._excess(np.stack(unique))
        return [unique[k] for k in np.argsort(excess, kind="stable")]

    def _listed(self) -> IntArray | None:
        """Every permutation of the points of all axes but the identity, (M, P); None where there are too many."""
        layout = self.coefficients.layout
        if any(axis.is_signed for axis in layout.axes):
            return None
        sizes = [1 if axis.moves == "none" else axis.size for axis in layout.axes]
        if math.prod(math.factorial(min(size, layout.points)) for size in sizes) > MOST_LISTED:
            return None
        every = np.zeros((1, 0), dtype=np.int64)
        for axis, start in zip(layout.axes, layout.starts, strict=True):
            own = np.arange(axis.size)[None] if axis.moves == "none" else np.array(list(permutations(range(axis.size))))
            every = np.hstack([np.repeat(every, len(own), axis=0), np.tile(start + own, (len(every), 1))])
        return every[1:]

    def _nearest(self, moves: IntArray) -> list[IntArray]:
        """Of moves (M, P), those whose differences exceed least what noise gives, relative to how many there are."""
        block = max(1, LISTED_AT_ONCE // self.values.size)
        excess = np.concatenate([self._excess(moves[k : k + block]) for k in range(0, len(moves), block)])
        nearest = np.argsort(excess, kind="stable")[:NEAREST]
        return [moves[k] for k in nearest if excess[k] <= self.looseness]

    def _excess(self, moves: IntArray) -> FloatArray:
        """Squared differences of all coefficients under moves (M, P), in standard deviations beyond their number."""
        cost, count = np.zeros(len(moves)), np.zeros(len(moves))
        for value, variance in zip(self.values, self.variances, strict=True):
            rows, columns = moves[:, :, None], moves[:, None, :]
            with np.errstate(invalid="ignore"):
                squares = (value[None] - value[rows, columns]) ** 2 / (variance[None] + variance[rows, columns])
            # A coefficient that is mapped to itself differs by nothing and is no test.
            live = squares > 0
            cost += np.where(live, squares, 0.0).sum(axis=(1, 2))
            count += live.sum(axis=(1, 2))
        return np.asarray((cost - count) / np.sqrt(np.maximum(DISPERSION * count, 1.0)))

    def _leaves(self, prefix: list[tuple[int, int]]) -> Iterator[IntArray]:
        """Complete moves that begin with these images, the nearest first, as long as the search may go on."""
        start = self._prefix_cost(prefix)
        if start is None:
            return
        stack, budget, given = [(start, tuple(prefix))], EXPANSIONS, 0
        while stack and given < LEAVES:
            if budget == 0 or self.expansions >= MOST_EXPANSIONS:
                self.is_exhaustive = False
                return
            (cost, count), assigned = stack.pop()
            if len(assigned) == len(self.base):
                given += 1
                yield self._completed(assigned)
                continue
            budget -= 1
            self.expansions += 1
            point = self.base[len(assigned)]
            taken = {q for _, q in assigned} | {int(self._antipodes[q]) for _, q in assigned}
            images = np.array([q for q in np.flatnonzero(self._axis_of == self._axis_of[point]) if q not in taken])
            if not images.size:
                continue
            added, terms = self._added(point, images, assigned)
            total, number = cost + added, count + terms
            kept = total <= self._limit(number)
            # The nearest image is looked at first: it goes on top of the stack.
            for k in np.argsort(-(total - number), kind="stable"):
                if kept[k]:
                    stack.append(((float(total[k]), int(number[k])), (*assigned, (point, int(images[k])))))

    def _prefix_cost(self, prefix: list[tuple[int, int]]) -> tuple[float, int] | None:
        """Cost of points that stay, but for the last one; None where noise does not explain it."""
        *fixed, (point, image) = prefix
        added, terms = self._added(point, np.array([image]), tuple(fixed))
        cost, count = float(added[0]), int(terms[0])
        return (cost, count) if cost <= self._limit(np.array(count)) else None

    def _limit(self, count: IntArray) -> FloatArray:
        """Largest sum of so many squared differences that noise explains; neighbouring ones share a coefficient."""
        return np.asarray(count + self.looseness * np.sqrt(DISPERSION * count) + self.looseness**2)

    def _added(
        self, point: int, images: IntArray, assigned: tuple[tuple[int, int], ...]
    ) -> tuple[FloatArray, IntArray]:
        """Squared differences, in units of their variances, that an image of a point brings; and their number."""
        others = np.array([p for p, _ in assigned], dtype=np.int64)
        moved = np.array([q for _, q in assigned], dtype=np.int64)
        cost, terms = np.zeros(len(images)), np.zeros(len(images), dtype=np.int64)
        for value, variance in zip(self.values, self.variances, strict=True):
            pairs = [(value[point, point], value[images, images], variance[point, point], variance[images, images])]
            if others.size:
                grid, turned = np.ix_(images, moved), np.ix_(moved, images)
                pairs += [
                    (value[point, others], value[grid], variance[point, others], variance[grid]),
                    (value[others, point], value[turned].T, variance[others, point], variance[turned].T),
                ]
            for here, there, spread_here, spread_there in pairs:
                spread = spread_here + spread_there
                squares = (here - there) ** 2 / spread
                # A coefficient that is mapped to itself differs by nothing and is no test.
                live = np.isfinite(spread) & (squares > 0)
                axes = tuple(range(1, squares.ndim))
                cost += np.where(live, squares, 0.0).sum(axis=axes)
                terms += live.sum(axis=axes)
        return cost, terms

    def _completed(self, assigned: tuple[tuple[int, int], ...]) -> IntArray:
        move = np.arange(len(self._antipodes))
        for point, image in assigned:
            move[point] = image
            move[self._antipodes[point]] = self._antipodes[image]
        return move


_IS_ODD = {"constant": False, "linear": True, "square": False, "cube": True}
"""Blocks of one input at a time, and whether their coefficients change sign with it."""
