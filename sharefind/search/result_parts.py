"""The parts of a result: groups, rows of tables and scores, each checked when it is read from a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from sharefind.search.json_fields import Part, Permutation, SignedPermutation, Size, Word

R2 = Annotated[FiniteFloat, Field(le=1)]

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]


class NamedGroup(Part):
    """A group with a name.

    Attributes:
        name: Its name.
        order: Its order; None where it is infinite.
    """

    name: Word
    order: Size | None


class ColumnMoves(Part):
    """Actions of a finite group's generators on the columns of x and of y, in one order.

    Entry k = +-j of a list: column k goes to column j, with its sign changed where j has one; columns are counted from
    1.

    Attributes:
        on_inputs: One list for each generator, on x.
        on_outputs: One list for each generator, on y.
    """

    on_inputs: list[SignedPermutation]
    on_outputs: list[SignedPermutation]


class MovingGroup(NamedGroup):
    """A group with its generators.

    Attributes:
        generators: Permutations of its points, in image form.
        moves: The same generators on columns; None where a generator does not permute columns, and in results of
            earlier versions.
    """

    generators: list[Permutation] = Field(default_factory=list)
    moves: ColumnMoves | None = None


class Stabiliser(MovingGroup):
    """The largest candidate group that fixes E_*.

    Attributes:
        generators: As in `MovingGroup`.
    """

    generators: list[Permutation]


class ParameterBlock(Part):
    """A block of Z.

    Attributes:
        name: Its name.
        shape: Its shape.
    """

    name: Word
    shape: list[Size]


class Parameters(Part):
    """The parameter space Z.

    Attributes:
        dim: Its dimension.
        blocks: Its blocks.
    """

    dim: Size
    blocks: list[ParameterBlock]


class ChainRow(Part):
    """A visited node of the chain, with numbers as in `NodeEvidence`.

    Attributes:
        node: Order of its visit.
        dim: Dimension of its space.
        dist2: As in `NodeEvidence`.
        rmd2: As in `NodeEvidence`.
        delta: As in `NodeEvidence`.
        p_value: As in `NodeEvidence`.
        p_adjusted: As in `NodeEvidence`.
        decision: As in `NodeEvidence`.
        rule: As in `NodeEvidence`.
        reason: As in `NodeEvidence`.
    """

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
        basis: Each vector as its blocks: nested lists of exact strings, of decimal strings for a numerical space. Empty
            for a tying pattern whose basis has more than 100,000 entries.
        tying: Which entries of each block are equal, by labels; None where the space ties none.
        candidate: "E^H" where a candidate group H fixes it.
        stabiliser: The stabiliser.
    """

    dim: Size
    exact: bool
    basis: list[Any] = Field(default_factory=list)
    tying: list[Any] | None = None
    candidate: Word | None
    stabiliser: Stabiliser | None


class InputLawRow(Part):
    """Exact test that the law of the inputs alone is invariant.

    Attributes:
        verdict: "accepted", "rejected" or "undecided".
        p_value: Its p-value; None where a larger group was accepted.
        p_adjusted: Its adjusted p-value; None in the same case.
    """

    verdict: Word
    p_value: FiniteFloat | None
    p_adjusted: FiniteFloat | None


class RelationRow(Part):
    """Test that the relation E[Y | X] is equivariant, whose level is known by simulation.

    Attributes:
        verdict: "accepted", "rejected" or "undecided".
        p_value: p-value of its own test; None where it was not tested.
        p_adjusted: The largest p-value of it and of the groups that contain it.
        overlap: How much the inputs show about it, from about 0 (one side only) to about 1.
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
    """Cost of tying: held-out loss of the tied model less that of the free one, over the variance of the labels.

    Losses are squared errors, of the one-hot labels where these are classes.

    Attributes:
        gap: The estimate, below 0 where tying helps.
        interval: Interval of 95 %.
        tied_r2: R^2 of the tied model on held-out rows.
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
    """The group that the evidence of tied Gaussian processes favours, beside the tested ones; it has no error rate.

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
    """A candidate group. A group inside one that was not rejected was not tested: its own numbers are None.

    `verdict`, `p_value` and the fields after them belong to the exact test of the law of (X, Y), or, where that was not
    tested, to the test of the relation.

    Attributes:
        group: Its name.
        order: Its order; None where it is infinite.
        verdict: "accepted", "rejected" or "undecided".
        p_value: p-value of its own test.
        p_adjusted: The largest p-value of it and of the groups that contain it.
        statistic: Statistic of the test.
        z: Standardised value of the statistic.
        copies: Number of randomised copies.
        exceeding: Number of copies with at least the statistic of the data.
        p_interval: Interval around the p-value that all copies would give.
        settled: Whether more copies would not change the verdict.
        inputs: Verdict on the inputs alone; None where it was not requested.
        relation: Verdict on the relation; None where it was not requested.
        price: Cost of tying; None where it was not requested.
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

    Attributes:
        cause: The cause, from tests of the law of the inputs and of the relation; where the relation was not tested,
            from the risk gap.
        inputs_p_value: p-value for the inputs; None where they were tested, and accepted, under a larger group.
        risk_gap: Held-out loss of the tied model minus that of the free one, over the variance of the labels.
        risk_gap_interval: Interval of 95 % around it.
        free_r2: R^2 of the free model on held-out rows.
        tied_r2: R^2 of the tied model.
        free_r2_low: Lower end of the interval around `free_r2`.
        reference_fits: Whether the free model fits well enough for the comparison.
        approximate: Whether tying costs so little that the symmetry is called approximate.
        moves: The group's generators on columns, as in `MovingGroup`.
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


class ClassScore(Part):
    """How well a model predicts classes.

    Attributes:
        accuracy: Share of the rows whose class has the largest probability.
        log_loss: Mean of -log(probability of the class of a row), in nats.
    """

    accuracy: Share
    log_loss: Annotated[FiniteFloat, Field(ge=0)]


class ClassYardstick(Part):
    """Scores of classifiers on held-out rows; None where a model has no place.

    Attributes:
        baseline: Score of the shares of the classes.
        regression: Score of multinomial logistic regression; None where the rows to fit on are of one class.
        tied: Score of the unit on `E_*`; None where `E_*` is {0} or unknown.
        free: Score of the unit with all of Z.
    """

    baseline: ClassScore
    regression: ClassScore | None
    tied: ClassScore | None
    free: ClassScore | None


class Yardstick(Part):
    """R^2 on held-out rows, or scores of classes; None where a model has no place.

    Attributes:
        rows: Number of held-out rows.
        least_squares: Score of an affine map, None where the rows do not determine it.
        tied: Score of the unit on `E_*`; None where `E_*` is {0} or unknown.
        free: Score of the unit with all of Z.
        warnings: Warnings about the unit or the sharing, with what to try.
        classes: Scores where labels are classes, for which there is no R^2; None where they are numbers.
    """

    rows: Size
    least_squares: R2 | None
    tied: R2 | None
    free: R2 | None
    warnings: list[Word]
    classes: ClassYardstick | None = None


class LatticeCounts(Part):
    """Size of the search lattice.

    Attributes:
        nodes: Number of nodes.
        edges: Number of growths.
        file: Its file in the run folder.
    """

    nodes: Size
    edges: Size
    file: str = "lattice.json"
