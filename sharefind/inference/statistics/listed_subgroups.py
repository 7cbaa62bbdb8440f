"""The subgroups of a finite group as sets of element numbers, for statistics that compare subgroups."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sharefind.errors import GroupError, setting
from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.meanfield.clouds.actions import JointAction


def membership(whole: FiniteGroup, subgroups: Sequence[FiniteGroup]) -> Tensor:
    """Return which elements each subgroup has, shape (K + 1, |G|), bool; the trivial group comes last.

    The trivial group is always included: it detects signals that no listed subgroup allows.

    Args:
        whole: The group G.
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


def members_of(moves: AmbientMoves, whole: FiniteGroup, statistic: str) -> Tensor:
    """Return the elements of a hypothesis as numbers in the whole group, shape (|H|,), int64.

    Args:
        moves: The hypothesis, with the action of the whole group.
        whole: The group G.
        statistic: Name of the statistic in the message.

    Raises:
        GroupError: `moves` is not the action of a subgroup on the same points.
    """
    null = moves.group if isinstance(moves, JointAction) else None
    if not isinstance(null, FiniteGroup) or not null.is_subgroup_of(whole):
        raise GroupError(f"the {statistic} tests subgroups of the group that it was made for")
    return torch.tensor([whole.index(g) for g in null.elements()])
