"""The permutations of vectors that samples support, found by inner products, which rotations keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, pairwise, product

import numpy as np

from sharefind.errors import InputError
from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.images import ones
from sharefind.groups.joins import JoinClosed
from sharefind.groups.labels import subgroup_labels
from sharefind.groups.representation import signed_permutations
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER, subgroups
from sharefind.inference.vectors.vector_layout import Sides, VectorLayout, finite_permutation
from sharefind.proposal.subgroups import propose_subgroups
from sharefind.recognition.naming import orbit_numbers, permutation_group_name
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class PermutationFinding:
    """The permutations of vectors that are proposed for tests.

    Attributes:
        proposed: The likeliest group, or all permutations inside its orbits; the trivial one where none is likelier.
        family: The groups to test, closed under joins, the trivial group first and the whole factor last.
        why_not: Why no group between these two could be proposed; empty elsewhere.
    """

    proposed: FiniteGroup
    family: tuple[FiniteGroup, ...]
    why_not: str = ""


def propose_permutations(
    x: FloatArray,
    y: FloatArray,
    in_rep: Representation,
    out_rep: Representation,
    layout: VectorLayout,
    finite: FiniteGroup,
    *,
    most_listed: int = 6,
    most_proposed: int = 3,
    most_tested: int = 12,
) -> PermutationFinding:
    """Return the subgroups of the finite factor to test, with the likeliest of them.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        in_rep: Representation of the whole group on X.
        out_rep: Representation of the whole group on Y.
        layout: The vectors and scalars among the coordinates.
        finite: The finite factor.
        most_listed: Largest number of subgroups for which all are tested.
        most_proposed: Largest number of proposed groups.
        most_tested: Largest number of tested groups, with their joins.
    """
    ends = (FiniteGroup("C1", finite.degree, (), finite.natural_blocks), finite)
    if finite.order <= MAX_SUBGROUP_ORDER:
        listed = subgroups(finite)
        if len(listed) <= most_listed:
            inner = (group for group in listed if 1 < group.order < finite.order)
            return PermutationFinding(ends[0], (ends[0], *inner, finite))
    inputs = _invariants(x, in_rep, layout.x, layout, finite)
    if len(layout.y.scalars):
        labels = _invariants(_without_field(x, y, layout), out_rep, layout.y, layout, finite)
    else:
        labels = _mixed(x, y, in_rep, out_rep, layout, finite)
    if inputs is None or labels is None:
        return PermutationFinding(ends[0], ends, f"{finite.name} does more than permute vectors and scalars")
    try:
        found = propose_subgroups(inputs[0], labels[0], inputs[1], labels[1])
    except InputError as error:
        return PermutationFinding(ends[0], ends, f"of the inner products of vectors, {error}")
    family = JoinClosed(finite, most_tested)
    for one in found.proposed[:most_proposed]:
        family.add([one.group, *_within_orbits(one.group, finite)])
    members = [group for group in family.members if group != finite and group.order > 1]
    titled = [replace(group, name=permutation_group_name(group)) for group in members]
    labels_of = subgroup_labels(titled, finite)
    named = (ends[0], *(replace(g, name=n) for g, n in zip(titled, labels_of, strict=True)), finite)
    likeliest = [one.group for one in found.proposed[:1]]
    best = max(
        [*likeliest, *(g for one in likeliest for g in _within_orbits(one, finite))], key=_order, default=ends[0]
    )
    return PermutationFinding(next((g for g in named if g == best), ends[0]), named)


def _order(group: FiniteGroup) -> int:
    return group.order


def _within_orbits(group: FiniteGroup, finite: FiniteGroup) -> list[FiniteGroup]:
    """All permutations of the points inside each orbit of a group, where the finite factor has them.

    Noise may favour a group that is smaller than the truth: C_3 in place of S_3.
    """
    swaps, numbers = [], orbit_numbers(list(group.generator_array), group.degree)
    orbits = [np.flatnonzero(numbers == k).tolist() for k in range(int(numbers.max()) + 1)]
    for orbit in orbits:
        for first, second in pairwise(orbit):
            image = list(range(finite.degree))
            image[first], image[second] = second, first
            swaps.append(tuple(image))
    if not swaps or not all(finite.contains(swap) for swap in swaps):
        return []
    order = math.prod(math.factorial(len(orbit)) for orbit in orbits)
    name = "x".join(f"S{len(orbit)}" for orbit in orbits if len(orbit) > 1)
    return [FiniteGroup(name, finite.degree, tuple(swaps), finite.natural_blocks, known_order=order)]


def _without_field(x: FloatArray, y: FloatArray, layout: VectorLayout) -> FloatArray:
    """Labels without the part linear in sums of vectors, which all permutations keep; to inner products it is noise."""
    sums = np.concatenate([x[:, layout.x.vectors[list(orbit)]].sum(1) for orbit in layout.x.orbits], axis=1)
    centred = sums - sums.mean(0)
    return np.asarray(y - centred @ np.linalg.lstsq(centred, y - y.mean(0), rcond=None)[0])


def _invariants(
    values: FloatArray, rep: Representation, side: Sides, layout: VectorLayout, finite: FiniteGroup
) -> tuple[FloatArray, Representation] | None:
    """Inner products of vectors, and scalars, with the action of the finite factor on them.

    Vectors of an orbit that sum to zero in every row, such as vectors relative to their mean, have dependent inner
    products. Independent squared distances replace them; their products with other vectors are left out.
    """
    on_vectors = _moves(rep, layout, finite, side.vectors[:, 0]) if len(side.vectors) else _none(finite)
    on_scalars = _moves(rep, layout, finite, side.scalars)
    if on_vectors is None or on_scalars is None:
        return None
    vectors = values[:, side.vectors]
    centred = _centred_orbits(vectors, side.orbits)
    pairs = [
        (i, j)
        for i, j in combinations_with_replacement(range(len(side.vectors)), 2)
        if centred[i] == centred[j] and (i < j or centred[i] < 0)
    ]
    number = {pair: k for k, pair in enumerate(pairs)}
    products = [_product(vectors[:, i], vectors[:, j], is_centred=bool(centred[i] >= 0)) for i, j in pairs]
    moves = [
        [number[min(g[i], g[j]), max(g[i], g[j])] for i, j in pairs] + [len(pairs) + k for k in h]
        for g, h in zip(on_vectors.tolist(), on_scalars.tolist(), strict=True)
    ]
    return _with_action(np.column_stack([*products, values[:, side.scalars]]), moves, finite)


def _product(first: FloatArray, second: FloatArray, *, is_centred: bool) -> FloatArray:
    """Squared distances of vectors, shape (n,), where they are relative to their mean; else inner products."""
    return np.asarray(((first - second) ** 2).sum(1) if is_centred else (first * second).sum(1))


def _centred_orbits(vectors: FloatArray, orbits: Sequence[Sequence[int]], rounding: float = 1e-9) -> IntArray:
    """The orbit of each vector if its vectors sum to zero in every row, else -1: (n, count, dim) -> (count,)."""
    numbers = np.full(vectors.shape[1], -1)
    for number, orbit in enumerate(orbits):
        members = vectors[:, list(orbit)]
        if len(orbit) > 1 and np.abs(members.sum(1)).max() <= rounding * np.abs(members).max():
            numbers[list(orbit)] = number
    return numbers


def _mixed(
    x: FloatArray,
    y: FloatArray,
    in_rep: Representation,
    out_rep: Representation,
    layout: VectorLayout,
    finite: FiniteGroup,
) -> tuple[FloatArray, Representation] | None:
    """Inner products of labels with inputs, with the action of the finite factor on them."""
    on_x = _moves(in_rep, layout, finite, layout.x.vectors[:, 0])
    on_y = _moves(out_rep, layout, finite, layout.y.vectors[:, 0])
    if on_x is None or on_y is None:
        return None
    pairs = list(product(range(len(layout.y.vectors)), range(len(layout.x.vectors))))
    number = {pair: k for k, pair in enumerate(pairs)}
    products = np.einsum("rin,rjn->rij", y[:, layout.y.vectors], x[:, layout.x.vectors]).reshape(len(x), -1)
    moves = [
        [number[int(h[i]), int(g[j])] for i, j in pairs] for g, h in zip(on_x.tolist(), on_y.tolist(), strict=True)
    ]
    return _with_action(products, moves, finite)


def _with_action(values: FloatArray, moves: list[list[int]], finite: FiniteGroup) -> tuple[FloatArray, Representation]:
    perms = np.array(moves, dtype=np.int64).reshape(len(finite.generators), values.shape[1])
    return values, signed_permutations(finite, "inner products", (perms, ones(*perms.shape)), "permutation")


def _moves(rep: Representation, layout: VectorLayout, finite: FiniteGroup, first: IntArray) -> IntArray | None:
    return finite_permutation(rep, layout.place, finite, first)


def _none(finite: FiniteGroup) -> IntArray:
    return np.zeros((len(finite.generators), 0), dtype=np.int64)
