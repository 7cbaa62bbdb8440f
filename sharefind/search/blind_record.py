"""The record of the proposals of a blind search: the object under `blind` in `sharefind.result/1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sharefind.groups import FiniteGroup, Group
from sharefind.groups.cycles import permutation_sign
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.search.blind import BlindStart
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.problem import Problem
from sharefind.search.proposal_parts import (
    BlindRow,
    LieAlgebra,
    RejectedProposal,
    Rival,
    SmallerSpace,
    TakenProposal,
    Weight,
)
from sharefind.spaces import fixed_space

if TYPE_CHECKING:
    from sharefind.proposal import Finding


def blind_row(problem: TestedProblem, start: BlindStart) -> BlindRow:
    """Return the first proposal of the proposing samples, its evidence, and the verdict of the other samples.

    Args:
        problem: The search, with its tests.
        start: Its blind start.
    """
    found, lie, smaller = start.proposed, start.lie, start.proposed.smaller
    return BlindRow(
        status=found.status,
        **_tied(found),
        odd=found.is_odd,
        of_weights=found.is_of_weights,
        smaller_group=has_smaller_group(problem),
        rivals=[Rival(name=r.name, dim=r.dim, share=r.share) for r in found.rivals],
        samples=found.samples,
        exhaustive=found.is_exhaustive,
        not_looked_at=None if found.is_exhaustive else NOT_LOOKED_AT,
        smaller=None if smaller is None else SmallerSpace(what=smaller.what, log_odds=smaller.log_odds),
        lie_algebra=None if lie is None else LieAlgebra(name=lie.name, dim=lie.dim),
        rejected_p=_rejected_p(problem, start),
        proposal=start.number,
        tried=[RejectedProposal(**_named(t.finding), p_value=t.p_value) for t in start.tried],
        taken=TakenProposal(**_tied(start.finding)) if start.tried else None,
    )


def has_smaller_group(problem: TestedProblem) -> bool:
    """Return whether a proper subgroup of the candidate has the same fixed space, as A_n has that of S_n.

    Groups that are too large to list are compared with their even permutations alone.

    Args:
        problem: The search, with its tests.
    """
    group, lattice = problem.candidate.group, problem.lattice
    if lattice is None:
        return False
    place = next((node for node in lattice.nodes if group in node.groups), None)
    return is_of_weights(problem, group, 1 if place is None else len(place.groups))


def is_of_weights(problem: Problem, group: Group, known: int) -> bool:
    """Return whether a proper subgroup of a group has the same fixed space, so that the weights determine no single
    group.

    Args:
        problem: The problem of the search.
        group: Group of the problem's candidate.
        known: Groups with its fixed space that were looked at, itself among them.
    """
    if not isinstance(group, FiniteGroup) or group.order == 1:
        return False
    even = _even(group) if known == 1 and group.order > MAX_SUBGROUP_ORDER else None
    if even is None:
        return known > 1
    dims = [fixed_space(problem.space.action.restrict(one)).dim for one in (even, group)]
    return bool(dims[0] == dims[1])


def _even(group: FiniteGroup) -> FiniteGroup | None:
    """The even permutations of the points of a group, by Schreier's generators; None where all are even."""
    images = [np.array(g) for g in group.generators]
    odd = [g for g in images if permutation_sign(g.tolist()) < 0]
    if not odd:
        return None
    turn, back = odd[0], np.argsort(odd[0])
    moves = [turn[turn]]
    for g in images:
        is_odd = permutation_sign(g.tolist()) < 0
        moves += [g[back], turn[g]] if is_odd else [g, turn[g[back]]]
    return FiniteGroup("even", group.degree, tuple(tuple(map(int, g)) for g in moves), group.natural_blocks)


NOT_LOOKED_AT = "moves of inputs and outputs beyond the bounds of the search; spaces that only they would give"
"""The part that a search for moves leaves out if it is cut short."""


def _named(found: Finding) -> dict[str, Any]:
    """The fields of `Proposed`."""
    return {
        "name": found.name,
        "order": found.group.order if found.is_group else None,
        "dim": found.dim,
        "is_group": found.is_group,
        "share": found.share,
        "log_odds": found.log_odds,
    }


def _tied(found: Finding) -> dict[str, Any]:
    """The fields of `TakenProposal`."""
    weights = zip(found.values.tolist(), found.errors.tolist(), strict=True)
    return {
        **_named(found),
        "tying": found.labels.reshape(found.shape).tolist(),
        "weights": [Weight(value=v, error=e) for v, e in weights],
    }


def _rejected_p(problem: TestedProblem, start: BlindStart) -> float | None:
    """The p-value at which the other samples reject the first proposal, None where they do not."""
    if start.tried:
        return start.tried[0].p_value
    symmetries = problem.symmetries
    if symmetries is None:
        return None
    if symmetries.family is not None:
        name = problem.label_of(problem.candidate.group)
        return symmetries.family.p_adjusted[name] if name in symmetries.family.rejected else None
    p_value = symmetries.tying_p_value
    return p_value if p_value is not None and p_value <= problem.settings.alpha else None
