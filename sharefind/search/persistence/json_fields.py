"""What a result.json must be like before anything is shown of it: a run folder may come from a stranger.

What is written there is decided in `result`; keys that are not listed here are kept and never looked into.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from sharefind.errors import RunFolderError

OPTION = re.compile(r"--[a-z]+(-[a-z]+)*( |$)")
"""How the reason for a stop may begin with an option: its first word becomes part of a command that is printed."""

TURN = re.compile(r"SO2|[A-Z][1-9][0-9]{0,8}")
"""What the subgroups of SO2 are called, of which the angle is printed."""

MOST_PROPOSALS = 1_000
"""Largest number of a proposal of a blind search that is believed."""


def printable(text: str) -> str:
    """The text, which a terminal must not take for a command.

    Raises:
        ValueError: it holds a control character or the like.
    """
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    return text


def _permutation(images: list[int]) -> list[int]:
    if sorted(images) != list(range(len(images))):
        raise ValueError(f"is no permutation of 0..{len(images) - 1}")
    return images


Word = Annotated[str, AfterValidator(printable)]
Size = Annotated[int, Field(ge=0)]
R2 = Annotated[FiniteFloat, Field(le=1)]
Permutation = Annotated[list[int], AfterValidator(_permutation)]


class Part(BaseModel):
    """A part of a file of a run: types are strict, further keys are kept and never looked into."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class _Group(Part):
    name: Word
    order: Size | None


class _Stabiliser(_Group):
    generators: list[Permutation]


class _Block(Part):
    name: Word
    shape: list[Size]


class _Parameters(Part):
    dim: Size
    blocks: list[_Block]


class _ChainRow(Part):
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


class _Star(Part):
    dim: Size
    exact: bool
    candidate: Word | None
    stabiliser: _Stabiliser | None


class _Symmetry(Part):
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


class _Diagnosis(Part):
    cause: Word
    inputs_p_value: FiniteFloat
    risk_gap: FiniteFloat
    risk_gap_interval: Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
    free_r2: FiniteFloat
    tied_r2: FiniteFloat
    free_r2_low: FiniteFloat | None = None
    reference_fits: bool = True
    approximate: bool


class _Rival(Part):
    name: Word
    dim: Size
    share: FiniteFloat | None


class _Smaller(Part):
    what: Word
    log_odds: FiniteFloat


class _Algebra(Part):
    name: Word
    dim: Size


class _Weight(Part):
    value: FiniteFloat
    error: FiniteFloat


class _Tried(Part):
    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    share: FiniteFloat | None
    p_value: FiniteFloat


class _Taken(Part):
    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    share: FiniteFloat | None
    tying: list[list[int]]
    weights: list[_Weight]


class _Blind(Part):
    status: Word
    name: Word
    order: Size | None
    dim: Size
    is_group: bool
    odd: bool
    share: FiniteFloat | None
    of_weights: bool = False
    smaller_group: bool = False
    not_looked_at: Word | None = None
    rejected_p: FiniteFloat | None = None
    proposal: Annotated[int, Field(ge=1, le=MOST_PROPOSALS)] = 1
    tried: list[_Tried] = []
    taken: _Taken | None = None
    rivals: list[_Rival]
    samples: Size
    exhaustive: bool
    tying: list[list[int]]
    weights: list[_Weight]
    smaller: _Smaller | None
    lie_algebra: _Algebra | None


class _Yardstick(Part):
    rows: Size
    least_squares: R2 | None
    tied: R2 | None
    free: R2 | None
    warnings: list[Word]


class _Counts(Part):
    nodes: Size
    edges: Size


class _Result(Part):
    schema_: Literal["sharefind.result/1"] = Field(alias="schema")
    seed: int
    group: _Group
    unit: Word = ""
    parameter_space: _Parameters
    chain: list[_ChainRow]
    stopped: Word | None = None
    e_star: _Star
    accepted: list[Word]
    rejected: list[Word]
    undecided: list[Word] = []
    maximal: list[Word] = []
    independence_p_value: FiniteFloat | None = None
    symmetries: list[_Symmetry] = []
    diagnosis: dict[Word, _Diagnosis] = {}
    blind: _Blind | None = None
    yardstick: _Yardstick | None = None
    yardstick_missing: Word | None = None
    warnings: list[Word] = []
    lattice: _Counts
    wall_s: FiniteFloat
    versions: dict[Word, Word]

    @model_validator(mode="after")
    def _words(self) -> _Result:
        if self.stopped is not None and self.stopped.startswith("-") and OPTION.match(self.stopped) is None:
            raise ValueError("stopped begins with no option")
        if self.group.name == "SO2" and not all(TURN.fullmatch(name) for name in self.maximal):
            raise ValueError("maximal holds what is no subgroup of SO2")
        return self


def check_result(record: Any, path: Path) -> dict[str, Any]:
    """The same record, now known to be a result of ours.

    Raises:
        RunFolderError: a key is missing, or holds what no search writes there.
    """
    try:
        _Result.model_validate(record)
    except ValidationError as error:
        raise RunFolderError(f"{path} is no result of a search: {first_fault(error)}; run the search again") from None
    result: dict[str, Any] = record
    return result


def first_fault(error: ValidationError) -> str:
    """Where the first fault lies and what it is, on one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    where, message = ".".join(map(str, first["loc"])), str(first["msg"]).removeprefix("Value error, ")
    return ascii(" ".join(filter(None, [where, message]))[:300])[1:-1]
