"""Whether the first line of a text is one of names: a row that is taken for names is lost, and names are senseless."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Sequence

from sharefind.datasets.csv_dialect import Dialect
from sharefind.datasets.data_file import DataFile
from sharefind.errors import quoted, setting

NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")


def refuse_no_header(
    header: tuple[str, ...], sample: Sequence[str], dialect: Dialect, file: DataFile, *, is_whole: bool
) -> None:
    """Refuse a first line that is a row, a title or a comment.

    Args:
        header: Its cells.
        sample: The first lines, with this one.
        dialect: How the text writes its table.
        file: The file.
        is_whole: Whether the text ends with the sample.

    Raises:
        DataError: The rows below agree on another number of cells, or the cells are values of their columns.
    """
    rows = _rows(sample, dialect.delimiter, is_whole=is_whole)
    if not header or not rows:
        return
    (width, count), *_ = Counter(map(len, rows)).most_common(1)
    if count > 1 and 2 * count > len(rows) and width != len(header):
        raise file.refused(
            f"its first line {quoted(dialect.delimiter.join(header))} has {len(header)} cells, and the lines below "
            f"have {width}; begin the file with a name for each column, and no title or comment above"
        )
    if len(header) == 1:
        _refuse_spaces(header[0], rows, file)
    if _is_row(header, rows):
        raise file.refused(
            f"its first line {quoted(dialect.delimiter.join(header))} looks like a row and no names; write a line with "
            "the names of the columns above it, such as x0,x1,y0"
        )


def _rows(sample: Sequence[str], delimiter: str, *, is_whole: bool) -> list[list[str]]:
    """The rows below the first one, without a last one that may be cut."""
    rows = list[list[str]]()
    try:
        rows.extend([cell.strip() for cell in row] for row in csv.reader(sample, delimiter=delimiter, strict=True))
    except csv.Error:
        is_whole = False
    rows = [row for row in rows if any(row)]
    return rows[1:] if is_whole else rows[1:-1]


def _refuse_spaces(name: str, rows: list[list[str]], file: DataFile) -> None:
    """Refuse columns that spaces separate, unless the user says so."""
    count, lines = len(name.split()), [row[0] for row in rows if row]
    if count > 1 and all(len(line.split()) == count for line in lines):
        is_one = all(len(line.split(" ")) == count for line in (name, *lines))
        advice = f"if these are {count} columns, give {setting('delimiter')} space"
        raise file.refused(
            f"its lines have no delimiter but spaces, such as {quoted(name)}; "
            f"{advice if is_one else f'write it with commas between its {count} columns'}"
        )


def _is_row(header: tuple[str, ...], rows: list[list[str]]) -> bool:
    """Whether cells are numbers that are no counting, or stand beside a word that occurs again in its column."""
    numbers = [float(cell.replace(",", ".")) for cell in header if NUMBER.fullmatch(cell)]
    if not numbers:
        return False
    if len(numbers) == len(header):
        return len(header) > 1 and not _is_counting(numbers)
    words = [k for k, cell in enumerate(header) if cell and not NUMBER.fullmatch(cell)]
    return any(header[k] == row[k] for k in words for row in rows if len(row) == len(header))


def _is_counting(numbers: list[float]) -> bool:
    """Whether names are numbers in equal steps, as of years or of columns that were numbered."""
    step = numbers[1] - numbers[0]
    is_equal = all(abs(b - a - step) < 1e-9 * abs(step) + 1e-12 for a, b in itertools.pairwise(numbers))
    return is_equal and step > 0 and (len(numbers) > 2 or step == 1)
