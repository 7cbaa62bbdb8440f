"""The subgroups of a finite group by the numbers of their elements, for statistics that compare subgroups."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sharefind.errors import GroupError, setting
from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import Moves
from sharefind.meanfield.clouds.actions import JointAction


def membership(whole: FiniteGroup, subgroups: Sequence[FiniteGroup]) -> Tensor:
    """Which elements each subgroup has, the trivial group last: bool, shape (K + 1, |G|).

    The trivial group is always looked at: it finds what no listed subgroup allows.

    Args:
        whole: G.
        subgroups: The K subgroups.

    Raises:
        GroupError: The group is too large for a table of its elements.
    """
    if not whole.is_small:
        raise GroupError(
            f"{setting('statistic')}: this one lists the elements of {whole.name}, which has {whole.order}, more than "
            f"{whole.most_at_once}; use marginal-likelihood, which lists none"
        )
    listed = (*subgroups, FiniteGroup("trivial", whole.degree, ()))
    table = torch.zeros(len(listed), whole.order, dtype=torch.bool)
    for row, group in zip(table, listed, strict=True):
        row[[whole.index(g) for g in group.elements()]] = True
    return table


def members_of(moves: Moves, whole: FiniteGroup, statistic: str) -> Tensor:
    """The elements of a hypothesis by their numbers in the whole group, shape (|H|,), int64.

    Args:
        moves: The hypothesis, which must act as the whole group does.
        whole: G.
        statistic: Its name in the message.

    Raises:
        GroupError: `moves` is not the action of a subgroup on the same points.
    """
    null = moves.group if isinstance(moves, JointAction) else None
    if not isinstance(null, FiniteGroup) or not null.is_subgroup_of(whole):
        raise GroupError(f"the {statistic} tests subgroups of the group that it was made for")
    return torch.tensor([whole.index(g) for g in null.elements()])
