"""Permutation groups that stand for point groups: their subgroups are called by Schoenflies' names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError
from sharefind.exact.matrices import to_float
from sharefind.groups.catalogue import named_group
from sharefind.groups.group import FiniteGroup
from sharefind.groups.point_groups import schoenflies
from sharefind.groups.subgroups import subgroups
from sharefind.typing import FloatArray

Turn = tuple[tuple[float, ...], ...]
"""An orthogonal matrix (3, 3) as rows."""


@dataclass(frozen=True, eq=False)
class PointGroup(FiniteGroup):
    """A permutation group whose elements turn space, too.

    Attributes:
        turns: What each generator does to vectors, in the order of the generators.
    """

    turns: tuple[Turn, ...] = field(default=(), repr=False)

    @cached_property
    def subgroup_names(self) -> dict[FiniteGroup, str]:
        """A name for every subgroup: Schoenflies', with a number where several have it, or a catalogue another group.

        "S4" is a turn by 90 degrees and a mirror for Schoenflies, and all permutations of four points otherwise.
        """
        listed = subgroups(self, max_order=self.order)
        plain = [self.schoenflies_of(subgroup) for subgroup in listed]
        seen: dict[str, int] = {}
        found = {}
        for subgroup, name in zip(listed, plain, strict=True):
            seen[name] = seen.get(name, 0) + 1
            is_alone = plain.count(name) == 1 and not _means_another(name, subgroup.order)
            found[subgroup] = name if is_alone else f"{name}.{seen[name]}"
        return {**found, self: self.name}

    def schoenflies_of(self, subgroup: FiniteGroup) -> str:
        """Return Schoenflies' name of a subgroup on the same points.

        Args:
            subgroup: The subgroup.
        """
        return schoenflies(np.stack([self._matrices[tuple(map(int, g))] for g in subgroup.elements()]))

    @cached_property
    def _matrices(self) -> dict[tuple[int, ...], FloatArray]:
        """What each element does to vectors, by its permutation."""
        found = {tuple(range(self.degree)): np.eye(3)}
        fresh = dict(found)
        moves = [(g, np.array(turn)) for g, turn in zip(self.generators, self.turns, strict=True)]
        while fresh:
            images = {
                tuple(g[k] for k in element): turn @ matrix for element, matrix in fresh.items() for g, turn in moves
            }
            fresh = {element: matrix for element, matrix in images.items() if element not in found}
            found |= fresh
        return found


def turning_group(group: FiniteGroup, turns: Sequence[DomainMatrix]) -> PointGroup:
    """Return a group whose generators also turn space.

    Args:
        group: As permutations.
        turns: Exact matrices (3, 3), in the order of its generators.
    """
    rows = tuple(tuple(map(tuple, to_float(turn).tolist())) for turn in turns)
    return PointGroup(group.name, group.degree, group.generators, known_order=group.order, turns=rows)


def _means_another(name: str, order: int) -> bool:
    """Whether a catalogue gives a name to a group of another order."""
    try:
        return named_group(name).order != order
    except GroupError:
        return False
