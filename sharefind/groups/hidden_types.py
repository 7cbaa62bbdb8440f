"""Transitive signed permutation representations of a finite group: the types of which hidden layers are sums.

Such a representation permutes the lines of its coordinates transitively. The elements that keep one line are a subgroup
K, and the sign with which they do so is a character chi: K -> {1, -1}. The pair (K, chi), up to conjugacy, is its type
(the monomial representations of the group; without signs these are the rows of Burnside's table of marks).
`coset_names` has the names of types, `expressions` the syntax of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sharefind.errors import RepresentationError
from sharefind.groups.coset_names import kernel_names, parse_coset, subgroup_names
from sharefind.groups.group import FiniteGroup, Group
from sharefind.groups.images import SparseImages, ones
from sharefind.groups.representation import Representation, signed_permutations
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER, Members, members, subgroups
from sharefind.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, eq=False)
class HiddenType:
    """A pair (K <= G, chi: K -> {1, -1}) up to conjugacy, and the representation that chi induces.

    Attributes:
        name: Its expression: "regular", "trivial", "coset(C2)", "coset(C2, sign)", "coset(V4, sign:C2)".
        group: The group G.
        subgroup: K.
        kernel: The elements of K at which chi is 1: K itself, or a subgroup of index 2.
    """

    name: str
    group: FiniteGroup
    subgroup: FiniteGroup
    kernel: FiniteGroup

    @property
    def dim(self) -> int:
        """Number of coordinates, |G| / |K|."""
        return self.group.order // self.subgroup.order

    @property
    def is_signed(self) -> bool:
        """Whether chi takes the value -1."""
        return self.kernel.order < self.subgroup.order

    @cached_property
    def representatives(self) -> NDArray[np.int64]:
        """The first element of each coset g K, rows of `group.elements()`, shape (dim,), ascending."""
        return np.unique(self._first)

    @cached_property
    def _first(self) -> NDArray[np.int32]:
        """The first element of g K for each g, shape (order,)."""
        inside = np.flatnonzero(members(self.group, self.subgroup))
        return np.asarray(self.group.multiplication_table()[:, inside].min(axis=1))

    @cached_property
    def representation(self) -> Representation:
        """The representation on R^dim: g e_{t K} = chi(k) e_{t' K} where g t = t' k, with the representatives t, t'."""
        table, chosen = self.group.multiplication_table(), self.representatives
        inverse = np.argmin(table, axis=1)
        steps = [self.group.index(generator) for generator in self.group.generators]
        moved = table[steps][:, chosen]
        perms = np.searchsorted(chosen, self._first[moved])
        if not self.is_signed:
            return signed_permutations(self.group, self.name, (perms, ones(*perms.shape)), "permutation")
        inside = table[inverse[chosen[perms]], moved]
        signs = np.where(members(self.group, self.kernel)[inside], 1, -1).astype(np.int8)
        return signed_permutations(self.group, self.name, (perms, signs), "signed")


@dataclass(frozen=True, eq=False)
class TypedOrbit:
    """An orbit of coordinates of a signed permutation representation, with its type.

    In the basis signs[c] e_{coordinates[c]} the representation is that of the type, number by number.

    Attributes:
        type: Its type.
        coordinates: The coordinates of the orbit, in the order of the type's cosets, shape (type.dim,).
        signs: 1 or -1 for each of them, shape (type.dim,).
    """

    type: HiddenType
    coordinates: tuple[int, ...]
    signs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class HiddenTypes:
    """All types of a group, from its subgroup lattice.

    Build it with `HiddenTypes.of`.

    Attributes:
        group: The group.
        types: Every type once, by dimension; unsigned before signed. The first is trivial, the last regular.
    """

    group: FiniteGroup
    types: tuple[HiddenType, ...]
    _by_key: dict[bytes, HiddenType] = field(repr=False)

    @classmethod
    def of(cls, group: Group, max_order: int = MAX_SUBGROUP_ORDER, limits: Limits = DEFAULT_LIMITS) -> HiddenTypes:
        """Return the types of a group.

        Args:
            group: A finite group.
            max_order: Largest order of the group.
            limits: `limits.lattice` bounds the number of its subgroups.

        Raises:
            RepresentationError: The group is infinite.
            GroupError: Its order or the number of its subgroups exceeds the limit.
        """
        if not isinstance(group, FiniteGroup):
            raise RepresentationError(f"{group.name} is infinite and has no list of hidden types; use natural")
        listed = subgroups(group, max_order, limits)
        masks = np.array([members(group, subgroup) for subgroup in listed])
        names = subgroup_names(group, listed)
        found: dict[bytes, HiddenType] = {}
        for first in _class_representatives(group, masks):
            pairs = _characters(group, masks, first)
            kernels = [listed[kernel] for kernel in pairs.values()]
            for key, kernel, word in zip(pairs, kernels, kernel_names(kernels), strict=True):
                found[key] = HiddenType(_name(group, listed[first], names[first], word), group, listed[first], kernel)
        ordered = sorted(found.values(), key=lambda one: (one.dim, one.is_signed))
        return cls(group, tuple(ordered), found)

    def named(self, text: str) -> HiddenType:
        """Return the type of a name, such as "coset(C2)", "coset(<(0 1)>, sign)" or "regular".

        A subgroup is given by its structure, where all subgroups of this structure are conjugate, or by generators.

        Args:
            text: The name.

        Raises:
            RepresentationError: It names no type of the group, or several; the message lists the types that fit.
        """
        plain = " ".join(text.split())
        for one in self.types:
            if plain == one.name:
                return one
        asked = parse_coset(self.group, text)
        fitting = [one for one in self.types if asked.fits(one.subgroup, one.kernel)]
        if len(fitting) == 1:
            return fitting[0]
        shown = fitting or self.types
        what = f"names {len(fitting)} types" if fitting else "is no type"
        raise RepresentationError(
            f"{text!r} {what} of {self.group.name}; use one of {', '.join(one.name for one in shown[:20])}"
        )

    def decompose(self, rep: Representation) -> tuple[TypedOrbit, ...]:
        """Return the orbits of a signed permutation representation with their types, exactly.

        Args:
            rep: A representation of the group by signed permutations.

        Returns:
            Its orbits by their first coordinates.

        Raises:
            RepresentationError: The representation is of another group, or has other matrices.
        """
        perms, signs = self._images(rep)
        found, seen = [], np.zeros(rep.dim, dtype=bool)
        for start in range(rep.dim):
            if not seen[start]:
                orbit = self._orbit(perms, signs, start)
                seen[list(orbit.coordinates)] = True
                found.append(orbit)
        return tuple(found)

    def counts(self, rep: Representation) -> dict[HiddenType, int]:
        """Return how often each type occurs in a signed permutation representation; types that do not are left out.

        Args:
            rep: A representation of the group by signed permutations.

        Raises:
            RepresentationError: As in `decompose`.
        """
        orbits = [orbit.type for orbit in self.decompose(rep)]
        return {one: orbits.count(one) for one in self.types if one in orbits}

    def _images(self, rep: Representation) -> SparseImages:
        if rep.group is not self.group and rep.group != self.group:
            raise RepresentationError(f"{rep.name} is of {rep.group.name}, not of {self.group.name}; restrict it first")
        if not rep.is_sparse:
            raise RepresentationError(
                f"{rep.name} does not act by signed permutations and has no types; use natural of a permutation group"
            )
        rows = [rep.finite_group.index(g) for g in self.group.elements()]
        perms, signs = rep.images()
        return np.asarray(perms)[rows], np.asarray(signs)[rows]

    def _orbit(self, perms: NDArray[np.integer], signs: NDArray[np.int8], start: int) -> TypedOrbit:
        """Return the orbit of a coordinate, from the coordinate that the type's own subgroup keeps."""
        stays = perms[:, start] == start
        kept = stays & (signs[:, start] > 0)
        one = self._by_key[_key(self.group, stays, kept)]
        wanted = members(self.group, one.subgroup), members(self.group, one.kernel)
        for base in np.unique(perms[:, start]).tolist():
            stays = perms[:, base] == base
            kept = stays & (signs[:, base] > 0)
            if np.array_equal(stays, wanted[0]) and np.array_equal(kept, wanted[1]):
                break
        coordinates, turned = perms[one.representatives, base], signs[one.representatives, base]
        return TypedOrbit(one, tuple(coordinates.tolist()), tuple(turned.tolist()))


def sum_of_types(counts: dict[HiddenType, int]) -> Representation:
    """Return the direct sum of types with multiplicities, in their order.

    Args:
        counts: A multiplicity of 1 or more for each type, all of one group; at least one type.

    Raises:
        RepresentationError: There is no type, or a multiplicity is below 1.
    """
    if not counts:
        raise RepresentationError("a sum of no types has no coordinates; give at least one type")
    first, *rest = [count * one.representation for one, count in counts.items()]
    for part in rest:
        first = first + part
    return first


def is_jointly_faithful(reps: Sequence[Representation]) -> bool:
    """Return whether no element but the identity acts trivially on all of some signed permutation representations.

    Args:
        reps: Representations of one finite group by signed permutations, at least one.
    """
    trivial: Members = np.ones(reps[0].finite_group.order, dtype=bool)
    for rep in reps:
        perms, signs = (np.asarray(part) for part in rep.images())
        trivial &= (perms == np.arange(rep.dim)).all(axis=1) & (signs > 0).all(axis=1)
    return int(trivial.sum()) == 1


def _name(group: FiniteGroup, subgroup: FiniteGroup, label: str, kernel: str) -> str:
    if not kernel and subgroup.order in (group.order, 1):
        return "trivial" if subgroup.order == group.order else "regular"
    return f"coset({label}, {kernel})" if kernel else f"coset({label})"


def _class_representatives(group: FiniteGroup, masks: NDArray[np.bool_]) -> list[int]:
    """Return the first subgroup of each conjugacy class, by position."""
    known: set[bytes] = set()
    chosen = []
    for position, mask in enumerate(masks):
        if mask.tobytes() not in known:
            chosen.append(position)
            known.update(row.tobytes() for row in _conjugated(group, mask))
    return chosen


def _characters(group: FiniteGroup, masks: NDArray[np.bool_], position: int) -> dict[bytes, int]:
    """Return the kernels of the characters of a subgroup up to conjugacy, as positions by the key of the pair."""
    whole = masks[position]
    size = int(whole.sum())
    halves = np.flatnonzero((2 * masks.sum(axis=1) == size) & ~(masks & ~whole).any(axis=1))
    pairs: dict[bytes, int] = {}
    for kernel in [position, *halves.tolist()]:
        pairs.setdefault(_key(group, whole, masks[kernel]), kernel)
    return pairs


def _key(group: FiniteGroup, stays: Members, kept: Members) -> bytes:
    """Return what all conjugates of a pair of subgroups have in common, and no other pair has."""
    both = np.concatenate([_conjugated(group, stays), _conjugated(group, kept)], axis=1)
    return min(bytes(row.tobytes()) for row in both)


def _conjugated(group: FiniteGroup, mask: Members) -> NDArray[np.bool_]:
    """Return g M g^-1 for every g, as masks, shape (order, order)."""
    table = group.multiplication_table()
    inverse = np.argmin(table, axis=1)
    images = np.zeros(table.shape, dtype=bool)
    conjugates = table[table[:, np.flatnonzero(mask)], inverse[:, None]]
    np.put_along_axis(images, conjugates, True, axis=1)
    return images
