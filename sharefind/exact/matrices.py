"""Sparse exact matrices: the few operations on sympy's `DomainMatrix` that representations need.

Every matrix is built directly from {row: {column: value}}. `sharefind.groups` decides what forms a representation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.exact.fields import common_domain, element_to_float

Rows = dict[int, dict[int, Any]]


def sparse_matrix(rows: Rows, shape: tuple[int, int], domain: Any = QQ) -> DomainMatrix:
    """Build a sparse `DomainMatrix`.

    Args:
        rows: {row: {column: nonzero element of the domain}}.
        shape: Numbers of rows and columns.
        domain: The field of the entries.

    Returns:
        The matrix.
    """
    return DomainMatrix({i: row for i, row in rows.items() if row}, shape, domain)


def rows_of(matrix: DomainMatrix) -> Rows:
    """Return the nonzero entries of a matrix as {row: {column: element}}.

    Args:
        matrix: Any matrix.
    """
    return {i: dict(row) for i, row in matrix.to_sparse().rep.items()}


def identity_matrix(n: int, domain: Any = QQ) -> DomainMatrix:
    """Return the sparse identity, shape (n, n).

    Args:
        n: Number of rows.
        domain: The field of the entries.
    """
    return sparse_matrix({i: {i: domain.one} for i in range(n)}, (n, n), domain)


def zero_matrix(n: int, domain: Any = QQ) -> DomainMatrix:
    """Return the sparse zero matrix, shape (n, n).

    Args:
        n: Number of rows.
        domain: The field of the entries.
    """
    return sparse_matrix({}, (n, n), domain)


def signed_permutation_matrix(
    perm: NDArray[np.integer[Any]], signs: NDArray[np.int8], domain: Any = QQ
) -> DomainMatrix:
    """Return the matrix of e_i -> signs[i] e_{perm[i]}, shape (n, n), sparse.

    Args:
        perm: Shape (n,), integers: a permutation of 0, ..., n - 1.
        signs: Shape (n,), int8: 1 or -1.
        domain: The field of the entries.
    """
    values = {1: domain.one, -1: -domain.one}
    rows = {int(image): {i: values[int(signs[i])]} for i, image in enumerate(perm)}
    return sparse_matrix(rows, (len(perm), len(perm)), domain)


def as_signed_permutation(matrix: DomainMatrix) -> tuple[list[int], list[int]] | None:
    """Return (perm, signs) if the matrix is a signed permutation e_i -> signs[i] e_{perm[i]}, else None.

    Args:
        matrix: Shape (n, n).
    """
    n, domain = matrix.shape[0], matrix.domain
    perm, signs = [-1] * n, [0] * n
    for row, entries in rows_of(matrix).items():
        if len(entries) != 1:
            return None
        ((column, value),) = entries.items()
        if perm[column] != -1 or value not in (domain.one, -domain.one):
            return None
        perm[column], signs[column] = row, 1 if value == domain.one else -1
    return (perm, signs) if min(perm, default=0) >= 0 else None


def signed_image(matrix: DomainMatrix) -> list[int] | None:
    """Return a signed permutation in one-line notation, or None for any other matrix.

    Entry k of the list is j if the matrix sends e_k to e_j, and -j if it sends e_k to -e_j; indices start at 1.

    Args:
        matrix: Shape (n, n).
    """
    image = as_signed_permutation(matrix)
    return None if image is None else [(k + 1) * sign for k, sign in zip(*image, strict=True)]


def common_matrices(matrices: Sequence[DomainMatrix]) -> tuple[DomainMatrix, ...]:
    """Return the same matrices, sparse and over one field that contains all their entries.

    Args:
        matrices: Any matrices.
    """
    domain = common_domain([m.domain for m in matrices])
    return tuple(m.to_sparse().convert_to(domain) for m in matrices)


def direct_sum(a: DomainMatrix, b: DomainMatrix) -> DomainMatrix:
    """Return the block diagonal matrix of a and b, shape (n + m, n + m).

    Args:
        a: Shape (n, n).
        b: Shape (m, m).
    """
    a, b = common_matrices((a, b))
    n, m = a.shape[0], b.shape[0]
    rows = rows_of(a)
    rows.update({n + i: {n + j: v for j, v in row.items()} for i, row in rows_of(b).items()})
    return sparse_matrix(rows, (n + m, n + m), a.domain)


def kronecker(a: DomainMatrix, b: DomainMatrix) -> DomainMatrix:
    """Return the Kronecker product, shape (n m, n m); the pair (i, j) has index i m + j.

    Args:
        a: Shape (n, n).
        b: Shape (m, m).
    """
    a, b = common_matrices((a, b))
    n, m = a.shape[0], b.shape[0]
    right = rows_of(b)
    rows = {
        i * m + k: {j * m + h: x * y for j, x in row.items() for h, y in right_row.items()}
        for i, row in rows_of(a).items()
        for k, right_row in right.items()
    }
    return sparse_matrix(rows, (n * m, n * m), a.domain)


def kronecker_rows(a: DomainMatrix, b: DomainMatrix) -> DomainMatrix:
    """Return the Kronecker product of the rows of two matrices, shape (k l, n m), over one field.

    Args:
        a: Shape (k, n).
        b: Shape (l, m).
    """
    a, b = common_matrices((a, b))
    (k, n), (size, m) = a.shape, b.shape
    rows = {
        i * size + j: {p * m + q: x * y for p, x in first.items() for q, y in second.items()}
        for i, first in rows_of(a).items()
        for j, second in rows_of(b).items()
    }
    return sparse_matrix(rows, (k * size, n * m), a.domain)


def leibniz(a: DomainMatrix, b: DomainMatrix) -> DomainMatrix:
    """Return a (x) 1 + 1 (x) b, the action of a Lie algebra element on a tensor product, shape (n m, n m).

    Args:
        a: Its action on the first factor, shape (n, n).
        b: Its action on the second factor, shape (m, m).
    """
    a, b = common_matrices((a, b))
    n, m = a.shape[0], b.shape[0]
    left, right = rows_of(a), rows_of(b)
    rows: Rows = {}
    for i in range(n):
        for k in range(m):
            row = {j * m + k: value for j, value in left.get(i, {}).items()}
            for h, value in right.get(k, {}).items():
                column = i * m + h
                row[column] = row[column] + value if column in row else value
            rows[i * m + k] = {column: value for column, value in row.items() if value}
    return sparse_matrix(rows, (n * m, n * m), a.domain)


def is_orthogonal_matrix(matrix: DomainMatrix) -> bool:
    """Return whether M^T M = 1 exactly.

    Args:
        matrix: M, shape (n, n).
    """
    product = matrix.transpose() * matrix
    return bool((product - identity_matrix(matrix.shape[0], matrix.domain)).is_zero_matrix)


def trace(matrix: DomainMatrix) -> Any:
    """Return the sum of the diagonal, an element of the matrix's domain.

    Args:
        matrix: Shape (n, n).
    """
    return sum((row[i] for i, row in matrix.to_sparse().rep.items() if i in row), matrix.domain.zero)


def to_float(matrix: DomainMatrix) -> NDArray[np.float64]:
    """Return the matrix rounded entry by entry, same shape, float64.

    Args:
        matrix: Any exact matrix.
    """
    dense = np.zeros(matrix.shape, dtype=np.float64)
    seen: dict[Any, float] = {}
    for i, row in rows_of(matrix).items():
        for j, value in row.items():
            if value not in seen:
                seen[value] = element_to_float(value, matrix.domain)
            dense[i, j] = seen[value]
    return dense
