"""The factors of a direct product, and their representations as representations of the whole product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import common_matrices, identity_matrix, rows_of, sparse_matrix, to_float, zero_matrix
from sharefind.groups.compact_product import CompactProduct, permutations_of, size_of
from sharefind.groups.group import CompactGroup, FiniteGroup, Group
from sharefind.groups.images import Matrices, index_type, ones
from sharefind.groups.representation import Construction, Representation, signed_permutations
from sharefind.groups.sampling import evaluate_permutations
from sharefind.typing import FloatArray, IntArray


def factors_of(group: Group) -> tuple[Group, ...]:
    """Return the factors of a direct product; a group that is not a product is its own factor.

    Args:
        group: Any group.
    """
    return (isinstance(group, FiniteGroup | CompactProduct) and group.factors) or (group,)


def is_product(group: Group) -> bool:
    """Return whether a group is a direct product of others.

    Args:
        group: Any group.
    """
    return isinstance(group, FiniteGroup | CompactProduct) and bool(group.factors)


def factor_start(group: Group, place: int) -> int:
    """Return the first point of a factor among those of the product, or the first row of its block.

    Args:
        group: The product.
        place: Position of the factor, from 0.
    """
    before = factors_of(group)[:place]
    return sum(size_of(factor) for factor in before if isinstance(factor, FiniteGroup | CompactGroup))


def qualifiers(group: Group) -> tuple[str, ...]:
    """Return the words by which expressions call the factors: their names, or positions from 1 where a name occurs
    twice.

    Args:
        group: The product.
    """
    names = [factor.name for factor in factors_of(group)]
    return tuple(name if names.count(name) == 1 else str(k) for k, name in enumerate(names, start=1))


def factor_places(word: str, group: Group) -> list[int]:
    """Return the positions, from 0, of the factors that a word calls.

    Args:
        word: A name in upper or lower case, or a position from 1.
        group: The product.
    """
    factors = factors_of(group)
    if word.isdigit():
        return [int(word) - 1] if 1 <= int(word) <= len(factors) else []
    return [k for k, factor in enumerate(factors) if factor.name == word.upper()]


def of_factor(group: Group, inner: Representation, start: int, name: str) -> Representation:
    """Return a representation of a factor as one of a product, on which the other factors act trivially.

    Args:
        group: The product, or a subgroup of it.
        inner: The representation of the factor.
        start: The factor's first point among those of the product.
        name: Name of the result.

    Raises:
        RepresentationError: The group is not a group of permutations, but the factor is.
    """
    if isinstance(group, CompactGroup):
        return _of_block(group, inner, start, name)
    return _of_points(group, inner, start, name)


def _of_points(group: Group, inner: Representation, start: int, name: str) -> Representation:
    """Extend a representation of a permutation factor to a permutation group of the points of all factors."""
    factor = inner.finite_group
    if not isinstance(group, FiniteGroup):
        raise RepresentationError(f"{group.name} is not a group of permutations; use a product of named groups")
    local = group.generator_array[:, start : start + factor.degree] - start
    moves = (local != np.arange(factor.degree)).any(axis=1)
    own = _of_generators(inner, local[moves])
    step = Construction("factor", partial(of_factor, inner=inner, start=start, name=name), inner=inner, start=start)
    if own.is_sparse:
        perms = np.tile(np.arange(own.dim, dtype=index_type(own.dim)), (len(moves), 1))
        signs = np.array(ones(len(moves), own.dim))
        perms[moves], signs[moves] = own.sparse_generators
        return signed_permutations(group, name, (perms, signs), inner.kind, step)
    matrices = _spread(own.generator_matrices, moves.tolist(), own.dim)
    return Representation(group, own.dim, name, "matrix", matrices=matrices, construction=step)


def _of_block(group: CompactGroup, inner: Representation, start: int, name: str) -> Representation:
    """Extend a representation of a factor to a group of block diagonal matrices with this factor as a block."""
    size = size_of(inner.group) if isinstance(inner.group, CompactGroup) else inner.finite_group.degree
    discrete = [_cut(matrix, start, size) for matrix in group.discrete]
    algebra = tuple(_cut(matrix, start, size) for matrix in group.lie_algebra)
    step = Construction(
        "factor",
        partial(of_factor, inner=inner, start=start, name=name),
        inner=inner,
        start=start,
        evaluate=partial(_evaluated, inner=inner, start=start, size=size),
    )
    if isinstance(inner.group, CompactGroup):
        block = CompactGroup(inner.group.name, size, algebra, tuple(discrete))
        own = inner.rebuilt(block)
        return Representation(group, inner.dim, name, "matrix", lie=own.lie, discrete=own.discrete, construction=step)
    points = np.array([permutations_of(to_float(matrix)[None])[0] for matrix in discrete], dtype=np.int64)
    points = points.reshape(len(discrete), size)
    moves = (points != np.arange(size)).any(axis=1)
    matrices = _spread(_of_generators(inner, points[moves]).generator_matrices, moves.tolist(), inner.dim)
    lie = tuple(zero_matrix(inner.dim) for _ in algebra)
    return Representation(group, inner.dim, name, "matrix", lie=lie, discrete=matrices, construction=step)


def _evaluated(draws: FloatArray, inner: Representation, start: int, size: int) -> FloatArray:
    """Evaluate a factor's representation at block diagonal matrices (count, n, n)."""
    block = draws[:, start : start + size, start : start + size]
    if isinstance(inner.group, CompactGroup):
        return inner.evaluate(block)
    factor = inner.finite_group
    if _is_natural(inner):
        return block
    images = permutations_of(block)
    if not factor.is_small:
        return evaluate_permutations(inner, images)
    positions = factor.enumeration().positions
    return inner.float_matrices()[[positions[row.tobytes()] for row in images]]


def _is_natural(rep: Representation) -> bool:
    """Whether a permutation's matrix is the permutation matrix itself."""
    own = rep.finite_group.generator_array
    return rep.kind == "permutation" and rep.dim == own.shape[1] and np.array_equal(rep.sparse_generators[0], own)


def _cut(matrix: DomainMatrix, start: int, size: int) -> DomainMatrix:
    """Return one block of a block diagonal matrix, (size, size)."""
    rows = rows_of(matrix)
    return sparse_matrix(
        {i: {j - start: v for j, v in rows[start + i].items()} for i in range(size) if start + i in rows},
        (size, size),
        matrix.domain,
    )


def _of_generators(inner: Representation, local: IntArray) -> Representation:
    """Return the factor's representation at elements (n, degree) other than the identity."""
    factor = inner.finite_group
    here = FiniteGroup(factor.name, factor.degree, tuple(map(tuple, local.tolist())), factor.natural_blocks)
    return inner if here.generators == factor.generators else inner.restrict(here)


def _spread(matrices: Matrices, moves: Sequence[bool], dim: int) -> Matrices:
    """Return one matrix for each generator: a given one if it moves the factor, else the identity."""
    domain = matrices[0].domain if matrices else QQ
    given = iter(matrices)
    return common_matrices([next(given) if move else identity_matrix(dim, domain) for move in moves])
