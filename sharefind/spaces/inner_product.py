"""Averages over the group: the invariant inner product, and P_{E^G} as the mean of M_g for any finite action.

For orthogonal actions the mean is the orthogonal projection on E^G, which `fixed` and `Subspace` give without
a sum.
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
    """Exact Gram matrix (dim, dim) of an inner product that every M_g preserves: the mean of M_g^T M_g.

    The identity when the action is orthogonal. Positive definite, and M_g^T B M_g = B (Weyl's unitarian
    trick).

    Raises:
        SpaceError: the group is infinite and the action is not orthogonal.
    """
    if rep.is_orthogonal:
        return identity_matrix(rep.dim, QQ)
    return _mean(matrix.transpose() * matrix for matrix in matrix_images(rep))


def projection(rep: Representation) -> DomainMatrix:
    """P_{E^G} = mean of M_g, exact (dim, dim): projects on E^G along the sum of the other isotypic parts.

    Raises:
        SpaceError: the group is infinite and the action is not orthogonal.
    """
    if rep.is_orthogonal:
        return fixed_space(rep).projection_matrix_exact()
    return _mean(matrix_images(rep))


def matrix_images(rep: Representation) -> tuple[DomainMatrix, ...]:
    """M_g of every element of a finite group as exact sparse matrices, for an action by matrices.

    Raises:
        SpaceError: the group is infinite.
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
