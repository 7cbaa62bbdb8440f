"""Coefficients of products of three inputs, and their images when columns are moved.

A product x_a x_b x_c says nothing of one input alone: once two of its inputs have images, the third's follows, with its
sign. Before that an input can only go to one that has a product of like size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sharefind.proposal.mirrors.partial_images import Image
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Cubes:
    """Coefficients of x_a x_b x_c about the centre, symmetric in a, b and c.

    Attributes:
        inputs: Inputs with products that entered, int64 (q,).
        size: Number of all inputs, d_in.
        values: Coefficients, (d_out, q, q, q); a product that did not enter has the coefficient of the residuals on it
            alone.
        variances: Variances of these.
        entered: Products (a, b, c), a <= b <= c, that entered the fit, int64 (p, 3).
        critical: |z| beyond which a coefficient is no accident.
    """

    inputs: IntArray
    size: int
    values: FloatArray
    variances: FloatArray
    entered: IntArray
    critical: float

    @classmethod
    def none(cls, d_out: int, d_in: int) -> Cubes:
        """Return a table without products.

        Args:
            d_out: Number of labels.
            d_in: Number of inputs.
        """
        table = np.empty((d_out, 0, 0, 0))
        return cls(np.empty(0, dtype=np.int64), d_in, table, table, np.empty((0, 3), dtype=np.int64), np.inf)

    @cached_property
    def place(self) -> IntArray:
        """Where each input stands in the table, int64 (d_in,); -1 for inputs that are not in it."""
        place = np.full(self.size, -1, dtype=np.int64)
        place[self.inputs] = np.arange(len(self.inputs))
        return place

    @cached_property
    def table(self) -> tuple[FloatArray, FloatArray]:
        """Coefficients and variances of the products that entered, (d_out, p) each."""
        return self.of_entered(self.values), self.of_entered(self.variances)

    def of_entered(self, table: FloatArray) -> FloatArray:
        """Return the entries of a table for the products that entered.

        Args:
            table: Shape (d_out, q, q, q).

        Returns:
            Shape (d_out, p).
        """
        first, second, third = self.place[self.entered].T
        return np.asarray(table[:, first, second, third])

    @cached_property
    def seen(self) -> BoolArray:
        """Whether each coefficient that entered is no accident, bool (d_out, p)."""
        values, variances = self.table
        return np.asarray(values**2 > self.critical**2 * variances)

    @property
    def seen_inputs(self) -> BoolArray:
        """Whether any label is seen to depend on a product with each input, bool (d_in,)."""
        found = np.zeros(self.size, dtype=bool)
        found[self.entered[self.seen.any(axis=0)]] = True
        return found

    @property
    def seen_outputs(self) -> BoolArray:
        """Whether each label is seen to depend on any product, bool (d_out,)."""
        return np.asarray(self.seen.any(axis=1))

    @cached_property
    def is_entered(self) -> BoolArray:
        """Whether each product entered, bool (q, q, q)."""
        found = np.zeros(self.values.shape[1:], dtype=bool)
        fill_symmetric(found[None], self.place[self.entered], np.ones((1, len(self.entered)), dtype=bool))
        return found

    def effects(self, spread: FloatArray) -> FloatArray:
        """Return the size of a linear coefficient that has the effect of what is seen, shape (d_out, d_in).

        Args:
            spread: Standard deviations of all inputs, shape (d_in,).
        """
        found = np.zeros((len(self.values), self.size))
        sizes = np.where(self.seen, np.abs(self.table[0]), 0.0)
        for k in range(3):
            others = np.prod(spread[np.delete(self.entered, k, axis=1)], axis=1)
            np.maximum.at(found.T, self.entered[:, k], (sizes * others).T)
        return found

    def clearness(self) -> tuple[FloatArray, FloatArray]:
        """Return sums of z^2 of what is seen, of each input (d_in,) and of each label (d_out,)."""
        values, variances = self.table
        squares = np.where(self.seen, values**2 / variances, 0.0)
        of_inputs = np.zeros(self.size)
        for column in self.entered.T:
            np.add.at(of_inputs, column, squares.sum(axis=0))
        return of_inputs, np.asarray(squares.sum(axis=1))


def fill_symmetric(table: FloatArray | BoolArray, places: IntArray, values: FloatArray | BoolArray) -> None:
    """Write values at places, in every order of the three inputs.

    Args:
        table: Written, shape (m, q, q, q).
        places: Shape (p, 3).
        values: Shape (m, p).
    """
    a, b, c = places.T
    for order in ((a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a)):
        table[:, order[0], order[1], order[2]] = values


@dataclass(frozen=True, eq=False)
class Line:
    """Coefficients with one input that is not settled; under a map, the one of an input goes to the one of its image.

    Attributes:
        here: Coefficients, (d_in,), and their variances.
        there: Coefficients of the images, with the signs of all settled columns, (d_in,), and their variances.
        same: Which are one and the same coefficient, bool (d_in, d_in).
        known: Which are compared: one of the two entered the fit, and one is perhaps no accident; bool (d_in, d_in).
        is_even: Whether they have the input squared.
    """

    here: tuple[FloatArray, FloatArray]
    there: tuple[FloatArray, FloatArray]
    same: BoolArray
    known: BoolArray
    is_even: bool

    def squares(self, sign: int) -> FloatArray:
        """Return squared differences over their variances, shape (d_in, d_in); nan where nothing is known.

        Args:
            sign: Sign of the image.
        """
        return squared_gaps(self.here, self.there, sign, self.same)


def squared_gaps(
    here: tuple[FloatArray, FloatArray], there: tuple[FloatArray, FloatArray], sign: int, same: BoolArray
) -> FloatArray:
    """Return squared differences (p, p) of coefficients (p,) over their variances; nan where these are not finite.

    Args:
        here: Coefficients and their variances.
        there: Coefficients that each of them may become, and their variances.
        sign: Sign of the latter.
        same: Pairs of one and the same coefficient, which is compared with itself or its own negative.
    """
    with np.errstate(invalid="ignore"):
        variances = np.where(same, 4 * here[1][:, None], np.add.outer(here[1], there[1]))
        gaps = np.subtract.outer(here[0], sign * there[0]) ** 2
        return np.asarray(np.where(np.isfinite(variances), gaps / variances, np.nan))


def _line(
    here: tuple[FloatArray, FloatArray],
    there: tuple[FloatArray, FloatArray],
    sign: int,
    same: BoolArray,
    entered: BoolArray,
    is_even: bool = False,
    live: float = 2.0,
) -> Iterator[Line]:
    """The line, if anything in it is compared: not where |z| is below `live` here and there."""
    large = (np.abs(values) > live * np.sqrt(variances) for values, variances in (here, there))
    known = entered & np.logical_or.outer(*large)
    if known.any():
        yield Line(here, (sign * there[0], there[1]), same, known, is_even)


@dataclass(frozen=True, eq=False)
class CubicLines:
    """The products left to compare under images of columns.

    Attributes:
        cubes: The coefficients.
        compared: Variances by which they are compared, (d_out, q, q, q).
    """

    cubes: Cubes
    compared: FloatArray

    @cached_property
    def _has(self) -> BoolArray:
        """Whether a product with each input entered, bool (d_in,)."""
        found = np.zeros(self.cubes.size, dtype=bool)
        found[self.cubes.entered] = True
        return found

    def of_output(self, j: int, image: Image) -> Iterator[Line]:
        """Yield cubes of inputs, once a label has an image.

        Args:
            j: Number of the label.
            image: Its image.
        """
        k, s = image
        every = np.arange(len(self.cubes.inputs))
        entered = self._which(self.cubes.is_entered[every, every, every])
        if entered.any():
            here, there = (self._diagonal(label) for label in (j, k))
            yield from _line(here, there, s, self._same(j == k), np.logical_or.outer(entered, entered))

    def of_one(self, outputs: Mapping[int, Image], a: int, image: Image) -> Iterator[Line]:
        """Yield products x_a x_c^2 and x_a^2 x_c, once an input has an image beside labels that have some.

        Args:
            outputs: Images of labels.
            a: Number of the input.
            image: Its image.
        """
        b, t = image
        if not (self._has[a] or self._has[b]):
            return
        p, q = (int(self.cubes.place[one]) for one in (a, b))
        for j, (k, s) in outputs.items():
            here, there = self._squares(j, p), self._squares(k, q)
            entered = np.logical_or.outer(self._entered_squares(p), self._entered_squares(q))
            yield from _line(here, there, s * t, self._same((j, a) == (k, b)), entered, is_even=True)
            yield from self._beside(j, k, s, (a, a), (b, b))

    def of_two(self, outputs: Mapping[int, Image], one: tuple[int, Image], other: tuple[int, Image]) -> Iterator[Line]:
        """Yield products of two inputs that have images with every other input.

        Args:
            outputs: Images of labels.
            one: One input with its image.
            other: The other input with its image.
        """
        (a, (b, t)), (c, (d, u)) = one, other
        if (self._has[a] and self._has[c]) or (self._has[b] and self._has[d]):
            for j, (k, s) in outputs.items():
                yield from self._beside(j, k, s * t * u, (a, c), (b, d))

    def _beside(self, j: int, k: int, sign: int, pair: tuple[int, int], images: tuple[int, int]) -> Iterator[Line]:
        """Products of two settled inputs with each other one."""
        here, there = ((int(self.cubes.place[a]), int(self.cubes.place[b])) for a, b in (pair, images))
        entered = np.logical_or.outer(self._entered_row(here), self._entered_row(there))
        if not entered.any():
            return
        same = self._same(j == k and sorted(pair) == sorted(images))
        if j == k and len({*pair}) == len({*images}) == 2 and len({*pair} & {*images}) == 1:
            (left,), (right,) = {*pair} - {*images}, {*images} - {*pair}
            same[right, left] = True
        yield from _line(self._row(j, here), self._row(k, there), sign, same, entered)

    # Whether any product can go where an input goes --------------------------------------------------------------

    def misfits(self, j: int, k: int) -> tuple[FloatArray, IntArray]:
        """Return how well the products with each input fit those with each possible image, if a label goes to another;
        no signs.

        Args:
            j: Number of the label.
            k: Number of its image.

        Returns:
            The largest squared difference, over its variance, between any product of an input and the nearest product
            of an image, (d_in, d_in), and the number of products of the input that were compared, int64 (d_in,).
        """
        cubes, d = self.cubes, self.cubes.size
        values, seen = np.abs(cubes.values), cubes.seen[j]
        found, count = np.zeros((d, d)), np.zeros(d, dtype=np.int64)
        for triple in cubes.entered[seen]:
            places = tuple(cubes.place[triple])
            value, variance = values[(j, *places)], self.compared[(j, *places)]
            gaps = (values[k] - value) ** 2 / (self.compared[k] + variance)
            for a in np.unique(triple):
                near = self._nearest(gaps, triple, int(a))
                found[a] = np.maximum(found[a], near)
                count[a] += 1
        return found, count

    def _nearest(self, gaps: FloatArray, triple: IntArray, a: int) -> FloatArray:
        """The least of the gaps (q, q, q) over products with each input (d_in,) as often as the triple has a.

        0 where nothing is known of an input, or of its products with some others.
        """
        power = int((triple == a).sum())
        if power < 3 and len(gaps) < self.cubes.size:
            return np.zeros(self.cubes.size)
        every = np.arange(len(gaps))
        if power == 3:
            nearest = gaps[every, every, every]
        elif power == 2:
            nearest = gaps[every, every].min(axis=1)
        elif len(np.unique(triple)) == 2:
            nearest = gaps[:, every, every].min(axis=1)
        else:
            nearest = gaps.min(axis=(1, 2))
        return self._whole(np.asarray(nearest), 0.0)

    # Parts of the table ------------------------------------------------------------------------------------------

    def _whole(self, part: FloatArray, rest: float) -> FloatArray:
        """Return values of all inputs (d_in,) from those in the table (q,)."""
        found = np.full(self.cubes.size, rest, dtype=np.float64)
        found[self.cubes.inputs] = part
        return found

    def _which(self, part: BoolArray) -> BoolArray:
        """The same of what is true of inputs, bool (q,) -> (d_in,); false of others."""
        found = np.zeros(self.cubes.size, dtype=np.bool_)
        found[self.cubes.inputs] = part
        return found

    def _row(self, j: int, two: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
        """Products of two inputs, by place, with each other one."""
        return self._known(self.cubes.values[(j, *two)], self.compared[(j, *two)], two)

    def _squares(self, j: int, p: int) -> tuple[FloatArray, FloatArray]:
        """Products of an input, by place, with the square of each."""
        every = np.arange(len(self.cubes.inputs))
        return self._known(self.cubes.values[j, p, every, every], self.compared[j, p, every, every], (p,))

    def _diagonal(self, j: int) -> tuple[FloatArray, FloatArray]:
        """Cubes of inputs."""
        every = np.arange(len(self.cubes.inputs))
        return self._known(self.cubes.values[j, every, every, every], self.compared[j, every, every, every], ())

    def _known(
        self, values: FloatArray, variances: FloatArray, places: tuple[int, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Return values and variances of all inputs (d_in,); nothing is known where an input is not in the table."""
        variances = variances if min(places, default=0) >= 0 else np.full_like(variances, np.inf)
        return self._whole(values, 0.0), self._whole(variances, np.inf)

    def _entered_row(self, two: tuple[int, int]) -> BoolArray:
        if min(two) < 0:
            return np.zeros(self.cubes.size, dtype=bool)
        return self._which(self.cubes.is_entered[two])

    def _entered_squares(self, p: int) -> BoolArray:
        every = np.arange(len(self.cubes.inputs))
        if p < 0:
            return np.zeros(self.cubes.size, dtype=bool)
        return self._which(self.cubes.is_entered[p, every, every])

    def _same(self, is_same: bool) -> BoolArray:
        return np.eye(self.cubes.size, dtype=bool) & is_same
