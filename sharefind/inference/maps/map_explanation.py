"""Why a map of columns is wrong, coordinate by coordinate, and the nearest map that is not rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sharefind.errors import InputError
from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.inference.maps.map_coefficients import CoefficientSettings, MapCoefficients
from sharefind.inference.maps.nearest_maps import Misfit, NearestMaps, NearestSettings, NearMap, Side
from sharefind.inference.maps.tilt import invariance_weights
from sharefind.typing import FloatArray, IntArray

Answer = Literal["accepted", "rejected", "undecided"]


@dataclass(frozen=True)
class MapTest:
    """The result of another map in the test that rejected the user's map, on rows that did not propose it.

    Attributes:
        verdict: "accepted" where it is not rejected, or "undecided" where the inputs show one side of it only.
        p_value: p-value of that test.
        decided_by: The tested symmetry: the "law" of (X, Y) or the "relation" E[Y | X].
        rows: Rows that it read.
    """

    verdict: Answer
    p_value: float | None
    decided_by: Literal["law", "relation"]
    rows: int


@dataclass(frozen=True)
class Sighting:
    """The entry that shows a fault best.

    Attributes:
        output: Position of the output; None for a moment of the inputs.
        inputs: Positions of the inputs of the monomial, one twice for a square; none for a constant.
        errors: Difference between the coefficients and their images under the map, in standard errors.
        data: The coefficient of this output on this monomial, or the moment, about a point that the map leaves alone.
        expected: Its value under the map, from the coefficient of the columns that these go to; None where there is no
            such coefficient.
    """

    output: int | None
    inputs: tuple[int, ...]
    errors: float
    data: float
    expected: float | None


@dataclass(frozen=True)
class ColumnFault:
    """Columns of one side that the data move otherwise than the map does.

    Attributes:
        side: "input" or "output".
        columns: Their positions.
        given: Where the map takes each: +-k for column k with that sign, counted from 1.
        nearest: The same of the nearest map; none where no map was found.
        seen: Where it shows most, all other columns being moved as in the nearest map.
    """

    side: Side
    columns: tuple[int, ...]
    given: tuple[int, ...]
    nearest: tuple[int, ...]
    seen: Sighting


@dataclass(frozen=True)
class MapExplanation:
    """One map, looked at closely.

    Attributes:
        given: The map.
        generator: Which generator of the candidate it is, counted from 0.
        rows: Rows that were looked at; the test of the nearest map reads others.
        largest: Largest difference between the coefficients and their images under the map, in standard errors.
        critical: Value that noise alone exceeds with a probability of 1 %.
        faults: The columns that break it.
        nearest: The nearest map that fits and was not rejected; where all were rejected, or none was found, None.
        changes: How many changes lead to it: a sign is one, another image two.
        test: Test of that map, or of the last one that was tested; None where none was.
        most_changes: Changes up to which maps were looked for.
        is_spent: Whether the search for maps ended before all of these were looked at.
        unseen: Columns that the map moves and whose moves the data do not show: inputs and outputs, by position.
        missing: Why nothing can be said; "" elsewhere.
    """

    given: ColumnMap
    generator: int = 0
    rows: int = 0
    largest: float = 0.0
    critical: float = 0.0
    faults: tuple[ColumnFault, ...] = ()
    nearest: ColumnMap | None = None
    changes: int | None = None
    test: MapTest | None = None
    most_changes: int = 0
    is_spent: bool = False
    unseen: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    missing: str = ""


TestOfMap = Callable[[ColumnMap], MapTest]
"""Tests a map on rows that did not propose it."""


@dataclass(frozen=True)
class ExplanationSettings:
    """How maps are explained.

    Attributes:
        coefficients: How the coefficients are estimated.
        nearest: How far maps are looked for.
        tests: Most maps that are tested.
        faults: Most columns that are named where no map fits.
        slack: Factor on noise under which a rough map is looked for, for whose inputs rows are weighted anew.
    """

    coefficients: CoefficientSettings = field(default_factory=CoefficientSettings)
    nearest: NearestSettings = field(default_factory=NearestSettings)
    tests: int = 4
    faults: int = 12
    slack: float = 2.0


def explain_map(
    x: FloatArray,
    y: FloatArray,
    given: ColumnMap,
    rng: np.random.Generator,
    units: IntArray | None = None,
    *,
    laws: Sequence[bool] = (True, False),
    test: TestOfMap | None = None,
    has_classes: bool = False,
    settings: ExplanationSettings | None = None,
) -> MapExplanation:
    """Where a map of columns misfits, and which map near it does not.

    Coefficients of Y on X, on its squares and, with enough rows, on products are compared with their images under the
    map. If the relation is equivariant under the map, they agree about any point that the map leaves alone. Moments of
    X are compared, too, where the law of X is tested: they show signs of inputs with little effect.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        given: The map.
        rng: Puts rows into batches, from which errors are seen.
        units: Which unit a row belongs to, shape (n,), int64: rows of one unit may depend on each other.
        laws: Whether the law of X must be kept, in the order in which that is tried.
        test: Tests a map on other rows; the nearest map that fits is taken as it is where None.
        has_classes: Whether labels are classes, one-hot, whose columns change no signs.
        settings: How it is looked at.

    Returns:
        The explanation; `missing` says why there is none.
    """
    settings = settings or ExplanationSettings()
    if has_classes:
        settings = replace(settings, nearest=replace(settings.nearest, signs_outputs=False))
    rows = _Rows(x, y, given, rng, units, settings)
    try:
        chosen, tested, searches = _first_accepted(rows.searches(laws), test, settings.tests)
    except InputError as error:
        return MapExplanation(given, missing=str(error))
    search, misfit = _that_misfits(searches, given) if chosen is None else (chosen.search, chosen.search.misfit(given))
    near = None if chosen is None else chosen.near
    faults = _covering(search, misfit, settings.faults) if near is None else tuple(_faults(search, near.map))
    return MapExplanation(
        given,
        rows=len(x),
        largest=misfit.largest,
        critical=search.critical,
        faults=faults,
        nearest=None if near is None else near.map,
        changes=None if near is None else near.changes,
        test=tested if chosen is None else chosen.test,
        most_changes=settings.nearest.changes,
        is_spent=near is None and any(s.is_spent for s in searches),
        unseen=_unseen(search.data, given, search.critical, faults),
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """Settings of the explanation."""

    x: FloatArray
    y: FloatArray
    given: ColumnMap
    rng: np.random.Generator
    units: IntArray | None
    settings: ExplanationSettings

    def searches(self, laws: Sequence[bool]) -> Iterator[NearestMaps]:
        """Searches for maps that keep the law of X, or for such as need not, in this order.

        Where the law need not be kept, rows are weighted so that the inputs are nearly invariant under the map, and
        once more under a rough one if nothing fits: weights under a wrong sign of an input are none of the true map.
        """
        for law in laws:
            search = NearestMaps(self.data(None if law else self.given), self.given, law, self.settings.nearest)
            yield search
            if law or any(near.changes for near in search.found()):
                continue
            rough = replace(self.settings.nearest, slack=self.settings.slack)
            found = NearestMaps(search.data, self.given, False, rough).found()
            near = next((one for one in found if one.changes), None)
            if near is not None:
                yield NearestMaps(self.data(near.map), self.given, False, self.settings.nearest)

    def data(self, balanced: ColumnMap | None) -> MapCoefficients:
        """Coefficients of rows that are weighted for the inputs of a map."""
        weights = None if balanced is None else invariance_weights(self.x, balanced.inputs)
        return MapCoefficients.of(self.x, self.y, self.rng, self.units, self.settings.coefficients, weights)


def _that_misfits(searches: Sequence[NearestMaps], given: ColumnMap) -> tuple[NearestMaps, Misfit]:
    """The search with the fewest demands under which a map misfits, and where; the first one where it does under none.

    Where only the law of X is broken, rows with weights show it: then the moments of X are all that misfits.
    """
    found = [(search, search.misfit(given)) for search in searches]
    for search, misfit in reversed(found):
        if not search.with_inputs and misfit.largest > search.critical:
            return search, misfit
    search, misfit = found[0]
    if len(found) > 1:
        misfit = replace(misfit, relation=np.zeros_like(misfit.relation))
    return search, misfit


@dataclass(frozen=True, eq=False)
class _Chosen:
    """A map that was found, by whom, and its test."""

    search: NearestMaps
    near: NearMap
    test: MapTest | None


def _first_accepted(
    searches: Iterable[NearestMaps], test: TestOfMap | None, most: int
) -> tuple[_Chosen | None, MapTest | None, list[NearestMaps]]:
    """The first map that is accepted, or else undecided; the last test; the searches that were made."""
    made, known = list[NearestMaps](), set[bytes]()
    last, undecided = None, None
    for search in searches:
        made.append(search)
        for near in search.found():
            key = np.array([*near.map.inputs.image, *near.map.outputs.image]).tobytes()
            if near.changes == 0 or key in known:
                continue
            known.add(key)
            last = None if test is None else test(near.map)
            found = _Chosen(search, near, last)
            if last is None or last.verdict == "accepted":
                return found, last, made
            undecided = found if undecided is None and last.verdict == "undecided" else undecided
            if len(known) == most:
                return undecided, last, made
    return undecided, last, made


def _faults(search: NearestMaps, nearest: ColumnMap) -> Iterator[ColumnFault]:
    """The columns that the nearest map moves otherwise, those together that no map moves apart; the worst first."""
    found = list[ColumnFault]()
    sides: tuple[tuple[Side, SignedColumns, SignedColumns], ...] = (
        ("input", search.given.inputs, nearest.inputs),
        ("output", search.given.outputs, nearest.outputs),
    )
    for side, given, mended in sides:
        for columns in _components(given, mended):
            images, signs = mended.images.copy(), mended.signs.copy()
            images[columns], signs[columns] = given.images[columns], given.signs[columns]
            wrong = SignedColumns(images, signs)
            other = ColumnMap(wrong, nearest.outputs) if side == "input" else ColumnMap(nearest.inputs, wrong)
            places = tuple(map(int, columns))
            before, after = (tuple(one.image[c] for c in places) for one in (given, mended))
            found.append(ColumnFault(side, places, before, after, _worst_of(search, other, search.misfit(other))))
    yield from sorted(found, key=lambda fault: -fault.seen.errors)


def _components(given: SignedColumns, mended: SignedColumns) -> list[IntArray]:
    """Columns with another image or sign, those together that must be put back together."""
    labels = np.arange(len(given.images))
    for _ in labels:
        before = labels.copy()
        for images in (given.images, mended.images):
            least = np.minimum(labels, labels[images])
            np.minimum.at(least, images, labels)
            labels = least
        if (labels == before).all():
            break
    changed = (given.images != mended.images) | (given.signs != mended.signs)
    return [np.flatnonzero((labels == label) & changed) for label in np.unique(labels[changed])]


def _worst_of(search: NearestMaps, of: ColumnMap, misfit: Misfit) -> Sighting:
    """The entry that misfits most under a map."""
    is_moment = np.abs(misfit.inputs).max(initial=0.0) > np.abs(misfit.relation).max(initial=0.0)
    found = misfit.inputs[None] if is_moment else misfit.relation
    i, k = np.unravel_index(int(np.abs(found).argmax()), found.shape)
    entries = search.data.moments(of.inputs) if is_moment else search.data.about(of.inputs)
    outputs = SignedColumns.identity(1) if is_moment else of.outputs
    expected = entries.expected(outputs, of.inputs)
    there = None if np.isnan(expected[i, k]) else float(expected[i, k])
    numbers = (abs(float(found[i, k])), float(entries.values[i, k]), there)
    return Sighting(None if is_moment else int(i), _inputs_of(entries.exponents[k]), *numbers)


def _inputs_of(exponents: IntArray) -> tuple[int, ...]:
    return tuple(int(j) for j in np.repeat(np.arange(len(exponents)), exponents))


def _covering(search: NearestMaps, misfit: Misfit, most: int) -> tuple[ColumnFault, ...]:
    """Few columns without which the rest of the map fits: again and again those in the worst misfits."""
    relation, inputs = np.abs(misfit.relation), np.abs(misfit.inputs)
    given, found = search.given, list[ColumnFault]()
    relation, inputs = (np.where(part > search.critical, part, 0.0) for part in (relation, inputs))
    while len(found) < most and max(relation.max(initial=0.0), inputs.max(initial=0.0)) > 0:
        weighed = list[tuple[float, Side, list[int]]]()
        for cycle in given.outputs.cycles():
            weighed.append((float((relation[cycle] ** 2).sum()), "output", cycle))
        for cycle in given.inputs.cycles():
            weight = (relation[:, _holds(misfit.exponents, cycle)] ** 2).sum()
            weight += (inputs[_holds(misfit.moments, cycle)] ** 2).sum()
            weighed.append((float(weight), "input", cycle))
        _, side, cycle = max(weighed, key=lambda one: one[0])
        seen = _worst_of(search, given, _only(misfit, relation, inputs, side, cycle))
        image = given.inputs.image if side == "input" else given.outputs.image
        found.append(ColumnFault(side, tuple(cycle), tuple(image[c] for c in cycle), (), seen))
        if side == "output":
            relation[cycle] = 0
        else:
            relation[:, _holds(misfit.exponents, cycle)] = 0
            inputs[_holds(misfit.moments, cycle)] = 0
    return tuple(found)


def _holds(exponents: IntArray, columns: list[int]) -> IntArray:
    """Which monomials (P, d) depend on one of these columns, (P,), bool."""
    return np.asarray(exponents[:, columns].any(axis=1))


def _only(misfit: Misfit, relation: FloatArray, inputs: FloatArray, side: Side, cycle: list[int]) -> Misfit:
    """The entries of some columns, all else 0."""
    kept, moments = np.zeros_like(relation), np.zeros_like(inputs)
    if side == "output":
        kept[cycle] = relation[cycle]
    else:
        columns = _holds(misfit.exponents, cycle)
        kept[:, columns] = relation[:, columns]
        chosen = _holds(misfit.moments, cycle)
        moments[chosen] = inputs[chosen]
    return Misfit(kept, moments, misfit.exponents, misfit.moments)


def _unseen(
    data: MapCoefficients, given: ColumnMap, critical: float, faults: Sequence[ColumnFault]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Columns that a map moves, that no coefficient shows, and of which no fault speaks."""
    shown = np.abs(data.relation.size) > critical
    exponents = data.relation.exponents
    moved = [
        np.flatnonzero(np.array(side.image) != np.arange(1, len(side.images) + 1))
        for side in (given.inputs, given.outputs)
    ]
    known = {column for fault in faults if fault.side == "input" for column in fault.columns}
    inputs = tuple(int(j) for j in moved[0] if j not in known and not shown[:, exponents[:, j] > 0].any())
    outputs = tuple(int(i) for i in moved[1] if not shown[i, exponents.any(axis=1)].any())
    return inputs, outputs
