"""The parts of a result: groups, rows of tables and scores, each checked when it is read from a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from sharefind.search.json_fields import Part, Permutation, SignedPermutation, Size, Word

R2 = Annotated[FiniteFloat, Field(le=1)]

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class NamedGroup(Part):
    """A group; `order` is None where it is infinite."""

    name: Word
    order: Size | None


class ColumnMoves(Part):
    """What generators of a finite group do to the columns of x and of y, in one order.

    Entry k = +-j of a list: column k goes to column j, with its sign changed where j has one; columns are counted
    from 1.
    """

    on_inputs: list[SignedPermutation]
    on_outputs: list[SignedPermutation]


class MovingGroup(NamedGroup):
    """A group with its generators: as permutations of its points, image form, and in the same order on columns.

    `moves` is None where a generator does not permute columns, and in results of earlier versions.
    """

    generators: list[Permutation] = Field(default_factory=list)
    moves: ColumnMoves | None = None


class Stabiliser(MovingGroup):
    """The largest candidate group that fixes E_*."""

    generators: list[Permutation]


class ParameterBlock(Part):
    """A block of Z."""

    name: Word
    shape: list[Size]


class Parameters(Part):
    """Z: its dimension and its blocks."""

    dim: Size
    blocks: list[ParameterBlock]


class ChainRow(Part):
    """A visited node of the chain, with numbers as in `Evidence`; `node` is the order of its visit."""

    node: Size
    dim: Size
    dist2: FiniteFloat
    rmd2: FiniteFloat
    delta: FiniteFloat | None
    p_value: FiniteFloat | None
    p_adjusted: FiniteFloat | None
    decision: Literal["stay", "grow"]
    rule: Word
    reason: Word


class FoundSpace(Part):
    """E_*, or the last space of a search that is undecided.

    Attributes:
        dim: Its dimension.
        exact: Whether it is known exactly.
        basis: Each vector as its blocks: nested lists of exact strings, of decimal strings for a numerical space.
        tying: Which entries of each block are equal, by labels; None where the space ties none.
        candidate: "E^H" where a candidate group H fixes it.
        stabiliser: That group.
    """

    dim: Size
    exact: bool
    basis: list[Any] = Field(default_factory=list)
    tying: list[Any] | None = None
    candidate: Word | None
    stabiliser: Stabiliser | None


class InputLawRow(Part):
    """Exact test that the law of the inputs alone is invariant; numbers are None where a larger group was accepted."""

    verdict: Word
    p_value: FiniteFloat | None
    p_adjusted: FiniteFloat | None


class RelationRow(Part):
    """Test that the relation E[Y | X] is equivariant, whose level is known by simulation.

    Attributes:
        verdict: "accepted", "rejected" or "undecided".
        p_value: p-value of its own test; None where it was not tested.
        p_adjusted: The largest p-value of it and of the groups that contain it.
        overlap: What the inputs can say about it, from about 0 (one side only) to about 1.
        detectable: Smallest break that would have been seen with probability .8, in standard deviations of the fit.
        one_sided: Undecided because the inputs show one side of the symmetry only.
        level_assured: Whether the overlap is large enough for the level of a rejection.
        doubt: Why it is undecided, as a sentence; None where it is not, and in results of earlier versions.
    """

    verdict: Word
    p_value: FiniteFloat | None
    p_adjusted: FiniteFloat | None
    overlap: FiniteFloat | None = None
    detectable: FiniteFloat | None = None
    one_sided: bool = False
    level_assured: bool = True
    doubt: Word | None = None


class PriceRow(Part):
    """What tying costs: held-out loss of the tied model less that of the free one, over the variance of the labels.

    Losses are squared errors, of the one-hot labels where these are classes.

    Attributes:
        gap: The estimate, below 0 where tying helps.
        interval: Interval of 95 %.
        tied_r2: R^2 of the tied model on rows kept apart.
        free_r2: R^2 of the free model.
        fits: Whether the free model predicts anything worth the comparison.
        tied_accuracy: Share of held-out rows whose class the tied model gets right; None for numbers.
        free_accuracy: The same of the free model.
    """

    gap: FiniteFloat
    interval: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
    tied_r2: FiniteFloat
    free_r2: FiniteFloat
    fits: bool = True
    tied_accuracy: Share | None = None
    free_accuracy: Share | None = None


class LikeliestGroup(Part):
    """Which group the evidence of tied Gaussian processes speaks for, beside what was tested; no error rate.

    Attributes:
        name: The likeliest, "" for no symmetry.
        share: Its share of the posterior.
        shares: Shares of the groups with the largest shares, "" among them where it has one.
        rows: Rows that were read.
    """

    name: Word
    share: Share
    shares: dict[Word, Share]
    rows: Size


class SymmetryRow(Part):
    """A candidate group. One inside a group that was not rejected was not tested: its own numbers are None.

    `verdict`, `p_value` and what follows: of the exact test of the law of (X, Y), or, where that was not tested, of
    the relation. `inputs`, `relation`, `price`: the three verdicts, kept apart; None where not asked for.
    """

    group: Word
    order: Size | None
    verdict: Word
    p_value: FiniteFloat | None
    p_adjusted: FiniteFloat | None
    statistic: Word | None
    z: FiniteFloat | None
    copies: Size | None
    exceeding: Size | None = None
    p_interval: list[FiniteFloat] | None = None
    settled: bool = True
    inputs: InputLawRow | None = None
    relation: RelationRow | None = None
    price: PriceRow | None = None


class DiagnosisRow(Part):
    """Why a group was rejected.

    `cause`: from tests of the law of the inputs and of the relation; where the relation was not tested, from the risk
    gap. `inputs_p_value`: None where the inputs were tested, and accepted, under a larger group.
    `risk_gap`: held-out loss of the tied model minus that of the free one, over the variance of the labels. `moves`:
    what the group's generators do to columns, as in `MovingGroup`.
    """

    cause: Word
    inputs_p_value: FiniteFloat | None
    risk_gap: FiniteFloat
    risk_gap_interval: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
    free_r2: FiniteFloat
    tied_r2: FiniteFloat
    free_r2_low: FiniteFloat | None = None
    reference_fits: bool = True
    approximate: bool
    moves: ColumnMoves | None = None


class Rival(Part):
    """Another space that the proposing samples speak for, with its share of the posterior."""

    name: Word
    dim: Size
    share: FiniteFloat | None


class SmallerSpace(Part):
    """A space that no group gives and that the proposing samples may prefer."""

    what: Word
    log_odds: FiniteFloat


class LieAlgebra(Part):
    """The infinitesimal moves that fix a proposed space."""

    name: Word
    dim: Size


class Weight(Part):
    """An estimated weight and its standard error."""

    value: FiniteFloat
    error: FiniteFloat


class Proposed(Part):
    """What samples propose.

    Attributes:
        share: Share of the posterior, None where the search for moves was cut short, and of maps.
        log_odds: Log odds of maps: for them against an accident.
    """

    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    share: FiniteFloat | None
    log_odds: FiniteFloat | None = None


class RejectedProposal(Proposed):
    """A proposal that the other samples reject."""

    p_value: FiniteFloat


class TakenProposal(Proposed):
    """A proposal with the weights that it ties."""

    tying: list[list[int]]
    weights: list[Weight]


class _Status(Part):
    status: Word


class BlindRow(TakenProposal, _Status):
    """What the proposing samples of a blind search speak for first, and what the other samples made of it.

    Attributes:
        odd: Whether turning all signs is a symmetry.
        of_weights: Whether the group is that of the weights.
        smaller_group: Whether a smaller group has the same space.
        rivals: Other spaces.
        samples: Rows that proposed.
        exhaustive: Whether every move was looked at.
        not_looked_at: What was not.
        smaller: A smaller space without a group.
        lie_algebra: For a unit that commutes with rotations.
        rejected_p: Where the first proposal was rejected, at which p-value.
        proposal: Which proposal E_* comes from, counted from 1.
        tried: Those that were rejected before it.
        taken: What that one ties; None where it is the first.
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
    """A subgroup that the proposing rows speak for.

    Attributes:
        name: As in the tests.
        order: Its elements; None for infinity.
        share: Share of the posterior over the groups that were looked at; None where the search was cut short, or of a
            group that turns vectors.
        log_odds: Log evidence over that of no symmetry.
        axes: Axes of a group that turns vectors, the axes in which it is what its name says, the main one last.
        degrees: Standard error of these.
    """

    name: Word
    order: Size | None
    share: FiniteFloat | None
    log_odds: FiniteFloat
    axes: list[list[FiniteFloat]] | None = None
    degrees: FiniteFloat | None = None


class SubgroupsRow(Part):
    """Which subgroups of a candidate the data proposed, where it is too large to list them, or infinite.

    Attributes:
        samples: Rows that proposed; None where nothing could be proposed.
        tested_rows: Rows that tested; None for fresh samples.
        proposed: What was proposed, the likeliest first.
        family: What was tested: proposals, subgroups below them, joins and the candidate itself.
        has_signal: Whether the proposing rows show that labels depend on inputs.
        exhaustive: Whether the search for subgroups was not cut short.
        smaller_group: Whether a smaller group than the stabiliser of E_* has the same space.
        why_not: Why nothing could be proposed.
    """

    samples: Size | None = None
    tested_rows: Size | None = None
    proposed: list[ProposedGroup] = Field(default_factory=list)
    family: list[Word] = Field(default_factory=list)
    has_signal: bool = True
    exhaustive: bool = True
    smaller_group: bool = False
    why_not: Word = ""


class ClassScore(Part):
    """How well a model predicts classes.

    Attributes:
        accuracy: Share of the rows whose class has the largest probability.
        log_loss: Mean of -log(probability of the class of a row), in nats.
    """

    accuracy: Share
    log_loss: Annotated[FiniteFloat, Field(ge=0)]


class ClassYardstick(Part):
    """Scores of classifiers on rows kept apart; None where a model has no place.

    Attributes:
        baseline: Score of the shares of the classes.
        regression: Accuracy of multinomial logistic regression; None where the rows to fit on are of one class.
        tied: Score of the unit on E_*; None where E_* is {0} or unknown.
        free: Score of the unit with all of Z.
    """

    baseline: ClassScore
    regression: ClassScore | None
    tied: ClassScore | None
    free: ClassScore | None


class Yardstick(Part):
    """R^2 on rows kept apart, or scores of classes; None where a model has no place.

    Attributes:
        rows: Rows kept apart.
        least_squares: Score of an affine map, None where the rows do not determine it.
        tied: Score of the unit on E_*; None where E_* is {0} or unknown.
        free: Score of the unit with all of Z.
        warnings: What these say against the unit or the sharing, with what to try.
        classes: Scores where labels are classes, for which there is no R^2; None where they are numbers.
    """

    rows: Size
    least_squares: R2 | None
    tied: R2 | None
    free: R2 | None
    warnings: list[Word]
    classes: ClassYardstick | None = None


class LatticeCounts(Part):
    """Size of the search lattice, and its file in the run folder."""

    nodes: Size
    edges: Size
    file: str = "lattice.json"
