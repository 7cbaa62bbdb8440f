"""Where the coordinates of a layer stand: layers that are copies of one orbit of places, and how near places are.

A weight between two such layers has a coefficient for each pair of copies and each orbit of pairs of places. Which
places are near is read off the inputs, averaged over the group, so that the group moves near places to near ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import Representation, hom
from sharefind.meanfield.units import DeepUnit
from sharefind.spaces import Subspace, fixed_space, supported
from sharefind.typing import FloatArray, IntArray

FEWEST_PLACES = 8
"""Places below which a window is not much smaller than all of them."""


def aligned_copies(reps: Sequence[Representation]) -> list[IntArray] | None:
    """Return the coordinates of each representation as copies of one orbit, shape (copies, places) each.

    Generators move the places of all copies alike. None where signs change, where matrices are others than
    permutations, or where orbits differ.

    Args:
        reps: Representations of one group.
    """
    found, known = [], b""
    for rep in reps:
        if not rep.is_sparse:
            return None
        perms, signs = rep.sparse_generators
        if not len(perms) or (np.asarray(signs) < 0).any():
            return None
        copies = []
        for base, orbit in _orbits(np.asarray(perms, dtype=np.int64)):
            places, key = next(
                ((p, k) for p, k in (_walk(perms, b) for b in (base, *orbit)) if k == (known or k)), (None, b"")
            )
            if places is None:
                return None
            known = key
            copies.append(places)
        found.append(np.array(copies, dtype=np.int64))
    return found


def _orbits(perms: IntArray) -> list[tuple[int, list[int]]]:
    """The first coordinate of each orbit, and the others."""
    found, seen = [], np.zeros(perms.shape[1], dtype=bool)
    for base in range(perms.shape[1]):
        if not seen[base]:
            places, _ = _walk(perms, base)
            seen[places] = True
            found.append((base, [place for place in places if place != base]))
    return found


def _walk(perms: NDArray[np.integer], base: int) -> tuple[list[int], bytes]:
    """The orbit of a coordinate in the order in which generators reach it, and how they move it in this order."""
    order, numbers, moves = [base], {base: 0}, []
    for place in order:
        for image in perms[:, place].tolist():
            if image not in numbers:
                numbers[image] = len(order)
                order.append(image)
            moves.append(numbers[image])
    return order, np.array(moves, dtype=np.int64).tobytes()


@dataclass(frozen=True, eq=False)
class Places:
    """The places of a layer of inputs, and how near they are to each other.

    Attributes:
        place_rep: The action on one copy.
        pairs: The orbit of each pair of places, shape (places, places), from 0; a pair and its reverse count as one.
        distances: Mean squared difference of the inputs at the pairs of each orbit, shape (orbits,).
    """

    place_rep: Representation
    pairs: IntArray
    distances: FloatArray

    @property
    def count(self) -> int:
        """Number of places."""
        return len(self.pairs)

    def near(self, size: int) -> NDArray[np.bool_]:
        """Return which places each one sees, shape (places, places): the nearest `size` or a few more, itself first.

        Args:
            size: Places that a window is to have.
        """
        is_near = np.zeros(len(self.distances), dtype=bool)
        degrees = np.bincount(self.pairs[0], minlength=len(self.distances))
        for orbit in np.argsort(self.distances, kind="stable"):
            if degrees[is_near].sum() >= size:
                break
            is_near[orbit] = True
        return is_near[self.pairs]


def input_places(in_rep: Representation, x: FloatArray, place_rep: Representation) -> Places | None:
    """Return the places of inputs; None where these are no copies of one orbit, or have too few places.

    Args:
        in_rep: The action on inputs.
        x: Inputs of one scale, shape (n, d_in).
        place_rep: The action on one orbit.
    """
    copies = aligned_copies([place_rep, in_rep])
    if copies is None or copies[0].shape[1] < FEWEST_PLACES:
        return None
    places = copies[0].shape[1]
    moments = np.zeros((places, places))
    for columns in copies[1]:
        moments += x[:, columns].T @ x[:, columns] / len(x)
    squares = np.diag(moments)
    raw = squares[:, None] + squares[None, :] - 2 * moments
    order = copies[0][0]
    pairs = _symmetric(_pair_orbits(place_rep)[np.ix_(order, order)])
    found = np.bincount(pairs.ravel(), weights=raw.ravel()) / np.bincount(pairs.ravel())
    found[np.diag(pairs)] = -1.0
    return Places(place_rep, pairs, found)


def _pair_orbits(rep: Representation) -> IntArray:
    """The orbit of each pair of coordinates of a permutation representation, from 0."""
    labels = fixed_space(hom(rep, rep)).tying
    if labels is None:
        raise TypeError(f"{rep.name} has no tying pattern")
    return np.asarray(labels, dtype=np.int64).reshape(rep.dim, rep.dim) - 1


def _symmetric(pairs: IntArray) -> IntArray:
    """Orbits of pairs, each joined with that of the reversed pairs, numbered from 0."""
    return np.unique(np.minimum(pairs, pairs.T), return_inverse=True)[1].reshape(pairs.shape)


def unit_windows(unit: DeepUnit, places: Places, size: int) -> tuple[IntArray | None, ...]:
    """Return the window of each layer of a unit; layers that are no copies of the places have all entries.

    Args:
        unit: The unit.
        places: The places.
        size: Places that a window is to have.
    """
    near, found = places.near(size), list[IntArray | None]()
    for source, target in pairwise(unit.reps):
        copies = aligned_copies([places.place_rep, source, target])
        found.append(None if copies is None else _starts(copies[1:], near, fixed_space(hom(target, source))))
    return tuple(found)


def _starts(copies: list[IntArray], near: NDArray[np.bool_], space: Subspace) -> IntArray:
    """The first entry of each orbit of entries of a weight that has one at the first place of a copy of the target."""
    sources, targets = copies
    seen = sources[:, np.flatnonzero(near[0])].ravel()
    entries = (targets[:, :1] * sources.size + seen[None, :]).ravel()
    labels = supported(space, entries).tying
    if labels is None:
        raise TypeError("a space of permutations has no tying pattern")
    found, first = np.unique(labels, return_index=True)
    return np.asarray(first[found > 0], dtype=np.int64)
