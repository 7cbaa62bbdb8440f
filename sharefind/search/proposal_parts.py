"""The parts of a result about proposals: spaces and groups that samples propose, where no candidate lists them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from sharefind.search.json_fields import Part, Size, Word


class Rival(Part):
    """Another space that the proposing samples support.

    Attributes:
        name: Its name.
        dim: Its dimension.
        share: Its share of the posterior.
    """

    name: Word
    dim: Size
    share: FiniteFloat | None


class SmallerSpace(Part):
    """A space that belongs to no group and that the proposing samples may prefer.

    Attributes:
        what: The space, in words.
        log_odds: Log odds of it against the proposed space.
    """

    what: Word
    log_odds: FiniteFloat


class LieAlgebra(Part):
    """The infinitesimal moves that fix a proposed space.

    Attributes:
        name: Name of the algebra.
        dim: Its dimension.
    """

    name: Word
    dim: Size


class Weight(Part):
    """An estimated weight.

    Attributes:
        value: The estimate.
        error: Its standard error.
    """

    value: FiniteFloat
    error: FiniteFloat


class Proposed(Part):
    """A proposal of samples.

    Attributes:
        name: Its name.
        order: Order of its group; None where it is infinite.
        dim: Dimension of its space.
        is_group: Whether a group fixes the space.
        share: Share of the posterior, None where the search for moves was cut short, and of maps.
        log_odds: Log odds of maps against an accident.
    """

    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    share: FiniteFloat | None
    log_odds: FiniteFloat | None = None


class RejectedProposal(Proposed):
    """A proposal that the other samples reject.

    Attributes:
        p_value: The p-value.
    """

    p_value: FiniteFloat


class TakenProposal(Proposed):
    """A proposal with the weights that it ties.

    Attributes:
        tying: Which weights are equal, by labels.
        weights: The estimated weights.
    """

    tying: list[list[int]]
    weights: list[Weight]


class _Status(Part):
    status: Word


class BlindRow(TakenProposal, _Status):
    """The first proposal of a blind search, and the verdict of the other samples.

    Attributes:
        odd: Whether turning all signs is a symmetry.
        of_weights: Whether the group is that of the weights.
        smaller_group: Whether a smaller group has the same space.
        rivals: Other spaces.
        samples: Rows that proposed.
        exhaustive: Whether every move was examined.
        not_looked_at: Moves that were not.
        smaller: A smaller space without a group.
        lie_algebra: For a unit that commutes with rotations.
        rejected_p: p-value of the first proposal, where it was rejected.
        proposal: Which proposal E_* comes from, counted from 1.
        tried: Proposals that were rejected before it.
        taken: The ties of that proposal; None where it is the first one.
    """

    odd: bool
    of_weights: bool = False
    smaller_group: bool = False
    rivals: list[Rival]
    samples: Size
    exhaustive: bool
    not_looked_at: Word | None = None
    smaller: SmallerSpace | None
    lie_algebra: LieAlgebra | None
    rejected_p: FiniteFloat | None = None
    proposal: Annotated[int, Field(ge=1, le=1_000)] = 1
    tried: list[RejectedProposal] = Field(default_factory=list)
    taken: TakenProposal | None = None


class ProposedGroup(Part):
    """A subgroup that the proposing rows support.

    Attributes:
        name: As in the tests.
        order: Its elements; None for infinity.
        share: Share of the posterior over the groups that were examined; None where the search was cut short, and for a
            group that turns vectors.
        log_odds: Log evidence over that of no symmetry.
        axes: Axes of a group that turns vectors, for which its name is right; the main axis last.
        degrees: Standard error of these.
    """

    name: Word
    order: Size | None
    share: FiniteFloat | None
    log_odds: FiniteFloat
    axes: list[list[FiniteFloat]] | None = None
    degrees: FiniteFloat | None = None


class SubgroupsRow(Part):
    """The subgroups of a candidate that the data proposed, where it is too large to list them, or infinite.

    Attributes:
        samples: Rows that proposed; None where nothing could be proposed.
        tested_rows: Rows that tested; None for fresh samples.
        proposed: Proposals, the likeliest first.
        family: Tested groups: proposals, subgroups below them, joins and the candidate itself.
        has_signal: Whether the proposing rows show that labels depend on inputs.
        exhaustive: Whether the search for subgroups was not cut short.
        smaller_group: Whether a smaller group than the stabiliser of E_* has the same space.
        same_space: Smaller groups with the space E_*, as far as they were tested, the largest first.
        why_not: Why nothing could be proposed.
    """

    samples: Size | None = None
    tested_rows: Size | None = None
    proposed: list[ProposedGroup] = Field(default_factory=list)
    family: list[Word] = Field(default_factory=list)
    has_signal: bool = True
    exhaustive: bool = True
    smaller_group: bool = False
    same_space: list[Word] = Field(default_factory=list)
    why_not: Word = ""
