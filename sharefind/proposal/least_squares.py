"""Least-squares coefficients of Y on monomials of X, block by block, with their precision.

If the law of (X, Y) is kept by signed permutations (g_in, g_out), so are these coefficients in expectation, whatever
the relation is: the best linear predictor of an equivariant law is equivariant. Blocks of higher degree see what a
linear predictor does not. `log_evidence` compares spaces by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sharefind.column_names import column_name
from sharefind.errors import InputError
from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.coefficients import About, CoefficientBlock, Coefficients, inverse
from sharefind.proposal.monomials import Frame, Powers, has_constant, higher, pairs, products
from sharefind.recognition import Layout
from sharefind.typing import FloatArray, IntArray

Kind = tuple[str, IntArray, FloatArray]
"""Name, exponents (p, d_in) and columns (n, p) of the monomials of a block."""


@dataclass(frozen=True)
class Fit:
    """Which blocks are estimated, and how well.

    Attributes:
        samples_per_monomial: A block is estimated where there are this many samples for each monomial, including those
            of the blocks before it.
        largest_block: Blocks with more coefficients than this are left out, but for the linear one.
        dense: Largest block whose precision is kept as a matrix; beyond, correlations of coefficients are neglected.
        samples_per_covariance: Fewest samples for each coefficient of a block for its covariance to be estimated
            freely, even in part.
        dependent: Share of a monomial's variance below which it counts as determined by those before it.
        rounding: Residual variance, as a share of a label's variance, below which it is rounding.
        largest_leverage: Largest leverage that is divided out of a residual.
        inflation: Bounds on variances over what they would be if residuals did not depend on X.
    """

    samples_per_monomial: int = 5
    largest_block: int = 1_500
    dense: int = 1_500
    samples_per_covariance: int = 10
    dependent: float = 1e-9
    rounding: float = 1e-12
    largest_leverage: float = 0.9
    inflation: tuple[float, float] = (0.5, 100.0)


FIT = Fit()


def least_squares(
    x: Any, y: Any, layout: Layout, about: About = "mean", fit: Fit = FIT, names: Sequence[str] = ()
) -> Coefficients:
    """Return the coefficients of Y on X: linear, and of higher degree where there are enough samples.

    The monomials are made orthogonal under the law of all inputs taken together: nearly uncorrelated, and moved by
    signed permutations as plain monomials are. All blocks are fitted at once.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        layout: Layout of the moved entries; its first block is the weight (d_out, d_in).
        about: "mean" subtracts the mean of each column of x and of y, so that no vector added to them matters; "origin"
            keeps the zero of the data, which changes of sign need. Where x has a constant column, the origin stays and
            no constant is fitted.
        fit: Which blocks are estimated, and how well.
        names: Names of the columns of x, for messages.

    Returns:
        Every block of coefficients with its covariance, and moments of X.

    Raises:
        InputError: There are too few samples, a value is not finite, or one input determines another.
    """
    inputs, labels = finite_array(x, "x", 2), finite_array(y, "y", 2)
    n, d = inputs.shape
    if n != len(labels) or n <= 2 * (d + 1):
        raise InputError(
            f"{n} samples are too few for a search without a group among {d} inputs; give more than {2 * (d + 1)}"
        )
    about = "origin" if has_constant(inputs) else about
    x_origin, y_origin = (_origin(values, about) for values in (inputs, labels))
    inputs, span = _brought_to_one(inputs - x_origin)
    labels, size = _brought_to_one(labels - y_origin)
    labels = labels / (rms := float(np.sqrt(np.mean(labels**2))) or 1.0)
    moments = _moments(inputs, about, fit)
    scale = float(np.sqrt(np.mean(inputs**2))) or 1.0
    inputs = inputs / scale
    frame = Frame(x_origin, span * scale, y_origin, size * rms, Powers.of(inputs))
    kinds = _chosen(inputs, labels.shape[1], fit, names)
    design = np.hstack([columns for _, _, columns in kinds])
    gram = inverse(design.T @ design)
    weighted = design @ gram
    values = labels.T @ weighted
    leverage = np.minimum(np.einsum("np,np->n", weighted, design), fit.largest_leverage)
    residual = (labels - design @ values.T) / (1 - leverage)[:, None]
    noise = _noise(residual, labels, fit.rounding)
    shifts = _shifts(frame.powers, inputs, kinds, values, weighted) if about == "mean" else None
    blocks, first = list[CoefficientBlock](), 0
    for name, exponents, _ in kinds:
        part = slice(first, first + len(exponents))
        covariance = _covariance(residual, weighted[:, part], noise, gram[part, part], fit)
        if shifts is not None:
            covariance = _with_shifts(covariance, shifts[:, :, part], inputs)
        blocks.append(CoefficientBlock(name, exponents, values[:, part], covariance))
        first = part.stop
    return Coefficients(layout, tuple(blocks), moments, frame, np.diag(noise).copy(), n, about)


def _origin(values: FloatArray, about: About) -> FloatArray:
    return np.asarray(values.mean(axis=0)) if about == "mean" else np.zeros(values.shape[1])


def _noise(residual: FloatArray, labels: FloatArray, rounding: float) -> FloatArray:
    """Covariance (m, m) of residuals (n, m) that do not depend on X, shrunk where samples are few.

    Shrinkage is towards equal variances, so it is done on residuals of one size each. labels: (n, m).
    """
    size = np.sqrt(np.mean(residual**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    floor = rounding * (np.var(labels, axis=0) + rounding)
    shrunk = shrunk_covariance(residual / size) * np.multiply.outer(size, size)
    return np.asarray(shrunk + np.diag(floor), dtype=np.float64)


def shrunk_covariance(residual: FloatArray) -> FloatArray:
    """The covariance of residuals with mean 0, shrunk towards equal variances (Ledoit and Wolf 2004).

    scikit-learn has it, too, and takes seconds to load.

    Args:
        residual: Shape (n, m).

    Returns:
        Shape (m, m).
    """
    n, m = residual.shape
    covariance: FloatArray = residual.T @ residual / n
    if m == 1:
        return covariance
    squares, mean = residual**2, float(np.trace(covariance)) / m
    beyond = float((covariance**2).sum())
    # The mean squared error of the covariance, and its distance from equal variances.
    error = (float((squares.sum(axis=1) ** 2).sum()) / n - beyond) / n
    distance = beyond - m * mean**2
    share = min(1.0, error / distance) if distance > 0 else 1.0
    return np.asarray((1 - share) * covariance + share * mean * np.eye(m))


def _shifts(
    powers: Powers, inputs: FloatArray, kinds: Sequence[Kind], values: FloatArray, weighted: FloatArray
) -> FloatArray:
    """How the coefficients change with the zero of each input, (d, m, p): those of the fit's derivatives.

    inputs: (n, d). values: (m, p). weighted: (n, p), the design times the inverse Gram matrix.

    The mean of an input is an estimate. Its error moves the coefficients of lower degree by those of higher degree, and
    not alike for all inputs, so it belongs to their covariance.
    """
    plain, steps, found = powers.values(inputs), powers.slopes(inputs), []
    for k in range(inputs.shape[1]):
        turned = plain.copy()
        turned[:, :, k] = steps[:, :, k]
        slope, first = np.zeros((plain.shape[1], len(values))), 0
        for _, exponents, _ in kinds:
            used = np.flatnonzero(exponents[:, k])
            if used.size:
                slope += products(turned, exponents[used]) @ values[:, first + used].T
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


def has_origin(inputs: FloatArray, clear: float = 5.0) -> bool:
    """Return whether the means of x may all be 0, so that changes of sign can be symmetries of its law.

    Args:
        inputs: x, shape (n, d_in).
        clear: A mean is not 0 when it is this many standard errors away.
    """
    errors = inputs.std(axis=0) / np.sqrt(len(inputs))
    return bool(np.all(np.abs(inputs.mean(axis=0)) <= clear * errors))


def _covariance(
    residual: FloatArray, weighted: FloatArray, noise: FloatArray, gram: FloatArray, fit: Fit
) -> FloatArray:
    """Covariance of the coefficients of one block, row-major; its diagonal for a large one.

    residual: (n, m). weighted: (n, p), rows of the design times the inverse Gram matrix. noise: (m, m), covariance of
    residuals that do not depend on X. gram: (p, p), the inverse Gram matrix.

    The sandwich, which also holds where residuals depend on X (MacKinnon and White 1985, HC3), shrunk towards the
    formula for residuals that do not, brought to the sandwich's variances: more so, the fewer samples there are.
    """
    n, size = len(residual), residual.shape[1] * weighted.shape[1]
    spread = ((residual**2).T @ weighted**2).ravel()
    usual = np.multiply.outer(np.diag(noise), np.diag(gram)).ravel()
    inflation = np.clip(spread / usual, *fit.inflation)
    if size > fit.dense:
        return np.asarray(usual * inflation)
    root = np.sqrt(inflation)
    plain: FloatArray = np.asarray(np.kron(noise, gram) * np.multiply.outer(root, root))
    trust = 1 - fit.samples_per_covariance * size / n
    if trust <= 0:
        return plain
    scores = (residual[:, :, None] * weighted[:, None, :]).reshape(n, size)
    return np.asarray(trust * (scores.T @ scores) + (1 - trust) * plain)


def _moments(inputs: FloatArray, about: About, fit: Fit) -> tuple[CoefficientBlock, ...]:
    """Squares and products of X, and its means where they are not the zero of the inputs."""
    n, d = inputs.shape
    eye = np.eye(d, dtype=np.int64)
    kinds = [("input mean", eye)] if about == "origin" else []
    kinds += [("input square", 2 * eye), *([("input pair", pairs(d))] if d > 1 else [])]
    blocks = []
    for name, exponents in kinds:
        if len(exponents) * fit.samples_per_monomial > n or len(exponents) > fit.dense // 3:
            break
        columns = np.stack([np.prod(inputs**row, axis=1) for row in exponents], axis=1)
        covariance = np.atleast_2d(np.cov(columns, rowvar=False)) / n
        floor = fit.rounding * np.maximum(np.mean(columns**2, axis=0), np.finfo(np.float64).tiny)
        values = columns.mean(axis=0)[None, :]
        blocks.append(CoefficientBlock(name, exponents, values, covariance + np.diag(floor)))
    return tuple(blocks)


def _chosen(inputs: FloatArray, d_out: int, fit: Fit, names: Sequence[str]) -> list[Kind]:
    """The blocks that n samples can estimate."""
    n, d = inputs.shape
    is_free, found = has_constant(inputs), Powers.of(inputs).values(inputs)
    first = [] if is_free else [("constant", np.zeros((1, d), dtype=np.int64))]
    chosen = [(name, e, products(found, e)) for name, e in (*first, ("linear", np.eye(d, dtype=np.int64)))]
    refuse_dependent(np.hstack([columns for _, _, columns in chosen]), inputs, fit, names)
    for name, exponents in [] if is_free else higher(d):
        designed = sum(len(e) for _, e, _ in chosen)
        too_many = (designed + len(exponents)) * fit.samples_per_monomial > n
        if too_many or len(exponents) * d_out > fit.largest_block:
            break
        columns = products(found, exponents)
        if not _is_dependent([*(c for _, _, c in chosen), columns], fit.dependent):
            chosen.append((name, exponents, columns))
    return chosen


def refuse_dependent(design: FloatArray, inputs: FloatArray, fit: Fit, names: Sequence[str]) -> None:
    """Refuse inputs if others determine one of them.

    Args:
        design: Columns of the inputs, with a constant, shape (n, p).
        inputs: x, shape (n, d_in); the message names one of its columns.
        fit: Decides when a column counts as determined.
        names: Names of the columns of x, for messages.

    Raises:
        InputError: Others determine a column.
    """
    if _is_dependent([design], fit.dependent):
        name = column_name(_determined(inputs, fit.dependent), "x", names)
        which = "an input of x" if name is None else f"an input of x, {name},"
        raise InputError(
            f"{which} is determined by the others (of {inputs.shape[1]}); drop it, or give more varied data"
        )


def _determined(inputs: FloatArray, share: float) -> int:
    """The first column that those before it determine, up to this share of its length; the most determined one else."""
    lengths = np.maximum(np.linalg.norm(inputs, axis=0), np.finfo(np.float64).tiny)
    left = np.abs(np.diag(np.linalg.qr(inputs / lengths, mode="r")))
    return int(np.argmax(left <= share)) if (left <= share).any() else int(np.argmin(left))


def _is_dependent(blocks: Sequence[FloatArray], share: float) -> bool:
    """Whether a column of the blocks is determined by others, up to this share of its variance."""
    columns = np.hstack(blocks)
    lengths = np.linalg.norm(columns, axis=0)
    if not lengths.all():
        return True
    return bool(np.linalg.svd(columns / lengths, compute_uv=False)[-1] <= share)
