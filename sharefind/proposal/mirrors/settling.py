"""Which images of columns are settled: the coefficients refute every other one.

A map that fits may be wrong where effects are weak: a column that hardly acts stays in its place, and nothing objects.
So a map counts only where it is forced. It is granted for one column, that from which most follows; its coefficients
refute images of others, those with one image left refute more, and so on. Another column is granted when all that is
left of it are images under the group. What is then left of each column holds its true image, up to the level, if any
true map takes the first column where this one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.proposal.mirrors.mirror_search import SearchEffort, telling, within_reach
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
    """What is left of a map: [0, a, b] that column a goes to b, [1, a, b] that it goes to the negative of b.

    Attributes:
        inputs: bool (2, d_in, d_in).
        outputs: bool (2, d_out, d_out).
    """

    inputs: BoolArray
    outputs: BoolArray


def images_left(
    maps: Sequence[SignedMap], terms: Terms, settings: SettlingSettings | None = None
) -> tuple[ImagesLeft, ...]:
    """What the coefficients leave of each map that generates a group.

    Args:
        maps: Generators.
        terms: The coefficients.
        settings: When an image is refuted.

    Returns:
        The images that are left, of which those of the map are some, for each map.
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
        """The points that are not alone in their orbits, those that tell most first."""
        sizes = np.bincount(orbits)
        return [p for p in self.order if sizes[orbits[p]] > 1]


class _Settling:
    """What is left of one map, as more and more of its images are settled."""

    def __init__(self, g: SignedMap, terms: Terms, settings: SettlingSettings) -> None:
        m, d = terms.linear[0].shape
        self.points, self.terms = np.array(g.points()), terms
        self.trials, self.starts = settings.trials, settings.starts
        level, dispersion = settings.level / (m + d), settings.dispersion
        self.outputs = _Side.of(g.out_images, g.out_signs, np.ones((2, m, m), dtype=bool), level, dispersion)
        reach = within_reach(terms, settings.effort)
        self.inputs = _Side.of(g.in_images, g.in_signs, reach, level, dispersion)
        _, self.linear_errors, self.product_errors = terms.compared
        self.known = terms.seen_products.copy()
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
        """What is left when a column is granted, with all that follows."""
        found, granted = copy(self), [first]
        found.outputs, found.inputs = self.outputs.copied(), self.inputs.copied()
        while granted:
            side, column, _ = found._place(granted[-1])
            side.settle_own(column)
            found._spread()
            orbits = base.orbits(granted)
            more = found._granted(base.moved(orbits), orbits)
            granted = [*granted, more] if more is not None else []
        return found

    def _firsts(self, base: _Base) -> list[int]:
        """Some points that the map moves: those that leave their columns first, of these those that tell most."""
        moved = [p for p in base.order if self.points[p] != p]
        return sorted(moved, key=lambda p: not self._leaves(p))[: self.starts]

    def _leaves(self, point: int) -> bool:
        side, column, first = self._place(point)
        return bool((self.points[point] - first) % side.left.shape[1] != column)

    def _place(self, point: int) -> tuple[_Side, int, int]:
        """The side of a point, its column, and the first point of that side."""
        first = 2 * self.outputs.left.shape[1]
        return (self.outputs, point, 0) if point < first else (self.inputs, point - first, first)

    def _granted(self, moved: Sequence[int], orbits: IntArray) -> int | None:
        """A point of which no image is left outside the group: as it stands, or by what would follow."""
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

    def _is_possible(self, point: int, b: int, t: int) -> bool:
        """Whether each column has an image left if this one has that."""
        trial = copy(self)
        trial.outputs, trial.inputs = self.outputs.copied(is_free=True), self.inputs.copied(is_free=True)
        side, column, _ = trial._place(point)
        side.settle(column, b, t)
        trial._spread()
        return trial.outputs.is_possible and trial.inputs.is_possible

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
        """What the coefficients of a label leave of inputs."""
        k, s = self.outputs.image(j)
        same = np.eye(self.inputs.left.shape[1], dtype=bool) & (j == k)
        values, errors = self.terms.linear[0], self.linear_errors
        self.inputs.compare(_Pair(values[j], s * values[k], errors[j], errors[k]), same)
        values, errors = (np.einsum("jaa->ja", t) for t in (self.terms.products[0], self.product_errors))
        known = np.einsum("jaa->ja", self.known)
        pair = _Pair(values[j], s * values[k], errors[j], errors[k])
        self.inputs.compare(pair, same, np.logical_or.outer(known[j], known[k]), is_even=True)
        for a in self.inputs.told:
            self._told_by_products(j, a)
        self.outputs.told.append(j)

    def _told_by_input(self, a: int) -> None:
        """What the coefficients of an input leave of labels, and its products of other inputs."""
        b, t = self.inputs.image(a)
        every = np.eye(self.outputs.left.shape[1], dtype=bool)
        values, errors = self.terms.linear[0].T, self.linear_errors.T
        self.outputs.compare(_Pair(values[a], t * values[b], errors[a], errors[b]), every & (a == b))
        self.inputs.told.append(a)
        values, errors, known = self.terms.products[0], self.product_errors, self.known
        for c in self.inputs.told:
            d, u = self.inputs.image(c)
            pair = _Pair(values[:, a, c], t * u * values[:, b, d], errors[:, a, c], errors[:, b, d])
            is_known = np.logical_or.outer(known[:, a, c], known[:, b, d])
            self.outputs.compare(pair, every & ({a, c} == {b, d}), is_known)
        for j in self.outputs.told:
            self._told_by_products(j, a)

    def _told_by_products(self, j: int, a: int) -> None:
        """What products with an input that is settled leave of the other input."""
        (k, s), (b, t) = self.outputs.image(j), self.inputs.image(a)
        same = np.eye(self.inputs.left.shape[1], dtype=bool) & ((j, a) == (k, b))
        same[b, a] |= j == k  # x_a x_b itself, if they are exchanged
        values, errors = self.terms.products[0], self.product_errors
        pair = _Pair(values[j, a], s * t * values[k, b], errors[j, a], errors[k, b])
        self.inputs.compare(pair, same, np.logical_or.outer(self.known[j, a], self.known[k, b]))


@dataclass(frozen=True, eq=False)
class _Pair:
    """Coefficients (p,) of the same kind here and there, each of which may become each, and their variances."""

    here: FloatArray
    there: FloatArray
    errors: FloatArray
    errors_there: FloatArray

    def squares(self, sign: int, same: BoolArray) -> FloatArray:
        """Squared differences (p, p) over their variances; of what is compared with itself, or its own negative."""
        with np.errstate(invalid="ignore"):
            variances = np.where(same, 4 * self.errors[:, None], np.add.outer(self.errors, self.errors_there))
            gaps = np.subtract.outer(self.here, sign * self.there) ** 2
            return np.asarray(np.where(np.isfinite(variances), gaps / variances, np.nan))


@dataclass(eq=False)
class _Side:
    """Images that are left on one side, and the squared differences that refute others.

    left: bool (2, p, p). own: those of the map, which nothing refutes. total, largest, count: of squared differences,
    (2, p, p). told: columns whose coefficients were looked at. level: of refuting an image. dispersion: as in the
    settings.
    """

    left: BoolArray
    own: BoolArray
    total: FloatArray
    largest: FloatArray
    count: FloatArray
    told: list[int]
    level: float
    dispersion: float

    @classmethod
    def of(cls, images: IntArray, signs: IntArray, reach: BoolArray, level: float, dispersion: float) -> _Side:
        """All images that rows reach, and those of a map."""
        own = np.zeros_like(reach)
        own[np.where(signs > 0, 0, 1), np.arange(len(images)), images] = True
        total, largest, count = (np.zeros(reach.shape) for _ in range(3))
        return cls(reach | own, own, total, largest, count, [], level, dispersion)

    def copied(self, is_free: bool = False) -> _Side:
        """A copy, in which the images of the map can be refuted like others if it `is_free`."""
        total, largest, count = (a.copy() for a in (self.total, self.largest, self.count))
        own, told = np.zeros_like(self.own) if is_free else self.own, list(self.told)
        return _Side(self.left.copy(), own, total, largest, count, told, self.level, self.dispersion)

    @property
    def is_settled(self) -> BoolArray:
        """Which columns have one image left, bool (p,)."""
        return np.asarray(self.left.sum(axis=(0, 2)) == 1)

    @property
    def is_possible(self) -> bool:
        """Whether each column has an image left, and is one."""
        either = np.asarray(self.left.any(axis=0))
        return bool(either.any(axis=0).all() and either.any(axis=1).all())

    def image(self, column: int) -> tuple[int, int]:
        """The image of a column that is settled, with its sign."""
        return _first(self.left[:, column])

    def settle_own(self, column: int) -> None:
        """The column has the image of the map."""
        self.settle(column, *_first(self.own[:, column]))

    def settle(self, column: int, b: int, sign: int) -> None:
        """The column has this image, and no other column has it."""
        self.left[:, column, :] = False
        self.left[:, :, b] = False
        self.left[0 if sign > 0 else 1, column, b] = True

    def untold(self) -> list[int]:
        """Columns that are settled and whose coefficients were not looked at."""
        return [int(a) for a in np.flatnonzero(self.is_settled) if a not in self.told]

    def compare(self, pair: _Pair, same: BoolArray, known: BoolArray | None = None, is_even: bool = False) -> None:
        """Add squared differences of coefficients that change sign with the column, or do not (`is_even`).

        Args:
            pair: The coefficients, each of which becomes one of the others, with the sign of all else in it.
            same: Which of them are one and the same, bool (p, p).
            known: Which are compared; None for all.
            is_even: Whether the coefficient has the column squared.
        """
        if known is not None and not known.any():
            return
        for side, sign in enumerate((1, 1 if is_even else -1)):
            squares = pair.squares(sign, same)
            counted = np.isfinite(squares) & (known if known is not None else True)
            squares = np.where(counted, squares, 0.0)
            self.total[side] += squares
            self.largest[side] = np.maximum(self.largest[side], squares)
            self.count[side] += counted

    def narrowed(self) -> int:
        """Drop what is refuted, and what another column has for itself; the number of columns that this settles."""
        before, left = int(self.is_settled.sum()), -1
        self.left &= ~self._is_refuted() | self.own
        while self.is_possible and left != (left := int(self.left.sum())):
            for a in np.flatnonzero(self.is_settled):
                self.settle(int(a), *self.image(int(a)))
            for b in np.flatnonzero(self.left.sum(axis=(0, 1)) == 1):
                turned, a = np.argwhere(self.left[:, :, b])[0]
                self.settle(int(a), int(b), -1 if turned else 1)
        return int(self.is_settled.sum()) - before

    def _is_refuted(self) -> BoolArray:
        """By the largest difference, or by all together."""
        count = np.maximum(self.count, 1)
        alone = count * special.chdtrc(1, self.largest)
        together = special.chdtrc(count / self.dispersion, self.total / self.dispersion)
        return np.asarray(2 * np.minimum(alone, together) < self.level)


def _first(left: BoolArray) -> tuple[int, int]:
    """The first image in bool (2, p), with its sign."""
    turned, b = np.argwhere(left)[0]
    return int(b), -1 if turned else 1
