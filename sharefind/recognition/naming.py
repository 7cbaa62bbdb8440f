"""The name of the stabiliser of a space, from its action: S5, D6, S3xS2, B3, S3wrC2, ..., else its order.

`sharefind.groups.structure_name` names small groups by isomorphism type. Large groups are named by the orders of their
actions on orbits and blocks, without a list of their elements.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sympy import GF

from sharefind.exact.matrices import rows_of, sparse_matrix
from sharefind.groups import FiniteGroup, structure_name
from sharefind.groups.catalogue import NAME_BOUNDS
from sharefind.groups.cycles import permutation_sign
from sharefind.recognition.automorphisms import Engine, automorphisms
from sharefind.spaces.tying import components, connected
from sharefind.typing import IntArray

MAX_STRUCTURE_ORDER = 2_000
"""Largest order of a group whose isomorphism type is determined; its Cayley table has order^2 entries."""


@dataclass(frozen=True, eq=False)
class _Part:
    """A union of orbits on which the group is a direct factor, with its points renumbered.

    Attributes:
        colours: Shape (k, k), int64, with the orbits on the diagonal; their automorphisms are the factor.
        orbits: Shape (k,), int64.
        generators: Shape (k,), int64 each.
        antipodes: Shape (k,), int64; -1 if the antipode lies outside.
    """

    colours: IntArray
    orbits: IntArray
    generators: Sequence[IntArray]
    antipodes: IntArray


def group_name(colours: IntArray, generators: Sequence[IntArray], antipodes: IntArray, engine: Engine) -> str:
    """Return the name of the automorphism group of a coloured digraph as it acts; "order 48" if it has no name.

    The factors of a direct product are ordered by their first points, as in the catalogue: "S3xS2" is S_3 on the first
    three points and S_2 on the next two. A factor {1, -1} of a signed action comes last, as "C2".

    Args:
        colours: Shape (n, n), int64, from `point_colours`.
        generators: Generators of the whole automorphism group, shape (n,), int64 each.
        antipodes: Shape (n,), int64: the point of -e_i for the point of e_i; a point without a sign is its own
            antipode.
        engine: As in `automorphisms`.
    """
    orbits = orbit_numbers(generators, len(colours))
    factors, signs = list[str](), 0
    for points in _independent_parts(colours, orbits):
        if not any(np.any(g[points] != points) for g in generators):
            continue
        part = _part(colours, orbits, points, generators, antipodes)
        half = _half(part)
        if half is None:
            factors.append(_factor_name(part, engine))
        else:
            signs += 1
            marked = part.colours + np.diag((int(part.colours.max()) + 1) * (1 + half))
            inside = group_name(marked, automorphisms(marked, engine)[0], np.arange(len(half)), engine)
            factors += [inside] if inside != "C1" else []
    return "x".join([*_factor_names(factors, alone=signs + len(factors) == 1), *["C2"] * signs]) or "C1"


def permutation_group_name(group: FiniteGroup, most_points: int = 64) -> str:
    """Return the name of a permutation group of any size; "order 1440" if it has no name.

    A small group is named by its isomorphism type. Any other is named by its action, if it contains every permutation
    that preserves its orbits of pairs, or is the alternating group of some points.

    Args:
        group: The group.
        most_points: Largest number of points for which orbits of pairs are computed.
    """
    named = structure_name(group) if group.order <= MAX_STRUCTURE_ORDER else ""
    if named and is_named(named):
        return named
    if group.degree <= most_points:
        moves = list(group.generator_array)
        pairs = (group.generator_array[:, :, None] * group.degree + group.generator_array[:, None, :]).reshape(
            len(moves), group.degree**2
        )
        colours = components(pairs).astype(np.int64).reshape(group.degree, group.degree)
        found, order = automorphisms(colours, "auto")
        if order == group.order:
            return group_name(colours, moves, np.arange(group.degree), "auto")
        if order == 2 * group.order and all(permutation_sign(g) > 0 for g in group.generators):
            whole = group_name(colours, found, np.arange(group.degree), "auto")
            if re.fullmatch(r"S\d+", whole):
                return f"A{whole[1:]}"
    return f"order {group.order}"


def is_named(name: str) -> bool:
    """Return whether a name is more than an order.

    Args:
        name: A name from this module.
    """
    return "order" not in name


def orbit_numbers(generators: Sequence[IntArray], n: int) -> IntArray:
    """Return the orbit of each point, numbered by first points, shape (n,), int64.

    Args:
        generators: Permutations, shape (n,), int64 each.
        n: Number of points.
    """
    images = np.array(generators, dtype=np.int64).reshape(-1, n)
    return components(images).astype(np.int64)


def _independent_parts(colours: IntArray, orbits: IntArray) -> list[IntArray]:
    """Return the finest unions of orbits on which the group is a direct product; points ascend in each.

    Orbits P and Q move independently exactly if all pairs in P x Q have one colour, and all pairs in Q x P. If they
    move independently, P x Q is one orbit of pairs. Conversely, combined moves of unlinked parts preserve every colour.
    """
    count = int(orbits.max()) + 1
    members = [np.flatnonzero(orbits == k) for k in range(count)]
    linked = [
        (a, b)
        for a in range(count)
        for b in range(count)
        if a != b and min(len(members[a]), len(members[b])) > 1 and np.ptp(colours[np.ix_(members[a], members[b])]) > 0
    ]
    heads, tails = np.array(linked, dtype=np.int64).reshape(-1, 2).T
    part = connected(heads, tails, count)
    return [np.flatnonzero(part[orbits] == k) for k in range(int(part.max()) + 1)]


def _part(
    colours: IntArray, orbits: IntArray, points: IntArray, generators: Sequence[IntArray], antipodes: IntArray
) -> _Part:
    inside = colours[np.ix_(points, points)].copy()
    inside[np.diag_indices_from(inside)] = int(colours.max()) + 1 + orbits[points]
    position = np.full(len(colours), -1)
    position[points] = np.arange(len(points))
    return _Part(inside, orbits[points], _restricted(generators, points), position[antipodes[points]])


def _factor_name(part: _Part, engine: Engine) -> str:
    """Return the name of the action on one part, from a faithful orbit if there is one."""
    order = automorphisms(part.colours, engine)[1]
    for orbit in np.unique(part.orbits):
        members = np.flatnonzero(part.orbits == orbit)
        if _is_faithful(part.colours, members, engine):
            opposite = part.antipodes[members]
            signed = bool(np.all(opposite != members) and np.isin(opposite, members).all())
            return _transitive_name(_restricted(part.generators, members), order, signed)
    return _structure(part.generators, order)


def _is_faithful(colours: IntArray, members: IntArray, engine: Engine) -> bool:
    """Return whether only the identity fixes all members."""
    held = colours.copy()
    held[members, members] = int(colours.max()) + 1 + members
    return automorphisms(held, engine)[1] == 1


def _half(part: _Part) -> IntArray | None:
    """Choose one of e_i and -e_i for each i, as 1 or 0 per point, such that each move preserves or negates the whole
    choice.

    If such a choice exists and -1 is a move, the group is {1, -1} x (the moves that preserve the choice). Otherwise
    return None.
    """
    n, minus = len(part.antipodes), part.antipodes
    if np.any(minus < 0) or np.any(minus == np.arange(n)):
        return None
    if not np.array_equal(part.colours[np.ix_(minus, minus)], part.colours):
        return None
    first = np.minimum(minus, np.arange(n))
    # Over GF(2): e_i + e_{g i} + x_g = whether g turns the sign of i; column n + g is x_g, the last one the right side.
    last = n + len(part.generators)
    equations = {
        frozenset({int(first[i])} ^ {int(first[g[i]])} ^ {n + k} ^ ({last} if g[i] != first[g[i]] else set()))
        for k, g in enumerate(part.generators)
        for i in np.flatnonzero(first == np.arange(n))
    }
    rows = {k: {column: GF(2).one for column in columns} for k, columns in enumerate(sorted(equations, key=sorted))}
    form, pivots = sparse_matrix(rows, (len(rows), last + 1), GF(2)).rref()
    if last in pivots:
        return None
    solution = [pivot for k, pivot in enumerate(pivots) if last in rows_of(form).get(k, {})]
    turned = np.isin(first, solution)
    return np.asarray(np.where(first == np.arange(n), 1 - turned, turned), dtype=np.int64)


def _restricted(generators: Sequence[IntArray], points: IntArray) -> list[IntArray]:
    """Restrict generators to an invariant set of points, renumbered; drop identities and repetitions."""
    position = np.full(int(points.max()) + 1, -1)
    position[points] = np.arange(len(points))
    return _different([position[g[points]] for g in generators])


def _different(generators: Sequence[IntArray]) -> list[IntArray]:
    """Return the same permutations, sorted, without identities and repetitions."""
    moved = {tuple(g.tolist()) for g in generators}
    return [np.array(g) for g in sorted(moved) if g != tuple(range(len(g)))]


def action_order(moves: Sequence[IntArray]) -> int:
    """Return the order of the group that permutations generate, by sympy's Schreier-Sims except for S_k and A_k.

    Args:
        moves: Permutations, shape (k,), int64 each.
    """
    if not moves:
        return 1
    degree = len(moves[0])
    if _swaps_connect(moves):
        return math.factorial(degree)
    group = as_group(moves)
    # Jordan's theorem on cycles of prime length: a positive answer of the random test is certain.
    if degree > 3 and group.sympy.is_alt_sym():
        return math.factorial(degree) // (1 if any(permutation_sign(g) < 0 for g in moves) else 2)
    return int(group.sympy.order())


def _swaps_connect(moves: Sequence[IntArray]) -> bool:
    """Return whether the transpositions among the generators connect all points; they then generate S_k."""
    swaps = [g for g in moves if np.sum(g != np.arange(len(g))) == 2]
    return int(orbit_numbers(swaps, len(moves[0])).max()) == 0


def as_group(moves: Sequence[IntArray], name: str = "G", order: int | None = None) -> FiniteGroup:
    """Return the permutation group that permutations generate.

    Args:
        moves: At least one permutation, shape (k,), int64 each.
        name: Name of the group.
        order: Its order, if it is known.
    """
    return FiniteGroup(name, len(moves[0]), tuple(tuple(g.tolist()) for g in moves), known_order=order)


def _transitive_name(moves: Sequence[IntArray], order: int, signed: bool) -> str:
    """Return the name of a transitive group on k points; `signed` means that they are +-e_i for k / 2 indices i."""
    degree = len(moves[0])
    half = degree // 2
    if signed and degree > 2 and order == 2**half * math.factorial(half):
        return f"B{half}"
    if order == math.factorial(degree) and degree > 2:
        return f"S{degree}"
    if degree > 3 and 2 * order == math.factorial(degree):  # A_3 is called C3
        return f"A{degree}"
    # A wreath product says more about an imprimitive action than its isomorphism type, but C_n and D_n say enough.
    wreath = _wreath_name(moves, order) if order > 2 * degree else None
    return wreath or _structure(moves, order)


def _structure(moves: Sequence[IntArray], order: int) -> str:
    if order > MAX_STRUCTURE_ORDER:
        return f"order {order}"
    return structure_name(as_group(moves, order=order))


def _wreath_name(moves: Sequence[IntArray], order: int) -> str | None:
    """Return "KwrQ" if the group is all of K^m . Q for a block system: K on each of m blocks, Q on the blocks."""
    for block_of in _block_systems(moves):
        count = int(block_of.max()) + 1
        first = np.unique(block_of, return_index=True)[1]
        outer = _different([block_of[g[first]] for g in moves])
        inner = _on_first_block(moves, block_of)
        if not inner or not outer:
            continue
        inside, outside = action_order(inner), action_order(outer)
        if inside**count * outside == order:
            parts = [_transitive_name(inner, inside, False), _transitive_name(outer, outside, False)]
            return "wr".join(f"({part})" if not part.isalnum() or "wr" in part else part for part in parts)
    return None


def _block_systems(moves: Sequence[IntArray]) -> list[IntArray]:
    """Return the minimal block systems, each as the block of every point (k,), small blocks first."""
    group = as_group(moves).sympy
    systems: dict[tuple[int, ...], int] = {}
    for point in range(1, len(moves[0])):
        found = np.unique(group.minimal_block([0, point]), return_inverse=True)[1]
        if 0 < int(found.max()) < len(found) - 1:
            systems[tuple(found.tolist())] = -int(found.max())
    return [np.array(system) for system in sorted(systems, key=lambda s: (systems[s], s))]


def _on_first_block(moves: Sequence[IntArray], block_of: IntArray) -> list[IntArray]:
    """Return Schreier generators of the setwise stabiliser of the block of point 0, restricted to that block."""
    carriers: dict[int, IntArray] = {int(block_of[0]): np.arange(len(block_of))}
    queue, found = [int(block_of[0])], []
    for block in queue:
        for g in moves:
            step = g[carriers[block]]
            target = int(block_of[step[0]])
            if target not in carriers:
                carriers[target] = step
                queue.append(target)
            found.append(np.argsort(carriers[target])[step])
    return _restricted(found, np.flatnonzero(block_of == block_of[0]))


def _factor_names(factors: list[str], alone: bool) -> list[str]:
    """Return the factors as a product shows them; if there are more than the catalogue allows, equal ones
    are counted.
    """
    symmetric = ["S2" if name == "C2" else name for name in factors]  # S_2 beside others, as in S3xS2
    if all(name.startswith("S") and name[1:].isdigit() for name in symmetric) and set(symmetric) != {"S2"}:
        factors = symmetric
    if not alone:
        factors = [f"({name})" if "wr" in name or not is_named(name) else name for name in factors]
    if len(factors) <= NAME_BOUNDS.factors:
        return factors
    return [f"{name}^{factors.count(name)}" for name in dict.fromkeys(factors)]
