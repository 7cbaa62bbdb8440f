"""Coefficients of Y on monomials of X, and moments of X, with what each batch of rows adds to their errors.

`sharefind.proposal` estimates such coefficients for groups that are sought; here one map is looked at, entry by entry,
about a point that it leaves alone. So blocks are not made orthogonal, and errors of all differences are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import scipy

from sharefind.errors import InputError
from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class CoefficientSettings:
    """How the coefficients are estimated.

    Attributes:
        rows_per_monomial: Squares, then products of two inputs, are used where there are this many rows a monomial.
        batches: Most batches into which rows, or units of rows, are put: errors are seen from their sums.
        fewest: Fewest units of rows.
        values: Most numbers that batches add to: products of two inputs are left out above; there are fewer batches for
            wide data, but at least `least`.
        least: See there.
        leverage: Largest leverage that is divided out of a residual.
        dependent: Share of a column's length up to which it counts as determined by others.
        involved: Least weight of a monomial in such a dependence.
        rounding: Share of a label's deviation that counts as rounding.
        pairs: Most products of two inputs whose moments are compared.
    """

    rows_per_monomial: int = 5
    batches: int = 300
    fewest: int = 20
    values: int = 1_000_000
    least: int = 100
    leverage: float = 0.9
    dependent: float = 1e-7
    involved: float = 1e-6
    rounding: float = 1e-8
    pairs: int = 2_000


@dataclass(frozen=True, eq=False)
class Entries:
    """Numbers that belong to monomials of X, with what each batch of rows adds to their errors.

    Attributes:
        exponents: The monomials, shape (P, d_in), int64.
        values: One row of numbers an output, shape (m, P).
        influence: Contribution of each batch, shape (batches, m, P).
        rounding: Rounding error of each value, shape (m, P).
    """

    exponents: IntArray
    values: FloatArray
    influence: FloatArray
    rounding: FloatArray
    _places: dict[bytes, int] = field(default_factory=dict, repr=False)

    def place(self, exponents: IntArray) -> int:
        """Return the place of a monomial; -1 where it has none.

        Args:
            exponents: Exponents of the monomial, shape (d_in,).
        """
        if not self._places:
            self._places.update({row.tobytes(): k for k, row in enumerate(self.exponents)})
        return self._places.get(exponents.tobytes(), -1)

    def targets(self, inputs: SignedColumns) -> tuple[IntArray, IntArray]:
        """Return where a map takes the monomials, -1 where they have no place, and with which sign.

        Args:
            inputs: The map of the inputs.

        Returns:
            Places, shape (P,), and signs, shape (P,).
        """
        moved = np.empty_like(self.exponents)
        moved[:, inputs.images] = self.exponents
        places = np.array([self.place(row) for row in moved], dtype=np.int64)
        return places, np.prod(np.where(self.exponents % 2 == 1, inputs.signs, 1), axis=1)

    def expected(self, outputs: SignedColumns, inputs: SignedColumns) -> FloatArray:
        """Return the images of the entries under a map, NaN where a monomial has no image.

        Args:
            outputs: The map of the outputs.
            inputs: The map of the inputs.

        Returns:
            Shape (m, P).
        """
        places, signs = self.targets(inputs)
        found = np.multiply.outer(outputs.signs, signs) * self.values[np.ix_(outputs.images, places)]
        return np.asarray(np.where(places < 0, np.nan, found))

    def misfit(self, outputs: SignedColumns, inputs: SignedColumns) -> FloatArray:
        """Return the difference of each entry from its image under a map, in standard errors.

        Args:
            outputs: The map of the outputs.
            inputs: The map of the inputs.

        Returns:
            Shape (m, P).
        """
        places, signs = self.targets(inputs)
        sign = np.multiply.outer(outputs.signs, signs)
        there = np.ix_(outputs.images, places)
        difference = self.values - sign * self.values[there]
        spread = self.influence - sign * self.influence[:, outputs.images][:, :, places]
        variance = np.einsum("gmp,gmp->mp", spread, spread) + self.rounding**2 + self.rounding[there] ** 2
        return np.asarray(np.where(places < 0, 0.0, difference / np.sqrt(variance)))

    @property
    def size(self) -> FloatArray:
        """The values over their standard errors, (m, P)."""
        variance = np.einsum("gmp,gmp->mp", self.influence, self.influence) + self.rounding**2
        return np.asarray(self.values / np.sqrt(variance))


@dataclass(frozen=True, eq=False)
class MapCoefficients:
    """The coefficients of Y on X about the mean of X, and moments of X.

    Attributes:
        relation: Coefficients of Y on 1, the inputs, their squares and products, as far as there are rows.
        sums: Sums of the inputs less their means in each batch, shape (batches, d_in).
        products: The same of products of two of them, shape (batches, pairs); the pairs are `pairs`.
        pairs: Which, shape (pairs, 2), those of a column with itself first.
        mean: Mean of the inputs, shape (d_in,).
        rows: n.
    """

    relation: Entries
    sums: FloatArray
    products: FloatArray
    pairs: IntArray
    mean: FloatArray
    rows: int

    @classmethod
    def of(
        cls,
        x: FloatArray,
        y: FloatArray,
        rng: np.random.Generator,
        units: IntArray | None = None,
        settings: CoefficientSettings | None = None,
        weights: FloatArray | None = None,
    ) -> MapCoefficients:
        """Return estimates by least squares; errors may differ from row to row (HC3; MacKinnon and White 1985).

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            rng: Source of the batches.
            units: Which unit a row belongs to, shape (n,): rows of one unit may depend on each other.
            settings: How they are estimated.
            weights: Weights of the rows, shape (n,), of mean 1; None for equal weights.

        Raises:
            InputError: There are too few rows or units, or other inputs determine an input.
        """
        settings = settings or CoefficientSettings()
        (n, d), m = x.shape, y.shape[1]
        if n <= 2 * (d + 1):
            raise InputError(f"{n} rows are too few to look at {d} inputs; more than {2 * (d + 1)} are needed")
        batch = _batches(n, units, rng, settings, m * (2 * d + 1))
        weights = np.ones(n) if weights is None else weights
        mean, spread = weights @ x / weights.sum(), x.std(axis=0)
        deviations = x - mean
        pairs = _pairs(d, settings.pairs)
        products = deviations[:, pairs[:, 0]] * deviations[:, pairs[:, 1]]
        relation = _relation(deviations, y, spread, batch, settings, np.sqrt(weights))
        return cls(relation, batch.sums(deviations), batch.sums(products), pairs, mean, n)

    def centre(self, inputs: SignedColumns) -> FloatArray:
        """Return the point nearest to the mean that a map does not move, shape (d_in,).

        Args:
            inputs: The map of the inputs.
        """
        found = np.zeros_like(self.mean)
        for cycle in inputs.cycles():
            turned = np.cumprod([1, *inputs.signs[cycle]])
            if turned[-1] > 0:
                found[cycle] = turned[:-1] * np.mean(turned[:-1] * self.mean[cycle])
        return found

    def about(self, inputs: SignedColumns) -> Entries:
        """Return the coefficients about the centre of a map; those of an equivariant relation are equivariant about it.

        Args:
            inputs: The map of the inputs.
        """
        step = self.centre(inputs) - self.mean
        return _shifted(self.relation, step) if step.any() else self.relation

    def moments(self, inputs: SignedColumns) -> Entries:
        """Return means of inputs less the centre of a map, and of their products.

        Args:
            inputs: The map of the inputs.
        """
        step = self.mean - self.centre(inputs)
        first, second = self.pairs.T
        n, d = self.rows, len(self.mean)
        cross = self.sums[:, first] * step[second] + self.sums[:, second] * step[first]
        values = np.r_[step, self.products.sum(axis=0) / n + step[first] * step[second]]
        added = np.hstack([self.sums, self.products + cross]) / n
        counts = (self.products[:, :d].sum(axis=0) / n, np.finfo(np.float64).eps)
        scale = np.sqrt(counts[0]) + np.abs(self.mean) * counts[1]
        rounding = CoefficientSettings.rounding * np.r_[scale, scale[first] * scale[second]] + np.finfo(np.float64).tiny
        influence = added - added.mean(axis=0)
        exponents = np.vstack([np.eye(d, dtype=np.int64), _of_pairs(self.pairs, d)])
        return Entries(exponents, values[None], influence[:, None], rounding[None])

    def misfit(self, given: ColumnMap) -> FloatArray:
        """Return the misfit of the relation, as in `Entries.misfit`.

        Args:
            given: The map.

        Returns:
            Shape (d_out, P).
        """
        return self.about(given.inputs).misfit(given.outputs, given.inputs)

    def input_misfit(self, inputs: SignedColumns) -> FloatArray:
        """Return the misfit of the moments of X, shape (moments,).

        Args:
            inputs: The map of the inputs.
        """
        return np.asarray(self.moments(inputs).misfit(SignedColumns.identity(1), inputs)[0])

    def critical(self, level: float, *, with_inputs: bool) -> float:
        """Return the number of standard errors that an entry of a true map exceeds with at most a given probability.

        Args:
            level: The probability.
            with_inputs: Whether the moments of the inputs are compared, too.
        """
        count = self.relation.values.size + with_inputs * (len(self.mean) + len(self.pairs))
        freedom = len(self.relation.influence) - 1
        return float(-scipy.special.stdtrit(freedom, level / 2 / max(1, count)))


@dataclass(frozen=True)
class _Batches:
    """Which batch each row is in, as a matrix (batches, n)."""

    matrix: scipy.sparse.csr_matrix

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sums of rows (n, k) over batches, shape (batches, k)."""
        return np.asarray(self.matrix @ values)

    @property
    def count(self) -> int:
        return int(self.matrix.shape[0])


def _batches(
    n: int, units: IntArray | None, rng: np.random.Generator, settings: CoefficientSettings, entries: int
) -> _Batches:
    """Rows in batches at random, whole units together."""
    of_row = np.arange(n) if units is None else np.unique(units, return_inverse=True)[1]
    count = int(of_row.max()) + 1
    if count < settings.fewest:
        raise InputError(f"{count} units of rows are too few to see errors; {settings.fewest} are needed")
    found = min(settings.batches, count, max(settings.least, settings.values // entries))
    batch = (rng.permutation(count) % found)[of_row]
    return _Batches(scipy.sparse.csr_matrix((np.ones(n), (batch, np.arange(n))), shape=(found, n)))


def _pairs(d: int, most: int) -> IntArray:
    """Columns with themselves, and with each other where these are few."""
    own = [(j, j) for j in range(d)]
    others = list(combinations(range(d), 2))
    return np.array(own + (others if len(others) <= most else []), dtype=np.int64)


def _of_pairs(pairs: IntArray, d: int) -> IntArray:
    """Exponents (k, d) of products of two columns, (k, 2)."""
    eye = np.eye(d, dtype=np.int64)
    return eye[pairs[:, 0]] + eye[pairs[:, 1]]


def _relation(
    deviations: FloatArray,
    y: FloatArray,
    spread: FloatArray,
    batch: _Batches,
    settings: CoefficientSettings,
    roots: FloatArray,
) -> Entries:
    """Coefficients of y on monomials of the deviations by weighted least squares; roots: of the weights, (n,)."""
    varying = spread > 0
    unit = np.where(varying, spread, 1.0)
    scaled = deviations / unit
    exponents = _chosen(scaled, varying, y.shape[1], batch.count, settings)
    design = _monomials(scaled, exponents)
    q, r = np.linalg.qr(design * roots[:, None])
    weighted = (q * roots[:, None]) @ np.linalg.inv(r).T
    values = y.T @ weighted
    leverage = np.minimum((q**2).sum(axis=1), settings.leverage)
    residual = (y - design @ values.T) / (1 - leverage)[:, None]
    sizes = np.prod(unit**exponents, axis=1)
    weighted /= sizes
    influence = np.stack([batch.sums(residual[:, [i]] * weighted) for i in range(y.shape[1])], axis=1)
    length = np.maximum(design.std(axis=0), np.finfo(np.float64).eps)
    label = y.std(axis=0) + np.finfo(np.float64).eps * np.abs(y).max(axis=0) + np.finfo(np.float64).tiny
    rounding = settings.rounding * np.multiply.outer(label, 1 / (np.where(exponents.any(axis=1), length, 1.0) * sizes))
    return Entries(exponents, values / sizes, influence, rounding)


def _chosen(scaled: FloatArray, varying: BoolArray, m: int, batches: int, settings: CoefficientSettings) -> IntArray:
    """Exponents (P, d): 1 and the inputs that vary, then squares and products as far as rows and memory go.

    Squares and products that determine each other, like those of a vector of length 1, are left out.
    """
    n, d = scaled.shape
    eye = np.eye(d, dtype=np.int64)
    used = np.flatnonzero(varying)
    found = np.vstack([np.zeros((1, d), dtype=np.int64), eye[used]])
    if _null(scaled, found, settings).any():
        raise InputError("an input is determined by the others; leave it out")
    pairs = np.array(list(combinations(used, 2)), dtype=np.int64).reshape(-1, 2)
    for more in (2 * eye[used], _of_pairs(pairs, d)):
        count = len(found) + len(more)
        is_wide = count > 2 * d + 1 and count * m * batches > settings.values
        if count * settings.rows_per_monomial > n or is_wide:
            break
        whole = np.vstack([found, more])
        found = whole[~(_null(scaled, whole, settings) & (whole.sum(axis=1) > 1))]
    return found


def _monomials(scaled: FloatArray, exponents: IntArray) -> FloatArray:
    """Monomials with exponents (P, d) of inputs (n, d), shape (n, P)."""
    return np.stack([np.prod(scaled[:, e > 0] ** e[e > 0], axis=1) for e in exponents], axis=1)


def _null(scaled: FloatArray, exponents: IntArray, settings: CoefficientSettings) -> BoolArray:
    """Which monomials (P,) take part in a linear dependence on the rows (n, d)."""
    columns = _monomials(scaled, exponents)
    lengths = np.linalg.norm(columns, axis=0)
    triangle = np.linalg.qr(columns / np.where(lengths > 0, lengths, 1.0), mode="r")
    _, values, vectors = np.linalg.svd(triangle)
    return np.asarray((np.abs(vectors[values <= settings.dependent]) > settings.involved).any(axis=0))


def _shifted(entries: Entries, step: FloatArray) -> Entries:
    """The same polynomial about another point, which lies `step` (d,) away."""
    rows, columns, weights = list[int](), list[int](), list[float]()
    for k, e in enumerate(entries.exponents):
        for lower, weight in _lower(e, step):
            rows.append(entries.place(lower))
            columns.append(k)
            weights.append(weight)
    size = len(entries.exponents)
    change = scipy.sparse.csr_matrix((weights, (columns, rows)), shape=(size, size))
    batches, m, _ = entries.influence.shape
    added = np.asarray(entries.influence.reshape(-1, size) @ change).reshape(batches, m, size)
    return Entries(
        entries.exponents,
        entries.values + np.asarray(entries.values @ change),
        entries.influence + added,
        entries.rounding,
        entries._places,
    )


def _lower(e: IntArray, step: FloatArray) -> list[tuple[IntArray, float]]:
    """Monomials of lower degree in (u + step)^e, of degree 2 at most, with their weights."""
    support = np.flatnonzero(e)
    nothing = np.zeros_like(e)
    found = [(nothing, float(np.prod(step[support] ** e[support])))] if support.size else []
    if e.sum() == 2:
        for j in support:
            rest = e.copy()
            rest[j] -= 1
            single = nothing.copy()
            single[j] = 1
            # d/du_j of the monomial at the step: 2 step_j of a square, the other factor of a product.
            weight = 2 * step[j] if e[j] == 2 else float(np.prod(step[np.flatnonzero(rest)]))
            found.append((single, float(weight)))
    return [(lower, weight) for lower, weight in found if weight != 0.0]
