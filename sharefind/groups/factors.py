"""The factors of a direct product, and their representations as ones of the whole product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from sympy import QQ

from sharefind.exact.matrices import common_matrices, identity_matrix
from sharefind.groups.group import FiniteGroup, Group
from sharefind.groups.images import Matrices, index_type, ones
from sharefind.groups.representation import Construction, Representation, signed_permutations
from sharefind.typing import IntArray


def factors_of(group: Group) -> tuple[Group, ...]:
    """The factors of a direct product, the group itself where it is none."""
    return (isinstance(group, FiniteGroup) and group.factors) or (group,)


def qualifiers(group: Group) -> tuple[str, ...]:
    """How expressions call the factors: by their names, by their places from 1 where a name occurs twice."""
    names = [factor.name for factor in factors_of(group)]
    return tuple(name if names.count(name) == 1 else str(k) for k, name in enumerate(names, start=1))


def factor_places(word: str, group: FiniteGroup) -> list[int]:
    """The places, from 0, of the factors that a word calls: a name in any letters, or a place from 1."""
    if word.isdigit():
        return [int(word) - 1] if 1 <= int(word) <= len(group.factors) else []
    return [k for k, factor in enumerate(group.factors) if factor.name == word.upper()]


def of_factor(group: FiniteGroup, inner: Representation, start: int, name: str) -> Representation:
    """A representation of a factor as one of a product, on which the other factors act trivially.

    Args:
        group: The product, or a subgroup of it.
        inner: The representation of the factor.
        start: The factor's first point among those of the product.
        name: What to call the result.
    """
    factor = inner.finite_group
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


def _of_generators(inner: Representation, local: IntArray) -> Representation:
    """The factor's representation at these elements, (n, degree), of which none is the identity."""
    factor = inner.finite_group
    here = FiniteGroup(factor.name, factor.degree, tuple(map(tuple, local.tolist())), factor.natural_blocks)
    return inner if here.generators == factor.generators else inner.restrict(here)


def _spread(matrices: Matrices, moves: Sequence[bool], dim: int) -> Matrices:
    """One matrix for each generator: those given where it moves the factor, else the identity."""
    domain = matrices[0].domain if matrices else QQ
    given = iter(matrices)
    return common_matrices([next(given) if move else identity_matrix(dim, domain) for move in moves])
