"""Subgroups of a large group that together generate it, each small enough for a test of the relation.

A relation is equivariant under a group exactly if it is equivariant under subgroups that generate the group. The
hypothesis of a group that is too large for a kernel is therefore the intersection of the hypotheses of its parts, and
the smallest of their p-values, times their number, is a p-value of it (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.typing import IntArray


def part_moves(moves: AmbientMoves, most: int = MAX_SUBGROUP_ORDER) -> tuple[AmbientMoves, ...]:
    """Return moves by subgroups that generate the group; the moves themselves where they are few.

    Args:
        moves: A group on X and on Y.
        most: Elements of a part, see `generating_parts`.

    Raises:
        GroupError: The group is infinite.
    """
    group = moves.group if isinstance(moves, JointAction) else None
    if not isinstance(moves, JointAction) or not isinstance(group, FiniteGroup):
        raise GroupError("the relation is tested for finite groups; give one")
    if group.order <= most:
        return (moves,)
    parts = generating_parts(group, most)
    return tuple(JointAction(moves.in_rep.restrict(part), moves.out_rep.restrict(part)) for part in parts)


def generating_parts(group: FiniteGroup, most: int = MAX_SUBGROUP_ORDER) -> tuple[FiniteGroup, ...]:
    """Subgroups that generate a group: a stabiliser of some points, the largest, and cyclic ones.

    Args:
        group: Any finite group.
        most: Elements of a part at most. A cyclic part of prime power order may have as many as the group has points.

    Returns:
        The parts, no more as soon as they generate the group.
    """
    parts: list[FiniteGroup] = []
    for moves in _candidates(group, most):
        name = f"part {len(parts) + 1} of {group.name}"
        parts.append(FiniteGroup(name, group.degree, tuple(map(tuple, moves.tolist())), group.natural_blocks))
        if _generate(parts, group):
            break
    return tuple(parts)


def _generate(parts: Sequence[FiniteGroup], group: FiniteGroup) -> bool:
    """Whether parts are seen to generate a group; where they do and are not, one more of them does no harm."""
    generators = [g for part in parts for g in part.generators]
    try:
        StabiliserChain.of(generators, group.degree, known_order=group.order)
    except GroupError:
        return False
    return True


def _candidates(group: FiniteGroup, most: int) -> Iterator[IntArray]:
    """Generators (s, degree) of possible parts, those of the most elements first; together they generate the group."""
    levels = group.chain.levels
    orders = [prod(len(level.orbit) for level in levels[k:]) for k in range(len(levels))]
    for level in [level for level, order in zip(levels, orders, strict=True) if order <= most][:1]:
        yield level.generators.astype(np.int64)
    for generator in group.generators:
        g = np.array(generator, dtype=np.int64)
        order = int(np.lcm.reduce(_cycle_lengths(g)))
        for power in (1,) if order <= most else [order // q for q in _prime_powers(order)]:
            yield _power(g, power)[None]


def _cycle_lengths(g: IntArray) -> list[int]:
    lengths, seen = list[int](), np.zeros(len(g), dtype=bool)
    for first in range(len(g)):
        length, point = 0, first
        while not seen[point]:
            seen[point], point, length = True, int(g[point]), length + 1
        lengths += [length] if length else []
    return lengths


def _prime_powers(n: int) -> list[int]:
    """The largest powers of primes that divide n."""
    found, p = list[int](), 2
    while n > 1:
        power = 1
        while n % p == 0:
            n, power = n // p, power * p
        found += [power] if power > 1 else []
        p += 1
    return found


def _power(g: IntArray, exponent: int) -> IntArray:
    result, base = np.arange(len(g)), g
    while exponent:
        result = base[result] if exponent % 2 else result
        base, exponent = base[base], exponent // 2
    return result
