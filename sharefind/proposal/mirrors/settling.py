"""Which images of columns are settled: the coefficients refute every other one.

A map that fits may be wrong where effects are weak: a column that hardly acts stays in its place, and nothing objects.
So a map counts only where it is forced. It is granted for one column, that from which most follows; its coefficients
refute images of others, those with one image left refute more, and so on. Another column is granted when all that is
left of it are images under the group. What is then left of each column holds its true image, up to the level, if any
true map takes the first column where this one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.proposal.mirrors.columns_left import ColumnsLeft, Pair
from sharefind.proposal.mirrors.cubes import CubicLines, Line
from sharefind.proposal.mirrors.mirror_search import telling
from sharefind.proposal.mirrors.search_effort import SearchEffort, within_reach
from sharefind.proposal.mirrors.signed_map import SignedMap
from sharefind.proposal.mirrors.terms import Terms
from sharefind.recognition.naming import orbit_numbers
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class SettlingSettings:
    """When an image of a column is refuted.

    Attributes:
        level: Probability with which the true image of any column is.
        dispersion: Variance of a squared difference over twice its mean, since the errors of coefficients of one row
            are correlated.
        trials: Most images of a column that are followed up to see whether they leave another column without any; of
            a column with more nothing is granted.
        starts: Columns that are granted at first, one at a time, until all others are settled.
        effort: Which images rows reach.
    """

    level: float = 1e-3
    dispersion: float = 3.0
    trials: int = 200
    starts: int = 4
    effort: SearchEffort = field(default_factory=SearchEffort)


@dataclass(frozen=True, eq=False)
class ImagesLeft:
    """The possible images: [0, a, b] that column a goes to b, [1, a, b] that it goes to the negative of b.

    Attributes:
        inputs: bool (2, d_in, d_in).
        outputs: bool (2, d_out, d_out).
    """

    inputs: BoolArray
    outputs: BoolArray


def images_left(
    maps: Sequence[SignedMap], terms: Terms, settings: SettlingSettings | None = None
) -> tuple[ImagesLeft, ...]:
    """The images that the coefficients leave possible, for each map that generates a group.

    Args:
        maps: Generators.
        terms: The coefficients.
        settings: When an image is refuted.

    Returns:
        For each map the images that are not refuted; the map's own images are among them.
    """
    settings = settings or SettlingSettings()
    return tuple(_Settling(g, terms, settings).along(_Base(maps, terms)) for g in maps)


class _Base:
    """Points (columns with signs) in the order in which they tell most, and their orbits as some are fixed."""

    def __init__(self, maps: Sequence[SignedMap], terms: Terms) -> None:
        m = len(terms.linear[0])
        self.moves = [g.points() for g in maps]
        self.order = [*telling(terms, 1), *(2 * m + a for a in telling(terms, 0))]
        self.size = len(self.moves[0])

    def orbits(self, fixed: Sequence[int]) -> IntArray:
        """Number of the orbit of each point under the moves that fix some, int64 (points,)."""
        rest = StabiliserChain.of(self.moves, self.size, fixed).levels
        below = [level for level in rest if level.point not in fixed]
        return orbit_numbers([g for level in below[:1] for g in level.generators], self.size)

    def moved(self, orbits: IntArray) -> list[int]:
        """The points that are not alone in their orbits, the most informative first."""
        sizes = np.bincount(orbits)
        return [p for p in self.order if sizes[orbits[p]] > 1]


class _Settling:
    """The possible images of one map, as more and more of them are settled."""

    def __init__(self, g: SignedMap, terms: Terms, settings: SettlingSettings) -> None:
        m, d = terms.linear[0].shape
        self.points, self.terms = np.array(g.points()), terms
        self.trials, self.starts = settings.trials, settings.starts
        level, dispersion = settings.level / (m + d), settings.dispersion
        self.outputs = ColumnsLeft.of(g.out_images, g.out_signs, np.ones((2, m, m), dtype=bool), level, dispersion)
        reach = within_reach(terms, settings.effort)
        self.inputs = ColumnsLeft.of(g.in_images, g.in_signs, reach, level, dispersion)
        _, self.linear_errors, self.product_errors = terms.compared
        self.known = terms.seen_products.copy()
        self.lines, self.misfits = (
            CubicLines(terms.cubes, terms.compared_cubes),
            dict[tuple[int, int], tuple[FloatArray, IntArray]](),
        )
        first, second = terms.entered.T
        self.known[:, first, second] = self.known[:, second, first] = True

    # What is granted --------------------------------------------------------------------------------------------

    def along(self, base: _Base) -> ImagesLeft:
        """Grant one column, and others as soon as nothing is left of them but images under the group."""
        best = self
        for first in self._firsts(base):
            trial = self._followed(first, base)
            best = max(best, trial, key=_Settling.settled)
            if best.settled() >= len(base.order):
                break
        return ImagesLeft(best.inputs.left, best.outputs.left)

    def settled(self) -> int:
        """Number of columns with one image left."""
        return int(self.inputs.is_settled.sum() + self.outputs.is_settled.sum())

    def _followed(self, first: int, base: _Base) -> _Settling:
        """The possible images after a column is granted, with all consequences."""
        found, granted = copy(self), [first]
        found.outputs, found.inputs = self.outputs.copied(), self.inputs.copied()
        while granted:
            side, column, _ = found._place(granted[-1])
            side.settle_own(column)
            found._spread()
            orbits = base.orbits(granted)
            more = found._granted(base.moved(orbits), orbits)
            granted = [*granted, more] if more is not None else []
        if found.has_cubes:
            found._try_images()
        return found

    def _try_images(self) -> None:
        """Drop images of inputs that leave a column without any: products of three tell little of one input alone."""
        first, tried, is_new = 2 * self.outputs.left.shape[1], 0, True
        while is_new and (columns := self._open_cubic()):
            is_new = False
            for a in columns:
                others = np.argwhere(self.inputs.left[:, a] & ~self.inputs.own[:, a])
                if (tried := tried + len(others)) > self.trials:
                    return
                lost = [one for one in others if not self._is_possible(first + a, int(one[1]), -1 if one[0] else 1)]
                for turned, b in lost:
                    self.inputs.left[turned, a, b] = False
                if lost:
                    is_new = True
                    break
            self._spread()

    def _firsts(self, base: _Base) -> list[int]:
        """Some points that the map moves: points that leave their columns first, the most informative before others."""
        moved = [p for p in base.order if self.points[p] != p]
        return sorted(moved, key=lambda p: not self._leaves(p))[: self.starts]

    def _leaves(self, point: int) -> bool:
        side, column, first = self._place(point)
        return bool((self.points[point] - first) % side.left.shape[1] != column)

    def _place(self, point: int) -> tuple[ColumnsLeft, int, int]:
        """The side of a point, its column, and the first point of that side."""
        first = 2 * self.outputs.left.shape[1]
        return (self.outputs, point, 0) if point < first else (self.inputs, point - first, first)

    def _granted(self, moved: Sequence[int], orbits: IntArray) -> int | None:
        """Return a point that has no image outside the group: already, or after the steps that would follow."""
        beyond = {p: self._beyond(p, orbits) for p in moved}
        few = sorted((p for p in moved if len(beyond[p]) <= self.trials), key=lambda p: len(beyond[p]))
        return next((p for p in few if not any(self._is_possible(p, b, t) for b, t in beyond[p])), None)

    def _beyond(self, point: int, orbits: IntArray) -> list[tuple[int, int]]:
        """Images of a point that are left, without those under the group."""
        side, column, first = self._place(point)
        left = side.left[:, column].copy()
        under = self.points[np.flatnonzero(orbits == orbits[point])] - first
        left[under // left.shape[1], under % left.shape[1]] = False
        return [(int(b), -1 if turned else 1) for turned, b in np.argwhere(left)]

    def _is_possible(self, point: int, b: int, t: int, deeper: int = 1) -> bool:
        """Whether each column has an image left if this one has that.

        deeper: How many further columns are tried where products of three leave several images, which one image more
            would refute.
        """
        trial = copy(self)
        trial.outputs, trial.inputs = self.outputs.copied(is_free=True), self.inputs.copied(is_free=True)
        side, column, _ = trial._place(point)
        side.settle(column, b, t)
        trial._spread()
        if not (trial.outputs.is_possible and trial.inputs.is_possible):
            return False
        columns = trial._open_cubic() if deeper and self.has_cubes else []
        if not columns:
            return True
        a, first = columns[0], 2 * trial.outputs.left.shape[1]
        images = np.argwhere(trial.inputs.left[:, a])
        return any(trial._is_possible(first + a, int(d), -1 if turned else 1, deeper - 1) for turned, d in images)

    def _open_cubic(self) -> list[int]:
        """The inputs with several images left and products of three, those with fewest images first."""
        options = self.inputs.left.sum(axis=(0, 2))
        columns = np.flatnonzero((options > 1) & self.terms.cubes.seen_inputs)
        return [int(a) for a in columns[np.argsort(options[columns], kind="stable")]]

    # What follows -----------------------------------------------------------------------------------------------

    def _spread(self) -> None:
        """Settle what has one image left, until nothing more follows."""
        is_new = True
        while is_new and self.outputs.is_possible and self.inputs.is_possible:
            for j in self.outputs.untold():
                self._told_by_output(j)
            for a in self.inputs.untold():
                self._told_by_input(a)
            is_new = bool(self.inputs.narrowed() + self.outputs.narrowed())

    def _told_by_output(self, j: int) -> None:
        """The images of inputs that the coefficients of a label leave possible."""
        k, s = self.outputs.image(j)
        same = np.eye(self.inputs.left.shape[1], dtype=bool) & (j == k)
        values, errors = self.terms.linear[0], self.linear_errors
        self.inputs.compare(Pair(values[j], s * values[k], errors[j], errors[k]), same)
        values, errors = (np.einsum("jaa->ja", t) for t in (self.terms.products[0], self.product_errors))
        known = np.einsum("jaa->ja", self.known)
        pair = Pair(values[j], s * values[k], errors[j], errors[k])
        self.inputs.compare(pair, same, np.logical_or.outer(known[j], known[k]), is_even=True)
        self._told_by_cubes(j)
        for n, a in enumerate(self.inputs.told):
            self._told_by_products(j, a, self.inputs.told[:n])
        self.outputs.told.append(j)

    def _told_by_input(self, a: int) -> None:
        """The images of labels that the coefficients of an input leave possible, and of inputs by its products."""
        b, t = self.inputs.image(a)
        every = np.eye(self.outputs.left.shape[1], dtype=bool)
        values, errors = self.terms.linear[0].T, self.linear_errors.T
        self.outputs.compare(Pair(values[a], t * values[b], errors[a], errors[b]), every & (a == b))
        self.inputs.told.append(a)
        values, errors, known = self.terms.products[0], self.product_errors, self.known
        for c in self.inputs.told:
            d, u = self.inputs.image(c)
            pair = Pair(values[:, a, c], t * u * values[:, b, d], errors[:, a, c], errors[:, b, d])
            is_known = np.logical_or.outer(known[:, a, c], known[:, b, d])
            self.outputs.compare(pair, every & ({a, c} == {b, d}), is_known)
        self._labels_told_by_cubes(a)
        for j in self.outputs.told:
            self._told_by_products(j, a, self.inputs.told[:-1])

    def _told_by_products(self, j: int, a: int, before: Sequence[int]) -> None:
        """The images of an input that its products with a settled input, and with earlier ones, leave possible."""
        (k, s), (b, t) = self.outputs.image(j), self.inputs.image(a)
        same = np.eye(self.inputs.left.shape[1], dtype=bool) & ((j, a) == (k, b))
        same[b, a] |= j == k  # x_a x_b itself, if they are exchanged
        values, errors = self.terms.products[0], self.product_errors
        pair = Pair(values[j, a], s * t * values[k, b], errors[j, a], errors[k, b])
        self.inputs.compare(pair, same, np.logical_or.outer(self.known[j, a], self.known[k, b]))
        if not self.has_cubes:
            return
        label, one = {j: (k, s)}, (a, (b, t))
        self._compare(self.lines.of_one(label, *one))
        for c in before:
            self._compare(self.lines.of_two(label, one, (c, self.inputs.image(c))))

    @property
    def has_cubes(self) -> bool:
        """Whether products of three entered."""
        return bool(len(self.terms.cubes.entered))

    def _compare(self, lines: Iterable[Line]) -> None:
        for line in lines:
            pair = Pair(line.here[0], line.there[0], line.here[1], line.there[1])
            self.inputs.compare(pair, line.same, line.known, line.is_even)

    def _told_by_cubes(self, j: int) -> None:
        """The images of inputs that products of three leave possible for a settled label: of like products."""
        if not self.has_cubes:
            return
        k, s = self.outputs.image(j)
        self._compare(self.lines.of_output(j, (k, s)))
        if (j, k) not in self.misfits:
            self.misfits[j, k] = self.lines.misfits(j, k)
        largest, count = self.misfits[j, k]
        self.inputs.deny(largest, count)

    def _labels_told_by_cubes(self, a: int) -> None:
        """The images of labels that products of an input with settled ones leave possible."""
        cubes, told = self.terms.cubes, self.inputs.told
        for triple in cubes.entered[(cubes.entered == a).any(axis=1) & np.isin(cubes.entered, told).all(axis=1)]:
            images = [self.inputs.image(int(c)) for c in triple]
            sign = int(np.prod([t for _, t in images]))
            here, there = cubes.place[triple], cubes.place[[b for b, _ in images]]
            if there.min() < 0:
                continue
            (values, errors), (image, image_errors) = (
                (cubes.values[:, p, q, r], self.lines.compared[:, p, q, r]) for p, q, r in (here, there)
            )
            is_same = sorted(here.tolist()) == sorted(there.tolist())
            same = np.eye(len(values), dtype=bool) & is_same
            self.outputs.compare(Pair(values, sign * image, errors, image_errors), same)
