"""Exact sparse linear algebra over QQ and real algebraic fields: reduced forms, kernels, sums, intersections.

It works on sympy's sparse `DomainMatrix` and knows neither groups nor `Subspace`. Matrices are built directly from
{row: {column: value}}; `sympy.Matrix` would cost 20 to 300 times more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sympy import QQ, MatrixBase
from sympy.polys.matrices import DomainMatrix
from sympy.polys.matrices.sdm import SDM
from sympy.polys.polyerrors import CoercionFailed

from sharefind.errors import GroupError, SpaceError
from sharefind.exact.matrices import Rows, common_matrices, rows_of, sparse_matrix
from sharefind.exact.numbers import exact_matrix, format_element


def matrix_from_vectors(vectors: Sequence[Any]) -> DomainMatrix:
    """Return the matrix whose rows are exact vectors.

    Args:
        vectors: k >= 1 sequences or sympy vectors of one length n. Entries are ints, fractions, exact strings or sympy
            numbers.

    Returns:
        Shape (k, n), over the field that the entries need.

    Raises:
        SpaceError: There are no vectors, their lengths differ, or an entry is not exact.
    """
    flat = [vector.flat() if isinstance(vector, MatrixBase) else vector for vector in vectors]
    entries = [[int(value) if isinstance(value, np.integer) else value for value in row] for row in flat]
    widths = sorted({len(row) for row in entries})
    if len(widths) != 1 or widths == [0]:
        raise SpaceError(f"the {len(entries)} basis vectors have lengths {widths}; give vectors of one length")
    try:
        return exact_matrix(entries)
    except GroupError as error:
        raise SpaceError(f"{error}; floats go to Subspace.numerical") from error


def smallest_field(matrix: DomainMatrix) -> DomainMatrix:
    """Return the same sparse matrix over QQ if every entry is rational, else unchanged.

    Args:
        matrix: A sparse matrix.
    """
    try:
        return matrix.convert_to(QQ)
    except CoercionFailed:
        return matrix


def reduced(matrix: DomainMatrix) -> DomainMatrix:
    """Return the reduced row echelon form without zero rows, over the smallest field: the canonical form of a row
    space.

    Args:
        matrix: Shape (k, n).
    """
    sparse = matrix.to_sparse().to_field()
    form, pivots = sparse.rep.rref()
    return smallest_field(sparse_matrix(dict(form), (len(pivots), matrix.shape[1]), sparse.domain))


def kernel(matrix: DomainMatrix) -> DomainMatrix:
    """Return a reduced basis of {z : matrix z = 0} as rows, with one elimination.

    The columns are reversed before the elimination. Its free columns then become the leading entries of the result, so
    the result is already reduced.

    Args:
        matrix: Shape (k, n).

    Returns:
        Shape (n - rank, n).
    """
    sparse = matrix.to_sparse().to_field()
    last = matrix.shape[1] - 1
    null, _ = SDM(_mirrored(sparse.rep, last), sparse.shape, sparse.domain).nullspace()
    ordered = sorted(_mirrored(null, last).values(), key=min)
    shape = (len(ordered), last + 1)
    return smallest_field(DomainMatrix.from_rep(SDM(dict(enumerate(ordered)), shape, sparse.domain)))


def _mirrored(rows: Rows, last: int) -> Rows:
    return {i: {last - j: value for j, value in row.items()} for i, row in rows.items()}


def stacked(*matrices: DomainMatrix) -> DomainMatrix:
    """Return the rows of all matrices, one below another, over a common field.

    Args:
        *matrices: Matrices with the same number of columns.
    """
    return DomainMatrix.vstack(*common_matrices(matrices))


def row_sum(first: DomainMatrix, second: DomainMatrix) -> DomainMatrix:
    """Return the reduced basis of the sum of two row spaces.

    Args:
        first: Shape (k, n).
        second: Shape (m, n).
    """
    return reduced(stacked(first, second))


def row_meet(first: DomainMatrix, second: DomainMatrix) -> DomainMatrix:
    """Return the reduced basis of the intersection of two row spaces, from the pairs (a, b) with a first = b second.

    Args:
        first: Shape (k, n).
        second: Shape (m, n).
    """
    first, second = common_matrices((first, second))
    pairs = kernel(stacked(first, -second).transpose())
    left, basis = common_matrices((pairs.extract(range(pairs.shape[0]), range(first.shape[0])), first))
    return reduced(left * basis)


def in_row_space(basis: DomainMatrix, vectors: DomainMatrix) -> bool:
    """Return whether every row of `vectors` lies in the row space of `basis`.

    Args:
        basis: Shape (k, n), in reduced row echelon form.
        vectors: Shape (m, n).
    """
    basis, vectors = common_matrices((basis, vectors))
    by_pivot = {min(row): row for row in rows_of(basis).values()}
    zero = basis.domain.zero
    return all(_vanishes_modulo(row, by_pivot, zero) for row in rows_of(vectors).values())


def _vanishes_modulo(row: dict[int, Any], by_pivot: Rows, zero: Any) -> bool:
    remainder = dict(row)
    for pivot in row.keys() & by_pivot.keys():
        for j, value in by_pivot[pivot].items():
            remainder[j] = remainder.get(j, zero) - row[pivot] * value
    return not any(remainder.values())


def same_rows(first: DomainMatrix, second: DomainMatrix) -> bool:
    """Return whether two sparse matrices hold the same numbers; their fields may differ.

    Args:
        first: A sparse matrix.
        second: A sparse matrix.
    """
    if support(first) != support(second):
        return False
    one, other = common_matrices((first, second))
    return rows_of(one) == rows_of(other)


def support(matrix: DomainMatrix) -> tuple[tuple[int, ...], ...]:
    """Return the columns of the nonzero entries, row by row. They do not depend on the field, so they can be hashed.

    Args:
        matrix: A sparse matrix.
    """
    rows = rows_of(matrix)
    return tuple(tuple(sorted(rows.get(i, ()))) for i in range(matrix.shape[0]))


def gram(basis: DomainMatrix) -> DomainMatrix:
    """Return the Gram matrix B B^T of the rows of a basis.

    Args:
        basis: B, shape (k, n).
    """
    return basis * basis.transpose()


def orthogonal_projection(basis: DomainMatrix) -> DomainMatrix:
    """Return B^T (B B^T)^{-1} B, the exact orthogonal projection on a row space. The time is cubic in the number of
    rows.

    Args:
        basis: B, shape (k, n), of rank k.

    Returns:
        Shape (n, n), sparse.
    """
    if basis.shape[0] == 0:
        return sparse_matrix({}, (basis.shape[1], basis.shape[1]), basis.domain)
    return (basis.transpose() * gram(basis).inv() * basis).to_sparse()


def row_strings(matrix: DomainMatrix) -> list[dict[int, str]]:
    """Return the nonzero entries of each row as exact strings, {column: text}.

    Args:
        matrix: A sparse matrix.
    """
    rows, field = rows_of(matrix), matrix.domain
    return [
        {j: format_element(value, field) for j, value in sorted(rows.get(i, {}).items())}
        for i in range(matrix.shape[0])
    ]
