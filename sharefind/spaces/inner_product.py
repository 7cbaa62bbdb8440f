"""Averages over the group: the invariant inner product, and P_{E^G} as the mean of M_g for any finite action.

For orthogonal actions the mean is the orthogonal projection on E^G, which `fixed` and `Subspace` compute without a sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add

from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError
from sharefind.exact.matrices import common_matrices, identity_matrix
from sharefind.groups import Representation
from sharefind.spaces.fixed import fixed_space


def invariant_inner_product(rep: Representation) -> DomainMatrix:
    """Return the Gram matrix B of an inner product that every M_g preserves: the mean of M_g^T M_g.

    B is the identity if the action is orthogonal. It is positive definite, and M_g^T B M_g = B (Weyl's unitarian
    trick).

    Args:
        rep: The action.

    Returns:
        B, shape (dim, dim), exact and sparse.

    Raises:
        SpaceError: The group is infinite and the action is not orthogonal.
    """
    if rep.is_orthogonal:
        return identity_matrix(rep.dim, QQ)
    return _mean(matrix.transpose() * matrix for matrix in matrix_images(rep))


def projection(rep: Representation) -> DomainMatrix:
    """Return P_{E^G}, the mean of M_g: it projects on E^G along the sum of the other isotypic parts.

    Args:
        rep: The action.

    Returns:
        The projection, shape (dim, dim), exact and sparse.

    Raises:
        SpaceError: The group is infinite and the action is not orthogonal.
    """
    if rep.is_orthogonal:
        return fixed_space(rep).projection_matrix_exact()
    return _mean(matrix_images(rep))


def matrix_images(rep: Representation) -> tuple[DomainMatrix, ...]:
    """Return M_g for every element g of a finite group, as exact sparse matrices (dim, dim).

    Args:
        rep: An action by matrices that are not signed permutations.

    Raises:
        SpaceError: The group is infinite.
    """
    if not rep.group.is_finite:
        raise SpaceError(
            f"{rep.name} of the infinite group {rep.group.name} is not orthogonal; use an orthonormal basis"
        )
    if not rep.generator_matrices:
        return (identity_matrix(rep.dim, QQ),)
    return common_matrices([DomainMatrix.to_sparse(image) for image in rep.images()])


def _mean(matrices: Iterable[DomainMatrix]) -> DomainMatrix:
    listed = list(matrices)
    total = reduce(add, listed)
    return total * total.domain.convert(QQ(1, len(listed)))
