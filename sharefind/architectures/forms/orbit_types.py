"""Orbits of a small group on points, sorted by type: two have one type if points of both have the same stabiliser.

Orbits of one type are copies of each other, point by point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.moves import Places


@dataclass(frozen=True, eq=False)
class OrbitType:
    """Copies of one orbit.

    Attributes:
        points: The points of each orbit in one order, shape (points of an orbit, orbits).
        moves: Where each group element takes the points of an orbit, shape (order of the group, points of an orbit).
    """

    points: Places
    moves: Places

    @property
    def length(self) -> int:
        """Return the number of points of an orbit."""
        return len(self.points)

    @property
    def count(self) -> int:
        """Return the number of orbits."""
        return self.points.shape[1]


def orbit_types(moves: Places) -> dict[int, OrbitType]:
    """Return the types of the orbits of a group, by stabiliser: bit k says whether element k is in it.

    Args:
        moves: Where each element takes each point, shape (order, points), the elements in one order for all points; no
            more than 62.
    """
    order, count = moves.shape
    bits = (1 << np.arange(order, dtype=np.int64))[:, None]
    stabilisers = np.where(moves == np.arange(count), bits, 0).sum(axis=0)
    left, bases = np.ones(count, dtype=bool), dict[int, list[int]]()
    while left.any():
        orbit = np.unique(moves[:, int(left.argmax())])
        left[orbit] = False
        base = int(orbit[stabilisers[orbit].argmin()])
        bases.setdefault(int(stabilisers[base]), []).append(base)
    return {key: _type(moves, np.array(points)) for key, points in bases.items()}


def _type(moves: Places, bases: Places) -> OrbitType:
    """The orbits of points with one stabiliser: points that one element takes them to have one number."""
    _, first = np.unique(moves[:, bases[0]], return_index=True)
    first = np.sort(first)
    points = moves[np.ix_(first, bases)]
    number = np.zeros(moves.shape[1], dtype=np.int64)
    number[points[:, 0]] = np.arange(len(points))
    return OrbitType(points, number[moves[:, points[:, 0]]])


def pair_orbits(outputs: OrbitType, inputs: OrbitType) -> NDArray[np.int64]:
    """Return which pairs of points of two orbits are moved into each other: numbers from 0, (outputs, inputs)."""
    codes = outputs.moves[:, :, None] * inputs.length + inputs.moves[:, None, :]
    return np.asarray(np.unique(codes.min(axis=0), return_inverse=True)[1]).reshape(outputs.length, inputs.length)
