"""The faults of a map of columns, as a result and a journal keep them; positions are counted from 1."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, model_validator

from sharefind.groups.column_maps import ColumnMap, SignedColumns
from sharefind.inference.maps.map_explanation import ColumnFault, MapExplanation, MapTest, Sighting
from sharefind.search.json_fields import Part, SignedPermutation, Size, Word

Position = Annotated[int, Field(ge=1)]


class MapImages(Part):
    """The action of one map on columns: entry k = +-j where column k goes to column j, with that sign.

    Attributes:
        on_inputs: Images of the inputs.
        on_outputs: Images of the outputs.
    """

    on_inputs: SignedPermutation
    on_outputs: SignedPermutation

    @classmethod
    def of(cls, given: ColumnMap) -> MapImages:
        """Return the images of a map.

        Args:
            given: The map.
        """
        return cls(on_inputs=given.inputs.image, on_outputs=given.outputs.image)

    @property
    def map(self) -> ColumnMap:
        """The map."""
        return ColumnMap(SignedColumns.of_image(self.on_inputs), SignedColumns.of_image(self.on_outputs))


class SightingRow(Part):
    """The entry that shows a fault best.

    Attributes:
        output: Position of the output; None for a moment of the inputs.
        inputs: Positions of the inputs of the monomial, one twice for a square; none for a constant.
        errors: Difference between data and map, in standard errors.
        data: The coefficient, or the moment.
        expected: Its value under the map.
    """

    output: Position | None
    inputs: list[Position]
    errors: FiniteFloat
    data: FiniteFloat
    expected: FiniteFloat | None


class FaultRow(Part):
    """Columns of one side that the data move otherwise than the map does.

    Attributes:
        side: Side of them.
        columns: Their positions.
        given: Where the map takes each, with its sign.
        nearest: The same of the nearest map; none where no map was found.
        seen: Where it shows most.
    """

    side: Literal["input", "output"]
    columns: list[Position]
    given: list[int]
    nearest: list[int]
    seen: SightingRow

    @property
    def value(self) -> ColumnFault:
        """The fault."""
        seen = self.seen
        output = None if seen.output is None else seen.output - 1
        inputs = tuple(j - 1 for j in seen.inputs)
        sighting = Sighting(output, inputs, seen.errors, seen.data, seen.expected)
        columns = tuple(c - 1 for c in self.columns)
        return ColumnFault(self.side, columns, tuple(self.given), tuple(self.nearest), sighting)


class MapTestRow(Part):
    """The tests of the nearest map, on rows that did not propose it.

    Attributes:
        verdict: The verdict.
        p_value: p-value of the deciding test; None where there is none.
        decided_by: Whether the law of (X, Y) or the relation decided.
        rows: Number of rows.
    """

    verdict: Literal["accepted", "rejected", "undecided"]
    p_value: FiniteFloat | None
    decided_by: Literal["law", "relation"]
    rows: Size


class MapRow(Part):
    """A map of columns that was given and not accepted.

    Attributes:
        generator: Which generator of the candidate it is.
        given: The map.
        rows: Rows that were looked at.
        largest: Largest difference between data and map, in standard errors.
        critical: Value that noise alone exceeds with a probability of 1 %.
        faults: The columns that break it.
        nearest: The nearest map that was not rejected.
        changes: How many changes lead to it: a sign is one, another image two.
        test: Test of that map, or of the last one that was tested.
        most_changes: Changes up to which maps were looked for.
        is_spent: Whether that search was cut short.
        unseen_inputs: Inputs that the map moves and whose moves the data do not show.
        unseen_outputs: The same of outputs.
        missing: Why nothing can be said.
    """

    generator: Position
    given: MapImages
    rows: Size
    largest: FiniteFloat
    critical: FiniteFloat
    faults: list[FaultRow]
    nearest: MapImages | None
    changes: Size | None
    test: MapTestRow | None
    most_changes: Size
    is_spent: bool
    unseen_inputs: list[Position]
    unseen_outputs: list[Position]
    missing: Word

    @model_validator(mode="after")
    def _positions(self) -> MapRow:
        """Every position is one of a column of the map."""
        widths = {"input": len(self.given.on_inputs), "output": len(self.given.on_outputs)}
        near = self.nearest
        if near is not None and (len(near.on_inputs), len(near.on_outputs)) != (widths["input"], widths["output"]):
            raise ValueError("nearest is not of the columns of given")
        named = [("input", self.unseen_inputs), ("output", self.unseen_outputs)]
        for fault in self.faults:
            if len(fault.given) != len(fault.columns) or len(fault.nearest) not in (0, len(fault.columns)):
                raise ValueError("a fault has not one image for each column")
            entries = [*fault.columns, *map(abs, fault.given), *map(abs, fault.nearest)]
            named += [(fault.side, entries), ("input", fault.seen.inputs)]
            named.append(("output", [] if fault.seen.output is None else [fault.seen.output]))
        if any(not 1 <= position <= widths[side] for side, positions in named for position in positions):
            raise ValueError("a position is of no column")
        return self

    @classmethod
    def of(cls, found: MapExplanation) -> MapRow:
        """Return the row of an explanation.

        Args:
            found: The explanation.
        """
        inputs, outputs = ([k + 1 for k in side] for side in found.unseen)
        return cls(
            generator=found.generator + 1,
            given=MapImages.of(found.given),
            rows=found.rows,
            largest=found.largest,
            critical=found.critical,
            faults=[_fault(fault) for fault in found.faults],
            nearest=None if found.nearest is None else MapImages.of(found.nearest),
            changes=found.changes,
            test=None if found.test is None else MapTestRow(**vars(found.test)),
            most_changes=found.most_changes,
            is_spent=found.is_spent,
            unseen_inputs=inputs,
            unseen_outputs=outputs,
            missing=found.missing,
        )

    @property
    def value(self) -> MapExplanation:
        """The explanation."""
        test = self.test
        return MapExplanation(
            self.given.map,
            self.generator - 1,
            self.rows,
            self.largest,
            self.critical,
            tuple(fault.value for fault in self.faults),
            None if self.nearest is None else self.nearest.map,
            self.changes,
            None if test is None else MapTest(test.verdict, test.p_value, test.decided_by, test.rows),
            self.most_changes,
            self.is_spent,
            (tuple(k - 1 for k in self.unseen_inputs), tuple(k - 1 for k in self.unseen_outputs)),
            self.missing,
        )


def _fault(fault: ColumnFault) -> FaultRow:
    seen = fault.seen
    numbers: dict[str, Any] = {"errors": seen.errors, "data": seen.data, "expected": seen.expected}
    output = None if seen.output is None else seen.output + 1
    return FaultRow(
        side=fault.side,
        columns=[c + 1 for c in fault.columns],
        given=list(fault.given),
        nearest=list(fault.nearest),
        seen=SightingRow(output=output, inputs=[j + 1 for j in seen.inputs], **numbers),
    )
