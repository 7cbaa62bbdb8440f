"""A file with columns, whatever its format: what bounds it, what a format declares, and what all refusals begin with.

A format reads; what the columns are is decided by `selection`, whether they can be used by `table_task`. How a format
is added: a file that makes a `DataFormat`, and its line in `data_formats`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sharefind.errors import DataError
from sharefind.limits import DATA_BYTES, DEFAULT_LIMITS, Limits, raise_it


@dataclass(frozen=True)
class Guards:
    """Bounds on what a data file may ask of its reader, which no setting lifts.

    Attributes:
        directory: Most bytes of an archive's table of contents, which is read whole.
        ratio: Most times its packed size that an array may unpack to; measured numbers stay below 10.
        free: Arrays of up to this many bytes may be packed in any ratio.
        row: Most characters of a row of text, which is held before its numbers are known.
    """

    directory: int = 10_000_000
    ratio: int = 200
    free: int = 10_000_000
    row: int = 10_000_000


DEFAULT_GUARDS = Guards()


@dataclass(frozen=True)
class DataFile:
    """A file that is read.

    Attributes:
        name: Its path as it was given, which opens every message.
        limits: `file_size` bounds what it holds, also unpacked.
        guards: Further bounds.
        delimiter: Separator of the cells of a text; None reads it off the file.
        decimal: Its decimal sign.
    """

    name: str | Path
    limits: Limits = DEFAULT_LIMITS
    guards: Guards = DEFAULT_GUARDS
    delimiter: str | None = None
    decimal: str | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.name)

    @property
    def most(self) -> int:
        """Most bytes that it may have, or unpack to."""
        return self.limits.bytes_of(DATA_BYTES)

    def refused(self, what: str) -> DataError:
        """Return an error about this file.

        Args:
            what: Why it cannot be used and what to do instead.
        """
        return DataError(f"{self.name}: {what}")

    def refuse_unpacked(self, size: int) -> None:
        """Refuse a file that declares to unpack to more bytes than the limit.

        Args:
            size: The declared number of bytes.

        Raises:
            DataError: It is above the limit.
        """
        if size > self.most:
            raise self.refused(
                f"unpacks to {size} bytes, above the limit of {self.most}; use fewer rows, "
                f"or {raise_it('file_size', size)}"
            )


@dataclass(frozen=True)
class Wanted:
    """Which columns of a file are read, and what they may hold.

    Attributes:
        positions: Positions of the columns, in the order of the file, counted from 0.
        numbers: Positions of columns that must hold numbers.
        text: Positions of columns whose cells are words even where they look like numbers.
        units: The column with the units of rows, which may hold anything.
        others: Positions of columns without a role, which may hold numbers, words or dates.
    """

    positions: tuple[int, ...]
    numbers: frozenset[int] = frozenset()
    text: frozenset[int] = frozenset()
    units: int | None = None
    others: frozenset[int] = frozenset()


Choose = Callable[[Sequence[str]], Wanted]
"""Takes the names of a file's columns and returns which are read; raises a `DataError` on wrong roles."""


@dataclass(frozen=True)
class RawColumns:
    """The content that a reader found.

    Attributes:
        header: Names of all columns in the order of the file; "" for one without a name.
        values: The wanted values by position, with a row along the first axis.
    """

    header: tuple[str, ...]
    values: Mapping[int, NDArray[Any]]


@dataclass(frozen=True)
class DataFormat:
    """A kind of file with columns or arrays.

    Attributes:
        suffix: How its files end.
        read: Reads the columns of a file that are wanted. It takes nothing that can run code, and looks at sizes that
            are declared before it unpacks anything.
        damage: Exceptions of its reader on damaged files, beside the usual ones.
        package: Package that it needs beyond sharefind; None for none.
        extra: The extra of sharefind that brings the package.
        is_archive: Whether a file holds arrays rather than columns of one table.
        is_text: Whether cells have a delimiter and a decimal sign.
    """

    suffix: str
    read: Callable[[DataFile, Choose], RawColumns]
    damage: tuple[type[Exception], ...] = ()
    package: str | None = None
    extra: str | None = None
    is_archive: bool = False
    is_text: bool = False
