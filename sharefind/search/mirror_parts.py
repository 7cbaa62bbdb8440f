"""The parts of a result that mirror maps have, each checked when it is read from a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from sharefind.search.json_fields import ColumnName, Part, SignedPermutation, Size, Word

MirrorStatus = Literal["accepted", "undecided", "rejected", "none"]
"""The outcome of a group of mirror maps."""


class MovedColumn(Part):
    """A column that a map fills with another one, or with its own negative.

    Attributes:
        column: Its name.
        source: The column whose values it gets.
        sign: 1 or -1.
    """

    column: ColumnName
    source: ColumnName
    sign: Literal[1, -1]


class OpenColumn(Part):
    """A column whose source under a map the coefficients do not settle.

    Attributes:
        column: Its name.
        sources: Possible sources: positions counted from 1, negative where the sign changes.
    """

    column: ColumnName
    sources: list[int]


class MirrorMap(Part):
    """A generator of the group of maps.

    Attributes:
        order: How often it is applied until all is as it was; 2 for a mirror.
        inputs: The columns of x that move.
        outputs: The columns of y that move.
        on_inputs: The same of all columns, as in `ColumnMoves`.
        on_outputs: The same of all columns of y.
        residual: Root mean square of f(g x) - g f(x) on rows kept apart, f fitted without a symmetry, over that of
            y - f(x).
        inputs_open: The columns of x that may get another one, or another sign, than is written here.
        outputs_open: The same of y.
    """

    order: Size
    inputs: list[MovedColumn]
    outputs: list[MovedColumn]
    on_inputs: SignedPermutation
    on_outputs: SignedPermutation
    residual: FiniteFloat | None
    inputs_open: list[OpenColumn] = Field(default_factory=list)
    outputs_open: list[OpenColumn] = Field(default_factory=list)


class MirrorTests(Part):
    """Adjusted p-values of the group of maps; None where a test was not made.

    Attributes:
        decided_by: The symmetry that determines its verdict.
        law_p: p-value of the law of (X, Y).
        inputs_p: p-value of the law of X alone.
        relation_p: p-value of the relation.
    """

    decided_by: Literal["law", "relation"]
    law_p: FiniteFloat | None
    inputs_p: FiniteFloat | None
    relation_p: FiniteFloat | None


class MirrorRow(Part):
    """Mirror maps: signed permutations of the columns of x and of y, under which the data look the same.

    Attributes:
        status: "accepted", "undecided" or "rejected" by the rows that took no part in the proposal, and "undecided" as
            well where the images of columns are not settled, or where a search that was cut short found no map; "none"
            where no map is more than an accident.
        group: The structure of the group; None for no map, as below.
        order: Number of its elements.
        generators: Maps that generate it, mirrors first.
        tests: Its p-values.
        inputs_aside: Columns of x on which no column of y is seen to depend; maps and tests leave them alone.
        outputs_aside: Columns of y that are not seen to depend on any input.
        inputs_one_sided: Columns of x that lie so far to one side of 0 that no row shows their negative; no map changes
            their sign in place.
        products: Products of two inputs that the fitted f has beside linear terms.
        r2: Its R^2 on rows kept apart, the mean over columns of y.
        rows: Rows kept apart.
        log_odds: For the proposed group against an accident.
        exhaustive: Whether the search was not cut short.
    """

    status: MirrorStatus
    group: Word | None
    order: Size | None
    generators: list[MirrorMap]
    tests: MirrorTests | None
    inputs_aside: list[ColumnName]
    outputs_aside: list[ColumnName]
    inputs_one_sided: list[ColumnName] = Field(default_factory=list)
    products: Annotated[int, Field(ge=0)]
    r2: FiniteFloat | None
    rows: Size
    log_odds: FiniteFloat | None
    exhaustive: bool

    @property
    def open_columns(self) -> tuple[list[str], list[str]]:
        """Columns of x and of y whose images some generator does not settle."""
        on_x = [c.column for g in self.generators for c in g.inputs_open]
        on_y = [c.column for g in self.generators for c in g.outputs_open]
        return list(dict.fromkeys(on_x)), list(dict.fromkeys(on_y))

    @property
    def is_open(self) -> bool:
        """Whether maps were found that fit, and the log does not settle all of what they do."""
        return self.status == "undecided" and any(self.open_columns)
