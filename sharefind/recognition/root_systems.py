"""The isomorphism type of a Lie algebra of skew matrices: its centre, and its simple ideals by their roots.

Such algebras are compact, so they are the sum of a centre and simple ideals (Knapp, Lie Groups Beyond an Introduction,
Corollary 4.25). The type follows from numbers of roots, which are integers, so floats are accurate enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.spaces.tying import connected
from sharefind.typing import FloatArray


def lie_name(basis: FloatArray, cut: float = 1e-7, seed: int = 20240530) -> str:
    """Return the name of a Lie algebra of skew matrices: "so(3)+so(2)", "0" if it is zero.

    su(2) is named so(3), so(4) is so(3)+so(3), sp(2) is so(5), su(4) is so(6), and each dimension of the centre is
    so(2). The time is dim^2 n^2 for each dimension of a maximal torus.

    Args:
        basis: Shape (dim, n, n), float64: skew matrices.
        cut: Singular values, root values and products of roots below this share of the largest one count as zero.
        seed: Seed of the generic elements of the algebra; almost surely every seed gives the same name.
    """
    return _Roots(cut, np.random.default_rng(seed)).name(basis) if len(basis) else "0"


@dataclass(frozen=True)
class _Roots:
    cut: float
    rng: np.random.Generator

    def name(self, basis: FloatArray) -> str:
        q, _ = np.linalg.qr(basis.reshape(len(basis), -1).T)
        basis = q.T.reshape(basis.shape)
        # Two generic elements generate the algebra up to its centre, so what commutes with both is the centre.
        pair = [_adjoint(self.generic(basis), basis) for _ in range(2)]
        centre = self.kernel(np.concatenate(pair))
        derived = np.tensordot(self.kernel(centre), basis, axes=1) if len(centre) else basis
        ideals = sorted(self.ideals(derived), reverse=True) if len(derived) else []
        return "+".join([*(_simple_name(*ideal) for ideal in ideals), *["so(2)"] * len(centre)])

    def generic(self, basis: FloatArray) -> FloatArray:
        return np.asarray(np.tensordot(self.rng.standard_normal(len(basis)), basis, axes=1))

    def kernel(self, equations: FloatArray) -> FloatArray:
        """Return orthonormal rows (k, n) of the kernel of equations (m, n)."""
        if equations.shape[0] > equations.shape[1]:
            equations = np.asarray(np.linalg.qr(equations)[1])
        _, values, right = np.linalg.svd(equations, full_matrices=True)
        return np.asarray(right[int(np.sum(values > self.cut * max(1.0, float(values.max(initial=0.0))))) :])

    def ideals(self, basis: FloatArray) -> list[tuple[int, int, int]]:
        """Return (dimension, rank, number of long roots) of each simple ideal of a semisimple algebra, (dim, n, n).

        The centraliser of a generic element is a maximal torus. Roots of different ideals are orthogonal. The roots of
        one ideal are connected by pairs that are not orthogonal.
        """
        generic = _adjoint(self.generic(basis), basis)
        torus = np.tensordot(self.kernel(generic), basis, axes=1)
        values, vectors = np.linalg.eigh(1j * generic)
        moved = vectors[:, np.abs(values) > self.cut * np.abs(values).max()]
        roots = np.stack([_root_values(_adjoint(h, basis), moved) for h in torus], axis=1)
        gram = np.abs(roots @ roots.T)
        heads, tails = np.nonzero(gram > self.cut * gram.max())
        ideal_of = connected(heads, tails, len(gram))
        return [self.invariants(roots[ideal_of == k]) for k in range(int(ideal_of.max()) + 1)]

    def invariants(self, roots: FloatArray) -> tuple[int, int, int]:
        rank = roots.shape[1] - len(self.kernel(roots))
        lengths = np.sum(roots**2, axis=1)
        # Short roots have squared length 1/2 or 1/3 of that of long ones.
        return len(roots) + rank, rank, int(np.sum(lengths > 3 / 4 * lengths.max()))


def _adjoint(element: FloatArray, basis: FloatArray) -> FloatArray:
    """Return ad x in an orthonormal basis (dim, n, n): <[x, b_j], b_k> at [k, j], skew (dim, dim)."""
    brackets = element @ basis - basis @ element
    flat = basis.reshape(len(basis), -1)
    return np.asarray(flat @ brackets.reshape(len(basis), -1).T)


def _root_values(adjoint: FloatArray, vectors: NDArray[np.complex128]) -> FloatArray:
    """Return the eigenvalues of -i ad h on common eigenvectors (dim, roots), up to sign."""
    return np.asarray(np.sum(vectors.conj() * (1j * adjoint @ vectors), axis=0).real)


def _simple_name(dim: int, rank: int, long: int) -> str:
    exceptional = {(14, 2): "g(2)", (52, 4): "f(4)", (133, 7): "e(7)", (248, 8): "e(8)"}
    if (dim, rank) in exceptional:
        return exceptional[dim, rank]
    if (dim, rank) == (78, 6):  # three algebras, by their numbers of long roots
        return {72: "e(6)", 60: "so(13)", 12: "sp(6)"}[long]
    size = (1 + round((1 + 8 * dim) ** 0.5)) // 2
    if size * (size - 1) // 2 == dim and size // 2 == rank:
        # so(2 m + 1) and sp(m) share dimension and rank; from m = 3 on they differ, and sp(m) has 2 m long roots.
        return f"sp({rank})" if size % 2 and rank > 2 and long == 2 * rank else f"so({size})"
    return f"su({rank + 1})"
