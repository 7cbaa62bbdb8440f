"""Proposals: an exact space of weights, its group, and its rivals.

`propose` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.groups import FiniteGroup, NaturalBlock
from sharefind.proposal.log_evidence import Labels
from sharefind.recognition import Layout, Recognition
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Rival:
    """A space that the data leave standing beside the one that was taken.

    Attributes:
        name: Name of its group, or what ties it.
        dim: Dimension of the space of weights.
        share: Share of the posterior; None where the search was cut short.
    """

    name: str
    dim: int
    share: float | None


@dataclass(frozen=True, eq=False)
class Smaller:
    """The space with one direction less that comes nearest.

    Attributes:
        what: Such as "class 3 could vanish" or "classes 2 and 4 could be equal".
        log_odds: For keeping the direction; negative where the data would rather do without, which no group explains.
    """

    what: str
    log_odds: float


@dataclass(frozen=True, eq=False)
class Finding:
    """The smallest exact space of weights (d_out, d_in) that contains the likely ones.

    Attributes:
        layout: The weights and what could move them.
        labels: The space, int32 (d_out d_in,).
        recognition: The name of the space: the largest group that fixes it.
        name: Name of the tying: a group's name, "translation: ...", or "no sharing".
        is_group: Whether the space is that of a group of permutations; False for a translation on windows.
        is_odd: Whether turning all signs, x to -x and y to -y, is a symmetry beside the group, or the only one.
        has_signal: Whether coefficients differ from noise at all.
        values: The tied linear coefficients, class 1, 2, ..., (dim,).
        errors: Their standard errors, (dim,).
        samples: n of the search.
        share: Posterior share of the single most likely space; None where the search was cut short, since spaces that
            were not examined have a share too.
        rivals: The next spaces; a single one where the first is decided.
        is_decided: Whether one space has a share of `Proposing.credible`.
        is_exhaustive: Whether the search for permutations was not cut short.
        smaller: The part of the space that could be dropped most easily; None where none can.
        alternatives: Further proposals of the same samples, for the case that other samples reject this one; these have
            no alternatives themselves.
        log_odds: Log odds of a group of maps against an accident; such a finding has no share.
    """

    layout: Layout
    labels: Labels
    recognition: Recognition
    name: str
    is_group: bool
    is_odd: bool
    has_signal: bool
    values: FloatArray
    errors: FloatArray
    samples: int
    share: float | None = None
    rivals: tuple[Rival, ...] = ()
    is_decided: bool = False
    is_exhaustive: bool = True
    smaller: Smaller | None = None
    alternatives: tuple[Finding, ...] = ()
    log_odds: float | None = None

    @property
    def status(self) -> str:
        """One of "decided", "undecided", "cut short" and "no sharing supported", which is a decision too."""
        if not self.is_exhaustive:
            return "cut short"
        if not self.is_decided:
            return "undecided"
        return "no sharing supported" if self.is_trivial else "decided"

    @property
    def shape(self) -> tuple[int, int]:
        """(d_out, d_in)."""
        rows, columns = self.layout.shape(self.layout.blocks[0])
        return rows, columns

    @property
    def dim(self) -> int:
        """Dimension of the space of weights."""
        return int(self.labels.max())

    @property
    def is_trivial(self) -> bool:
        """Whether nothing is shared: the space is that of all weights and no sign turns."""
        return self.dim == self.layout.dim and not self.is_odd

    @property
    def is_of_weights(self) -> bool:
        """Whether the name is that of a group: the largest that fixes the weights. The data may have a smaller
        group.
        """
        return self.is_group and self.group.order > 1

    @property
    def group(self) -> FiniteGroup:
        """The group by which weights are shared: that of the space; {1, -1} for odd data; trivial for a translation."""
        if self.is_group and self.dim < self.layout.dim:
            found = self.recognition.group
            return _group(self.name, self.layout, tuple(np.array(g) for g in found.generators), found.order)
        is_sign = self.is_group and self.is_odd
        return _group("C2" if is_sign else "C1", self.layout, (self.layout.antipodes,) if is_sign else ())

    @property
    def blocks(self) -> tuple[NaturalBlock, NaturalBlock]:
        """How the points of the group act on inputs and on outputs."""
        blocks = self.layout.natural_blocks
        rows, columns = self.layout.blocks[0]
        return blocks[columns], blocks[rows]


def _group(name: str, layout: Layout, moves: Sequence[IntArray], order: int | None = None) -> FiniteGroup:
    generators = tuple(tuple(int(p) for p in g) for g in moves)
    return FiniteGroup(name, layout.points, generators, layout.natural_blocks, known_order=order)
