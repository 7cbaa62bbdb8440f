"""Which map near a wrong one fits the data: signs, images and omitted columns are changed, as few as possible.

The entry that misfits most depends on a few columns, and one of them must be changed. So changes are found by
backtracking: a change of each of these columns is tried, and the columns before it are taken to be right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import scipy

from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.inference.maps.map_coefficients import Entries, MapCoefficients
from sharefind.typing import FloatArray, IntArray

Side = Literal["input", "output"]
Column = tuple[Side, int]


@dataclass(frozen=True)
class NearestSettings:
    """How far maps are looked for.

    Attributes:
        changes: Most changes. A sign is one, in a mirror that of a column and of its partner; another image is two.
        level: Probability that some entry of a true map exceeds what counts as noise.
        looks: Most maps that are compared with the data.
        images: Number of other images of a column that are tried, best fits first.
        most: Most maps that are given for one number of changes.
        cap: Squared standard errors that count of one entry when images are ranked.
        slack: Factor of the standard errors that count as noise.
        signs_outputs: Whether outputs may change their signs; columns of classes may not.
    """

    changes: int = 8
    level: float = 0.01
    looks: int = 600
    images: int = 2
    most: int = 4
    cap: float = 100.0
    slack: float = 1.0
    signs_outputs: bool = True


@dataclass(frozen=True, eq=False)
class NearMap:
    """A map that fits.

    Attributes:
        map: The map.
        changes: How many changes lead to it from the given one.
        misfit: Largest misfit that is left, in standard errors.
        total: Sum of the squares of all.
    """

    map: ColumnMap
    changes: int
    misfit: float
    total: float


@dataclass(frozen=True, eq=False)
class Misfit:
    """Where a map misfits.

    Attributes:
        relation: Misfits of the relation in standard errors, (d_out, P).
        inputs: Misfit of the moments of X, (moments,); empty where they do not count.
        exponents: The monomials of `relation`, (P, d_in).
        moments: Moments of `inputs`.
    """

    relation: FloatArray
    inputs: FloatArray
    exponents: IntArray
    moments: IntArray

    @property
    def largest(self) -> float:
        """The largest misfit of all entries."""
        return float(max(np.abs(self.relation).max(initial=0.0), np.abs(self.inputs).max(initial=0.0)))

    @property
    def total(self) -> float:
        """Sum of the squares."""
        return float((self.relation**2).sum() + (self.inputs**2).sum())


@dataclass
class NearestMaps:
    """Looks for maps near a given one.

    Attributes:
        data: Coefficients of rows that no later test reads.
        given: The map.
        with_inputs: Whether the law of X must be kept, too, as far as its moments show.
        settings: How far it looks.
        looks: Maps that were compared so far.
    """

    data: MapCoefficients
    given: ColumnMap
    with_inputs: bool
    settings: NearestSettings = field(default_factory=NearestSettings)
    looks: int = 0

    @cached_property
    def critical(self) -> float:
        """Standard errors above which an entry misfits."""
        return self.settings.slack * self.data.critical(self.settings.level, with_inputs=self.with_inputs)

    @property
    def is_spent(self) -> bool:
        """Whether the search ended before it had looked at all maps with this number of changes."""
        return self.looks >= self.settings.looks

    def misfit(self, of: ColumnMap) -> Misfit:
        """Return where a map misfits.

        Args:
            of: The map.
        """
        entries = self.data.about(of.inputs)
        relation = entries.misfit(of.outputs, of.inputs)
        if not self.with_inputs:
            return Misfit(relation, np.zeros(0), entries.exponents, np.zeros((0, len(self.data.mean)), dtype=np.int64))
        moments = self.data.moments(of.inputs)
        inputs = moments.misfit(SignedColumns.identity(1), of.inputs)[0]
        return Misfit(relation, inputs, entries.exponents, moments.exponents)

    def found(self) -> Iterator[NearMap]:
        """Yield maps that fit, first maps with fewer changes, then maps that fit better; the user's own map has no
        changes.
        """
        for changes in range(self.settings.changes + 1):
            level, seen = list[NearMap](), set[bytes]()
            for near in self._descend(self.given, frozenset(), changes):
                key = _key(near.map)
                if key not in seen:
                    seen.add(key)
                    level.append(replace(near, changes=changes))
                if len(level) == self.settings.most:
                    break
            yield from sorted(level, key=lambda near: (self._moved(near.map), near.total))
            if self.is_spent:
                return

    def _moved(self, of: ColumnMap) -> int:
        """Columns with another image than in the given map."""
        pairs = ((self.given.inputs, of.inputs), (self.given.outputs, of.outputs))
        return sum(int((one.images != other.images).sum()) for one, other in pairs)

    def _descend(self, now: ColumnMap, settled: frozenset[Column], left: int) -> Iterator[NearMap]:
        """Maps that fit after exactly `left` more changes of columns that are not settled."""
        if self.is_spent:
            return
        self.looks += 1
        misfit = self.misfit(now)
        worst = self._worst(misfit, now, settled)
        if worst is None:
            if left == 0 and _is_action(now):
                yield NearMap(now, 0, misfit.largest, misfit.total)
            return
        if not worst or left == 0 or self._least(misfit, now) > left:
            return
        for column in worst:
            for changed, touched, cost in self._changes(now, column, settled):
                if cost <= left:
                    yield from self._descend(changed, settled | touched, left - cost)
            settled |= _arrow(now, column)

    def _worst(self, misfit: Misfit, now: ColumnMap, settled: frozenset[Column]) -> list[Column] | None:
        """Return columns one of which must change, no columns where all are settled, and None where nothing misfits.

        They belong to the misfitting entry with the fewest columns that can still change, then to the worst. Constants
        come last: they depend on the centre, and so on every input.
        """
        best: tuple[bool, int, float] | None = None
        found: list[Column] | None = None
        for size, columns in self._misfits(misfit):
            free = [c for c in columns if not _arrow(now, c) <= settled]
            rank = (columns[-1][0] == "output", len(free), -size)
            if best is None or rank < best:
                best, found = rank, free
        return found

    def _misfits(self, misfit: Misfit) -> Iterator[tuple[float, list[Column]]]:
        for k in np.flatnonzero(np.abs(misfit.inputs) > self.critical):
            yield abs(float(misfit.inputs[k])), [("input", int(j)) for j in np.flatnonzero(misfit.moments[k])]
        for i, k in np.argwhere(np.abs(misfit.relation) > self.critical):
            inputs: list[Column] = [("input", int(j)) for j in np.flatnonzero(misfit.exponents[k])]
            yield abs(float(misfit.relation[i, k])), [("output", int(i)), *inputs]

    def _least(self, misfit: Misfit, now: ColumnMap) -> int:
        """Fewest cycles of columns that must change: disjoint misfits of one output and one input each."""
        single = np.flatnonzero(np.count_nonzero(misfit.exponents, axis=1) == 1)
        inputs = misfit.exponents[single].argmax(axis=1)
        alone = np.count_nonzero(misfit.moments, axis=1) == 1
        bad = misfit.moments[alone & (np.abs(misfit.inputs) > self.critical)]
        forced = {int(c) for c in _cycle_of(now.inputs)[np.flatnonzero(bad.any(axis=0))]} if bad.size else set[int]()
        outs, ins = np.nonzero(np.abs(misfit.relation[:, single]) > self.critical)
        rows, columns = _cycle_of(now.outputs)[outs], _cycle_of(now.inputs)[inputs[ins]]
        free = ~np.isin(columns, list(forced))
        if not free.any():
            return len(forced)
        shape = (len(now.outputs.images), len(now.inputs.images))
        graph = scipy.sparse.csr_matrix((np.ones(free.sum()), (rows[free], columns[free])), shape=shape)
        return len(forced) + int((scipy.sparse.csgraph.maximum_bipartite_matching(graph) >= 0).sum())

    def _changes(
        self, now: ColumnMap, column: Column, settled: frozenset[Column]
    ) -> Iterator[tuple[ColumnMap, frozenset[Column], int]]:
        """Maps with another sign or image of a column, the columns that are settled then, and how many changes it is.

        The best fit comes first.
        """
        side, k = column
        before = now.inputs if side == "input" else now.outputs
        is_mirror = self.given.period <= 2
        options = [_flipped(before, k, both_ways=is_mirror)]
        if not is_mirror:
            options += [_flipped(before, c, both_ways=True) for c in (k, int(before.images[k]))]
        for image, sign in self._images(now, column):
            options += _redirected(before, k, image, sign, keep_mirror=is_mirror)
        ranked = list[tuple[float, ColumnMap, frozenset[Column], int]]()
        seen = set[bytes]()
        for signed in options:
            touched = frozenset((side, int(c)) for c in np.flatnonzero(_differ(before, signed)))
            key = np.array(signed.image).tobytes()
            is_signed = side == "output" and not self.settings.signs_outputs and bool((signed.signs < 0).any())
            if not touched or touched & settled or key in seen or is_signed:
                continue
            seen.add(key)
            changed = ColumnMap(signed, now.outputs) if side == "input" else ColumnMap(now.inputs, signed)
            settles = frozenset(arrow for _, c in touched for arrow in ((side, c), (side, int(signed.images[c]))))
            cost = 1 + bool((before.images != signed.images).any())
            ranked.append((self._misfit_of(changed, sorted(touched)), changed, settles, cost))
        for _, changed, settles, cost in sorted(ranked, key=lambda option: option[0]):
            yield changed, settles, cost

    def _images(self, now: ColumnMap, column: Column) -> list[tuple[int, int]]:
        """Other images of a column, with signs, that fit best."""
        side, k = column
        before = now.inputs if side == "input" else now.outputs
        misfits = list[tuple[float, int, int]]()
        for image in range(len(before.images)):
            if image != before.images[k]:
                misfits += [(self._as_image(now, column, image, sign), image, sign) for sign in (1, -1)]
        present = self._as_image(now, column, int(before.images[k]), int(before.signs[k]))
        # A column that fits no better elsewhere is not sent there.
        ranked = [(image, sign) for misfit, image, sign in sorted(misfits) if misfit < present / 2]
        return ranked[: self.settings.images]

    def _as_image(self, now: ColumnMap, column: Column, image: int, sign: int) -> float:
        """How badly a column fits its image, as the sum of capped squares."""
        side, k = column
        relation = self.data.relation
        if side == "output":
            places, signs = self._targets(now.inputs)
            misfit = _difference(relation, (k, slice(None)), (image, places), sign * signs)
            return self._capped(np.where(places < 0, 0.0, misfit))
        own = self._own(k)
        there = self._own(image)
        total = 0.0
        for degree, (here, target) in enumerate(zip(own, there, strict=True), 1):
            if min(here, target) >= 0:
                signs = now.outputs.signs * sign**degree
                total += self._capped(_difference(relation, (slice(None), here), (now.outputs.images, target), signs))
        if self.with_inputs:
            total += self._capped(self._moment_misfit(k, image, sign))
        return total

    def _capped(self, misfit: FloatArray) -> float:
        return float(np.minimum(misfit**2, self.settings.cap).sum())

    def _own(self, column: int) -> tuple[int, int]:
        """Places of an input and of its square."""
        unit = np.zeros(len(self.data.mean), dtype=np.int64)
        unit[column] = 1
        return self.data.relation.place(unit), self.data.relation.place(2 * unit)

    def _targets(self, inputs: SignedColumns) -> tuple[IntArray, IntArray]:
        return self.data.relation.targets(inputs)

    @cached_property
    def _plain_moments(self) -> Entries:
        """Moments of X about 0, by which images are ranked."""
        flipped = SignedColumns(np.arange(len(self.data.mean)), -np.ones(len(self.data.mean), dtype=np.int64))
        return self.data.moments(flipped)

    def _moment_misfit(self, column: int, image: int, sign: int) -> FloatArray:
        moments, d = self._plain_moments, len(self.data.mean)
        found = [
            _difference(moments, (0, column), (0, image), np.array(sign)),
            _difference(moments, (0, d + column), (0, d + image), np.array(1)),
        ]
        return np.array(found, dtype=np.float64)

    def _misfit_of(self, changed: ColumnMap, columns: list[Column]) -> float:
        """Return the misfit of the columns that a change touches."""
        images = {"input": changed.inputs, "output": changed.outputs}
        found = (
            self._as_image(changed, (side, k), int(images[side].images[k]), int(images[side].signs[k]))
            for side, k in columns
        )
        return math.fsum(found)


def _difference(entries: Entries, here: tuple[Any, Any], there: tuple[Any, Any], signs: IntArray) -> FloatArray:
    """Entries less their images under signs, in standard errors, at these places of (m, P)."""
    values, influence, rounding = entries.values, entries.influence, entries.rounding
    spread = influence[:, *here] - signs * influence[:, *there]
    variance = (spread**2).sum(axis=0) + rounding[here] ** 2 + rounding[there] ** 2
    return np.asarray((values[here] - signs * values[there]) / np.sqrt(variance))


def _differ(one: SignedColumns, other: SignedColumns) -> FloatArray:
    return np.asarray((one.images != other.images) | (one.signs != other.signs))


def _key(of: ColumnMap) -> bytes:
    return np.array([*of.inputs.image, *of.outputs.image], dtype=np.int64).tobytes()


def _arrow(now: ColumnMap, column: Column) -> frozenset[Column]:
    """A column and its image."""
    side, k = column
    images = now.inputs.images if side == "input" else now.outputs.images
    return frozenset({column, (side, int(images[k]))})


def _cycle_of(side: SignedColumns) -> IntArray:
    """A number for each column, the same within a cycle."""
    found = np.zeros(len(side.images), dtype=np.int64)
    for cycle in side.cycles():
        found[cycle] = min(cycle)
    return found


def _is_action(of: ColumnMap) -> bool:
    """Whether outputs are back when inputs are, so that the map generates a group that acts on both."""
    return of.inputs.period % of.outputs.period == 0


def _flipped(side: SignedColumns, k: int, *, both_ways: bool) -> SignedColumns:
    """Another sign of what column k becomes; both ways: of what becomes column k, too, unless that is itself."""
    signs = side.signs.copy()
    source = int(side.sources[k])
    signs[k] *= -1
    if both_ways and source != k:
        signs[source] *= -1
    return SignedColumns(side.images, signs)


def _redirected(side: SignedColumns, k: int, image: int, sign: int, *, keep_mirror: bool) -> list[SignedColumns]:
    """Column k with another image; whoever had that image takes the old one, with either sign.

    In a mirror, k and its image change places with each other, and so do the two that they were paired with.
    """
    images, signs = side.images.copy(), side.signs.copy()
    old, owner = int(images[k]), int(side.sources[image])
    found = list[SignedColumns]()
    for other in (1, -1):
        changed, turned = images.copy(), signs.copy()
        changed[k], turned[k] = image, sign
        if keep_mirror:
            changed[image], turned[image] = k, sign
            rest = [c for c in (old, owner) if c not in (k, image)]
            for c, partner in zip(rest, reversed(rest), strict=True):
                changed[c], turned[c] = partner, other
        elif owner != k:
            changed[owner], turned[owner] = old, other
        found.append(SignedColumns(changed, turned))
    return found
