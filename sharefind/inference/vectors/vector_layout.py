"""Which coordinates of X and of Y are vectors that a factor O(n) turns, and which are scalars that it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.groups import CompactGroup, FiniteGroup, Group, Representation
from sharefind.groups.compact_product import CompactProduct, compact_product
from sharefind.groups.factors import factor_start, factors_of
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Sides:
    """The coordinates of one side.

    Attributes:
        vectors: Coordinates of each vector, in the order of its components, (k, n).
        scalars: Coordinates that nothing turns, (s,).
        orbits: Vectors that the other factors permute among each other, by number.
        scalar_orbits: The same of the scalars.
    """

    vectors: IntArray
    scalars: IntArray
    orbits: tuple[tuple[int, ...], ...]
    scalar_orbits: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class VectorLayout:
    """A group with one infinite factor, as it acts on vectors and scalars.

    Attributes:
        n: Dimension of the vectors.
        place: Place of the infinite factor among the factors.
        x: Layout of the inputs.
        y: Layout of the labels.
    """

    n: int
    place: int
    x: Sides
    y: Sides


def vector_layout(in_rep: Representation, out_rep: Representation) -> VectorLayout | None:
    """Return the layout of a group with one factor SO(n) or O(n); None where it acts by anything but vectors and
    scalars.

    Args:
        in_rep: Representation on X.
        out_rep: Representation on Y.
    """
    group = in_rep.group
    infinite = [k for k, factor in enumerate(factors_of(group)) if factor.order is None]
    if not isinstance(group, CompactGroup) or len(infinite) != 1 or len(factors_of(group)) > 2:
        return None
    place = infinite[0]
    turning = factors_of(group)[place]
    if type(turning) is not CompactGroup:
        return None
    sides = [_sides(rep, place, turning.n) for rep in (in_rep, out_rep)]
    if sides[0] is None or sides[1] is None or not len(sides[0].vectors):
        return None
    return VectorLayout(turning.n, place, sides[0], sides[1])


def other_factor(group: Group, place: int) -> FiniteGroup | None:
    """Return the finite factor beside the infinite one; None where there is none.

    Args:
        group: The product.
        place: Place of the infinite factor.
    """
    rest = [factor for k, factor in enumerate(factors_of(group)) if k != place]
    return rest[0] if rest and isinstance(rest[0], FiniteGroup) else None


def placed_subgroup(group: Group, place: int, finite: FiniteGroup | None, turning: CompactGroup) -> CompactGroup:
    """Return K x L as a subgroup of a product, in the order of its factors; L where there is no finite factor.

    Args:
        group: The product.
        place: Place of the infinite factor.
        finite: The subgroup K of the finite factor.
        turning: The subgroup L of the infinite factor.
    """
    if finite is None:
        return turning
    factors = (turning, finite) if place == 0 else (finite, turning)
    names = [factor.name for factor in factors if factor.order != 1]
    return compact_product("x".join(names) or "C1", factors)


def _embedded(group: Group, place: int, turn: FloatArray | None, finite: FloatArray | None) -> FloatArray:
    """An element (1, N, N) of the whole group with these parts, the identity elsewhere."""
    if not isinstance(group, CompactProduct):
        return np.asarray(np.eye(1) if turn is None else turn)[None]
    element = np.eye(group.n)
    for k, part in ((place, turn), (1 - place, finite)):
        if part is not None:
            start = factor_start(group, k)
            element[start : start + len(part), start : start + len(part)] = part
    return element[None]


def _sides(rep: Representation, place: int, n: int) -> Sides | None:
    group = rep.group
    turn = CompactGroup("SO", n, (), ()).sample(np.random.default_rng(0), 1)[0]
    matrix = rep.evaluate(_embedded(group, place, turn, None))[0]
    vectors, scalars = [], []
    left = set(range(rep.dim))
    while left:
        first = min(left)
        joined = np.flatnonzero(np.abs(matrix[first]) > 1e-12)
        left -= set(map(int, joined))
        if len(joined) == 1 and abs(matrix[first, first] - 1) < 1e-12:
            scalars.append(first)
            continue
        ordered = _as_vector(matrix, joined, turn)
        if ordered is None or not _flips(rep, place, n, ordered):
            return None
        vectors.append(ordered)
    numbers = np.array(vectors, dtype=np.int64).reshape(len(vectors), n)
    kept = np.array(scalars, dtype=np.int64)
    finite = other_factor(group, place)
    moves = [] if finite is None else _finite_moves(rep, place, finite)
    return Sides(numbers, kept, _orbits(moves, numbers[:, 0] if len(numbers) else kept[:0]), _orbits(moves, kept))


def _as_vector(matrix: FloatArray, coordinates: IntArray, turn: FloatArray) -> list[int] | None:
    """Coordinates in the order in which they turn like a vector; None where they do not."""
    if len(coordinates) != len(turn):
        return None
    by_diagonal = {round(float(turn[k, k]), 9): k for k in range(len(turn))}
    places = [by_diagonal.get(round(float(matrix[c, c]), 9)) for c in coordinates]
    if None in places or len(set(places)) < len(places):
        # In the plane both diagonal entries are equal; the order of the columns is that of the components.
        places = list(range(len(turn)))
    ordered = [int(c) for _, c in sorted(zip(places, coordinates, strict=True))]
    return ordered if np.allclose(matrix[np.ix_(ordered, ordered)], turn) else None


def _flips(rep: Representation, place: int, n: int, vector: list[int]) -> bool:
    """Whether -1 changes the sign of a vector, where it is in the group: pseudovectors are not looked at."""
    turning = factors_of(rep.group)[place]
    if not isinstance(turning, CompactGroup) or not turning.discrete:
        return True
    mirror = np.diag([-1.0] + [1.0] * (n - 1))
    return bool(np.allclose(rep.evaluate(_embedded(rep.group, place, mirror, None))[0][np.ix_(vector, vector)], mirror))


def _finite_moves(rep: Representation, place: int, finite: FiniteGroup) -> list[FloatArray]:
    """The matrices (dim, dim) of the generators of the finite factor."""
    moves = []
    for generator in finite.generator_array:
        part = np.zeros((finite.degree, finite.degree))
        part[generator, np.arange(finite.degree)] = 1
        moves.append(rep.evaluate(_embedded(rep.group, place, None, part))[0])
    return moves


def _orbits(moves: list[FloatArray], coordinates: IntArray) -> tuple[tuple[int, ...], ...]:
    """Numbers of coordinates that the moves join."""
    labels = list(range(len(coordinates)))
    for move in moves:
        for i, j in np.argwhere(np.abs(move[np.ix_(coordinates, coordinates)]) > 1e-12):
            low, high = sorted((labels[i], labels[j]))
            labels = [low if label == high else label for label in labels]
    return tuple(tuple(k for k, label in enumerate(labels) if label == each) for each in dict.fromkeys(labels))


def finite_permutation(rep: Representation, place: int, finite: FiniteGroup, first: IntArray) -> IntArray | None:
    """Return how each generator of the finite factor permutes some coordinates; None where it does not permute them.

    Args:
        rep: Representation of the whole group.
        place: Place of the infinite factor.
        finite: The other factor.
        first: The coordinates, such as the first one of each vector, shape (count,).

    Returns:
        Shape (generators, count).
    """
    found = []
    for move in _finite_moves(rep, place, finite):
        own = move[np.ix_(first, first)]
        images = np.array([int(np.argmax(column)) for column in own.T], dtype=np.int64)
        if not np.allclose(own[images, np.arange(len(first))], 1):
            return None
        found.append(images)
    return np.array(found, dtype=np.int64).reshape(len(finite.generators), len(first))
