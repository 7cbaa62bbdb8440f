"""The result of a search: `sharefind.result/1`, as a value and as the JSON object of the command line contract.

`result_record` makes it of a search. A file may come from a stranger: what is shown of it is checked here, further keys
are kept and never looked into.
"""

from __future__ import annotations

import platform
import re
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup
from pydantic import Field, FiniteFloat, ValidationError, model_validator

from sharefind import __version__, html
from sharefind.column_names import BlockNames, block_names
from sharefind.errors import RunFolderError
from sharefind.search.json_fields import ColumnName, Part, Word, first_fault
from sharefind.search.map_rows import MapRow
from sharefind.search.map_words import MAP_HEADINGS, MAP_NOTE, map_cells, map_sentences, map_title
from sharefind.search.mirror_parts import MirrorRow
from sharefind.search.proposal_parts import BlindRow, SubgroupsRow
from sharefind.search.result_parts import (
    ChainRow,
    DiagnosisRow,
    FoundSpace,
    LatticeCounts,
    LikeliestGroup,
    MovingGroup,
    Parameters,
    SymmetryRow,
    Yardstick,
)
from sharefind.search.shown_space import shown_space
from sharefind.search.three_verdicts import (
    VERDICT_NOTE,
    answer_words,
    has_relation,
    likeliest_words,
    verdict_table,
)
from sharefind.spaces import Block
from sharefind.written import NOTHING, number, order

SCHEMA: Literal["sharefind.result/1"] = "sharefind.result/1"

OPTION = re.compile(r"--[a-z]+(-[a-z]+)*( |$)")
"""How the reason for a stop may begin with an option: its first word becomes part of a command that is printed."""

TURN = re.compile(r"SO2|[A-Z][1-9][0-9]{0,8}")
"""Names of the subgroups of SO2 whose angle is printed."""


class Result(Part):
    """The result of a search; everything but `run`, `wall_s` and `versions` depends only on the configuration.

    Attributes:
        schema_: Which version of this record.
        run: The run folder.
        seed: Seed of the search.
        group: The candidate.
        unit: Expression of the unit.
        inputs: Names of the columns of x; none in results of earlier versions, as below.
        outputs: Names of the columns of y.
        classes: Names of the classes, which have a column of y each; none where y holds numbers.
        parameter_space: Z.
        chain: E_0 -> ... -> E_*, or as far as the search came.
        status: "found", or "undecided" where no space holds, or where `subgroups_undecided` says why others may hold.
        subgroups_undecided: Why other subgroups of the candidate may hold, too; None where all were decided.
        stopped: Why the search ended before all was done, or None.
        warnings: Warnings for the user, a sentence each.
        e_star: The space that was found.
        accepted: Candidate groups that were accepted.
        rejected: Candidate groups that were rejected.
        undecided: Candidate groups whose test is open.
        maximal: The largest accepted group.
        independence_p_value: p-value of the test that Y is independent of X, where it was made.
        symmetries: The tests of all candidate groups.
        symmetry: The setting: "law", "relation" or "auto".
        decided_by: The symmetry that determines E_*: the "law" of (X, Y) or the "relation" E[Y | X].
        likeliest: The group that the evidence favours, beside the tested ones.
        diagnosis: Why the rejected groups nearest to E_* fail, and by how much.
        maps: Faults of the user's maps of columns that were not accepted, and the maps nearest to them.
        blind: The proposal from which a search without a candidate started.
        subgroups: Proposals inside a candidate that is too large to list.
        mirror: Mirror maps, where these were looked for.
        yardstick: Scores of E_* and of reference models on held-out rows.
        yardstick_missing: Why there are no such scores.
        lattice: Size of the search lattice.
        wall_s: Seconds of work, all sessions together.
        versions: Versions of the libraries that decide the numbers.
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
    subgroups_undecided: Word | None = None
    stopped: Word | None = None
    warnings: list[Word] = Field(default_factory=list)
    e_star: FoundSpace
    accepted: list[Word]
    rejected: list[Word]
    undecided: list[Word] = Field(default_factory=list)
    maximal: list[Word] = Field(default_factory=list)
    independence_p_value: FiniteFloat | None = None
    symmetries: list[SymmetryRow] = Field(default_factory=list)
    symmetry: Literal["law", "relation", "auto"] = "law"
    decided_by: Literal["law", "relation"] = "law"
    likeliest: LikeliestGroup | None = None
    diagnosis: dict[Word, DiagnosisRow] = Field(default_factory=dict)
    maps: list[MapRow] = Field(default_factory=list)
    blind: BlindRow | None = None
    subgroups: SubgroupsRow | None = None
    mirror: MirrorRow | None = None
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
            html.headline(self._found, is_good=self.is_answer),
            html.remarks(self.warnings),
            html.facts(self._facts()),
            shown_space(star.dim, star.tying, star.basis, blocks, self.block_names, is_exact=star.exact),
            html.table(html.Grid("Chain", CHAIN_HEADINGS, tuple(map(_chain_cells, self.chain)))),
            *self._verdicts_html(),
            *self._maps_html(),
        )

    def _maps_html(self) -> list[Markup]:
        """The faults of maps of columns."""
        parts = list[Markup]()
        for row in self.maps:
            cells = map_cells(row, self.inputs, self.outputs)
            note = " ".join(map_sentences(row, self.inputs, self.outputs))
            title = map_title(row, len(self.maps))
            parts.append(html.table(html.Grid(title, MAP_HEADINGS, tuple(cells), f"{MAP_NOTE} {note}")))
        return parts

    def _verdicts_html(self, most: int = 40) -> list[Markup]:
        """Inputs, relation and price of the candidate groups, where the relation was tested."""
        if not has_relation(self.symmetries):
            return []
        headings, cells = verdict_table(self.symmetries)
        rest = f" The first {most} of {len(cells)} groups." if len(cells) > most else ""
        return [html.table(html.Grid("Inputs, relation, price", headings, tuple(cells[:most]), VERDICT_NOTE + rest))]

    @property
    def is_found(self) -> bool:
        """Whether the last node of the chain holds."""
        return bool(self.chain) and self.chain[-1].decision == "stay"

    @property
    def is_answer(self) -> bool:
        """Whether a space holds that says something of the data: not {0}, and not Z for want of a decision."""
        nothing_tied = self.e_star.dim == self.parameter_space.dim
        is_open = nothing_tied and self.subgroups_undecided is not None
        return self.is_found and self.e_star.dim > 0 and not (self.is_one_sided or self.is_mirror_undecided or is_open)

    @property
    def open_because(self) -> str | None:
        """Why what was found is undecided all the same; None where it is not."""
        if self.is_one_sided:
            return "the inputs show one side only"
        if self.is_mirror_undecided:
            return "the log does not settle the mirror maps"
        return self.subgroups_undecided

    @property
    def is_one_sided(self) -> bool:
        """Whether the relation decides and nothing was accepted, since the inputs show one side of groups only."""
        hidden = any(row.relation is not None and row.relation.one_sided for row in self.symmetries)
        return self.decided_by == "relation" and not self.accepted and hidden

    @property
    def is_mirror_undecided(self) -> bool:
        """Whether mirror maps were looked for, and it is undecided which there are, or what they do."""
        return self.mirror is not None and self.mirror.status == "undecided"

    @property
    def _found(self) -> str:
        """Where the search ended, without what that means."""
        ambient, dim = self.parameter_space.dim, self.e_star.dim
        name = {0: "{0}", ambient: "Z"}.get(dim, self.e_star.candidate or "a space without a name")
        where = f"{name}, dimension {dim} of {ambient}"
        if self.is_found:
            return f"E_* = {where}{f', undecided: {self.open_because}' if self.open_because else ''}"
        return f"Undecided: the search ended at {where}{f' ({self.stopped})' if self.stopped else ''}"

    def _facts(self) -> dict[str, str]:
        groups = {"candidate": self.group, "stabiliser": self.e_star.stabiliser}
        named = {key: f"{g.name}, order {order(g.order)}" for key, g in groups.items() if g is not None}
        lists = {"accepted": self.accepted, "rejected": self.rejected, "undecided": self.undecided}
        listed = {key: _listed(values) for key, values in lists.items() if values or key != "undecided"}
        if self.likeliest is not None:
            tested = answer_words(self.maximal, self.undecided, self.rejected, self.accepted)
            named["likeliest"] = likeliest_words(self.likeliest, tested, self.maximal)
        if self.decided_by == "relation":
            named["decided by"] = "the relation E[Y | X], not the law of (X, Y)"
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
        widths = (len(self.inputs), len(self.outputs))
        if any((len(row.given.on_inputs), len(row.given.on_outputs)) != widths for row in self.maps):
            raise ValueError("maps does not fit the names of the columns")
        return self

    @model_validator(mode="after")
    def _words(self) -> Result:
        if self.stopped is not None and self.stopped.startswith("-") and OPTION.match(self.stopped) is None:
            raise ValueError("stopped begins with no option")
        if self.group.name == "SO2" and not all(TURN.fullmatch(name) for name in self.maximal):
            raise ValueError("maximal holds what is no subgroup of SO2")
        return self


CHAIN_HEADINGS = ("node", "dim", "dist^2", "delta", "p", "adj. p", "decision", "reason")
"""Headings of the chain in a notebook."""


def _chain_cells(row: ChainRow) -> tuple[str, ...]:
    values = map(number, (row.dist2, row.delta, row.p_value, row.p_adjusted))
    return (str(row.node), str(row.dim), *values, row.decision, row.reason)


def _listed(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{rest}" if names else NOTHING


def read_result(record: Any, path: Path) -> Result:
    """Return a result from the value of its file.

    Args:
        record: The JSON value.
        path: Its file, for the message.

    Raises:
        RunFolderError: A key is missing, or has a value that no search writes.
    """
    try:
        return Result.model_validate(record)
    except ValidationError as error:
        raise RunFolderError(f"{path} is no result of a search: {first_fault(error)}; run the search again") from None


def versions() -> dict[str, str]:
    """Return versions of sharefind, Python and the libraries that decide the numbers."""
    names = ("torch", "numpy", "scipy", "sympy", "networkx")
    return {"sharefind": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}
