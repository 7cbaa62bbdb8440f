"""Coefficients of each label on the inputs and on the products of inputs that are seen to matter, with their errors.

All inputs take part linearly. Of products x_a x_b only those enter that the residuals ask for, so that hundreds of
inputs need no more rows than they have clear terms. The zero of an input is that of the data, since signs are about it;
inputs that are far from zero are expanded about their mean, those alike at one distance from zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from sharefind.errors import InputError
from sharefind.proposal.coefficients import inverse
from sharefind.proposal.least_squares import Fit, refuse_dependent
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class TermSettings:
    """Which products enter, and how sure they must be.

    Attributes:
        level: Probability with which any product that does not matter enters.
        rows_per_term: Most terms are so few that each has this many rows.
        rows_per_input: Fewer rows for an input are refused.
        rounds: How often residuals are looked at for further products.
        far: An input whose mean is this many standard deviations from zero is expanded about its mean.
        alike: Two such inputs are expanded at one distance from zero where that of their means differs by no more
            standard deviations.
        at_once: Most entries of the table of products that is held at a time.
        fit: Leverages and rounding.
    """

    level: float = 0.001
    rows_per_term: int = 6
    rows_per_input: int = 3
    rounds: int = 8
    far: float = 3.0
    alike: float = 1.0
    at_once: int = 20_000_000
    fit: Fit = field(default_factory=Fit)


@dataclass(frozen=True, eq=False)
class Terms:
    """Coefficients about `centre`, in the units of the data.

    Attributes:
        constant: (d_out,), and its variance.
        linear: (d_out, d_in), and their variances.
        products: Coefficients of x_a x_b, symmetric in a and b, (d_out, d_in, d_in); of those that did not enter what
            the residuals say of each one alone. And their variances.
        entered: Products (a, b), a <= b, that entered the fit, int64 (p, 2).
        critical: |z| beyond which a coefficient of each kind is no accident: constant, linear, products.
        freedom: Degrees of freedom of a residual.
        centre: About which inputs are expanded, (d_in,).
        spread: Standard deviations of the inputs, (d_in,).
        mean: Means of the inputs, (d_in,).
        samples: n.
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
    blur: float = 0.0

    @property
    def compared(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Variances of constants, linear terms and products by which they are compared: with the blur."""
        largest = np.max(np.abs(self.linear[0]) * self.spread, axis=1, initial=0.0)
        extra = (self.blur * largest) ** 2
        unit = np.where(self.spread > 0, self.spread, 1.0)
        square = np.multiply.outer(unit, unit)
        return (
            self.constant[1] + extra,
            self.linear[1] + extra[:, None] / unit**2,
            self.products[1] + extra[:, None, None] / square**2,
        )

    def predict(self, x: FloatArray) -> FloatArray:
        """What the fit makes of inputs (n, d_in): labels (n, d_out), by the products that entered."""
        moved = x - self.centre
        first, second = self.entered.T
        squares = (moved[:, first] * moved[:, second]) @ self.products[0][:, first, second].T
        return np.asarray(self.constant[0] + moved @ self.linear[0].T + squares)

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
        return np.asarray(self.seen_linear.any(axis=0) | self.seen_products.any(axis=(0, 1)))

    @property
    def seen_outputs(self) -> BoolArray:
        """Whether each label is seen to depend on anything, bool (d_out,)."""
        return np.asarray(self.seen_linear.any(axis=1) | self.seen_products.any(axis=(1, 2)))


def _seen(pair: tuple[FloatArray, FloatArray], critical: float) -> BoolArray:
    values, variances = pair
    return np.asarray(values**2 > critical**2 * variances)


def fit_terms(
    x: FloatArray,
    y: FloatArray,
    settings: TermSettings | None = None,
    names: Sequence[str] = (),
    wanted: IntArray | None = None,
) -> Terms:
    """Least squares of y on 1, x and the products that matter.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        settings: Which products enter.
        names: Of the columns of x, for messages.
        wanted: Products (a, b) that enter, int64 (p, 2), and no others; None: those that matter.

    Returns:
        The coefficients with HC3 variances.

    Raises:
        InputError: Too few rows, or an input that others determine.
    """
    settings = settings or TermSettings()
    n, d = x.shape
    if n <= settings.rows_per_input * (d + 1):
        least = settings.rows_per_input * (d + 1)
        raise InputError(f"{n} samples are too few for a search of maps of {d} inputs; give more than {least}")
    inputs = _Inputs.of(x, settings)
    refuse_dependent(np.hstack([np.ones((n, 1)), inputs.scaled[:, inputs.varies]]), x, settings.fit, names)
    fitting = _Fitting(inputs, y, settings)
    entered = fitting.chosen() if wanted is None else wanted
    return fitting.terms(entered)


@dataclass(frozen=True, eq=False)
class _Inputs:
    """Inputs about their centre, each in units of its root mean square."""

    scaled: FloatArray
    size: FloatArray
    centre: FloatArray
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, x: FloatArray, settings: TermSettings) -> _Inputs:
        mean, spread = x.mean(axis=0), x.std(axis=0)
        centre = _centres(mean, spread, settings)
        moved = x - centre
        size = np.sqrt(np.mean(moved**2, axis=0))
        varies = spread > settings.fit.rounding * (np.abs(mean) + spread)
        size = np.where(varies, size, 1.0)
        return cls(moved / size, size, centre, mean, np.where(varies, spread, 0.0))

    @property
    def varies(self) -> BoolArray:
        return np.asarray(self.spread > 0)

    def pairs(self) -> IntArray:
        """All products (a, b), a <= b, of inputs that vary."""
        first, second = np.triu_indices(len(self.size))
        kept = self.varies[first] & self.varies[second]
        return np.stack([first[kept], second[kept]], axis=1)

    def products(self, pairs: IntArray) -> FloatArray:
        """Columns x_a x_b, (n, p)."""
        return np.asarray(self.scaled[:, pairs[:, 0]] * self.scaled[:, pairs[:, 1]])


@dataclass(frozen=True, eq=False)
class _Fitting:
    inputs: _Inputs
    y: FloatArray
    settings: TermSettings

    def chosen(self) -> IntArray:
        """Products that residuals ask for, the clearest first, as long as there are rows for them."""
        every = self.inputs.pairs()
        entered = np.empty((0, 2), dtype=np.int64)
        room = len(self.y) // self.settings.rows_per_term - 1 - int(self.inputs.varies.sum())
        for _ in range(self.settings.rounds):
            if room <= len(entered):
                break
            residual, freedom = self.residual(entered)
            _, _, z = self.alone(residual, every)
            largest = np.abs(z).max(axis=0)
            known = {(int(a), int(b)) for a, b in entered}
            critical = self.critical(freedom)[2]
            order = [k for k in np.argsort(-largest, kind="stable") if largest[k] > critical]
            added = [every[k] for k in order if tuple(every[k].tolist()) not in known][: room - len(entered)]
            if not added:
                break
            grown = np.vstack([entered, np.stack(added)])
            entered = self.independent(grown)
            if len(entered) == len(known):
                break
        return entered

    def independent(self, pairs: IntArray) -> IntArray:
        """Without products that those before them determine."""
        design = self.design(pairs)
        lengths = np.maximum(np.linalg.norm(design, axis=0), np.finfo(np.float64).tiny)
        left = np.abs(np.diag(np.linalg.qr(design / lengths, mode="r")))[-len(pairs) :] if len(pairs) else np.empty(0)
        return np.asarray(pairs[left > np.sqrt(self.settings.fit.dependent)])

    def design(self, entered: IntArray) -> FloatArray:
        n = len(self.y)
        varying = self.inputs.scaled[:, self.inputs.varies]
        return np.hstack([np.ones((n, 1)), varying, self.inputs.products(entered)])

    def residual(self, entered: IntArray) -> tuple[FloatArray, int]:
        """HC3 residuals (n, d_out), and the degrees of freedom left."""
        design = self.design(entered)
        weighted = design @ inverse(design.T @ design)
        return self.left(design, weighted), len(design) - design.shape[1]

    def left(self, design: FloatArray, weighted: FloatArray) -> FloatArray:
        leverage = np.minimum(np.einsum("np,np->n", weighted, design), self.settings.fit.largest_leverage)
        residual = (self.y - design @ (weighted.T @ self.y)) / (1 - leverage)[:, None]
        floor = self.settings.fit.rounding * np.mean(self.y**2, axis=0)
        size = np.mean(residual**2, axis=0)
        # Labels without noise: what is left is rounding, and no more is known of it than its size.
        return np.asarray(np.where(size > floor, residual, np.sqrt(floor)))

    def alone(self, residual: FloatArray, pairs: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What residuals say of each product alone: coefficients, variances and z, (d_out, p) each."""
        m, n = self.y.shape[1], len(self.y)
        values, variances = np.empty((m, len(pairs))), np.empty((m, len(pairs)))
        for block in _blocks(len(pairs), max(1, self.settings.at_once // n)):
            columns = self.inputs.products(pairs[block])
            columns = columns - columns.mean(axis=0)
            norm = np.maximum((columns**2).sum(axis=0), np.finfo(np.float64).tiny)
            values[:, block] = residual.T @ columns / norm
            variances[:, block] = (residual**2).T @ columns**2 / norm**2
        variances = np.maximum(variances, np.finfo(np.float64).tiny)
        return values, variances, values / np.sqrt(variances)

    def critical(self, freedom: int) -> tuple[float, float, float]:
        d, m = int(self.inputs.varies.sum()), self.y.shape[1]
        counts = (m, m * d, m * d * (d + 1) // 2)
        one, two, three = (-float(stdtrit(max(freedom, 1), self.settings.level / (2 * count or 2))) for count in counts)
        return one, two, three

    def terms(self, entered: IntArray) -> Terms:
        """The coefficients when these products enter."""
        m, d = self.y.shape[1], len(self.inputs.size)
        design = self.design(entered)
        weighted = design @ inverse(design.T @ design)
        residual = self.left(design, weighted)
        values, variances = weighted.T @ self.y, ((residual**2).T @ weighted**2).T
        linear, spread = np.zeros((m, d)), np.full((m, d), np.inf)
        varies = self.inputs.varies
        count = int(varies.sum())
        linear[:, varies], spread[:, varies] = values[1 : 1 + count].T, variances[1 : 1 + count].T
        every = self.inputs.pairs()
        products, width = np.zeros((m, d, d)), np.full((m, d, d), np.inf)
        alone, alone_variance, _ = self.alone(residual, every)
        _fill(products, width, every, alone, alone_variance)
        _fill(products, width, entered, values[1 + count :].T, variances[1 + count :].T)
        unit, square = self.inputs.size, np.multiply.outer(self.inputs.size, self.inputs.size)
        freedom = len(design) - design.shape[1]
        return Terms(
            (values[0], variances[0]),
            (linear / unit, spread / unit**2),
            (products / square, width / square**2),
            entered,
            self.critical(freedom),
            freedom,
            self.inputs.centre,
            self.inputs.spread,
            self.inputs.mean,
            len(self.y),
        )


def _centres(mean: FloatArray, spread: FloatArray, settings: TermSettings) -> FloatArray:
    """Zero, or for inputs far from it one distance for all whose means are as far, to either side.

    Coefficients that a map exchanges are then expanded about points that it exchanges, too.
    """
    far = np.flatnonzero(np.abs(mean) > settings.far * spread)
    order = far[np.argsort(np.abs(mean[far]), kind="stable")]
    distance = np.abs(mean[order])
    apart = np.diff(distance) > settings.alike * np.minimum(spread[order][1:], spread[order][:-1])
    clusters = np.split(np.arange(len(order)), np.flatnonzero(apart) + 1)
    centre = np.zeros_like(mean)
    for members in clusters:
        if len(members):
            centre[order[members]] = distance[members].mean() * np.sign(mean[order[members]])
    return centre


def _fill(table: FloatArray, spread: FloatArray, pairs: IntArray, values: FloatArray, variances: FloatArray) -> None:
    first, second = pairs[:, 0], pairs[:, 1]
    for a, b in ((first, second), (second, first)):
        table[:, a, b], spread[:, a, b] = values, variances


def _blocks(count: int, size: int) -> Iterator[slice]:
    return (slice(k, min(k + size, count)) for k in range(0, count, size))
