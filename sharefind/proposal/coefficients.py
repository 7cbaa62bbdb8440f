"""Least-squares coefficients of Y on monomials of X, block by block, with their precision.

If the law of (X, Y) is kept by signed permutations (g_in, g_out), so are these coefficients in expectation, whatever
the relation is: the best linear predictor of an equivariant law is equivariant. Blocks of higher degree see what a
linear predictor does not. What spaces they speak for is left to `evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import InputError
from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.recognition import Layout
from sharefind.recognition.layout import IntArray

FloatArray = NDArray[np.float64]

SAMPLES_PER_MONOMIAL = 5
"""A block is estimated where there are so many samples for each monomial, those of the blocks before it included."""

LARGEST_BLOCK = 1_500
"""Blocks with more coefficients than this are left out, but for the linear one."""

DENSE = 1_500
"""Largest block whose precision is kept as a matrix; beyond, correlations of coefficients are neglected."""

SAMPLES_PER_COVARIANCE = 10
"""Fewest samples for each coefficient of a block for its covariance to be estimated freely, even in part."""

CLEAR = 5.0
"""A mean is not 0 when it is so many standard errors away."""

DEPENDENT = 1e-9
"""Share of a monomial's variance below which it counts as determined by those before it."""

ROUNDING = 1e-12
"""Residual variance, as a share of a label's variance, below which it is rounding."""

About = Literal["mean", "origin"]
"""Where monomials have their zero: at the mean of each input, or at the zero of the data."""


@dataclass(frozen=True, eq=False)
class Block:
    """The coefficients of Y on some monomials.

    name: "constant", "linear", "square", "cube", "pair" or "square times linear"; for moments of X "input mean", ...
    exponents: int64 (p, d_in), the monomials. values: (d_out, p).
    covariance: of the values, row-major, (dim, dim); only its diagonal (dim,) for a large block.
    """

    name: str
    exponents: IntArray
    values: FloatArray
    covariance: FloatArray

    @property
    def dim(self) -> int:
        """Number of coefficients."""
        return self.values.size

    @cached_property
    def variance(self) -> FloatArray:
        """Variances of the values, (d_out, p)."""
        diagonal = self.covariance if self.covariance.ndim == 1 else np.diag(self.covariance)
        return diagonal.reshape(self.values.shape)

    @cached_property
    def precision(self) -> FloatArray:
        """Inverse covariance of the values: (dim, dim), or its diagonal (dim,) for a large block."""
        if self.covariance.ndim == 1:
            return np.asarray(1 / self.covariance)
        # Columns of very different size: the inverse is taken of the correlations, which are well conditioned.
        root = np.sqrt(np.diag(self.covariance))
        return np.asarray(_inverse(self.covariance / np.multiply.outer(root, root)) / np.multiply.outer(root, root))

    @cached_property
    def _positions(self) -> dict[bytes, int]:
        return {row.tobytes(): k for k, row in enumerate(self.exponents)}

    def move(self, outputs: tuple[IntArray, IntArray], inputs: tuple[IntArray, IntArray]) -> tuple[IntArray, IntArray]:
        """Where a signed permutation takes the coefficients, and with which signs; int64 (dim,) each.

        outputs, inputs: images and signs, int64 (d_out,) and (d_in,) each.
        """
        images, signs = inputs
        carried = np.empty_like(self.exponents)
        carried[:, images] = self.exponents
        target = np.array([self._positions[row.tobytes()] for row in carried], dtype=np.int64)
        sign = np.prod(np.where(self.exponents % 2 == 1, signs, 1), axis=1)
        positions = outputs[0][:, None] * len(target) + target
        return positions.ravel(), np.multiply.outer(outputs[1], sign).ravel()


@dataclass(frozen=True, eq=False)
class Coefficients:
    """All blocks of one data set.

    layout: the weights that they stand for. inputs: moments of X as blocks with one output; they are no signal, but a
    move that does not keep them is no symmetry. weight_unit: what a linear coefficient is multiplied by to be a weight
    of y on x; labels have variance 1 here. samples: n. about: where monomials have their zero. About the means nothing
    depends on a vector added to x or to y, so that constants say nothing.
    """

    layout: Layout
    blocks: tuple[Block, ...]
    inputs: tuple[Block, ...]
    weight_unit: float
    samples: int
    about: About = "origin"
    _moved: dict[bytes, list[tuple[IntArray, IntArray]]] = field(default_factory=dict, repr=False)

    @property
    def linear(self) -> Block:
        """The linear block, which has the shape of a weight."""
        return next(block for block in self.blocks if block.name == "linear")

    def moved(self, permutation: IntArray) -> list[tuple[IntArray, IntArray]]:
        """Where a permutation of the layout's points takes the coefficients of every block, then those of X."""
        key = permutation.tobytes()
        if key not in self._moved:
            rows, columns = self.layout.blocks[0]
            outputs = self.layout.signed_move(permutation, rows)
            inputs = self.layout.signed_move(permutation, columns)
            alone = (np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64))
            carried = [block.move(outputs, inputs) for block in self.blocks]
            self._moved[key] = carried + [block.move(alone, inputs) for block in self.inputs]
        return self._moved[key]


LARGEST_LEVERAGE = 0.9
"""Largest leverage that is divided out of a residual."""

INFLATION = (0.5, 100.0)
"""Bounds on variances over what they would be if residuals did not depend on X."""


def least_squares(x: Any, y: Any, layout: Layout, about: About = "mean") -> Coefficients:
    """The coefficients of Y on X: linear, and of higher degree where there are samples enough.

    The monomials are made orthogonal under the law of all inputs taken together: nearly uncorrelated, and moved by
    signed permutations as plain ones are. All blocks are fitted at once.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        layout: What is moved; its first block is the weight (d_out, d_in).
        about: "mean" subtracts the mean of each column of x and of y, so that no vector added to them matters;
            "origin" keeps the zero of the data, which changes of sign need. Where x has a constant column, the origin
            stays and no constant is fitted.

    Returns:
        Every block of coefficients with its covariance, and moments of X.

    Raises:
        InputError: too few samples, values that are not finite, or inputs of which one determines another.
    """
    inputs, labels = finite_array(x, "x", 2), finite_array(y, "y", 2)
    n, d = inputs.shape
    if n != len(labels) or n <= 2 * (d + 1):
        raise InputError(
            f"{n} samples are too few for a search without a group among {d} inputs; give more than {2 * (d + 1)}"
        )
    about = "origin" if _has_constant(inputs) else about
    inputs, span = _brought_to_one(_centred(inputs, about))
    labels, size = _brought_to_one(_centred(labels, about))
    labels = labels / (rms := float(np.sqrt(np.mean(labels**2))) or 1.0)
    moments = _moments(inputs, about)
    scale = float(np.sqrt(np.mean(inputs**2))) or 1.0
    kinds, powers = _chosen(inputs / scale, labels.shape[1]), _powers(inputs / scale)
    design = np.hstack([columns for _, _, columns in kinds])
    inverse = _inverse(design.T @ design)
    weighted = design @ inverse
    values = labels.T @ weighted
    residual = labels - design @ values.T
    leverage = np.minimum(np.einsum("np,np->n", weighted, design), LARGEST_LEVERAGE)
    residual = residual / (1 - leverage)[:, None]
    noise = _noise(residual, labels)
    shifts = _shifts(powers, kinds, values, weighted) if about == "mean" else None
    blocks, first = list[Block](), 0
    for name, exponents, columns in kinds:
        part = slice(first, first + columns.shape[1])
        covariance = _covariance(residual, weighted[:, part], noise, inverse[part, part])
        if shifts is not None:
            covariance = _with_shifts(covariance, shifts[:, :, part], inputs / scale)
        blocks.append(Block(name, exponents, values[:, part], covariance))
        first = part.stop
    return Coefficients(layout, tuple(blocks), moments, size / span * rms / scale, n, about)


def _centred(values: FloatArray, about: About) -> FloatArray:
    return values - values.mean(axis=0) if about == "mean" else values


def _inverse(matrix: FloatArray) -> FloatArray:
    """Of a positive definite matrix whose rows may have very different sizes."""
    lengths = np.sqrt(np.diag(matrix))
    size = np.multiply.outer(lengths, lengths)
    return np.asarray(np.linalg.inv(matrix / size) / size, dtype=np.float64)


def _noise(residual: FloatArray, labels: FloatArray) -> FloatArray:
    """Covariance (m, m) of residuals (n, m) that do not depend on X, shrunk where samples are few.

    Shrinkage is towards equal variances, so it is done on residuals of one size each. labels: (n, m).
    """
    from sklearn.covariance import ledoit_wolf  # half a second, which only this needs

    size = np.sqrt(np.mean(residual**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    floor = ROUNDING * (np.var(labels, axis=0) + ROUNDING)
    shrunk = ledoit_wolf(residual / size, assume_centered=True)[0] * np.multiply.outer(size, size)
    return np.asarray(shrunk + np.diag(floor), dtype=np.float64)


def _shifts(
    powers: FloatArray, kinds: Sequence[tuple[str, IntArray, FloatArray]], values: FloatArray, weighted: FloatArray
) -> FloatArray:
    """How the coefficients change with the zero of each input, (d, m, p): those of the fit's derivatives.

    powers: (4, n, d). values: (m, p). weighted: (n, p), the design times the inverse Gram matrix.

    The mean of an input is an estimate. Its error moves the coefficients of lower degree by those of higher degree, and
    not alike for all inputs, so it belongs to their covariance.
    """
    steps, found = _slopes(powers), []
    for k in range(powers.shape[2]):
        turned = powers.copy()
        turned[:, :, k] = steps[:, :, k]
        slope, first = np.zeros((powers.shape[1], len(values))), 0
        for _, exponents, _ in kinds:
            used = np.flatnonzero(exponents[:, k])
            if used.size:
                slope += _products(turned, exponents[used]) @ values[:, first + used].T
            first += len(exponents)
        found.append(slope.T @ weighted)
    return np.stack(found)


def _with_shifts(covariance: FloatArray, shifts: FloatArray, inputs: FloatArray) -> FloatArray:
    """The covariance of a block with what the means of the inputs (n, d) add to it. shifts: (d, m, p)."""
    rows = shifts.reshape(len(shifts), -1)
    spread = np.atleast_2d(inputs.T @ inputs) / len(inputs) ** 2
    if covariance.ndim == 1:
        return np.asarray(covariance + np.einsum("ks,kl,ls->s", rows, spread, rows, optimize=True))
    return np.asarray(covariance + rows.T @ spread @ rows)


def _brought_to_one(values: FloatArray) -> tuple[FloatArray, float]:
    """Values over the largest of them, so that no square over- or underflows."""
    largest = float(np.abs(values).max())
    return (values / largest, largest) if largest else (values, 1.0)


def has_origin(inputs: FloatArray) -> bool:
    """Whether the means of x (n, d_in) may all be 0, so that changes of sign can be symmetries of its law."""
    errors = inputs.std(axis=0) / np.sqrt(len(inputs))
    return bool(np.all(np.abs(inputs.mean(axis=0)) <= CLEAR * errors))


def _covariance(residual: FloatArray, weighted: FloatArray, noise: FloatArray, inverse: FloatArray) -> FloatArray:
    """Covariance of the coefficients of one block, row-major; its diagonal for a large one.

    residual: (n, m). weighted: (n, p), rows of the design times the inverse Gram matrix. noise: (m, m), covariance of
    residuals that do not depend on X. inverse: (p, p).

    The sandwich, which also holds where residuals depend on X (MacKinnon and White 1985, HC3), shrunk towards the
    formula for residuals that do not, brought to the sandwich's variances: more so, the fewer samples there are.
    """
    n, size = len(residual), residual.shape[1] * weighted.shape[1]
    spread = ((residual**2).T @ weighted**2).ravel()
    usual = np.multiply.outer(np.diag(noise), np.diag(inverse)).ravel()
    inflation = np.clip(spread / usual, *INFLATION)
    if size > DENSE:
        return np.asarray(usual * inflation)
    root = np.sqrt(inflation)
    plain: FloatArray = np.asarray(np.kron(noise, inverse) * np.multiply.outer(root, root))
    trust = 1 - SAMPLES_PER_COVARIANCE * size / n
    if trust <= 0:
        return plain
    scores = (residual[:, :, None] * weighted[:, None, :]).reshape(n, size)
    return np.asarray(trust * (scores.T @ scores) + (1 - trust) * plain)


def _moments(inputs: FloatArray, about: About) -> tuple[Block, ...]:
    """Squares and products of X, and its means where they are not the zero of the inputs."""
    n, d = inputs.shape
    eye = np.eye(d, dtype=np.int64)
    kinds = [("input mean", eye)] if about == "origin" else []
    kinds.append(("input square", 2 * eye))
    if d > 1:
        kinds.append(("input pair", np.stack([eye[a] + eye[b] for a, b in combinations(range(d), 2)])))
    blocks = []
    for name, exponents in kinds:
        if len(exponents) * SAMPLES_PER_MONOMIAL > n or len(exponents) > DENSE // 3:
            break
        columns = np.stack([np.prod(inputs**row, axis=1) for row in exponents], axis=1)
        covariance = np.atleast_2d(np.cov(columns, rowvar=False)) / n
        floor = ROUNDING * np.maximum(np.mean(columns**2, axis=0), np.finfo(np.float64).tiny)
        values = columns.mean(axis=0)[None, :]
        blocks.append(Block(name, exponents, values, covariance + np.diag(floor)))
    return tuple(blocks)


def _chosen(inputs: FloatArray, d_out: int) -> list[tuple[str, IntArray, FloatArray]]:
    """Name, exponents and columns of the blocks that n samples can estimate."""
    n, d = inputs.shape
    is_free = _has_constant(inputs)
    kinds = [] if is_free else [("constant", np.zeros((1, d), dtype=np.int64))]
    kinds.append(("linear", np.eye(d, dtype=np.int64)))
    powers = _powers(inputs)
    chosen = [(name, exponents, _products(powers, exponents)) for name, exponents in kinds]
    if _is_dependent(np.hstack([columns for _, _, columns in chosen])):
        raise InputError(f"an input of x is determined by the others (of {d}); drop it, or give more varied data")
    for name, exponents in [] if is_free else _higher(d):
        design = np.hstack([columns for _, _, columns in chosen])
        columns = _products(powers, exponents)
        too_many = (design.shape[1] + columns.shape[1]) * SAMPLES_PER_MONOMIAL > n
        if too_many or columns.shape[1] * d_out > LARGEST_BLOCK:
            break
        if not _is_dependent(np.hstack([design, columns])):
            chosen.append((name, exponents, columns))
    return chosen


def _has_constant(inputs: FloatArray) -> bool:
    return bool(np.any(np.ptp(inputs, axis=0) == 0))


def _powers(inputs: FloatArray) -> FloatArray:
    """The polynomials 1, x, x^2 - a, x^3 - b x, orthogonal under the law of all inputs taken together: (4, n, d).

    For normal inputs (n, d) these are Hermite's.
    """
    second = float(np.mean(inputs**2))
    return np.stack([np.ones_like(inputs), inputs, inputs**2 - second, inputs**3 - _tilt(inputs) * inputs])


def _slopes(powers: FloatArray) -> FloatArray:
    """Derivatives of `_powers`, (4, n, d)."""
    inputs = powers[1]
    return np.stack([np.zeros_like(inputs), np.ones_like(inputs), 2 * inputs, 3 * inputs**2 - _tilt(inputs)])


def _tilt(inputs: FloatArray) -> float:
    """b of x^3 - b x, fourth moment over second."""
    return float(np.mean(inputs**4)) / (float(np.mean(inputs**2)) or 1.0)


def _products(powers: FloatArray, exponents: IntArray) -> FloatArray:
    """Products of polynomials of one input each: powers (4, n, d), exponents (p, d) -> (n, p)."""
    places = np.arange(exponents.shape[1])
    return np.stack([np.prod(powers[row, :, places].T, axis=1) for row in exponents], axis=1)


def _is_dependent(columns: FloatArray) -> bool:
    """Whether a column is determined by others, up to rounding."""
    lengths = np.linalg.norm(columns, axis=0)
    if not lengths.all():
        return True
    return bool(np.linalg.svd(columns / lengths, compute_uv=False)[-1] <= DEPENDENT)


def _higher(d: int) -> list[tuple[str, IntArray]]:
    """Monomials of degree 2 and 3, the cheapest blocks first; x_a x_b x_c is left out."""
    eye = np.eye(d, dtype=np.int64)
    pairs = [(a, b) for a, b in combinations(range(d), 2)]
    blocks = [("square", 2 * eye), ("cube", 3 * eye)]
    if pairs:
        blocks.append(("pair", np.stack([eye[a] + eye[b] for a, b in pairs])))
        ordered = [(a, b) for a in range(d) for b in range(d) if a != b]
        blocks.append(("square times linear", np.stack([2 * eye[a] + eye[b] for a, b in ordered])))
    return blocks
