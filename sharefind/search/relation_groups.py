"""Under which groups can a relation be tested? Those whose elements a kernel can be averaged over."""

from __future__ import annotations

from sharefind.errors import GroupError, setting
from sharefind.groups import FiniteGroup, Group
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER


def has_relation_test(group: Group, most: int = MAX_SUBGROUP_ORDER) -> bool:
    """Whether the group is finite and not larger than those whose subgroups are listed.

    Args:
        group: The candidate.
        most: Elements that a kernel is averaged over; each costs a matrix of all pairs of rows.
    """
    return isinstance(group, FiniteGroup) and group.order <= most


def refuse_untestable(group: Group, most: int = MAX_SUBGROUP_ORDER) -> None:
    """Refuse a candidate whose relation cannot be tested.

    Args:
        group: The candidate.
        most: As in `has_relation_test`.

    Raises:
        GroupError: The group is infinite or too large.
    """
    if has_relation_test(group, most):
        return
    size = "is infinite" if group.order is None else f"has {group.order} elements"
    raise GroupError(
        f"{setting('symmetry')} relation: the relation is tested under finite groups of at most {most} elements, and "
        f"{group.name} {size}; test its law with {setting('symmetry')} law, or give a subgroup as {setting('group')}"
    )
