"""The record of a search inside a candidate that is too large to list: the object under `subgroups` of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.groups import FiniteGroup
from sharefind.search.blind_record import is_of_weights
from sharefind.search.proposal_parts import ProposedGroup, SubgroupsRow
from sharefind.search.search_outcome import SearchOutcome
from sharefind.search.turned import TurnedStart

if TYPE_CHECKING:
    from sharefind.proposal.vector_groups import PlacedGroup


def subgroups_row(outcome: SearchOutcome) -> SubgroupsRow | None:
    """Return the proposals of the proposing rows, with the evidence, and the tested groups; None where subgroups are
    listed.

    Args:
        outcome: The outcome of the search.
    """
    problem = outcome.problem
    start, whole = problem.inside, problem.candidate.group
    if isinstance(start, TurnedStart):
        return turned_row(start)
    if start is None or not isinstance(whole, FiniteGroup):
        return None
    found = start.finding
    if found is None:
        return SubgroupsRow(why_not=start.why_not)
    return SubgroupsRow(
        samples=found.samples,
        tested_rows=None if start.rows is None else len(start.rows),
        proposed=[
            ProposedGroup(
                name=problem.label_of(one.group), order=one.group.order, share=one.share, log_odds=one.log_odds
            )
            for one in found.proposed
        ],
        family=[problem.label_of(group) for group in found.family],
        has_signal=found.has_signal,
        exhaustive=found.is_exhaustive,
        smaller_group=_has_smaller_group(outcome),
        same_space=_same_space(outcome),
    )


def _has_smaller_group(outcome: SearchOutcome) -> bool:
    """Whether E_* is the space of a group and of smaller ones, as that of S_n is the space of A_n."""
    place = outcome.problem.lattice_node(outcome.e_star)
    if place is None or place.group is None:
        return False
    return is_of_weights(outcome.problem, place.group, len(place.groups))


def _same_space(outcome: SearchOutcome) -> list[str]:
    """The smaller groups with the space E_*, the largest first."""
    place = outcome.problem.lattice_node(outcome.e_star)
    groups = () if place is None else [group for group in place.groups if group != place.group]
    return list(outcome.problem.labels_of(sorted(groups, key=lambda group: -(group.order or 0))))


def turned_row(start: TurnedStart) -> SubgroupsRow:
    """Return what half of the rows propose inside an infinite candidate, and what the others test.

    Args:
        start: The start of the search.
    """
    return SubgroupsRow(
        samples=start.samples,
        tested_rows=None if start.rows is None else len(start.rows),
        proposed=[] if start.placed is None else [_placed_row(start.placed)],
        family=[group.name for group in start.groups],
        has_signal=True,
        exhaustive=not start.warnings,
    )


def _placed_row(placed: PlacedGroup) -> ProposedGroup:
    return ProposedGroup(
        name=placed.group.name,
        order=placed.group.order,
        share=None,
        log_odds=placed.log_odds,
        axes=placed.axes.tolist(),
        degrees=placed.error,
    )
