"""Named columns as a file has them, before anything says which of them are inputs and which are outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of a table, or arrays of an archive, by name in the order of the file.

    Attributes:
        columns: Each with one entry a row, shape (n,), or an array a row, shape (n, ...): numbers, booleans or words.
    """

    columns: Mapping[str, NDArray[Any]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)
