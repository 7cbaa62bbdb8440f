"""Named columns as a file has them, before anything says which of them are inputs and which are outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sharefind.datasets.column_choice import Columns
from sharefind.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of a table, or arrays of an archive, by name in the order of the file.

    Attributes:
        columns: Each with one entry a row, shape (n,), or an array a row, shape (n, ...): numbers, booleans, words
            (also as objects) or dates.
        header: Names of all columns of the file, in its order, also of columns that were not read; empty for the names
            of `columns`. A column without a name is "" here, and its position in `columns`.
        source: Beginning of every message about it.
        is_archive: Whether these are the arrays of an archive; x and y are then the default.
    """

    columns: Mapping[str, NDArray[Any]]
    header: tuple[str, ...] = ()
    source: str = "the data"
    is_archive: bool = False

    def __post_init__(self) -> None:
        """Fill in the header."""
        object.__setattr__(self, "header", self.header or tuple(self.columns))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)

    @property
    def choice(self) -> Columns:
        """The columns among which roles choose."""
        return Columns(self.header, self.source, "array" if self.is_archive else "column")

    def refused(self, what: str) -> DataError:
        """Return an error about this table.

        Args:
            what: The fault and the remedy.
        """
        return DataError(f"{self.source}: {what}")
