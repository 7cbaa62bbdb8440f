"""The isotypic decomposition of Z, exactly over the field of the representation.

An isotypic part is the sum of all subspaces that are isomorphic to one irreducible representation. Over the rationals,
a part collects all irreducible constituents that are conjugate over Q, so that it has a rational basis.
`class_algebra` has the algebra of the group alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import SpaceError
from sharefind.exact import linear_algebra as linear
from sharefind.exact.matrices import Rows, sparse_matrix
from sharefind.groups import FiniteGroup, Representation
from sharefind.spaces.class_algebra import (
    CentralIdempotent,
    ClassAlgebra,
    central_idempotents,
    class_function_trace,
    class_traces,
)
from sharefind.spaces.fixed import fixed_space
from sharefind.spaces.inner_product import matrix_images
from sharefind.spaces.schur_index import schur_indices
from sharefind.spaces.subspace import Subspace


@dataclass(frozen=True, eq=False)
class IsotypicPart:
    """One isotypic part of Z.

    Attributes:
        space: The part, exact and invariant.
        is_trivial: Whether the part is E^G.
        irreducible_dim: Dimension of an irreducible representation over the field of the action; the part is a multiple
            of this representation. The dimension is the product of degree, number of conjugates and Schur index. None
            where `schur_index` cannot determine the index; this needs a character that is not real or has even degree.
    """

    space: Subspace
    is_trivial: bool
    irreducible_dim: int | None

    @property
    def dim(self) -> int:
        """Dimension of the part."""
        return self.space.dim


def isotypic_decomposition(rep: Representation) -> tuple[IsotypicPart, ...]:
    """Return the nonzero isotypic parts of Z; E^G comes first where it is not {0}.

    The parts are invariant and independent, and their sum is Z. Each part is the image of sum_g e(g) M_g for a
    primitive central idempotent e of K[G], where K is the field of the action (Serre 1977, Thm 8 and Section 12.1). The
    images of all elements of the group are computed.

    Args:
        rep: The action.

    Raises:
        SpaceError: The group is infinite.
    """
    if not isinstance(rep.group, FiniteGroup):
        raise SpaceError(
            f"{rep.group.name} is infinite and isotypic parts need a finite group; use fixed_space for E^G"
        )
    field = QQ if rep.is_sparse or not rep.generator_matrices else rep.generator_matrices[0].domain
    algebra, idempotents = central_idempotents(rep.group, field)
    sums = _class_sums(rep, algebra)
    traces = class_traces(sums, field)
    dims = [class_function_trace(unit, traces) for unit in idempotents]
    held = [unit for unit, dim in zip(idempotents, dims, strict=True) if dim]
    multiples = [dim // (unit.degree * unit.conjugates) for unit, dim in zip(idempotents, dims, strict=True) if dim]
    indices = schur_indices(rep.group, algebra, held, multiples)
    parts = [_part(rep, unit, index, sums, field) for unit, index in zip(held, indices, strict=True)]
    return tuple(sorted(parts, key=_sort_key))


def _sort_key(part: IsotypicPart) -> tuple[Any, ...]:
    return (not part.is_trivial, part.dim, linear.support(part.space.exact_rows()))


def _part(
    rep: Representation, unit: CentralIdempotent, index: int | None, sums: list[DomainMatrix], field: Any
) -> IsotypicPart:
    if unit.is_trivial:
        return IsotypicPart(fixed_space(rep), True, 1)
    mean = reduce(add, [m.convert_to(field) * c for m, c in zip(sums, unit.coefficients, strict=True)])
    irreducible = None if index is None else unit.degree * unit.conjugates * index
    return IsotypicPart(Subspace.from_basis(mean.transpose()), False, irreducible)


def _class_sums(rep: Representation, algebra: ClassAlgebra) -> list[DomainMatrix]:
    """Return the sum of M_g over each of the r classes, exact (dim, dim)."""
    classes = [np.flatnonzero(algebra.class_of == a) for a in range(algebra.size)]
    if not rep.is_sparse:
        images = matrix_images(rep)
        return [reduce(add, [images[x] for x in members]) for members in classes]
    perms, signs = rep.images()
    return [_signed_permutation_sum(perms[members], signs[members]) for members in classes]


def _signed_permutation_sum(perms: NDArray[Any], signs: NDArray[Any]) -> DomainMatrix:
    """Sum of the maps e_i -> signs[k, i] e_{perms[k, i]}; perms and signs (k, dim), result (dim, dim)."""
    dim = perms.shape[1]
    cells = perms.astype(np.int64) * dim + np.arange(dim)
    used, inverse = np.unique(cells.ravel(), return_inverse=True)
    values = np.bincount(inverse, weights=signs.ravel()).astype(np.int64)
    rows: Rows = {}
    for cell, value in zip(used.tolist(), values.tolist(), strict=True):
        if value:
            rows.setdefault(cell // dim, {})[cell % dim] = QQ(value)
    return sparse_matrix(rows, (dim, dim))
