"""A search without a candidate: a part of the samples proposes the group, the rest tests it and is trained on.

What is proposed, and how sure, is `sharefind.proposal`; from here on the group is a candidate like any other, so that a
proposal that does not hold is left for its subgroups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import InputError
from sharefind.groups import Group, named_group, natural, trivial, unmoved
from sharefind.groups.cycles import permutation_sign
from sharefind.groups.representation import Representation
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.inference.row_blocks import held_units
from sharefind.meanfield.units import build_searched_unit, read_unit
from sharefind.rng import named_stream
from sharefind.search.config import SearchConfig
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    from sharefind.proposal import Finding
    from sharefind.proposal.mirrors.propose_mirrors import MirrorProposal
    from sharefind.recognition import LieStabiliser

ODD_UNIT = "matrix+bias:tanh"
"""The unit where signs are shared and the user named none: others do not commute with a change of sign."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A proposal that the other samples reject.

    Attributes:
        finding: The proposal.
        p_value: Its p-value.
    """

    finding: Finding
    p_value: float


@dataclass(frozen=True, eq=False)
class BlindStart:
    """The starting point of a search without a candidate.

    Attributes:
        finding: The finding of the proposing samples.
        lie: The rotations that fix the space, for a unit that commutes with them; None for others.
        group: The candidate group.
        in_rep: Its representation on X.
        out_rep: Its representation on Y.
        unit: The unit that it needs where the user named none, or None.
        rows: The samples that remain for tests and training, ascending, or None for fresh samples.
        alternatives: Further proposals of the same samples, in case this one is rejected.
        tried: Proposals that were rejected before.
        maps: The mirror maps that were proposed, with what was set aside; None in a search for shared weights.
    """

    finding: Finding
    lie: LieStabiliser | None
    group: Group
    in_rep: Representation
    out_rep: Representation
    unit: str | None
    rows: NDArray[np.int64] | None
    alternatives: tuple[BlindStart, ...] = ()
    tried: tuple[Tried, ...] = ()
    maps: MirrorProposal | None = None

    @property
    def proposed(self) -> Finding:
        """The first proposal, whatever became of it."""
        return self.tried[0].finding if self.tried else self.finding

    @property
    def number(self) -> int:
        """Which proposal of the data this is, counted from 1."""
        return len(self.tried) + 1

    @property
    def tying(self) -> Subspace | None:
        """A space of weights that no group ties, to be tested on its own; None where there is none."""
        return None if self.finding.is_group else Subspace.from_pattern(self.finding.labels)


Sampler = Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]
"""Draws n samples, (n, d_in) and (n, d_out)."""


def blind_start(
    config: SearchConfig,
    x: FloatArray | None,
    y: FloatArray | None,
    unit: str | None,
    fresh: Sampler,
    units: Tensor | None = None,
    share: float = 0.75,
    fresh_samples: int = 10_000,
    names: Sequence[str] = (),
    has_classes: bool = False,
) -> BlindStart:
    """Propose a group from a part of the samples.

    Args:
        config: The search.
        x: Inputs, shape (n, d_in), or None without finite data.
        y: Labels, shape (n, d_out), or None without finite data.
        unit: The unit that the user or the task named.
        fresh: Draws samples where there are no finite data.
        units: The unit of each row, shape (n,), int64; none is divided. None where each row is one.
        share: Share of finite data that proposes; a test needs fewer samples, since it only has to object.
        fresh_samples: Samples that propose where a task has no finite data.
        names: Names of the columns of x, for messages.
        has_classes: Whether labels are classes, which a group can only permute.

    Returns:
        The first proposal, and the next ones if it is rejected.

    Raises:
        InputError: There are too few samples.
        UnitError: The unit is unknown.
    """
    from sharefind.proposal import propose

    if x is None or y is None:
        rows = None
        x, y = fresh(named_stream(config.seed, "blind", "samples"), fresh_samples)
    else:
        proposing, rows = split_rows(len(x), config.seed, units, share)
        x, y = x[proposing], y[proposing]
    signed = None if unit is None else is_odd_unit(unit, x.shape[1], y.shape[1])
    if has_classes:
        signed = False  # no sign of a class means anything
    finding = propose(x, y, signed=signed, seed=config.seed, names=names)
    others = (_start(other, unit, rows) for other in finding.alternatives)
    return replace(_start(finding, unit, rows), alternatives=tuple(o for o in others if _can_be_searched(o, unit)))


def _can_be_searched(start: BlindStart, unit: str | None) -> bool:
    """Whether the unit has the weights that a proposal ties: hidden units belong to groups that can be listed.

    Hidden vectors belong to groups of rotations too.
    """
    kind = None if unit is None else read_unit(unit).kind
    if kind is None or not kind.has_hidden:
        return True
    if start.group.order is None and start.tying is None:
        return kind.takes_rotations
    return start.tying is None and start.group.order is not None and start.group.order <= MAX_SUBGROUP_ORDER


def split_rows(n: int, seed: int, units: Tensor | None, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that propose and the rows that remain for tests and training, ascending; whole units in each.

    Args:
        n: Number of rows.
        seed: Seed of the split.
        units: The unit of each row, shape (n,), int64, or None.
        share: Share of the rows that propose.
    """
    rng = named_stream(seed, "blind", "rows")
    if units is not None:
        proposing, rows = held_units(units, 1 - share, rng)
        return proposing.numpy(), rows.numpy()
    order, cut = rng.permutation(n), round(share * n)
    return np.sort(order[:cut]), np.sort(order[cut:])


def _start(finding: Finding, unit: str | None, rows: NDArray[np.int64] | None) -> BlindStart:
    """A proposal as a candidate of a search."""
    lie = _rotations(finding, unit)
    rotations = None if lie is None else _rotation_group(finding, lie)
    if rotations is not None:
        both = natural(rotations)
        return BlindStart(finding, lie, rotations, both, both, None, rows)
    group = finding.group
    d_out, d_in = finding.shape
    on_inputs, on_outputs = finding.blocks
    has_signs = any(block.kind == "signed" for block in finding.blocks) and group.order > 1
    return BlindStart(
        finding,
        lie,
        group,
        natural(group, (on_inputs,)) if group.order > 1 else trivial(group, d_in),
        natural(group, (on_outputs,)) if group.order > 1 else trivial(group, d_out),
        ODD_UNIT if unit is None and has_signs else None,
        rows,
    )


def _rotations(finding: Finding, unit: str | None) -> LieStabiliser | None:
    """The skew moves that fix the space, where the unit commutes with every rotation of Y."""
    if unit is None or not read_unit(unit).kind.takes_rotations or not finding.is_group:
        return None
    from sharefind.recognition import lie_stabiliser

    return lie_stabiliser(Subspace.from_pattern(finding.labels), finding.layout)


def _rotation_group(finding: Finding, lie: LieStabiliser) -> Group | None:
    """SO(d), or O(d) where reflections fix the space too, if all of so(d) does; None otherwise."""
    d_out, d_in = finding.shape
    if d_in != d_out or d_in < 2 or lie.dim != d_in * (d_in - 1) // 2:
        return None
    reflects = any(_determinant(g, finding) < 0 for g in finding.recognition.group.generators)
    return named_group(f"O{d_in}" if reflects else f"SO{d_in}")


def _determinant(move: tuple[int, ...], finding: Finding) -> int:
    """Return the determinant of a signed permutation of the inputs."""
    images, signs = finding.recognition.layout.signed_move(move, finding.recognition.layout.blocks[0][1])
    return permutation_sign(images.tolist()) * int(np.prod(signs))


def is_odd_unit(unit: str, d_in: int, d_out: int) -> bool:
    """Return whether the unit commutes with changes of sign of its outputs.

    Args:
        unit: Expression of the unit.
        d_in: Number of inputs.
        d_out: Number of outputs.
    """
    hidden = unmoved(1) if read_unit(unit).kind.has_hidden else None
    built = build_searched_unit(unit, unmoved(d_in), unmoved(d_out), hidden)
    return built.is_odd


def tying_p_value(finding: Finding, x: FloatArray, y: FloatArray) -> float:
    """Return the p-value of "the best linear predictor has these ties", on samples that took no part in the proposal.

    It comes from chi^2 and is approximate. It does not depend on a vector added to x or to y, nor on a common scale.

    Args:
        finding: The finding to test.
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).

    Returns:
        The p-value; 1 where there are too few samples for a test.
    """
    from sharefind.proposal import least_squares
    from sharefind.proposal.log_evidence import LogEvidence

    try:
        block = LogEvidence(least_squares(x, y, finding.layout)).linear
    except InputError:
        return 1.0
    misfit, ties = block.misfit(finding.labels)
    return float(scipy.special.chdtrc(ties, misfit)) if ties else 1.0
