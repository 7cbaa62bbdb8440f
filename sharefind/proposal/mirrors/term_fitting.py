"""Least squares of labels on inputs and products of them, and which products the residuals ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np
import scipy

from sharefind.progress import StageProgress, unwatched
from sharefind.proposal.coefficients import inverse
from sharefind.proposal.mirrors.cubes import Cubes, fill_symmetric
from sharefind.proposal.mirrors.entered_terms import ChosenTerms, Entered
from sharefind.proposal.mirrors.scaled_inputs import Inputs, TermSettings
from sharefind.typing import BoolArray, FloatArray, IntArray

_COUNTS = {2: "two", 3: "three"}
"""Words for the number of inputs of a product."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Least squares of the labels on some terms.

    Attributes:
        values: Coefficients of 1, inputs that vary, products of two and of three, (p, d_out).
        variances: Variances of the coefficients by HC3, (p, d_out).
        residual: Residuals by HC3, (n, d_out).
        freedom: Degrees of freedom of the residuals.
    """

    values: FloatArray
    variances: FloatArray
    residual: FloatArray
    freedom: int


@dataclass(frozen=True, eq=False)
class TermFitting:
    """Fits of one log.

    Attributes:
        inputs: Inputs of the rows.
        y: Labels, (n, d_out).
        settings: Which products enter.
        on_progress: Called as products are looked at.
    """

    inputs: Inputs
    y: FloatArray
    settings: TermSettings
    on_progress: StageProgress = unwatched

    # Which products enter ---------------------------------------------------------------------------------------

    def chosen(self, entered: Entered, degree: int, among: BoolArray | None = None) -> Entered:
        """Products that residuals ask for, the clearest first, as long as there are rows for them.

        Args:
            entered: Products that are known to matter.
            degree: Largest number of inputs of a product; products of fewer inputs come first.
            among: The inputs whose products of three are examined, bool (d_in,); None for all.

        Returns:
            All that enter.
        """
        every = [self.inputs.monomials(k, among if k == 3 else None) for k in range(2, degree + 1)]
        for _ in range(self.settings.rounds):
            grown = next((more for kind in every if (more := self._grown(entered, kind)) is not None), None)
            if grown is None:
                break
            entered = grown
        return entered

    def with_triples(self, entered: Entered) -> ChosenTerms:
        """Return products of two and of three that matter, of all inputs or, of many, those without a term that is
        seen.

        Args:
            entered: Products of two that matter.
        """
        if self._has_room(self.inputs.varies):
            return ChosenTerms(self.chosen(entered, 3), True)
        hidden = ~self._told(entered)
        more = self.chosen(entered, 3, hidden) if self._has_room(hidden & self.inputs.varies) else entered
        return ChosenTerms(more, False)

    def _has_room(self, among: BoolArray) -> bool:
        """Whether all products of three of some inputs can be looked at."""
        count = comb(int(among.sum()) + 2, 3)
        return count * len(self.y) * int(self.inputs.varies.sum()) <= self.settings.most_cubic

    def _told(self, entered: Entered) -> BoolArray:
        """The inputs with a term of one or two inputs that is seen, bool (d_in,)."""
        fitted, varies = self.fitted(entered), self.inputs.varies
        z = np.abs(fitted.values) / np.sqrt(fitted.variances)
        told = np.zeros(len(varies), dtype=bool)
        told[entered.pairs] = True
        told[varies] |= (z[1 : 1 + int(varies.sum())] > self.critical(fitted.freedom)[1]).any(axis=1)
        return told

    def _grown(self, entered: Entered, every: IntArray) -> Entered | None:
        """Return products with more products of as many inputs as `every` (p, degree) has; None where residuals ask for
        none.
        """
        degree, before = every.shape[1], entered.of(every.shape[1])
        room = len(self.y) // self.settings.rows_per_term - 1 - int(self.inputs.varies.sum()) - len(entered)
        if room <= 0:
            return None
        residual, freedom = self.residual(entered)
        largest, critical = self.largest(residual, every), self.critical(freedom)[degree]
        known = set(map(tuple, before.tolist()))
        order = [int(k) for k in np.argsort(-largest, kind="stable") if largest[k] > critical]
        added = [every[k] for k in order if tuple(every[k].tolist()) not in known]
        if added and degree == 3:
            rest = self._without_one_row(residual, np.stack(added))
            added = self._held(before, [one for one, z in zip(added, rest, strict=True) if z > critical])
        added = added[:room]
        if not added:
            return None
        grown = self.independent(entered, np.vstack([before, np.stack(added)]))
        return None if len(grown) == len(before) else entered.with_products(grown)

    def _held(self, before: IntArray, added: list[IntArray]) -> list[IntArray]:
        """The first products of three of so few inputs that all theirs can be held."""
        kept, inputs = list[IntArray](), set(before.ravel().tolist())
        for triple in added:
            more = inputs | set(triple.tolist())
            if self.y.shape[1] * len(more) ** 3 <= self.settings.at_once:
                kept.append(triple)
                inputs = more
        return kept

    def independent(self, entered: Entered, products: IntArray) -> IntArray:
        """Return products that others do not determine, among the entered ones or the ones before.

        Args:
            entered: Products that entered.
            products: Shape (p, degree).
        """
        without = self.design(entered.with_products(products[:0]))
        design = np.hstack([without, self.inputs.products(products)])
        lengths = np.maximum(np.linalg.norm(design, axis=0), np.finfo(np.float64).tiny)
        left = np.abs(np.diag(np.linalg.qr(design / lengths, mode="r")))[without.shape[1] :]
        return np.asarray(products[left > np.sqrt(self.settings.fit.dependent)])

    # Fits -------------------------------------------------------------------------------------------------------

    def design(self, entered: Entered) -> FloatArray:
        """Return the columns 1, inputs that vary, products, shape (n, p).

        Args:
            entered: The products.
        """
        n = len(self.y)
        varying = self.inputs.scaled[:, self.inputs.varies]
        products = [self.inputs.products(factors) for factors in (entered.pairs, entered.triples)]
        return np.hstack([np.ones((n, 1)), varying, *products])

    def fitted(self, entered: Entered) -> Fitted:
        """Return the fit with some products.

        Args:
            entered: The products.
        """
        design = self.design(entered)
        weighted = design @ inverse(design.T @ design)
        residual = self._left(design, weighted)
        variances = ((residual**2).T @ weighted**2).T
        return Fitted(weighted.T @ self.y, variances, residual, len(design) - design.shape[1])

    def residual(self, entered: Entered) -> tuple[FloatArray, int]:
        """Return HC3 residuals (n, d_out), and the remaining degrees of freedom.

        Args:
            entered: The products in the fit.
        """
        design = self.design(entered)
        weighted = design @ inverse(design.T @ design)
        return self._left(design, weighted), len(design) - design.shape[1]

    def _left(self, design: FloatArray, weighted: FloatArray) -> FloatArray:
        leverage = np.minimum(np.einsum("np,np->n", weighted, design), self.settings.fit.largest_leverage)
        residual = (self.y - design @ (weighted.T @ self.y)) / (1 - leverage)[:, None]
        floor = self.settings.fit.rounding * np.mean(self.y**2, axis=0)
        size = np.mean(residual**2, axis=0)
        # Labels without noise: what is left is rounding, and no more is known of it than its size.
        return np.asarray(np.where(size > floor, residual, np.sqrt(floor)))

    def alone(self, residual: FloatArray, factors: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and variances of each product alone, from residuals, (d_out, p) each.

        Args:
            residual: Shape (n, d_out).
            factors: The products, shape (p, degree).
        """
        m = self.y.shape[1]
        values, variances = np.empty((m, len(factors))), np.empty((m, len(factors)))
        for block, _, one, two in self._alone(residual, factors):
            values[:, block], variances[:, block] = one, two
        return values, variances

    def largest(self, residual: FloatArray, factors: IntArray) -> FloatArray:
        """Return the largest |z| of each product alone over all labels, shape (p,).

        Args:
            residual: Shape (n, d_out).
            factors: The products, shape (p, degree).
        """
        found = np.empty(len(factors))
        for block, _, values, variances in self._alone(residual, factors):
            found[block] = (np.abs(values) / np.sqrt(variances)).max(axis=0)
        return found

    def _without_one_row(self, residual: FloatArray, factors: IntArray) -> FloatArray:
        """`largest` of products of three without the row that says most: one row may be most of a cube."""
        found = np.empty(len(factors))
        for block, columns, values, variances in self._alone(residual, factors):
            z = np.empty_like(values)
            for j, (label, value) in enumerate(zip(residual.T, values, strict=True)):
                told = label[:, None] * columns * np.sign(value)
                z[j] = np.maximum(told.sum(axis=0) - told.max(axis=0), 0.0) / (columns**2).sum(axis=0)
            found[block] = (z / np.sqrt(variances)).max(axis=0)
        return found

    def _basis(self, degree: int) -> FloatArray | None:
        """The terms fitted beside products: inputs beside those of three, the mean alone beside those of two."""
        return np.linalg.qr(self.design(Entered.none()))[0] if degree == 3 else None

    def _columns(self, factors: IntArray, basis: FloatArray | None) -> FloatArray:
        columns = self.inputs.products(factors)
        return np.asarray(columns - (columns.mean(axis=0) if basis is None else basis @ (basis.T @ columns)))

    def _alone(
        self, residual: FloatArray, factors: IntArray
    ) -> Iterator[tuple[slice, FloatArray, FloatArray, FloatArray]]:
        """Parts of the products, each with its columns (n, k), coefficients and variances (d_out, k)."""
        tiny, basis = np.finfo(np.float64).tiny, self._basis(factors.shape[1])
        stage = f"products of {_COUNTS[factors.shape[1]]} inputs"
        for block in _blocks(len(factors), max(1, self.settings.at_once // len(self.y))):
            self.on_progress(stage, block.start, len(factors))
            columns = self._columns(factors[block], basis)
            norm = np.maximum((columns**2).sum(axis=0), tiny)
            values = residual.T @ columns / norm
            if basis is None:
                squares = (residual**2).T @ columns**2
            else:
                squares = self._left_squares(residual, columns, values, norm)
            yield block, columns, values, np.maximum(squares / norm**2, tiny)

    def _left_squares(
        self, residual: FloatArray, columns: FloatArray, values: FloatArray, norm: FloatArray
    ) -> FloatArray:
        """Sums of squares, each column's weighted by its own, of what it leaves of residuals when it enters.

        For cubes the residuals themselves show too little: the few rows where these are large are most of both. By HC3,
        and no less than if errors were alike in all rows, since few rows may leave little by chance.
        """
        left = 1 - np.minimum(columns**2 / norm, self.settings.fit.largest_leverage)
        weights = (columns / left) ** 2
        cross, own = residual.T @ (columns * weights), (columns**2 * weights).sum(axis=0)
        by_row = (residual**2).T @ weights - 2 * values * cross + values**2 * own
        alike = (residual**2).mean(axis=0)[:, None] * norm - (values * norm) ** 2 / len(residual)
        return np.asarray(np.maximum(by_row, alike))

    def critical(self, freedom: int) -> tuple[float, float, float, float]:
        """Return |z| beyond which a coefficient of each kind is no accident: constant, linear, products of two, of
        three.

        Args:
            freedom: Degrees of freedom.
        """
        d, m = int(self.inputs.varies.sum()), self.y.shape[1]
        counts = (m, m * d, m * comb(d + 1, 2), m * comb(d + 2, 3))
        one, two, three, four = (
            -float(scipy.special.stdtrit(max(freedom, 1), self.settings.level / (2 * count or 2))) for count in counts
        )
        return one, two, three, four

    # Products of three ------------------------------------------------------------------------------------------

    def cubes(self, entered: Entered, fitted: Fitted, first: int, critical: float) -> Cubes:
        """Return coefficients of products of three, in the units of the data.

        Args:
            entered: Products that entered.
            fitted: The fit.
            first: Place in the fit at which the products of three begin.
            critical: Their critical |z|.
        """
        m, d = self.y.shape[1], len(self.inputs.size)
        if not len(entered.triples):
            return Cubes.none(m, d)
        among = np.zeros(d, dtype=bool)
        among[entered.triples] = True
        if m * d**3 <= self.settings.at_once and self._has_room(self.inputs.varies):
            among[:] = True
        kept = np.flatnonzero(among)
        place = np.full(d, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        values, variances = np.zeros((m, *[len(kept)] * 3)), np.full((m, *[len(kept)] * 3), np.inf)
        every = self.inputs.monomials(3, among)
        alone = self.alone(fitted.residual, every)
        joint = fitted.values[first:].T, fitted.variances[first:].T
        for factors, (one, two) in ((every, alone), (entered.triples, joint)):
            unit = np.prod(self.inputs.size[factors], axis=1)
            fill_symmetric(values, place[factors], one / unit)
            fill_symmetric(variances, place[factors], two / unit**2)
        return Cubes(kept, d, values, variances, entered.triples, critical)


def _blocks(count: int, size: int) -> Iterator[slice]:
    return (slice(k, min(k + size, count)) for k in range(0, count, size))
