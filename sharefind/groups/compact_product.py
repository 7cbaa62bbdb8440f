"""Direct products of finite and compact groups: S5 x O(3), C_4 x SO(2), and their subgroups K x L.

An element is the block diagonal of its factors': a permutation matrix of a finite one, on its points, and the matrix of
a compact one. Expressions such as "points:S5.natural coords:O3.natural" say how products act on the axes of an array.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.exact.matrices import Rows, common_matrices, rows_of, sparse_matrix
from sharefind.groups.group import CompactGroup, FiniteGroup
from sharefind.groups.images import Matrices, block_diagonal, generator_matrices, ones

Factor: TypeAlias = FiniteGroup | CompactGroup
"""The factors of a product."""


@dataclass(frozen=True, eq=False)
class CompactProduct(CompactGroup):
    """A direct product of which a factor is a compact group, by block diagonal matrices (n, n).

    Args:
        factors: The groups, in the order of their blocks.
    """

    factors: tuple[Factor, ...] = ()

    @property
    def order(self) -> int | None:
        """Number of elements; None where a factor is infinite."""
        orders = [factor.order for factor in self.factors]
        return None if None in orders else math.prod(order for order in orders if order is not None)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Independent Haar draws of all factors, float64 (size, n, n), block diagonal."""
        return block_diagonal([_drawn(factor, rng, size) for factor in self.factors])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CompactProduct) and self.factors == other.factors

    def __hash__(self) -> int:
        return hash(self.factors)


def compact_product(name: str, factors: Sequence[Factor]) -> CompactProduct:
    """Return the direct product of some groups.

    Args:
        name: Its name.
        factors: Named groups, or subgroups of such.
    """
    sizes = [size_of(factor) for factor in factors]
    total = sum(sizes)
    lie, discrete = [], []
    for factor, start in zip(factors, _starts(sizes), strict=True):
        algebra, group_part = _generators(factor)
        lie += placed(algebra, start, total, is_algebra=True)
        discrete += placed(group_part, start, total)
    return CompactProduct(name, total, tuple(lie), common_matrices(discrete) if discrete else (), tuple(factors))


def size_of(group: Factor) -> int:
    """Return the number of rows of the matrices of a factor's elements: points of a finite one.

    Args:
        group: The factor.
    """
    return group.degree if isinstance(group, FiniteGroup) else group.n


def placed(matrices: Matrices, start: int, total: int, *, is_algebra: bool = False) -> list[DomainMatrix]:
    """Return matrices (size, size) as blocks of (total, total) that begin at `start`.

    Args:
        matrices: Matrices of one factor.
        start: Its first coordinate.
        total: Coordinates of all factors.
        is_algebra: Whether the other factors have zeros; otherwise they have the identity.
    """
    found = []
    for matrix in matrices:
        size, one = matrix.shape[0], matrix.domain.one
        rows: Rows = {start + i: {start + j: value for j, value in row.items()} for i, row in rows_of(matrix).items()}
        if not is_algebra:
            rows |= {k: {k: one} for k in range(total) if not start <= k < start + size}
        found.append(sparse_matrix(rows, (total, total), matrix.domain))
    return found


def permutations_of(matrices: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the permutations, in image form, of permutation matrices.

    Args:
        matrices: Shape (size, degree, degree).

    Returns:
        Shape (size, degree).
    """
    return np.asarray(matrices.argmax(axis=1), dtype=np.int64)


def _generators(group: Factor) -> tuple[Matrices, Matrices]:
    if isinstance(group, CompactGroup):
        return group.lie_algebra, group.discrete
    perms = group.generator_array
    return (), generator_matrices(perms, ones(*perms.shape))


def _starts(sizes: Sequence[int]) -> list[int]:
    return [sum(sizes[:k]) for k in range(len(sizes))]


def _drawn(group: Factor, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    if isinstance(group, CompactGroup):
        return group.sample(rng, size)
    matrices = np.zeros((size, group.degree, group.degree))
    images = group.sample_permutations(rng, size)
    matrices[np.arange(size)[:, None], images, np.arange(group.degree)] = 1
    return matrices
