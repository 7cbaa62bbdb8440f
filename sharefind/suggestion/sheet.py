"""Inputs and labels of a data set as a suggestion uses them, with the guesses about their roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sharefind.errors import DataError
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Sheet:
    """Some rows of a data set.

    Attributes:
        x: Inputs, shape (n, d), float64.
        y: Labels, shape (n, m), float64; if they are classes, one column per class.
        inputs: Names of the columns of x.
        shape: Shape of a row of x in the data.
        out_shape: Shape of a row of y in the data.
        settings: Settings that describe the columns to a search: inputs, outputs, drop, labels and the like.
        notes: The guesses and their reasons.
        rows: Number of rows of the data set.
        orders_columns: Whether the setting `inputs` may reorder columns.
        is_named: Whether the columns of x have names of their own.
        has_time: Whether a column shows that rows follow each other in time.
        units: Unit of each row, shape (n,); None if no column names it.
        is_mixed: Whether some columns of x hold categories and others do not.
        is_task: Whether this is a named data set, whose columns have no settings.
    """

    x: FloatArray
    y: FloatArray
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: int = 0
    orders_columns: bool = False
    is_named: bool = False
    has_time: bool = False
    units: IntArray | None = None
    is_mixed: bool = False
    is_task: bool = False

    def sampled(self, most: int, rng: np.random.Generator) -> Sheet:
        """Return a random sample of the rows, in their order.

        Args:
            most: Largest number of rows.
            rng: Source of the sample.
        """
        if len(self.x) <= most:
            return self
        rows = np.sort(rng.choice(len(self.x), most, replace=False))
        return replace(self, x=self.x[rows], y=self.y[rows])


def checked(sheet: Sheet, source: str) -> Sheet:
    """Return the same sheet if its numbers are usable.

    Args:
        sheet: The sheet.
        source: Name of the data in messages.

    Raises:
        DataError: There are no rows or no columns, or a value is not finite.
    """
    for side, values in (("inputs", sheet.x), ("labels", sheet.y)):
        if values.size == 0:
            raise DataError(f"{source}: no {side}; give at least one row and one column of each")
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise DataError(
                f"{source}: {side} are {values[row, column]} at row {row}, column {column} (counted from 0); "
                "remove that row or fill the value in"
            )
    return sheet
