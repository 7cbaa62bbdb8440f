"""Unique names for the subgroups of a group.

`structure` names isomorphism types; `subgroups` lists subgroups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sharefind.errors import GroupError
from sharefind.groups.catalogue import named_group
from sharefind.groups.cycles import cycle_notation
from sharefind.groups.group import FiniteGroup
from sharefind.groups.named_points import PointGroup
from sharefind.groups.structure import structure_name
from sharefind.groups.subgroups import subgroups


def subgroup_label(subgroup: FiniteGroup, parent: FiniteGroup, siblings: Sequence[FiniteGroup] | None = None) -> str:
    """Return a name for a subgroup that no other subgroup of the parent has.

    The whole group has the parent's name. The only subgroup of a structure, and the catalogue's standard copy, have the
    bare structure name. All others have structure and generators, "C4:<(0 2 1 3)>". Point
    groups give theirs Schoenflies' names.

    Args:
        subgroup: A subgroup of `parent`, on the same points.
        parent: The group that contains it.
        siblings: All subgroups of the parent, from `subgroups`; None lists them.

    Raises:
        GroupError: It is not a subgroup of the parent.
    """
    if not subgroup.is_subgroup_of(parent):
        raise GroupError(f"{subgroup.name} is not a subgroup of {parent.name}; use the same points for both")
    if isinstance(parent, PointGroup):
        return parent.subgroup_names[subgroup]
    if siblings is None:
        siblings = subgroups(parent, max_order=parent.order)
    name = structure_name(subgroup)
    return _label(subgroup, name, parent, sum(other.name == name for other in siblings) == 1)


def subgroup_labels(siblings: Sequence[FiniteGroup], parent: FiniteGroup) -> tuple[str, ...]:
    """Return `subgroup_label` of all subgroups of the parent at once.

    Args:
        siblings: The result of `subgroups(parent)`, whose names are structure names.
        parent: The group that contains them.
    """
    if isinstance(parent, PointGroup):
        return tuple(parent.subgroup_names[subgroup] for subgroup in siblings)
    counts = Counter(subgroup.name for subgroup in siblings)
    return tuple(_label(s, s.name, parent, counts[s.name] == 1) for s in siblings)


def _label(subgroup: FiniteGroup, name: str, parent: FiniteGroup, alone: bool) -> str:
    if subgroup.order == parent.order:
        return parent.name
    if name != parent.name and (alone or _is_standard(subgroup, name)):
        return name
    return f"{name}:<{', '.join(cycle_notation(g) for g in subgroup.generators)}>"


def _is_standard(subgroup: FiniteGroup, name: str) -> bool:
    try:
        standard = named_group(name)
    except GroupError:
        return False
    return subgroup == standard
