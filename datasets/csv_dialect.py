"""How the cells of a text are separated, and whether its numbers have a decimal point or a decimal comma."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sharefind.datasets.data_file import DataFile
from sharefind.errors import quoted, setting

DELIMITERS = (",", ";", "\t", "|")
NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
"""Words that may replace the character of a delimiter or a decimal sign."""

DECIMALS = (".", ",")
COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+([eE][+-]?[0-9]+)?")
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+")


@dataclass(frozen=True)
class Dialect:
    """How a text writes a table.

    Attributes:
        delimiter: Character between the cells of a row.
        decimal: Decimal sign of numbers, "." or ",".
    """

    delimiter: str = ","
    decimal: str = "."


def dialect_of(sample: Sequence[str], file: DataFile, *, is_whole: bool) -> Dialect:
    """How a text writes its table: as the user says, and for the rest as its first lines do.

    Args:
        sample: The first lines, with the header.
        file: The file, and the user's settings.
        is_whole: Whether the text ends there.

    Raises:
        DataError: The user's choice cannot be one, or the lines can be read in two ways.
    """
    delimiter, decimal = _character(file, "delimiter"), _character(file, "decimal")
    if decimal is not None and decimal not in DECIMALS:
        raise file.refused(f"{setting('decimal')} {quoted(file.decimal)} is no decimal sign; give . or ,")
    if delimiter is not None and (delimiter in '"\r\n+-.' or delimiter.isalnum()):
        what = f"{setting('delimiter')} {quoted(file.delimiter)} cannot separate numbers"
        raise file.refused(f"{what}; give one of , ; | or tab")
    if delimiter is None:
        delimiter = _delimiter(sample, decimal, file, is_whole=is_whole)
    elif delimiter != decimal:
        _refuse_whole_lines(sample, delimiter, file, is_whole=is_whole)
    if delimiter == decimal:
        raise file.refused(f"{setting('delimiter')} and {setting('decimal')} are both {quoted(decimal)}; change one")
    return Dialect(delimiter, decimal or _decimal(sample, delimiter, file))


def _refuse_whole_lines(sample: Sequence[str], delimiter: str, file: DataFile, *, is_whole: bool) -> None:
    """Refuse a delimiter that occurs in no line, where another one splits all of them."""
    if any(width > 1 for width in _widths(sample, delimiter, is_whole=is_whole)):
        return
    for other in DELIMITERS:
        widths = _widths(sample, other, is_whole=is_whole)
        if widths and widths[0] > 1 and len(set(widths)) == 1:
            what = f"{setting('delimiter')} {quoted(delimiter)} separates nothing, and {quoted(other)} every row"
            raise file.refused(f"{what}; give that one, or none")


def _character(file: DataFile, name: str) -> str | None:
    given: str | None = getattr(file, name)
    if given is None:
        return None
    found = NAMES.get(given.lower(), given)
    if len(found) != 1:
        raise file.refused(f"{setting(name)} {quoted(given)} is not one character; give it as one, or tab")
    return found


def _delimiter(sample: Sequence[str], decimal: str | None, file: DataFile, *, is_whole: bool) -> str:
    """The delimiter that gives all rows as many cells as the header; a comma where the header has no delimiter."""
    able = dict[str, bool]()
    for delimiter in (known for known in DELIMITERS if known != decimal):
        widths = _widths(sample, delimiter, is_whole=is_whole)
        if widths and widths[0] > 1:
            able[delimiter] = len(set(widths)) == 1
    fitting = [delimiter for delimiter, fits in able.items() if fits]
    if len(fitting) > 1:
        ways = " or ".join(quoted(delimiter) for delimiter in fitting)
        raise file.refused(f"its cells can be separated by {ways}; say which with {setting('delimiter')}")
    return next(iter((*fitting, *able)), "," if decimal != "," else ";")


def _widths(sample: Sequence[str], delimiter: str, *, is_whole: bool) -> list[int]:
    """Cells in each row; the last row of a part of a text may be cut, and what follows a wrong quote counts as cut."""
    widths = list[int]()
    try:
        widths.extend(len(row) for row in csv.reader(sample, delimiter=delimiter, strict=True) if row)
    except csv.Error:
        return widths
    return widths if is_whole or len(widths) < 3 else widths[:-1]


def _decimal(sample: Sequence[str], delimiter: str, file: DataFile) -> str:
    """A comma where numbers have one, and only if that is no separator of thousands."""
    if delimiter == ",":
        return "."
    cells = list(_cells(sample, delimiter))
    grouped = next((cell for cell in cells if GROUPED.fullmatch(cell)), None)
    if grouped is not None:
        raise file.refused(f"{quoted(grouped)} separates thousands; write numbers without, such as 1234,5")
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    points = [cell for cell in cells if POINT.fullmatch(cell)]
    if commas and points:
        raise file.refused(
            f"numbers such as {quoted(commas[0])} and {quoted(points[0])} have different decimal signs; write all in "
            f"one way, or say which it is with {setting('decimal')}"
        )
    thousands = next((cell for cell in cells if THOUSANDS.fullmatch(cell)), None)
    if thousands is not None and all(THOUSANDS.fullmatch(cell) for cell in commas):
        raise file.refused(
            f"{quoted(thousands)} may have a decimal comma or separate thousands; if it is a decimal comma, say so "
            f"with {setting('decimal')} ','"
        )
    return "," if commas else "."


def _cells(sample: Sequence[str], delimiter: str) -> Iterator[str]:
    rows = csv.reader(sample, delimiter=delimiter)
    next(rows, None)
    try:
        for row in rows:
            yield from (cell.strip() for cell in row)
    except csv.Error:
        return
