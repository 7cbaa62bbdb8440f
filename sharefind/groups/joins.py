"""Families of subgroups that are closed under joins, and subgroups of groups with too many subgroups to list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sharefind.errors import GroupError
from sharefind.groups.group import FiniteGroup
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER, subgroups
from sharefind.limits import Limits
from sharefind.typing import IntArray


def generated_subgroup(
    whole: FiniteGroup, moves: Iterable[Sequence[int] | IntArray], name: str = "?", few: int = 6
) -> FiniteGroup:
    """Return the subgroup that some elements of a group generate, on the same points.

    Args:
        whole: The group.
        moves: Elements of it, shape (degree,) each. If there are many, only elements that the previous ones do not
            generate are kept as generators.
        name: Name of the subgroup.
        few: Number of elements up to which all are kept.
    """
    distinct = tuple(dict.fromkeys(tuple(map(int, move)) for move in moves))
    if len(distinct) <= few:
        return FiniteGroup(name, whole.degree, distinct, whole.natural_blocks)
    chosen: list[tuple[int, ...]] = []
    chain = StabiliserChain.of([], whole.degree)
    for move in distinct:
        if chain.order < whole.order and not chain.contains(np.array([move]))[0]:
            chosen.append(move)
            chain = StabiliserChain.of(np.array(chosen), whole.degree)
    return FiniteGroup(name, whole.degree, tuple(chosen), whole.natural_blocks, known_order=chain.order)


@dataclass
class JoinClosed:
    """Subgroups of a group, closed under joins: it contains the group that any two members generate.

    Attributes:
        whole: The group itself, always a member.
        most: Largest number of members.
        most_joins: Largest number of joins that one addition computes.
        members: The subgroups, each once.
    """

    whole: FiniteGroup
    most: int = 150
    most_joins: int = 200
    members: dict[FiniteGroup, None] = field(init=False)

    def __post_init__(self) -> None:
        self.members = {self.whole: None}

    def add(self, groups: Iterable[FiniteGroup], *, is_closed: bool = False) -> bool:
        """Add subgroups and all joins that follow; add nothing if these are too many.

        Args:
            groups: Subgroups of the whole.
            is_closed: Whether they already contain the joins of each other.

        Returns:
            Whether they are members now.
        """
        known, fresh, joins = dict(self.members), [g for g in groups if g not in self.members], 0
        bundle = set(fresh) if is_closed else set()
        for group in fresh:
            if group in known:
                continue
            others = [other for other in known if group not in bundle or other not in bundle]
            joins += len(others)
            if len(known) >= self.most or joins > self.most_joins:
                return False
            for other in others:
                join = self.join(group, other)
                if join not in known and join != group:
                    fresh.append(join)
            known[group] = None
        self.members = known
        return True

    def join(self, one: FiniteGroup, other: FiniteGroup) -> FiniteGroup:
        """Return the subgroup that two members generate.

        Args:
            one: A member.
            other: Another member.
        """
        small, large = sorted((one, other), key=lambda group: group.order)
        if large.order % small.order == 0 and small.is_subgroup_of(large):
            return large
        found = generated_subgroup(self.whole, (*large.generators, *small.generators))
        return self.whole if found.order == self.whole.order else found


def subgroups_below(group: FiniteGroup, most: int = 60) -> tuple[FiniteGroup, ...]:
    """Return nontrivial subgroups of a group, closed under joins; all of them if they can be listed.

    Otherwise it returns the normal subgroups, which are closed under joins. For groups that are too large for these, it
    returns derived subgroups and pointwise stabilisers of orbits, which are normal.

    Args:
        group: The group.
        most: Largest number of subgroups; if even the normal ones are more, only the group itself is returned.
    """
    if group.order > MAX_SUBGROUP_ORDER:
        return (group, *_some_normal(group))
    try:
        listed = [g for g in subgroups(group, limits=Limits(lattice=2_000)) if g.order > 1]
    except GroupError:
        return (group,)
    if len(listed) > most:
        listed = [g for g in listed if _is_normal(g, group)]
    return tuple(listed) if len(listed) <= most else (group,)


def _is_normal(inner: FiniteGroup, outer: FiniteGroup) -> bool:
    """Return whether conjugation by the generators of a group preserves a subgroup."""
    return all(
        inner.contains(_conjugate(np.array(h), np.array(g)).tolist())
        for g in outer.generators
        for h in inner.generators
    )


def _conjugate(h: IntArray, g: IntArray) -> IntArray:
    """Return g h g^-1."""
    moved = np.empty_like(h)
    moved[g] = g[h]
    return moved


def _some_normal(group: FiniteGroup, most: int = 12) -> list[FiniteGroup]:
    """Return the derived series, and pointwise stabilisers of orbits, without the trivial group and the whole."""
    found: list[FiniteGroup] = []
    derived = _derived(group)
    while 1 < derived.order < (found[-1].order if found else group.order) and len(found) < most:
        found.append(derived)
        derived = _derived(derived)
    for orbit in _orbits(group)[: most - len(found)]:
        fixing = _pointwise(group, orbit)
        if 1 < fixing.order < group.order:
            found.append(fixing)
    return found


def _derived(group: FiniteGroup) -> FiniteGroup:
    """Return the derived subgroup: the normal closure of the commutators of generators."""
    moves = [np.array(g) for g in group.generators]
    chosen: list[IntArray] = []
    waiting = [a[b][np.argsort(a)][np.argsort(b)] for a in moves for b in moves]
    chain = StabiliserChain.of([], group.degree)
    while waiting:
        h = waiting.pop()
        if not chain.contains(h[None])[0]:
            chosen.append(h)
            chain = StabiliserChain.of(np.stack(chosen), group.degree)
            waiting += [_conjugate(h, g) for g in moves]
    return generated_subgroup(group, chosen)


def _orbits(group: FiniteGroup) -> list[list[int]]:
    """Return the orbits with more than one point."""
    left, found = set(range(group.degree)), list[list[int]]()
    moves = group.generator_array
    while left:
        orbit = [min(left)]
        for point in orbit:
            orbit += [q for q in dict.fromkeys(moves[:, point].tolist()) if q not in orbit]
        left -= set(orbit)
        found += [orbit] if len(orbit) > 1 else []
    return found


def _pointwise(group: FiniteGroup, points: Sequence[int]) -> FiniteGroup:
    """Return the elements that fix some points."""
    chain = StabiliserChain.of(group.generator_array, group.degree, points, group.order)
    inside = set(points)
    level = next((level for level in chain.levels if level.point not in inside), None)
    return generated_subgroup(group, () if level is None else level.generators)
