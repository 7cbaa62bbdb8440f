"""Every subgroup of a finite group, by cyclic extension over its Cayley table, and their conjugacy classes.

`structure` names subgroups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sympy import factorint, isprime

from sharefind.errors import GroupError
from sharefind.groups.enumeration import closure, element_orders
from sharefind.groups.group import FiniteGroup
from sharefind.groups.structure import structure_name
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it

MAX_SUBGROUP_ORDER = 200
"""Default limit on the order of a group whose subgroups are listed."""

Members = NDArray[np.bool_]


def subgroups(
    group: FiniteGroup, max_order: int = MAX_SUBGROUP_ORDER, limits: Limits = DEFAULT_LIMITS
) -> tuple[FiniteGroup, ...]:
    """Return all subgroups, sorted by order, then by their sorted elements; the trivial one comes first, the whole
    last.

    Every subgroup is the join of cyclic subgroups of prime-power order. Therefore joins of class representatives with
    these cyclic subgroups, and conjugates, reach all of them (Neubueser 1960).

    Args:
        group: A finite group.
        max_order: Largest order of the group.
        limits: `limits.lattice` bounds their number; elementary abelian groups have very many.

    Returns:
        Subgroups named by their structure ("C2", "V4", ...), on the points of the group.

    Raises:
        GroupError: The order exceeds `max_order`, or there are more subgroups than `limits.lattice`.

    Examples:
        >>> [subgroup.name for subgroup in subgroups(named_group("C4"))]
        ['C1', 'C2', 'C4']
    """
    if group.order > max_order:
        raise GroupError(
            f"{group.name} has order {group.order}, above the limit of {max_order} for listing subgroups; "
            "pass a larger max_order or a smaller group"
        )
    finder = _Finder(group, limits)
    found: list[FiniteGroup] = []
    for conjugates in finder.classes():
        name = structure_name(finder.subgroup(conjugates[0], "?"))
        found += [finder.subgroup(members, name) for members in conjugates]
    return tuple(sorted(found, key=lambda subgroup: (subgroup.order, subgroup.canonical)))


def conjugacy_classes(group: FiniteGroup, subgroups: Sequence[FiniteGroup]) -> list[list[FiniteGroup]]:
    """Return subgroups grouped by conjugacy, with classes in the order of their first members.

    Args:
        group: The group that conjugates.
        subgroups: Subgroups of it.
    """
    finder = _Finder(group, DEFAULT_LIMITS)
    left = {finder.mask(subgroup).tobytes(): subgroup for subgroup in subgroups}
    classes = list[list[FiniteGroup]]()
    while left:
        conjugates = {mask.tobytes() for mask in finder.conjugates(np.frombuffer(next(iter(left)), dtype=bool))}
        classes.append([left.pop(key) for key in list(left) if key in conjugates])
    return classes


def members(group: FiniteGroup, subgroup: FiniteGroup) -> Members:
    """Return which elements of a group, in the order of `group.elements()`, a subgroup has; shape (order,), bool.

    Args:
        group: The group.
        subgroup: A subgroup, on the same points.
    """
    positions, mask = group.enumeration().positions, np.zeros(group.order, dtype=bool)
    for element in subgroup.elements(max_order=group.order):
        mask[positions[element.tobytes()]] = True
    return mask


@dataclass(frozen=True, eq=False)
class _Finder:
    """The search over element indices; a subgroup is a mask bool (order,)."""

    group: FiniteGroup
    limits: Limits
    _known_generators: dict[bytes, list[int]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def table(self) -> NDArray[np.int32]:
        return self.group.multiplication_table(max_order=self.group.order)

    @cached_property
    def orders(self) -> NDArray[np.int64]:
        return element_orders(self.table)

    def mask(self, subgroup: FiniteGroup) -> Members:
        return members(self.group, subgroup)

    @cached_property
    def conjugation(self) -> NDArray[np.int32]:
        """Table conjugation[g, x] = g x g^-1, int32 (order, order)."""
        return np.asarray(self.table[self.table, np.argmin(self.table, axis=1)[:, None]])

    def classes(self) -> list[list[Members]]:
        """Return all subgroups as masks, one list per conjugacy class."""
        trivial = self._only(0)
        classes, known = [[trivial]], {trivial.tobytes()}
        cyclic = self._prime_power_generators()
        for representative in _growing(classes):
            steps, covered = self._generators(representative), representative.copy()
            for z in cyclic:
                if covered[z]:
                    continue
                join = self._join(representative, [z, *steps])
                if isprime(int(join.sum()) // int(representative.sum())):  # no subgroup lies between the two
                    covered |= join
                if join.tobytes() not in known:
                    conjugates = self.conjugates(join)
                    classes.append(conjugates)
                    known.update(mask.tobytes() for mask in conjugates)
                    self._check_count(len(known))
        return classes

    def _check_count(self, count: int) -> None:
        if count > self.limits.lattice:
            raise GroupError(
                f"{self.group.name} has over {self.limits.lattice} subgroups; take a smaller group, "
                f"or {raise_it('lattice')}"
            )

    def _prime_power_generators(self) -> list[int]:
        """Return one generator for each cyclic subgroup of prime-power order."""
        chosen: dict[bytes, int] = {}
        for x in np.flatnonzero(self.orders > 1).tolist():
            if len(factorint(int(self.orders[x]))) == 1:
                chosen.setdefault(closure(self.table, [x]).tobytes(), x)
        return list(chosen.values())

    def _only(self, x: int) -> Members:
        mask = np.zeros(len(self.table), dtype=bool)
        mask[x] = True
        return mask

    def _join(self, mask: Members, steps: Sequence[int]) -> Members:
        """Return the subgroup generated by a subgroup and an element, as a union of cosets of the former.

        `steps` holds the element and generators of the subgroup.
        """
        base = np.flatnonzero(mask)
        grown, frontier = mask.copy(), [0]
        while frontier:
            representative = frontier.pop()
            for step in steps:
                image = self.table[representative, step]
                if not grown[image]:
                    grown[self.table[base, image]] = True
                    frontier.append(int(image))
        return grown

    def _generators(self, mask: Members) -> list[int]:
        """Return a small generating set: elements of large order first, each that enlarges the span; then thinned."""
        key = mask.tobytes()
        if key not in self._known_generators:
            self._known_generators[key] = self._chosen_generators(mask)
        return self._known_generators[key]

    def _chosen_generators(self, mask: Members) -> list[int]:
        members = np.flatnonzero(mask)
        chosen: list[int] = []
        spanned = self._only(0)
        for x in members[np.argsort(-self.orders[members], kind="stable")].tolist():
            if not spanned[x]:
                chosen.append(x)
                spanned = self._join(spanned, chosen)
                if spanned.sum() == len(members):
                    break
        for x in list(chosen):
            rest = [y for y in chosen if y != x]
            if rest and closure(self.table, rest).sum() == len(members):
                chosen = rest
        return chosen

    def conjugates(self, mask: Members) -> list[Members]:
        images = np.zeros((len(mask), len(mask)), dtype=bool)
        np.put_along_axis(images, self.conjugation[:, np.flatnonzero(mask)], True, axis=1)
        return [np.frombuffer(row, dtype=bool) for row in sorted({row.tobytes() for row in images})]

    def subgroup(self, mask: Members, name: str) -> FiniteGroup:
        """Return the permutation group of a mask, with few generators and the natural action of the whole."""
        elements = self.group.elements(max_order=self.group.order)
        generators = tuple(tuple(int(i) for i in elements[x]) for x in self._generators(mask))
        blocks = self.group.natural_blocks
        return FiniteGroup(name, self.group.degree, generators, blocks, known_order=int(mask.sum()))


def _growing(classes: list[list[Members]]) -> Iterable[Members]:
    """Yield the first member of every class, including classes appended meanwhile."""
    position = 0
    while position < len(classes):
        yield classes[position][0]
        position += 1
