"""What a finished search says: `sharefind.result/1`, as a value and as the JSON object of the command line contract.

`result_record` makes it of a search. A file may come from a stranger: what is shown of it is checked here, further keys
are kept and never looked into.
"""

from __future__ import annotations

import platform
import re
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from sharefind import __version__, html
from sharefind.column_names import BlockNames, block_names
from sharefind.errors import RunFolderError
from sharefind.search.json_fields import ColumnName, Part, Permutation, SignedPermutation, Size, Word, first_fault
from sharefind.search.shown_space import shown_space
from sharefind.spaces import Block
from sharefind.written import NOTHING, number, order

SCHEMA: Literal["sharefind.result/1"] = "sharefind.result/1"

OPTION = re.compile(r"--[a-z]+(-[a-z]+)*( |$)")
"""How the reason for a stop may begin with an option: its first word becomes part of a command that is printed."""

TURN = re.compile(r"SO2|[A-Z][1-9][0-9]{0,8}")
"""What the subgroups of SO2 are called, of which the angle is printed."""

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


class SymmetryRow(Part):
    """An exact test. A candidate inside one that was not rejected was not tested: its own numbers are None."""

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


class DiagnosisRow(Part):
    """Why a group was rejected.

    `risk_gap`: held-out loss of the tied model minus that of the free one, over the variance of the labels. `moves`:
    what the group's generators do to columns, as in `MovingGroup`.
    """

    cause: Word
    inputs_p_value: FiniteFloat
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
    """What samples propose; `share`: of the posterior, None where the search for moves was cut short."""

    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    share: FiniteFloat | None


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
        baseline: Of the shares of the classes.
        regression: Of multinomial logistic regression; None where the rows to fit on are of one class.
        tied: Of the unit on E_*; None where E_* is {0} or unknown.
        free: Of the unit with all of Z.
    """

    baseline: ClassScore
    regression: ClassScore | None
    tied: ClassScore | None
    free: ClassScore | None


class Yardstick(Part):
    """R^2 on rows kept apart, or scores of classes; None where a model has no place.

    Attributes:
        rows: Rows kept apart.
        least_squares: Of an affine map, None where the rows do not determine it.
        tied: Of the unit on E_*; None where E_* is {0} or unknown.
        free: Of the unit with all of Z.
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


class Result(Part):
    """What a search found; everything but `run`, `wall_s` and `versions` depends only on the configuration.

    Attributes:
        schema_: Which version of this record.
        run: The run folder.
        seed: Of the search.
        group: The candidate.
        unit: Expression of the unit.
        inputs: Names of the columns of x; none in results of earlier versions, as below.
        outputs: Names of the columns of y.
        classes: Names of the classes of which y has a column each; none where y holds numbers.
        parameter_space: Z.
        chain: E_0 -> ... -> E_*, or as far as the search came.
        status: "found" or "undecided".
        stopped: Why the search ended before all was done, or None.
        warnings: What the user must know, a sentence each.
        e_star: The space that was found.
        accepted: Candidate groups that were accepted.
        rejected: Those that were rejected.
        undecided: Those whose test is open.
        maximal: The largest accepted group.
        independence_p_value: Of the test that Y is independent of X, where it was made.
        symmetries: The exact tests of all candidate groups.
        diagnosis: Why the rejected groups nearest to E_* fail, and by how much.
        blind: What a search without a candidate started from.
        yardstick: How well E_* predicts.
        yardstick_missing: Why there is no yardstick.
        lattice: Size of the search lattice.
        wall_s: Seconds of work, all sessions together.
        versions: Of the libraries that decide the numbers.
    """

    schema_: Literal["sharefind.result/1"] = Field(alias="schema")
    run: str = ""
    seed: int
    group: MovingGroup
    unit: Word = ""
    inputs: list[ColumnName] = Field(default_factory=list)
    outputs: list[ColumnName] = Field(default_factory=list)
    classes: list[ColumnName] = Field(default_factory=list)
    parameter_space: Parameters
    chain: list[ChainRow]
    status: str = ""
    stopped: Word | None = None
    warnings: list[Word] = Field(default_factory=list)
    e_star: FoundSpace
    accepted: list[Word]
    rejected: list[Word]
    undecided: list[Word] = Field(default_factory=list)
    maximal: list[Word] = Field(default_factory=list)
    independence_p_value: FiniteFloat | None = None
    symmetries: list[SymmetryRow] = Field(default_factory=list)
    diagnosis: dict[Word, DiagnosisRow] = Field(default_factory=dict)
    blind: BlindRow | None = None
    yardstick: Yardstick | None = None
    yardstick_missing: Word | None = None
    lattice: LatticeCounts
    wall_s: FiniteFloat
    versions: dict[Word, Word]

    def __repr__(self) -> str:
        return f"<Result of a search in {self.group.name}: {self._found}>"

    def __str__(self) -> str:
        return repr(self)

    @property
    def block_names(self) -> BlockNames:
        """Names of the rows and columns of the blocks of Z; none where columns have no names of their own."""
        has_hidden = any(block.name == "output" for block in self.parameter_space.blocks)
        return block_names(self.inputs, self.outputs, has_hidden=has_hidden)

    def _repr_html_(self) -> str:
        blocks = [Block(b.name, tuple(b.shape)) for b in self.parameter_space.blocks]
        star = self.e_star
        return html.notebook(
            html.headline(self._found, is_good=self.is_found and star.dim > 0),
            html.remarks(self.warnings),
            html.facts(self._facts()),
            shown_space(star.dim, star.tying, star.basis, blocks, self.block_names, is_exact=star.exact),
            html.table(html.Grid("Chain", CHAIN_HEADINGS, tuple(map(_chain_cells, self.chain)))),
        )

    @property
    def is_found(self) -> bool:
        """Whether the last node of the chain holds."""
        return bool(self.chain) and self.chain[-1].decision == "stay"

    @property
    def _found(self) -> str:
        """Where the search ended, without what that means."""
        ambient, dim = self.parameter_space.dim, self.e_star.dim
        name = {0: "{0}", ambient: "Z"}.get(dim, self.e_star.candidate or "a space without a name")
        where = f"{name}, dimension {dim} of {ambient}"
        if self.is_found:
            return f"E_* = {where}"
        return f"Undecided: the search ended at {where}{f' ({self.stopped})' if self.stopped else ''}"

    def _facts(self) -> dict[str, str]:
        groups = {"candidate": self.group, "stabiliser": self.e_star.stabiliser}
        named = {key: f"{g.name}, order {order(g.order)}" for key, g in groups.items() if g is not None}
        lists = {"accepted": self.accepted, "rejected": self.rejected, "undecided": self.undecided}
        listed = {key: _listed(values) for key, values in lists.items() if values or key != "undecided"}
        return {**named, **listed, "unit": self.unit or NOTHING, "seed": str(self.seed)}

    def __getitem__(self, key: str) -> Any:
        """An entry of the JSON object, as earlier versions gave it; read the attribute instead."""
        warnings.warn(f'result["{key}"] is now the attribute result.{key}', DeprecationWarning, stacklevel=2)
        return self.to_json()[key]

    @model_validator(mode="after")
    def _columns(self) -> Result:
        """Names, blocks and moves are about the same columns."""
        shapes = {block.name: block.shape for block in self.parameter_space.blocks}
        first = next(iter(shapes.values()), [])
        if self.inputs and shapes.get("weight", [])[1:] not in ([], [len(self.inputs)]):
            raise ValueError(f"inputs has {len(self.inputs)} names for {shapes['weight'][1]} columns")
        if self.outputs and first[:1] not in ([], [len(self.outputs)]):
            raise ValueError(f"outputs has {len(self.outputs)} names for {first[0]} columns")
        for found in (self.group, self.e_star.stabiliser, *self.diagnosis.values()):
            moves = None if found is None else found.moves
            for side, names in (("on_inputs", self.inputs), ("on_outputs", self.outputs)):
                if moves is not None and any(len(image) != len(names) for image in getattr(moves, side)):
                    raise ValueError(f"moves.{side} does not fit the names of the columns")
        return self

    @model_validator(mode="after")
    def _words(self) -> Result:
        if self.stopped is not None and self.stopped.startswith("-") and OPTION.match(self.stopped) is None:
            raise ValueError("stopped begins with no option")
        if self.group.name == "SO2" and not all(TURN.fullmatch(name) for name in self.maximal):
            raise ValueError("maximal holds what is no subgroup of SO2")
        return self


CHAIN_HEADINGS = ("node", "dim", "dist^2", "delta", "p", "adj. p", "decision", "reason")
"""Of the chain in a notebook."""


def _chain_cells(row: ChainRow) -> tuple[str, ...]:
    values = map(number, (row.dist2, row.delta, row.p_value, row.p_adjusted))
    return (str(row.node), str(row.dim), *values, row.decision, row.reason)


def _listed(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{rest}" if names else NOTHING


def read_result(record: Any, path: Path) -> Result:
    """A result as its file has it.

    Args:
        record: The JSON value.
        path: Its file, for the message.

    Raises:
        RunFolderError: a key is missing, or holds what no search writes there.
    """
    try:
        return Result.model_validate(record)
    except ValidationError as error:
        raise RunFolderError(f"{path} is no result of a search: {first_fault(error)}; run the search again") from None


def versions() -> dict[str, str]:
    """Versions of sharefind, Python and the libraries that decide the numbers."""
    names = ("torch", "numpy", "scipy", "sympy", "networkx")
    return {"sharefind": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}
