"""Algebras of skew matrices: the one next to an estimated span, and its name.

Draws of the groups that they generate are in `group_draws`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from sharefind.typing import FloatArray


@dataclass(frozen=True)
class AlgebraSearch:
    """How the algebra next to a span is found.

    Attributes:
        near: Least share of a span inside the algebra that it is replaced by; further ones are no candidates.
        closed: Largest part of a bracket outside a span that is rounding: the span is an algebra.
        newton_steps: Most steps towards the nearest algebra; where it is near, about five are taken.
        flat: Singular values, relative to the largest, that count as 0: conjugations, which keep an algebra an algebra.
        frequencies: The largest integer among the frequencies of a single generator of a closed group.
    """

    near: float = 0.9
    closed: float = 1e-12
    newton_steps: int = 20
    flat: float = 0.05
    frequencies: int = 3

    def newton(self, start: FloatArray, structure: FloatArray) -> FloatArray | None:
        """Return the algebra next to a span, shape (D, k); None where there is none near it.

        Args:
            start: The span, orthonormal columns, shape (D, k).
            structure: Structure constants of so(d).
        """
        inside = start
        for _ in range(self.newton_steps):
            inside, outside = np.split(np.linalg.qr(inside, mode="complete")[0], [start.shape[1]], axis=1)
            if ((inside.T @ start) ** 2).sum() < self.near * start.shape[1]:
                return None
            step, defect = self._newton_step(structure, inside, outside)
            if defect < self.closed:
                return np.asarray(inside)
            inside = inside + outside @ step
        return None

    def _newton_step(self, structure: FloatArray, inside: FloatArray, outside: FloatArray) -> tuple[FloatArray, float]:
        """X (D - k, k), by which the span moves outwards, and the largest part of a bracket outside."""
        k, rest = inside.shape[1], outside.shape[1]
        brackets = np.einsum("abc,ai,bj->ijc", structure, inside, inside, optimize=True)
        within, defect = brackets @ inside, brackets @ outside
        mixed = np.einsum("abc,ap,bj,cm->pjm", structure, outside, inside, outside, optimize=True)
        first, second = np.triu_indices(k, 1)
        pairs, change = np.arange(len(first)), np.zeros((len(first), rest, rest, k))
        change[pairs, :, :, first] += mixed[:, second].transpose(1, 2, 0)
        change[pairs, :, :, second] -= mixed[:, first].transpose(1, 2, 0)
        change[:, range(rest), range(rest)] -= within[first, second][:, None]
        flat, target = change.reshape(-1, rest * k), -defect[first, second].reshape(-1)
        values, vectors = np.linalg.eigh(flat.T @ flat)
        kept = values > self.flat**2 * values[-1]
        step = vectors[:, kept] @ ((vectors[:, kept].T @ (flat.T @ target)) / values[kept])
        return step.reshape(rest, k), float(np.abs(defect).max())

    def closed_generator(self, span: FloatArray) -> FloatArray:
        """Return a skew matrix with its frequencies replaced by the nearest integers, up to a common factor.

        Args:
            span: The matrix, shape (1, d, d).

        Returns:
            Shape (1, d, d).
        """
        values, vectors = np.linalg.eigh(1j * span[0])
        half = len(values) // 2
        frequencies = values[::-1][:half]
        tuples = [
            t for t in product(range(self.frequencies, -1, -1), repeat=half) if any(t) and list(t) == sorted(t)[::-1]
        ]
        units = [np.array(t) / np.linalg.norm(t) for t in tuples if math.gcd(*t) == 1]
        best = max(units, key=lambda u: float(u @ frequencies))
        whole = np.concatenate([-best, np.zeros(len(values) - 2 * half), best[::-1]])
        closed = np.real(-1j * (vectors * whole) @ vectors.conj().T)
        closed = (closed - closed.T) / 2
        return np.asarray(closed[None] / np.linalg.norm(closed))


def skew_basis(d: int) -> FloatArray:
    """Return an orthonormal basis of so(d), shape (d (d - 1) / 2, d, d).

    Args:
        d: The dimension.
    """
    rows, columns = np.triu_indices(d, 1)
    basis = np.zeros((len(rows), d, d))
    basis[np.arange(len(rows)), rows, columns] = math.sqrt(0.5)
    basis[np.arange(len(rows)), columns, rows] = -math.sqrt(0.5)
    return basis


def share_inside(directions: FloatArray, span: FloatArray) -> float:
    """Return the mean squared part of orthonormal directions inside an orthonormal span.

    Args:
        directions: Shape (k, d, d).
        span: Shape (m, d, d).
    """
    return float((np.einsum("kij,mij->km", directions, span) ** 2).sum() / len(directions))


def nearest_algebra(
    span: FloatArray, search: AlgebraSearch | None = None, within: FloatArray | None = None
) -> FloatArray | None:
    """The subalgebra of so(d), or of a subalgebra of it, next to a span of skew matrices.

    Newton's method on the parts of brackets outside the span, by steps of least norm. A single generator gets integer
    frequencies, up to a factor, so that its group is closed. A step costs O(d^14) operations at worst: half a second
    for d = 10, a tenth for d = 8.

    Args:
        span: Orthonormal skew matrices, shape (k, d, d).
        search: `AlgebraSearch()` where None.
        within: An orthonormal basis of the subalgebra that holds the span, shape (K, d, d); of so(d) where None.

    Returns:
        Orthonormal skew matrices, shape (k, d, d); None if less than `near` of the span lies inside what is found, or
        nothing is.
    """
    search, skew = search or AlgebraSearch(), skew_basis(span.shape[-1]) if within is None else within
    if len(span) == len(skew):
        return skew
    if len(span) == 1:
        closed = search.closed_generator(span)
        return closed if share_inside(span, closed) >= search.near else None
    found = search.newton(np.einsum("kij,aij->ak", span, skew), _structure(skew))
    return None if found is None else np.asarray(np.einsum("ak,aij->kij", found, skew))


def _structure(skew: FloatArray) -> FloatArray:
    """<[E_a, E_b], E_c>, (D, D, D)."""
    products = np.einsum("aij,bjk,cik->abc", skew, skew, skew, optimize=True)
    return np.asarray(products - products.transpose(1, 0, 2))


def algebra_name(algebra: FloatArray, close: float = 0.9999) -> str:
    """so(3)+so(2) for rotations of orthogonal subspaces, "dimension k" for other algebras (k, d, d), "0" for none.

    For an orthonormal basis the sum of -A^2 is (m - 1) / 2 on each subspace of dimension m that is rotated.

    Args:
        algebra: Orthonormal skew matrices, shape (k, d, d).
        close: One minus the largest difference from an integer that is rounding.

    Returns:
        The name.
    """
    if len(algebra) == 0:
        return "0"
    casimir = np.linalg.eigvalsh(-np.einsum("kij,kjl->il", algebra, algebra))
    sizes = np.rint(2 * casimir + 1).astype(int)
    blocks = [int(m) for m in sorted(set(sizes), reverse=True) for _ in range(int((sizes == m).sum()) // m) if m > 1]
    known = np.abs(2 * casimir + 1 - sizes).max() < 1 - close and sum(m * (m - 1) // 2 for m in blocks) == len(algebra)
    return "+".join(f"so({m})" for m in blocks) if known else f"dimension {len(algebra)}"
