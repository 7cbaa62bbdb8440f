"""Families of subgroups that are closed under joins, and subgroups of groups that are too large to list them all."""

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
    """The subgroup of a group that some of its elements, (degree,) each, generate; acting as the group does.

    Args:
        whole: The group.
        moves: Elements of it, each that those before it generate left out where they are more than a few.
        name: What the subgroup is called.
        few: Elements up to which all are kept.
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
    """Subgroups of a group, closed under joins: with two of them it has the group that they generate.

    Attributes:
        whole: The group itself, always a member.
        most: Members at most.
        most_joins: Joins that one addition makes at most.
        members: The subgroups, each once.
    """

    whole: FiniteGroup
    most: int = 150
    most_joins: int = 200
    members: dict[FiniteGroup, None] = field(init=False)

    def __post_init__(self) -> None:
        self.members = {self.whole: None}

    def add(self, groups: Iterable[FiniteGroup], *, is_closed: bool = False) -> bool:
        """Add subgroups and all joins that follow; nothing where these are too many.

        Args:
            groups: Subgroups of the whole.
            is_closed: Whether they have the joins of each other already.

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
        """The subgroup that two members generate."""
        small, large = sorted((one, other), key=lambda group: group.order)
        if large.order % small.order == 0 and small.is_subgroup_of(large):
            return large
        found = generated_subgroup(self.whole, (*large.generators, *small.generators))
        return self.whole if found.order == self.whole.order else found


def subgroups_below(group: FiniteGroup, most: int = 60) -> tuple[FiniteGroup, ...]:
    """Subgroups of a group, not the trivial one, closed under joins; all of them where they can be listed.

    Elsewhere the normal ones, which are closed under joins; of groups that are too large for these too, the derived
    subgroups and the elements that fix an orbit point by point, which are normal.

    Args:
        group: The group.
        most: Subgroups at most; the group itself alone where even the normal ones are more.
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
    """Whether conjugation by the generators of a group keeps a subgroup."""
    return all(
        inner.contains(_conjugate(np.array(h), np.array(g)).tolist())
        for g in outer.generators
        for h in inner.generators
    )


def _conjugate(h: IntArray, g: IntArray) -> IntArray:
    """g h g^-1."""
    moved = np.empty_like(h)
    moved[g] = g[h]
    return moved


def _some_normal(group: FiniteGroup, most: int = 12) -> list[FiniteGroup]:
    """The derived series, and pointwise stabilisers of orbits, where they are neither trivial nor all."""
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
    """The derived subgroup: the normal closure of the commutators of generators."""
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
    """Orbits with more than one point."""
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
    """The elements that fix some points."""
    chain = StabiliserChain.of(group.generator_array, group.degree, points, group.order)
    inside = set(points)
    level = next((level for level in chain.levels if level.point not in inside), None)
    return generated_subgroup(group, () if level is None else level.generators)
