"""The type of a hidden unit by itself: under which elements of a group it keeps its value, up to sign, over orbits.

A unit phi has the type of the largest pair (K, chi) with chi(k) corr(phi(k x), phi(x)) above a bound for every k in K.
`deep.census` and `audit.census` draw conclusions for whole layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import FiniteGroup, HiddenType, HiddenTypes, Representation
from sharefind.groups.subgroups import members
from sharefind.typing import FloatArray, IntArray

TypePair = tuple[HiddenType, NDArray[np.bool_], NDArray[np.bool_]]
"""A type with one of its conjugate pairs (K, ker chi), as masks over the elements."""


def orbit_images(rep: Representation, x: FloatArray) -> FloatArray:
    """Return the images of rows under all elements of a finite group, shape (order, n, dim).

    Args:
        rep: How the group acts.
        x: Rows, shape (n, dim).
    """
    return np.stack([rep.act_float(np.full(len(x), g), x) for g in range(rep.finite_group.order)])


def unit_correlations(values: FloatArray, group: FiniteGroup) -> FloatArray:
    """Return corr(phi(k x), phi(x)) over orbits of inputs, for each element k and unit, shape (order, units).

    Args:
        values: phi(g x) of each unit, shape (order, rows, units).
        group: The group, whose elements are in the order of `elements()`.
    """
    table = group.multiplication_table()
    centred = values - values.mean(axis=(0, 1))
    size = np.maximum((centred**2).sum(axis=(0, 1)), np.finfo(np.float64).tiny)
    return np.stack([np.einsum("grh,grh->h", centred[table[k]], centred) / size for k in range(len(table))])


def type_pairs(types: HiddenTypes) -> list[TypePair]:
    """Return the pairs (K, ker chi) of all types, each conjugate once, the largest K first.

    Args:
        types: The types of a group.
    """
    table = types.group.multiplication_table()
    inverse = np.argmin(table, axis=1)
    pairs: dict[bytes, TypePair] = {}
    for one in types.types:
        masks = members(one.group, one.subgroup), members(one.group, one.kernel)
        for g in range(len(table)):
            inside, kernel = (_conjugate(mask, g, table, inverse) for mask in masks)
            pairs.setdefault(inside.tobytes() + kernel.tobytes(), (one, inside, kernel))
    return list(pairs.values())


def _conjugate(mask: NDArray[np.bool_], g: int, table: NDArray[np.int32], inverse: IntArray) -> NDArray[np.bool_]:
    """Return g K g^-1 for the mask of K."""
    image = np.zeros_like(mask)
    image[table[table[g, np.flatnonzero(mask)], inverse[g]]] = True
    return image


def unit_types(correlations: FloatArray, pairs: Sequence[TypePair], least: float) -> list[HiddenType]:
    """Return the smallest type of each unit: the one of the largest K for which chi(k) corr is at least `least`.

    Args:
        correlations: Shape (order, units), from `unit_correlations`.
        pairs: Pairs of types from `type_pairs`; the last type is the regular one, which units without a symmetry have.
        least: Least correlation.
    """
    found = [pairs[-1][0]] * correlations.shape[1]
    is_open = np.ones(len(found), dtype=bool)
    for one, inside, kernel in pairs:
        signs = np.where(kernel, 1.0, -1.0)[inside, None]
        fits = is_open & ((signs * correlations[inside]).min(axis=0) >= least)
        for unit in np.flatnonzero(fits):
            found[unit] = one
        is_open &= ~fits
    return found
