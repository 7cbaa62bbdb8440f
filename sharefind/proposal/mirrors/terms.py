"""Coefficients of each label on the inputs and on the products of inputs that are seen to matter, with their errors.

All inputs take part linearly. Only the products x_a x_b that the residuals ask for enter, so that hundreds of
inputs need no more rows than they have clear terms, and so do products of three where they are wanted. The zero of an
input is that of the data, since signs are about it; inputs that are far from zero are expanded about their mean, those
alike at one distance from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.errors import InputError
from sharefind.progress import StageProgress, unwatched
from sharefind.proposal.least_squares import refuse_dependent
from sharefind.proposal.mirrors.cubes import Cubes
from sharefind.proposal.mirrors.entered_terms import ChosenTerms, Entered
from sharefind.proposal.mirrors.scaled_inputs import Inputs, TermSettings
from sharefind.proposal.mirrors.term_fitting import TermFitting
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Terms:
    """Coefficients about `centre`, in the units of the data.

    Attributes:
        constant: (d_out,), and its variance.
        linear: (d_out, d_in), and their variances.
        products: Coefficients of x_a x_b, symmetric in a and b, (d_out, d_in, d_in), and their variances. Products that
            did not enter have the coefficients that residuals give to each one alone.
        entered: Products (a, b), a <= b, that entered the fit, int64 (p, 2).
        critical: |z| beyond which a coefficient of each kind is no accident: constant, linear, products.
        freedom: Degrees of freedom of a residual.
        centre: About which inputs are expanded, (d_in,).
        spread: Standard deviations of the inputs, (d_in,).
        mean: Means of the inputs, (d_in,).
        samples: n.
        cubes: Coefficients of x_a x_b x_c; empty where they were not requested.
        blur: How far coefficients of a true map may differ beyond their errors, over the largest effect on the label:
            products that were left out count differently where inputs have other ranges.
    """

    constant: tuple[FloatArray, FloatArray]
    linear: tuple[FloatArray, FloatArray]
    products: tuple[FloatArray, FloatArray]
    entered: IntArray
    critical: tuple[float, float, float]
    freedom: int
    centre: FloatArray
    spread: FloatArray
    mean: FloatArray
    samples: int
    cubes: Cubes
    blur: float = 0.0

    @property
    def compared(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Variances of constants, linear terms and products by which they are compared: with the blur."""
        extra, unit = self._blurred
        square = np.multiply.outer(unit, unit)
        return (
            self.constant[1] + extra,
            self.linear[1] + extra[:, None] / unit**2,
            self.products[1] + extra[:, None, None] / square**2,
        )

    @property
    def compared_cubes(self) -> FloatArray:
        """The same of products of three, (d_out, q, q, q)."""
        extra, unit = self._blurred
        unit = unit[self.cubes.inputs]
        cube = np.multiply.outer(np.multiply.outer(unit, unit), unit)
        return np.asarray(self.cubes.variances + extra[:, None, None, None] / cube**2)

    @property
    def _blurred(self) -> tuple[FloatArray, FloatArray]:
        """The variance that the blur adds to each label, (d_out,), and the sizes of inputs, (d_in,)."""
        largest = np.max(np.abs(self.linear[0]) * self.spread, axis=1, initial=0.0)
        return (self.blur * largest) ** 2, np.where(self.spread > 0, self.spread, 1.0)

    def predict(self, x: FloatArray) -> FloatArray:
        """Return predictions of the fit, by the products that entered.

        Args:
            x: Inputs, shape (n, d_in).

        Returns:
            Shape (n, d_out).
        """
        moved = x - self.centre
        first, second = self.entered.T
        squares = (moved[:, first] * moved[:, second]) @ self.products[0][:, first, second].T
        cubes = np.prod(moved[:, self.cubes.entered], axis=2) @ self.cubes.table[0].T
        return np.asarray(self.constant[0] + moved @ self.linear[0].T + squares + cubes)

    @property
    def seen_linear(self) -> BoolArray:
        """Whether each linear coefficient is no accident, bool (d_out, d_in)."""
        return _seen(self.linear, self.critical[1])

    @property
    def seen_products(self) -> BoolArray:
        """Whether each coefficient of a product is no accident, bool (d_out, d_in, d_in)."""
        return _seen(self.products, self.critical[2])

    @property
    def seen_inputs(self) -> BoolArray:
        """Whether any label is seen to depend on each input, bool (d_in,)."""
        by_two = self.seen_linear.any(axis=0) | self.seen_products.any(axis=(0, 1))
        return np.asarray(by_two | self.cubes.seen_inputs)

    @property
    def seen_outputs(self) -> BoolArray:
        """Whether each label is seen to depend on anything, bool (d_out,)."""
        by_two = self.seen_linear.any(axis=1) | self.seen_products.any(axis=(1, 2))
        return np.asarray(by_two | self.cubes.seen_outputs)


def _seen(pair: tuple[FloatArray, FloatArray], critical: float) -> BoolArray:
    values, variances = pair
    return np.asarray(values**2 > critical**2 * variances)


def fit_terms(
    x: FloatArray,
    y: FloatArray,
    settings: TermSettings | None = None,
    names: Sequence[str] = (),
    wanted: IntArray | None = None,
    triples: IntArray | None = None,
    on_progress: StageProgress = unwatched,
) -> Terms:
    """Least squares of y on 1, x and the products that matter.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        settings: Which products enter.
        names: Names of the columns of x, for messages.
        wanted: Products (a, b) that enter, int64 (p, 2), and no others; None chooses the products that matter.
        triples: Products (a, b, c) that enter, int64 (p, 3); None: none.
        on_progress: Called as products are looked at.

    Returns:
        The coefficients with HC3 variances.

    Raises:
        InputError: Too few rows, or an input that others determine.
    """
    fitting, nothing = _fitting(x, y, settings or TermSettings(), names, on_progress), Entered.none()
    pairs = fitting.chosen(nothing, 2).pairs if wanted is None else wanted
    return _terms(fitting, Entered(pairs, nothing.triples if triples is None else triples))


def chosen_terms(
    x: FloatArray,
    y: FloatArray,
    entered: IntArray,
    settings: TermSettings | None = None,
    names: Sequence[str] = (),
    on_progress: StageProgress = unwatched,
) -> ChosenTerms:
    """Products of two and of three inputs that matter.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        entered: Products (a, b) that are known to matter, int64 (p, 2).
        settings: Which products enter.
        names: Names of the columns of x, for messages.
        on_progress: Called as products are looked at.

    Returns:
        The products that enter.

    Raises:
        InputError: As `fit_terms`.
    """
    fitting = _fitting(x, y, settings or TermSettings(), names, on_progress)
    return fitting.with_triples(Entered(entered, Entered.none().triples))


def _fitting(
    x: FloatArray, y: FloatArray, settings: TermSettings, names: Sequence[str], on_progress: StageProgress
) -> TermFitting:
    n, d = x.shape
    if n <= settings.rows_per_input * (d + 1):
        least = settings.rows_per_input * (d + 1)
        raise InputError(f"{n} samples are too few for a search of maps of {d} inputs; give more than {least}")
    inputs = Inputs.of(x, settings)
    refuse_dependent(np.hstack([np.ones((n, 1)), inputs.scaled[:, inputs.varies]]), x, settings.fit, names)
    return TermFitting(inputs, y, settings, on_progress)


def _terms(fitting: TermFitting, entered: Entered) -> Terms:
    """The coefficients when these products enter."""
    inputs, m = fitting.inputs, fitting.y.shape[1]
    fitted = fitting.fitted(entered)
    d, varies, count = len(inputs.size), inputs.varies, int(inputs.varies.sum())
    linear, spread = np.zeros((m, d)), np.full((m, d), np.inf)
    linear[:, varies], spread[:, varies] = (part[1 : 1 + count].T for part in (fitted.values, fitted.variances))
    last = 1 + count + len(entered.pairs)
    every = inputs.monomials(2)
    products, width = np.zeros((m, d, d)), np.full((m, d, d), np.inf)
    alone, alone_variance = fitting.alone(fitted.residual, every)
    _fill(products, width, every, alone, alone_variance)
    _fill(products, width, entered.pairs, *(part[1 + count : last].T for part in (fitted.values, fitted.variances)))
    unit, square = inputs.size, np.multiply.outer(inputs.size, inputs.size)
    critical = fitting.critical(fitted.freedom)
    return Terms(
        (fitted.values[0], fitted.variances[0]),
        (linear / unit, spread / unit**2),
        (products / square, width / square**2),
        entered.pairs,
        critical[:3],
        fitted.freedom,
        inputs.centre,
        inputs.spread,
        inputs.mean,
        len(fitting.y),
        fitting.cubes(entered, fitted, last, critical[3]),
    )


def _fill(table: FloatArray, spread: FloatArray, pairs: IntArray, values: FloatArray, variances: FloatArray) -> None:
    first, second = pairs[:, 0], pairs[:, 1]
    for a, b in ((first, second), (second, first)):
        table[:, a, b], spread[:, a, b] = values, variances
