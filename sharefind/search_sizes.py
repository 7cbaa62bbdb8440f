"""The sizes that determine the time of a search, and a guess of them before a problem is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Sizes:
    """The sizes that determine the time of a search.

    Attributes:
        rows: Samples that are tested.
        d_in: Width of X.
        d_out: Width of Y.
        order: Order of the candidate group; of one that is infinite or very large, the images of a sample that are
            looked at.
        subgroups: Groups that may be tested; 0 where there is nothing to test.
        statistic: Name of the statistic of the tests.
        beliefs: Kernels of a statistic that compares all samples: more than one where the group leaves inputs alone.
        copies: Copies of the first look of a test.
        reference: Copies that a test draws beside the compared ones.
        rejected_after: Looks after which a clear rejection ends a test.
        has_gate: Whether independence of X and Y is tested first.
        trained: Rows that are trained at a node: the data and its copies.
        replicates: Rows of the training that proposes where to grow.
        nodes: Spaces that are visited where the candidate holds, and where none of its subgroups does.
        dim: Numbers of a particle.
        hidden: Its hidden units; 0 for one layer.
        particles: Particles of a training.
        batch: Samples of a step.
        steps: Steps of a training.
        yardstick_particles: Particles of the reference networks.
        decided_by: Whether the "law" is tested, or the inputs and the "relation" instead. Relations that are tested
            because the inputs turn out to break the law are not foreseen.
        moved: Labels of a row that the group moves together: the width of Y, or 1 where they stay.
    """

    rows: int
    d_in: int
    d_out: int
    order: int
    subgroups: int
    statistic: str
    beliefs: int
    copies: int
    reference: int
    rejected_after: int
    has_gate: bool
    trained: int
    replicates: int
    nodes: tuple[int, int]
    dim: int
    hidden: int
    particles: int
    batch: int
    steps: int
    yardstick_particles: int
    decided_by: Literal["law", "relation"] = "law"
    moved: int = 1


def usual_sizes(
    rows: int,
    d_in: int,
    d_out: int,
    order: int,
    subgroups: int,
    *,
    degree: int | None = None,
    moves_labels: bool | None = None,
    leaves_inputs: bool = False,
    is_listed: bool = True,
    alpha: float = 0.01,
    levels: int = 4,
    most_rows: tuple[int, int] = (2000, 20_000),
    few_rows: int = 800,
    few_moved: int = 3,
    regular: int = 24,
) -> Sizes:
    """Sizes of a search with the preset `fast`, where no problem was built yet; `search.estimate.sizes_of` is exact.

    Args:
        rows: Rows of the data.
        d_in: Width of X.
        d_out: Width of Y.
        order: Order of the candidate group, 64 for an infinite one, say.
        subgroups: Its subgroups but for the trivial one: all that may be tested if the candidate fails.
        degree: Points that the group permutes; `d_in` if None.
        moves_labels: Whether the group moves labels; if None, it does where there are several.
        leaves_inputs: Whether it leaves some columns of X where they are.
        is_listed: Whether its subgroups are listed; of a large group, none but itself is tested.
        alpha: Level of the tests.
        levels: Spaces from {0} to Z, one inside the other.
        most_rows: Samples that are tested at most: by a statistic that compares all of them, and by one that does not.
        few_rows: Samples up to which labels that do not move are tested by the former.
        few_moved: Most inputs that are then moved, unless not all of them are.
        regular: Largest group with a hidden unit for each element.
    """
    moves = d_out > 1 if moves_labels is None else moves_labels
    batch = min(rows, 256, max(20, math.ceil(rows / 100)))
    is_small = rows <= few_rows and (d_in <= few_moved or leaves_inputs)
    compares = not is_listed or (not moves and is_small)
    hidden = 0 if moves else order if order <= regular else degree or d_in
    return Sizes(
        rows=min(rows, most_rows[0] if compares else most_rows[1]),
        d_in=d_in,
        d_out=d_out,
        order=order,
        subgroups=subgroups,
        statistic="marginal-likelihood" if compares else "correlogram",
        beliefs=3 if leaves_inputs else 1,
        copies=max(199, math.ceil(2 / alpha) - 1),
        reference=49,
        rejected_after=2,
        has_gate=True,
        trained=40,
        replicates=10,
        nodes=(2, levels),
        dim=(d_in + 1) * d_out if moves else (d_in + d_out + 1) * hidden,
        hidden=hidden,
        particles=min(32, max(8, 256 // max(hidden, 1))),
        batch=batch,
        steps=max(60, 3 * min(rows // batch, 100)),
        yardstick_particles=16,
    )
