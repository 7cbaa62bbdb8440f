"""The connected part of a stabiliser in O(d_out) x O(d_in): skew pairs (A, B) with A z = z B on a space.

Linear equations give its Lie algebra, and `root_systems` names it. Discrete orthogonal moves other than signed
permutations are not searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import Rows, rows_of, sparse_matrix
from sharefind.recognition.layout import Layout
from sharefind.recognition.root_systems import lie_name
from sharefind.spaces.subspace import Subspace
from sharefind.typing import FloatArray

Plane = tuple[int, int, int]
"""An axis and indices i < j: the infinitesimal rotation E_ij - E_ji of R^size of that axis."""


@dataclass(frozen=True, eq=False)
class LieStabiliser:
    """The Lie algebra h of skew moves that vanish on a space, one skew matrix for each axis.

    Attributes:
        layout: The index sets on which the moves act.
        planes: The coordinates of so(d_out) + so(d_in).
        algebra: h as a subspace in these coordinates, exact if the space is exact; None if no axis moves.
        name: Its name, such as "so(2)" or "so(3)+so(2)"; "0" if h is zero.
    """

    layout: Layout
    planes: tuple[Plane, ...]
    algebra: Subspace | None
    name: str

    @property
    def dim(self) -> int:
        """Dimension of h."""
        return self.algebra.dim if self.algebra is not None else 0

    @property
    def is_exact(self) -> bool:
        """Whether h was computed by exact elimination."""
        return self.algebra is None or self.algebra.is_exact

    def matrices(self, axis: str) -> tuple[DomainMatrix, ...]:
        """Return a basis of h as it acts on one axis: exact skew matrices, shape (size, size).

        Args:
            axis: Name of the axis.

        Raises:
            SpaceError: No axis has this name, or the algebra is numerical.
        """
        position = self.layout.position(axis)
        size = self.layout.axes[position].size
        rows = rows_of(self.algebra.exact_rows()) if self.algebra is not None else {}
        field = self.algebra.exact_rows().domain if self.algebra is not None else QQ
        basis = []
        for k in range(self.dim):
            entries: Rows = {i: {} for i in range(size)}
            for p, value in rows.get(k, {}).items():
                plane_axis, i, j = self.planes[p]
                if plane_axis == position:
                    entries[i][j], entries[j][i] = value, -value
            basis.append(sparse_matrix(entries, (size, size), field))
        return tuple(basis)

    @cached_property
    def fixed_space(self) -> Subspace:
        """The space {z : A z = z B for all (A, B) in h}, which contains the space from which h was computed."""
        dim = self.layout.dim
        if self.algebra is None or self.algebra.is_zero:
            return Subspace.full(dim)
        moves = [_plane_move(self.layout, plane) for plane in self.planes]
        if not self.algebra.is_exact:
            dense = [_dense(move, dim) for move in moves]
            equations = [np.tensordot(h, dense, axes=1) for h in self.algebra.orthonormal()]
            return _float_kernel(np.concatenate(equations), self.algebra.tolerance)
        rows, field = rows_of(self.algebra.exact_rows()), self.algebra.exact_rows().domain
        blocks = [_combined(moves, row, dim, field) for row in rows.values()]
        return Subspace.from_reduced(linear.kernel(linear.stacked(*blocks)))


def lie_stabiliser(space: Subspace, layout: Layout, cut: float = 1e-8) -> LieStabiliser:
    """Return the Lie algebra of {(P, Q) orthogonal : P z Q^T = z for z in E}; axes without moves are left out.

    There is one equation for each basis vector and parameter, and one unknown for each plane. An exact space is solved
    by exact elimination, a numerical one by singular values.

    Args:
        space: E.
        layout: The index sets on which the moves act.
        cut: Smallest singular value, relative to the largest, that counts as an equation of a numerical space. The
            tolerance of the space replaces it if that is larger.
    """
    planes = tuple(
        (k, i, j)
        for k, axis in enumerate(layout.axes)
        if axis.moves != "none"
        for i in range(axis.size)
        for j in range(i + 1, axis.size)
    )
    if not planes:
        return LieStabiliser(layout, planes, None, "0")
    moves = [_plane_move(layout, plane) for plane in planes]
    if space.is_exact:
        algebra = _exact_algebra(space, moves)
    else:
        columns = [(space.orthonormal() @ _dense(move, space.ambient).T).ravel() for move in moves]
        algebra = _float_kernel(np.stack(columns, axis=1), max(cut, space.tolerance))
    return LieStabiliser(layout, planes, algebra, lie_name(_float_matrices(algebra, layout, planes)))


SparseMap = dict[int, list[tuple[int, int]]]
"""Column -> [(row, 1 or -1)]: the matrix of an infinitesimal rotation on Z."""


def _plane_move(layout: Layout, plane: Plane) -> SparseMap:
    """Return the matrix of a plane on Z: E_ij - E_ji applied to the rows and to the columns of every
    block, (dim, dim).
    """
    axis, low, high = plane
    move: SparseMap = {}
    start = 0
    for block in layout.blocks:
        numbers = start + np.arange(int(np.prod(layout.shape(block)))).reshape(layout.shape(block))
        start += numbers.size
        for position, k in enumerate(block):
            if k == axis:
                first, second = np.take(numbers, [low, high], axis=position).swapaxes(0, position).reshape(2, -1)
                for a, b in zip(first.tolist(), second.tolist(), strict=True):
                    move.setdefault(b, []).append((a, 1))
                    move.setdefault(a, []).append((b, -1))
    return move


def _exact_algebra(space: Subspace, moves: list[SparseMap]) -> Subspace:
    basis = space.exact_rows()
    zero = basis.domain.zero
    equations: Rows = {}
    for k, vector in rows_of(basis).items():
        for p, move in enumerate(moves):
            for column in vector.keys() & move.keys():
                for row, sign in move[column]:
                    equation = equations.setdefault(k * space.ambient + row, {})
                    equation[p] = equation.get(p, zero) + sign * vector[column]
    kept = [{p: v for p, v in equation.items() if v} for _, equation in sorted(equations.items())]
    rows = dict(enumerate(filter(None, kept)))
    if not rows:
        return Subspace.full(len(moves))
    return Subspace.from_reduced(linear.kernel(sparse_matrix(rows, (len(rows), len(moves)), basis.domain)))


def _float_kernel(equations: FloatArray, tolerance: float) -> Subspace:
    _, values, right = np.linalg.svd(equations, full_matrices=True)
    rank = int(np.sum(values > tolerance * max(float(values.max(initial=0.0)), 1.0)))
    return Subspace.numerical(right[rank:], tolerance)


def _dense(move: SparseMap, dim: int) -> FloatArray:
    matrix = np.zeros((dim, dim))
    for column, entries in move.items():
        for row, sign in entries:
            matrix[row, column] += sign
    return matrix


def _combined(moves: list[SparseMap], weights: dict[int, Any], dim: int, field: Any) -> DomainMatrix:
    """Return sum_p weights[p] moves[p], exact (dim, dim)."""
    rows: Rows = {}
    for p, weight in weights.items():
        for column, entries in moves[p].items():
            for row, sign in entries:
                here = rows.setdefault(row, {})
                here[column] = here[column] + sign * weight if column in here else sign * weight
    nonzero = {i: {j: v for j, v in row.items() if v} for i, row in rows.items()}
    return sparse_matrix(nonzero, (dim, dim), field)


def _float_matrices(algebra: Subspace, layout: Layout, planes: tuple[Plane, ...]) -> FloatArray:
    """Return an orthonormal basis of h as block-diagonal skew matrices over all axes, float64 (dim, sum sizes, sum
    sizes).
    """
    starts = np.cumsum([0, *(axis.size for axis in layout.axes)])
    vectors = algebra.orthonormal() if algebra.is_exact is False or algebra.dim else np.zeros((0, len(planes)))
    matrices = np.zeros((len(vectors), int(starts[-1]), int(starts[-1])))
    for p, (axis, i, j) in enumerate(planes):
        row, column = int(starts[axis]) + i, int(starts[axis]) + j
        matrices[:, row, column] = vectors[:, p]
        matrices[:, column, row] = -vectors[:, p]
    return matrices
