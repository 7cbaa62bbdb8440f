"""Exact sparse linear algebra over QQ and real algebraic fields: reduced forms, kernels, sums, intersections.

It works on sympy's sparse `DomainMatrix` and knows neither groups nor `Subspace`. Rows are built straight
from {row: {column: value}}; going through `sympy.Matrix` costs 20 to 300 times more.
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
    """The matrix whose rows are the exact `vectors`: k >= 1 sequences or sympy vectors of one length.

    Entries are ints, fractions, exact strings or sympy numbers.

    Raises:
        SpaceError: no vectors, different lengths, or an entry that is not exact.
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
    """The same sparse matrix over QQ where every entry is rational, else over its own field."""
    try:
        return matrix.convert_to(QQ)
    except CoercionFailed:
        return matrix


def reduced(matrix: DomainMatrix) -> DomainMatrix:
    """Reduced row echelon form without zero rows, over the smallest field: canonical for the row space."""
    sparse = matrix.to_sparse().to_field()
    form, pivots = sparse.rep.rref()
    return smallest_field(sparse_matrix(dict(form), (len(pivots), matrix.shape[1]), sparse.domain))


def kernel(matrix: DomainMatrix) -> DomainMatrix:
    """Reduced basis (rows) of {z : matrix z = 0}; one elimination.

    With the columns reversed, the free columns of the elimination become the leading entries of the answer,
    so that it comes out reduced.
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
    """The rows of all matrices, one under another, over one field."""
    return DomainMatrix.vstack(*common_matrices(matrices))


def row_sum(first: DomainMatrix, second: DomainMatrix) -> DomainMatrix:
    """Reduced basis of the sum of two row spaces."""
    return reduced(stacked(first, second))


def row_meet(first: DomainMatrix, second: DomainMatrix) -> DomainMatrix:
    """Reduced basis of the intersection of two row spaces: the pairs (a, b) with a first = b second."""
    first, second = common_matrices((first, second))
    pairs = kernel(stacked(first, -second).transpose())
    left, basis = common_matrices((pairs.extract(range(pairs.shape[0]), range(first.shape[0])), first))
    return reduced(left * basis)


def in_row_space(basis: DomainMatrix, vectors: DomainMatrix) -> bool:
    """True when every row of `vectors` lies in the row space of `basis`, which must be reduced."""
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
    """Equality of two sparse matrices as matrices of numbers, whatever the fields they are written over."""
    if support(first) != support(second):
        return False
    one, other = common_matrices((first, second))
    return rows_of(one) == rows_of(other)


def support(matrix: DomainMatrix) -> tuple[tuple[int, ...], ...]:
    """Columns of the nonzero entries, row by row: independent of the field, so a safe hash key."""
    rows = rows_of(matrix)
    return tuple(tuple(sorted(rows.get(i, ()))) for i in range(matrix.shape[0]))


def gram(basis: DomainMatrix) -> DomainMatrix:
    """B B^T for the rows of a basis."""
    return basis * basis.transpose()


def orthogonal_projection(basis: DomainMatrix) -> DomainMatrix:
    """B^T (B B^T)^{-1} B: the exact Euclidean projection on the row space; cubic in the number of rows."""
    if basis.shape[0] == 0:
        return sparse_matrix({}, (basis.shape[1], basis.shape[1]), basis.domain)
    return (basis.transpose() * gram(basis).inv() * basis).to_sparse()


def row_strings(matrix: DomainMatrix) -> list[dict[int, str]]:
    """The nonzero entries of each row as exact strings, {column: text}."""
    rows, field = rows_of(matrix), matrix.domain
    return [
        {j: format_element(value, field) for j, value in sorted(rows.get(i, {}).items())}
        for i in range(matrix.shape[0])
    ]
