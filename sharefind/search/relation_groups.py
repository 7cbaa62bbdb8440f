"""Under which groups can a relation be tested? Finite ones, large ones by parts that generate them."""

from __future__ import annotations

from sharefind.errors import GroupError, setting
from sharefind.groups import FiniteGroup, Group


def has_relation_test(group: Group) -> bool:
    """Return whether the group is finite, and small enough to be read.

    Args:
        group: The candidate.
    """
    return isinstance(group, FiniteGroup) and group.order <= group.most_unlisted


def refuse_untestable(group: Group) -> None:
    """Refuse a candidate whose relation cannot be tested.

    Args:
        group: The candidate.

    Raises:
        GroupError: The group is infinite or too large.
    """
    if has_relation_test(group):
        return
    size = "is infinite" if group.order is None else f"has {group.order} elements"
    raise GroupError(
        f"{setting('symmetry')} relation: the relation is tested under finite groups of at most "
        f"{FiniteGroup.most_unlisted:.0e} elements, and {group.name} {size}; test its law with {setting('symmetry')} "
        f"law, or give a subgroup as {setting('group')}"
    )
