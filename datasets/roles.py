"""A user's description of the columns and arrays of a data set: which are inputs or outputs, and their meaning."""

from dataclasses import dataclass
from typing import Literal

LabelKind = Literal["numbers", "classes"]


@dataclass(frozen=True)
class Roles:
    """The roles of columns, as settings of a search name them; None where a setting is not used.

    Attributes:
        inputs: Columns of X: names, globs and ranges (`first..last`), separated by commas.
        outputs: Columns of Y, written in the same way.
        drop: Columns that are left out.
        rows_of: Column whose values name the unit of each row.
        categorical: Columns of X that hold categories, which become one column for each category.
        labels: Whether Y holds numbers or classes.
        axes: Names of the axes of a row of X, separated by spaces.
        shape: Lengths of these axes, such as "5x4", where the data are flat.
        out_axes: Names of the axes of a row of Y.
        out_shape: Their lengths.
        delimiter: Separator of the cells of a csv file.
        decimal: The decimal sign of a csv file.
    """

    inputs: str | None = None
    outputs: str | None = None
    drop: str | None = None
    rows_of: str | None = None
    categorical: str | None = None
    labels: LabelKind | None = None
    axes: str | None = None
    shape: str | None = None
    out_axes: str | None = None
    out_shape: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
