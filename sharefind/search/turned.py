"""Subgroups of a candidate that turns vectors: if it is rejected, some rows propose subgroups, and the rest test them.

Two stages keep the level. If the whole candidate holds, it is rejected with probability alpha at most, and it is tested
first. If it does not hold, a true subgroup can be rejected only in the second stage, whose family depends on rows that
take no part in its tests. `sharefind.proposal.vector_groups` makes the proposals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import CompactGroup, FiniteGroup, Group, Representation
from sharefind.groups.factors import factors_of
from sharefind.groups.orthogonal_subgroups import is_compact_subgroup
from sharefind.inference.vectors.vector_layout import VectorLayout, other_factor, placed_subgroup, vector_layout
from sharefind.rng import named_stream
from sharefind.search.blind import Sampler, split_rows
from sharefind.search.config import SearchConfig
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.proposal.vector_groups import PlacedGroup, VectorFinding
    from sharefind.proposal.vector_permutations import PermutationFinding


@dataclass(frozen=True, eq=False)
class TurnedStart:
    """The start of a search inside an infinite candidate that is rejected as a whole.

    Attributes:
        groups: The groups to test, closed under joins, the candidate last.
        placed: The subgroup of the rotations that the proposing rows support; None where there is none.
        rows: The rows for tests and training, ascending; None for fresh samples.
        samples: Number of proposing rows.
        warnings: Warnings about the proposals.
    """

    groups: tuple[CompactGroup, ...]
    placed: PlacedGroup | None
    rows: NDArray[np.int64] | None
    samples: int
    warnings: tuple[str, ...] = ()

    def evidence(self, label_of: Callable[[Group], str]) -> Mapping[str, float] | None:
        """Return None: the tested groups have no evidence of their own.

        Args:
            label_of: Not used.
        """
        return None


def may_be_opened(config: SearchConfig, in_rep: Representation, out_rep: Representation) -> bool:
    """Return whether subgroups are proposed once the candidate is rejected: it turns vectors, and tests are evidence.

    Args:
        config: The configuration.
        in_rep: Representation on X.
        out_rep: Representation on Y.
    """
    is_infinite = isinstance(in_rep.group, CompactGroup) and in_rep.group.order is None
    return is_infinite and not config.blind and config.scheme.is_evidence and _layout(in_rep, out_rep) is not None


def _layout(in_rep: Representation, out_rep: Representation) -> VectorLayout | None:
    return vector_layout(in_rep, out_rep) if isinstance(in_rep.group, CompactGroup) else None


def turned_start(
    config: SearchConfig,
    x: FloatArray | None,
    y: FloatArray | None,
    in_rep: Representation,
    out_rep: Representation,
    fresh: Sampler,
    units: Tensor | None = None,
    *,
    share: float = 0.5,
    fresh_samples: int = 4000,
    fewest_rows: int = 40,
    most_rows: int = 4000,
) -> TurnedStart | None:
    """Propose subgroups of an infinite candidate from a part of the rows.

    Args:
        config: The search.
        x: Inputs, shape (n, d_in), or None without finite data.
        y: Labels, shape (n, d_out), or None without finite data.
        in_rep: How the candidate acts on x.
        out_rep: How it acts on y.
        fresh: Draws samples where there are no finite data.
        units: The unit of each row, shape (n,), int64; none is divided. None where each row is one.
        share: Share of finite data that proposes.
        fresh_samples: Samples that propose where a task has no finite data.
        fewest_rows: Smallest number of rows that propose, and of rows that test.
        most_rows: Largest number of rows that propose.

    Returns:
        The proposals; None where the group acts by anything but vectors and scalars, or rows are too few.
    """
    layout = _layout(in_rep, out_rep)
    if layout is None:
        return None
    rows: NDArray[np.int64] | None = None
    if x is None or y is None:
        x, y = fresh(named_stream(config.seed, "turned", "samples"), fresh_samples)
    else:
        proposing, rows = split_rows(len(x), config.seed, units, share)
        if min(len(proposing), len(rows)) < fewest_rows:
            return None
        x, y = x[proposing][:most_rows], y[proposing][:most_rows]
    return _start(x, y, in_rep, out_rep, layout, rows)


def _start(
    x: FloatArray,
    y: FloatArray,
    in_rep: Representation,
    out_rep: Representation,
    layout: VectorLayout,
    rows: NDArray[np.int64] | None,
) -> TurnedStart | None:
    from sharefind.inference.vectors.vector_features import label_fits
    from sharefind.proposal.vector_groups import propose_vector_groups
    from sharefind.proposal.vector_permutations import propose_permutations

    group, place = in_rep.group, layout.place
    turning, finite = factors_of(group)[place], other_factor(group, place)
    if not isinstance(group, CompactGroup) or not isinstance(turning, CompactGroup):
        return None
    found = propose_vector_groups(label_fits(x, y, layout), turning)
    warnings: tuple[str, ...] = ()
    if finite is None:
        family = list(found.family)
    else:
        permuted = propose_permutations(x, y, in_rep, out_rep, layout, finite)
        family = [placed_subgroup(group, place, k, g) for k, g in pairs_to_test(permuted, found)]
        if permuted.why_not:
            warnings = (
                f"the data propose no subgroup of {finite.name}, and it is tested as a whole: {permuted.why_not}",
            )
    kept = tuple(g for g in family[:-1] if g.order != 1)
    return TurnedStart((*kept, group), found.proposed, rows, len(x), warnings)


def pairs_to_test(permuted: PermutationFinding, turned: VectorFinding) -> list[tuple[FiniteGroup, CompactGroup]]:
    """Return the products K x L to test, closed under joins: at least one of the proposals `K*` and `L*` is right.

    They are all K with the L inside `L*`, and all L with the K that contain `K*`. The join of a pair of one kind with
    any pair of the other kind has a K that contains `K*`.

    Args:
        permuted: Proposed permutations K.
        turned: Proposed groups L.
    """
    best = None if turned.proposed is None else turned.proposed.group

    def is_tested(k: FiniteGroup, g: CompactGroup) -> bool:
        return best is None or permuted.proposed.is_subgroup_of(k) or is_compact_subgroup(g, best)

    return [(k, g) for k in permuted.family for g in turned.family if is_tested(k, g)]
