"""Growth inside a candidate that is too large to list: a part of the rows proposes subgroups, the rest tests them.

What is proposed is `sharefind.proposal.subgroups`; the family that is tested follows from the proposing rows alone, so
that the p-values on the other rows stay exact and closed testing keeps its level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import InputError
from sharefind.groups import FiniteGroup, Group, Representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.fitted_statistic import Statistic
from sharefind.rng import named_stream
from sharefind.search.blind import Sampler, split_rows
from sharefind.search.config import SearchConfig
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.proposal.subgroups import SubgroupFinding


@dataclass(frozen=True, eq=False)
class SubgroupStart:
    """The start of a search inside a large candidate.

    Attributes:
        finding: The finding of the proposing rows; None where they could propose nothing.
        rows: The rows that are left for tests and training, ascending; None for all of them, or for fresh samples.
        why_not: Why nothing could be proposed; empty elsewhere.
    """

    finding: SubgroupFinding | None
    rows: NDArray[np.int64] | None
    why_not: str = ""

    @property
    def groups(self) -> tuple[FiniteGroup, ...]:
        """The groups to test, closed under joins; none where nothing could be proposed."""
        return () if self.finding is None else self.finding.family

    def evidence(self, label_of: Callable[[Group], str]) -> dict[str, float] | None:
        """Return log evidence of the tested groups, by name, on the proposing rows; None where there is none.

        Args:
            label_of: Function from a group to its name.
        """
        if self.finding is None or not self.finding.log_evidence:
            return None
        return {label_of(group): log for group, log in self.finding.log_evidence.items()}

    def contrast(self, group: FiniteGroup) -> Statistic | None:
        """Return what the proposing rows expect where a group does not hold; None where they expect nothing else.

        Args:
            group: The group.
        """
        relations = None if self.finding is None else self.finding.relations
        return None if relations is None else relations.contrast(group)


def grows_inside(config: SearchConfig, group: Group, reps: Sequence[Representation], most: int) -> bool:
    """Return whether the data propose subgroups: those of a finite group of more than `most` elements.

    It must act by permutations of coordinates, with signs or without, and have at most 10^30 elements.

    Args:
        config: The configuration.
        group: The group.
        reps: Its representations.
        most: Most elements of a group whose subgroups are listed.
    """
    is_large = isinstance(group, FiniteGroup) and most < group.order <= group.most_unlisted
    return is_large and config.scheme.is_evidence and all(rep.is_sparse for rep in reps)


def subgroup_start(
    config: SearchConfig,
    x: FloatArray | None,
    y: FloatArray | None,
    in_rep: Representation,
    out_rep: Representation,
    fresh: Sampler,
    units: Tensor | None = None,
    names: Sequence[str] = (),
    *,
    share: float = 0.75,
    fresh_samples: int = 10_000,
    fewest_rows: int = 20,
    most_listed: int = MAX_SUBGROUP_ORDER,
) -> SubgroupStart | None:
    """Propose subgroups of a candidate from a part of the rows.

    Args:
        config: The search.
        x: Inputs, shape (n, d_in), or None without finite data.
        y: Labels, shape (n, d_out), or None without finite data.
        in_rep: How the candidate acts on x.
        out_rep: How it acts on y.
        fresh: Draws samples where there are no finite data.
        units: The unit of each row, shape (n,), int64; none is divided. None where each row is one.
        names: Names of the columns of x, for messages.
        share: Share of finite data that proposes; a test needs fewer rows, since it only has to object.
        fresh_samples: Samples that propose where a task has no finite data.
        fewest_rows: Smallest number of rows left for tests.
        most_listed: Elements up to which all subgroups are listed, and none need be proposed.

    Returns:
        What is proposed; None where the subgroups are listed, or the group acts by other matrices.
    """
    if not grows_inside(config, in_rep.group, (in_rep, out_rep), most_listed):
        return None
    from sharefind.proposal.subgroups import propose_subgroups

    if x is None or y is None:
        drawn = fresh(named_stream(config.seed, "subgroups", "samples"), fresh_samples)
        return SubgroupStart(propose_subgroups(*drawn, in_rep, out_rep, names=names), None)
    has_units = units is None or int(units.max()) > 0
    proposing, rows = split_rows(len(x), config.seed, units, share) if has_units else (np.arange(len(x)), np.arange(0))
    if len(rows) < fewest_rows:
        return SubgroupStart(None, None, f"of {len(x)} rows too few would be left to test what others propose")
    try:
        return SubgroupStart(propose_subgroups(x[proposing], y[proposing], in_rep, out_rep, names=names), rows)
    except InputError as error:
        return SubgroupStart(None, None, str(error))


def warnings_of(start: SubgroupStart | None, group: Group) -> tuple[str, ...]:
    """Return warnings about the proposals, a line each.

    Args:
        start: The start of the search, or None.
        group: The whole candidate.
    """
    if start is None or not isinstance(group, FiniteGroup):
        return ()
    size = f"{group.name} has {group.order:,} elements, too many to list its subgroups"
    if start.finding is None:
        return (f"{size}, and the data propose none: {start.why_not}; {group.name} as a whole is tested",)
    if not start.finding.has_signal:
        return (f"{size}, and the proposing rows show no signal; {group.name} as a whole is tested",)
    if not start.finding.is_exhaustive:
        cut = "the search for subgroups that the data propose was cut short"
        return (f"{size}, and {cut}: whether others hold is undecided",)
    return ()
