"""The stabiliser of a specification rebuilt from its generators alone: matrices, group and representations.

Names and orders in a specification are claims; what is proven about them is decided in `proof`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from sharefind.architectures.certificate.group_names import marked_orbits
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import HIDDEN, INPUTS, LENGTHS, SPACES
from sharefind.errors import ExportError, GroupError
from sharefind.exact.matrices import (
    direct_sum,
    identity_matrix,
    is_orthogonal_matrix,
    signed_permutation_matrix,
    zero_matrix,
)
from sharefind.groups import CompactGroup, FiniteGroup, Representation, exact_domain, exact_matrix, hom, unmoved
from sharefind.groups.cycles import permutation_sign
from sharefind.groups.from_matrices import unchecked
from sharefind.groups.group import MAX_ORDER
from sharefind.groups.orbits import orbit_action
from sharefind.groups.vector_pairs import is_doubled, pair_derivative, pair_matrix
from sharefind.groups.vector_types import Labels, keeps_types, type_image
from sharefind.spaces import Subspace, fixed_space

ExactMove = tuple[DomainMatrix, ...]
"""One generator on inputs, on outputs [and on hidden units [and on their lengths [and products]]], over one field."""


@dataclass(frozen=True, eq=False)
class Stabiliser:
    """A group that fixes a space.

    Attributes:
        pairs: Exact generators.
        lie: Exact generators of the Lie algebra, over the same field.
        reps: The same as representations on X, on Y [and on the hidden units [, their lengths [and products]]] of the
            group that they generate on the sum of these spaces, an image of the named group.
    """

    pairs: tuple[ExactMove, ...]
    lie: tuple[ExactMove, ...]
    reps: tuple[Representation, ...]


def rebuild_stabiliser(spec: SharingSpec) -> Stabiliser:
    """Return the stabiliser of a specification.

    Args:
        spec: The specification.

    Raises:
        ExportError: A generator is not orthogonal, or the generators of a finite group generate an infinite one or one
            too large to list.
    """
    every = [*spec.generators, *spec.lie_generators]
    matrices = [rows for pair in every for rows in pair.matrices]
    field = exact_domain({entry for rows in matrices for row in rows for entry in row})
    exact = [tuple(exact_matrix(rows, field) for rows in pair.matrices) for pair in every]
    pairs, lie = tuple(exact[: len(spec.generators)]), tuple(exact[len(spec.generators) :])
    _refuse_unless_orthogonal(spec, pairs, lie)
    if spec.types:
        pairs, lie = _with_lengths(spec, pairs), _with_still_lengths(spec, lie)
    if spec.has_pairs:
        pairs = _with_products(spec, "generator", pairs, pair_matrix)
        lie = _with_products(spec, "Lie generator", lie, pair_derivative)
    reps = _finite(spec, pairs) if spec.group_order is not None else _infinite(spec, pairs, lie)
    return Stabiliser(pairs, lie, reps)


def _with_lengths(spec: SharingSpec, pairs: Sequence[ExactMove]) -> tuple[ExactMove, ...]:
    """Generators with what they do to the lengths of hidden vectors and to hidden scalars: they permute them."""
    moves = list[ExactMove]()
    for position, move in enumerate(pairs):
        image = type_image(move[HIDDEN], spec.types)
        if image is None:
            raise refusal(f"generator {position} of {spec.group_name} does not keep the types of hidden units")
        signs = np.ones(len(image), dtype=np.int8)
        moves.append((*move, signed_permutation_matrix(np.array(image), signs, move[HIDDEN].domain)))
    return tuple(moves)


def _with_still_lengths(spec: SharingSpec, lie: Sequence[ExactMove]) -> tuple[ExactMove, ...]:
    """Lie generators with what they do to lengths: nothing."""
    for position, move in enumerate(lie):
        if not keeps_types(move[HIDDEN], spec.types):
            raise refusal(f"Lie generator {position} of {spec.group_name} does not keep the types of hidden units")
    return tuple((*move, zero_matrix(spec.space_dims[LENGTHS], move[HIDDEN].domain)) for move in lie)


def _with_products(
    spec: SharingSpec, kind: str, moves: Sequence[ExactMove], on_pairs: Callable[[DomainMatrix, Labels], DomainMatrix]
) -> tuple[ExactMove, ...]:
    """Generators with what they do to products of hidden vectors and their copies."""
    bad = next((position for position, move in enumerate(moves) if not is_doubled(move[HIDDEN])), None)
    if bad is not None:
        raise refusal(f"{kind} {bad} of {spec.group_name} does not do the same to both halves of the hidden units")
    return tuple((*move, on_pairs(move[HIDDEN], spec.types)) for move in moves)


def _names(spec: SharingSpec) -> tuple[str, ...]:
    """The names of the representations."""
    return (*spec.rep_names, *SPACES[LENGTHS : len(spec.space_dims)])


def equivariant_space(spec: SharingSpec, reps: Sequence[Representation]) -> Subspace:
    """Return E^G of a group that acts on X, on Y [and on the hidden units]: Hom(source, target) for each map.

    Args:
        spec: The specification.
        reps: The representations.
    """
    parts = [reps[rows] if columns is None else hom(reps[rows], reps[columns]) for rows, columns in spec.sides.values()]
    return fixed_space(reduce(add, parts))


def refusal(what: str) -> ExportError:
    """Return the error of an export because a claim of its specification does not hold.

    Args:
        what: The claim that fails.
    """
    return ExportError(f"{what}; correct the specification, or run the search again")


def _refuse_unless_orthogonal(spec: SharingSpec, pairs: Sequence[ExactMove], lie: Sequence[ExactMove]) -> None:
    """Group elements are orthogonal, derivatives of such are skew, on every space."""
    for moves, kind, wanted, holds in (
        (pairs, "generator", "orthogonal", is_orthogonal_matrix),
        (lie, "Lie generator", "skew", lambda matrix: (matrix + matrix.transpose()).is_zero_matrix),
    ):
        for position, move in enumerate(moves):
            for side, matrix in zip(SPACES, move, strict=False):
                if not holds(matrix):
                    raise refusal(f"{kind} {position} of {spec.group_name} is not {wanted} on {side}")


def _finite(spec: SharingSpec, pairs: Sequence[ExactMove]) -> tuple[Representation, ...]:
    kept = [pair for pair in pairs if not all(m == identity_matrix(m.shape[0], m.domain) for m in pair)]
    if not kept:
        return tuple(unmoved(dim) for dim in spec.space_dims)
    try:
        action = orbit_action([reduce(direct_sum, move) for move in kept], MAX_ORDER)
    except GroupError as error:
        raise refusal(f"the generators of {spec.group_name}: {error}") from None
    if action is None:
        raise refusal(f"the generators of {spec.group_name} generate an infinite group or one too large to check")
    perms = _without_copies(action)
    group = FiniteGroup(spec.group_name, perms.shape[1], tuple(tuple(map(int, perm)) for perm in perms))
    group = replace(group, known_order=_giant_order(group))
    return tuple(unchecked(group, [pair[k] for pair in kept], name) for k, name in enumerate(_names(spec)))


def _without_copies(perms: NDArray[np.int64]) -> NDArray[np.int64]:
    """The permutations (generators, points) on those orbits that no earlier orbit repeats, point by point.

    The action stays faithful, and `_giant_order` sees S_n on n points, not on two copies of them.
    """
    known = list({own.tobytes(): own for own in marked_orbits(perms)}.values())
    starts = np.cumsum([0, *(own.shape[1] for own in known)])
    return np.concatenate([own + start for own, start in zip(known, starts, strict=False)], axis=1)


def _giant_order(group: FiniteGroup) -> int | None:
    """n! or n!/2 where the group is shown to be S_n or A_n on its n points, None where it is not.

    By Jordan's theorem on primitive groups with a long cycle of prime length, found at random: only a yes is certain.
    Schreier-Sims would take minutes for S_100.
    """
    if not group.sympy.is_alt_sym():
        return None
    is_even = all(permutation_sign(generator) > 0 for generator in group.generators)
    return math.factorial(group.degree) // (2 if is_even else 1)


def _infinite(spec: SharingSpec, pairs: Sequence[ExactMove], lie: Sequence[ExactMove]) -> tuple[Representation, ...]:
    algebra, discrete = (
        [tuple(pair[k] for pair in every) for k in range(len(spec.space_dims))] for every in (lie, pairs)
    )
    group = CompactGroup(spec.group_name, spec.d_in, algebra[INPUTS], discrete[INPUTS])
    return tuple(
        Representation(group, dim, name, "matrix", lie=algebra[k], discrete=discrete[k])
        for k, (dim, name) in enumerate(zip(spec.space_dims, _names(spec), strict=True))
    )
