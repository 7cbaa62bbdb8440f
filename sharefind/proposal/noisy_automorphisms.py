"""Permutations of a layout's points [with signs] that nearly keep the coefficients: candidates for symmetries.

A backtracking search as in graph automorphism (images of base points, one after another, pruned where entries differ),
with noisy entries instead of colours. `climb` and exact tests decide whether one is a symmetry.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product

import numpy as np

from sharefind.proposal.coefficients import CoefficientBlock, Coefficients
from sharefind.recognition.naming import orbit_numbers
from sharefind.typing import FloatArray, IntArray

Images = tuple[tuple[int, int], ...]
"""Points with the images that they have so far."""

Partial = tuple[float, int, Images]
"""Squared differences, their number, and the images that bring them."""

_IS_ODD = {"constant": False, "linear": True, "square": False, "cube": True}
"""Blocks of one input at a time, and whether their coefficients change sign with it."""


@dataclass(frozen=True)
class Effort:
    """Limits on the search for permutations, and how near they must come.

    Attributes:
        looseness: A partial permutation is dropped when its squared differences exceed what noise gives by this number
            of standard deviations.
        tighter: Smaller values that are tried too: where many permutations pass, the nearest are found among fewer.
        dispersion: Variance of a squared difference, in units of its mean squared: 2, and more since neighbours share a
            coefficient.
        expansions: Most partial permutations that one search examines.
        most_expansions: Most partial permutations of all searches together.
        leaves: Permutations that one search returns at most.
        most_listed: Layouts with no more permutations than this have all of them compared with the coefficients.
        nearest: Nearest of all permutations that are returned.
        listed_at_once: Most differences of coefficients that are held at a time.
    """

    looseness: float = 5.0
    tighter: tuple[float, ...] = (1.5, 0.5)
    dispersion: float = 3.0
    expansions: int = 200
    most_expansions: int = 20_000
    leaves: int = 6
    most_listed: int = 50_000
    nearest: int = 150
    listed_at_once: int = 4_000_000

    def limit(self, count: IntArray) -> FloatArray:
        """Return the largest sum of squared differences that noise explains; neighbouring ones share a coefficient.

        Args:
            count: Number of differences.
        """
        return np.asarray(count + self.looseness * np.sqrt(self.dispersion * count) + self.looseness**2)


EFFORT = Effort()


@dataclass
class PermutationSearch:
    """Permutations of the points of a layout, by base point and image.

    Attributes:
        coefficients: The coefficients that they nearly keep.
        effort: How long they are searched, and how near they must come.
        expansions: Partial permutations that were looked at.
        is_exhaustive: Whether the search was not cut short.
        base: Representative points in the order in which they get images.
        values: Coefficients of pairs of points (output, input), for each kind of coefficient, (K, P, P); 0 where a pair
            has none.
        variances: Their variances; infinity where a pair has none.
    """

    coefficients: Coefficients
    effort: Effort = EFFORT
    expansions: int = 0
    is_exhaustive: bool = True
    base: list[int] = field(init=False, repr=False)
    values: FloatArray = field(init=False, repr=False)
    variances: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        layout, blocks = self.coefficients.layout, self.coefficients.blocks
        self._axis_of = np.repeat(np.arange(len(layout.axes)), [axis.points for axis in layout.axes])
        base = [
            (i, k, start + i)
            for k, (a, start) in enumerate(zip(layout.axes, layout.starts, strict=True))
            for i in range(a.size)
        ]
        self.base = [point for _, _, point in sorted(base)]
        self._antipodes = layout.antipodes
        silent = "" if self.coefficients.about == "origin" else "constant"
        tables = [self._table(block) for block in blocks if block.name in _IS_ODD and block.name != silent]
        tables += [self._pairs(b) for b in blocks if b.name == "pair" and len(b.values) == 1]
        self.values, self.variances = (np.stack(kind) for kind in zip(*tables, strict=True))

    def _empty(self) -> tuple[FloatArray, FloatArray]:
        """Coefficients and variances of all pairs of points, (P, P) each, where there are none."""
        points = self.coefficients.layout.points
        return np.zeros((points, points)), np.full((points, points), np.inf)

    def _table(self, block: CoefficientBlock) -> tuple[FloatArray, FloatArray]:
        """One kind of coefficient and its variance on all pairs of points, (P, P) each."""
        table, spread = self._empty()
        rows, columns = self.coefficients.layout.blocks[0]
        for r, s in self._halves(rows):
            if block.name == "constant":
                table[r, r], spread[r, r] = s * block.values[:, 0], block.variance[:, 0]
                continue
            for c, t in self._halves(columns):
                table[np.ix_(r, c)] = s * (t if _IS_ODD[block.name] else 1) * block.values
                spread[np.ix_(r, c)] = block.variance
        return table, spread

    def _pairs(self, block: CoefficientBlock) -> tuple[FloatArray, FloatArray]:
        """The products x_a x_b of one output on pairs of inputs, (P, P) each; its own sign is taken to stay."""
        table, spread = self._empty()
        first, second = (np.array(pair) for pair in zip(*(np.flatnonzero(e) for e in block.exponents), strict=True))
        halves = self._halves(self.coefficients.layout.blocks[0][1])
        for (r, s), (c, t), (a, b) in product(halves, halves, ((first, second), (second, first))):
            table[r[a], c[b]], spread[r[a], c[b]] = s * t * block.values[0], block.variance[0]
        return table, spread

    def _halves(self, axis: int) -> list[tuple[IntArray, int]]:
        """The points of an axis, +e_i and -e_i apart, with their signs."""
        shape, start = self.coefficients.layout.axes[axis], self.coefficients.layout.starts[axis]
        plus = start + np.arange(shape.size)
        return [(plus, 1), (plus + shape.size, -1)] if shape.is_signed else [(plus, 1)]

    def generators(self) -> list[IntArray]:
        """Return permutations in no order; some of them generate each group that nearly keeps the coefficients.

        Base points are fixed one after another (Sims 1970); at each, an image is searched in every orbit that is not
        yet reached.
        """
        found: list[IntArray] = []
        for level in range(len(self.base) - 1, -1, -1):
            fixed, point = self.base[:level], self.base[level]
            orbits = orbit_numbers([g for g in found if all(g[f] == f for f in fixed)], len(self._antipodes))
            for image in self._images(point, fixed):
                if image != point and orbits[image] != orbits[point]:
                    found += self._leaves([*((f, f) for f in fixed), (point, int(image))])
        return found

    def _images(self, point: int, taken: Sequence[int]) -> IntArray:
        """Points on the axis of this one that are neither taken nor opposite to one that is."""
        same = np.flatnonzero(self._axis_of == self._axis_of[point])
        return same[~np.isin(same, [*taken, *self._antipodes[list(taken)]])]

    def candidates(self) -> list[IntArray]:
        """Return permutations from which groups are made, the nearest first: `generators` at several tolerances, and
        others.

        All permutations are listed where there are few of them. The search is then exhaustive.
        """
        found, is_signed = self.generators(), any(axis.is_signed for axis in self.coefficients.layout.axes)
        for looseness in () if is_signed else self.effort.tighter:
            other = PermutationSearch(self.coefficients, replace(self.effort, looseness=looseness))
            found += other.generators()
            self.is_exhaustive &= other.is_exhaustive
        listed = None if is_signed else self._listed()
        if listed is not None:
            found += self._nearest(listed)
            self.is_exhaustive = True
        unique = list({g.tobytes(): g for g in found}.values())
        if not unique:
            return []
        return [unique[k] for k in np.argsort(self._excess(np.stack(unique)), kind="stable")]

    def _listed(self) -> IntArray | None:
        """Every permutation of the points of all axes but the identity, (M, P); None where there are too many."""
        layout = self.coefficients.layout
        sizes = [1 if axis.moves == "none" else axis.size for axis in layout.axes]
        if math.prod(math.factorial(min(size, layout.points)) for size in sizes) > self.effort.most_listed:
            return None
        every = np.zeros((1, 0), dtype=np.int64)
        for axis, start, free in zip(layout.axes, layout.starts, sizes, strict=True):
            own = np.array([(*some, *range(free, axis.size)) for some in permutations(range(free))])
            every = np.hstack([np.repeat(every, len(own), axis=0), np.tile(start + own, (len(every), 1))])
        return every[1:]

    def _nearest(self, listed: IntArray) -> list[IntArray]:
        """Return permutations of a list (M, P) whose differences exceed least what noise gives, relative to their
        number.
        """
        block = max(1, self.effort.listed_at_once // self.values.size)
        excess = np.concatenate([self._excess(listed[k : k + block]) for k in range(0, len(listed), block)])
        nearest = np.argsort(excess, kind="stable")[: self.effort.nearest]
        return [listed[k] for k in nearest if excess[k] <= self.effort.looseness]

    def _excess(self, listed: IntArray) -> FloatArray:
        """Squared differences of all coefficients under permutations (M, P), in standard deviations beyond noise."""
        cost, count = np.zeros(len(listed)), np.zeros(len(listed))
        for value, variance in zip(self.values, self.variances, strict=True):
            rows, columns = listed[:, :, None], listed[:, None, :]
            with np.errstate(invalid="ignore"):
                squares = (value[None] - value[rows, columns]) ** 2 / (variance[None] + variance[rows, columns])
            # A coefficient that is mapped to itself differs by nothing and is no test.
            live = squares > 0
            cost += np.where(live, squares, 0.0).sum(axis=(1, 2))
            count += live.sum(axis=(1, 2))
        return np.asarray((cost - count) / np.sqrt(np.maximum(self.effort.dispersion * count, 1.0)))

    def _leaves(self, prefix: list[tuple[int, int]]) -> Iterator[IntArray]:
        """Complete permutations that begin with these images, the nearest first, as long as the search may go on."""
        *fixed, (point, image) = prefix
        stack = list(self._extended(0.0, 0, tuple(fixed), point, np.array([image])))
        budget, left = self.effort.expansions, self.effort.leaves
        while stack and left:
            if budget == 0 or self.expansions >= self.effort.most_expansions:
                self.is_exhaustive = False
                return
            cost, count, assigned = stack.pop()
            if len(assigned) == len(self.base):
                left -= 1
                yield self._completed(assigned)
                continue
            budget -= 1
            self.expansions += 1
            point = self.base[len(assigned)]
            images = self._images(point, [q for _, q in assigned])
            if images.size:
                stack += self._extended(cost, count, assigned, point, images)

    def _extended(self, cost: float, count: int, assigned: Images, point: int, images: IntArray) -> Iterator[Partial]:
        """The partial permutations with an image of one more point that noise explains; the nearest is last."""
        added, terms = self._added(point, images, assigned)
        total, number = cost + added, count + terms
        kept = total <= self.effort.limit(number)
        for k in np.argsort(-(total - number), kind="stable"):
            if kept[k]:
                yield float(total[k]), int(number[k]), (*assigned, (point, int(images[k])))

    def _added(self, point: int, images: IntArray, assigned: Images) -> tuple[FloatArray, IntArray]:
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

    def _completed(self, assigned: Images) -> IntArray:
        permutation = np.arange(len(self._antipodes))
        for point, image in assigned:
            permutation[point] = image
            permutation[self._antipodes[point]] = self._antipodes[image]
        return permutation
