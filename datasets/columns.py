"""Named columns of a table: which of them are x, which are y, and which one says what rows belong together."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sharefind.datasets.data_file import DataFile
from sharefind.errors import quoted, setting, visible

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]*)")
COLUMNS_WANTED = "columns must be named x0, x1, ... and y0, y1, ..."

Order = Mapping[str, list[int]]
"""For "x" and for "y", the positions of their columns 0, 1, ..."""


def table_columns(header: Sequence[str], file: DataFile, rows_of: str | None) -> tuple[Order, int | None]:
    """Where x and y are in a table, and where the column is that names the units of rows.

    Args:
        header: Names of all columns.
        file: What they are of.
        rows_of: The column with the units of rows, which is a part of neither; None for none.

    Raises:
        DataError: A column is missing, unknown or given twice.
    """
    place = _place_of(rows_of, header, file)
    named = {position: name for position, name in enumerate(header) if position != place}
    positions: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for position, name in named.items():
        match = COLUMN.fullmatch(name)
        if match is None:
            raise file.refused(
                f"unknown column {quoted(name)}; {COLUMNS_WANTED}; a column that says which rows belong together is "
                f"named with {setting('rows_of')}; {_renaming(list(named.values()), file)}"
            )
        if int(match[2]) in positions[match[1]]:
            raise file.refused(f"column {quoted(name)} is given twice; {COLUMNS_WANTED}")
        positions[match[1]][int(match[2])] = position
    for key, found in positions.items():
        missing = next(number for number in range(len(found) + 1) if number not in found)
        if missing == 0 or missing < len(found):
            raise file.refused(f"no column '{key}{missing}'; {COLUMNS_WANTED}")
    return {key: [found[number] for number in range(len(found))] for key, found in positions.items()}, place


def _place_of(rows_of: str | None, header: Sequence[str], file: DataFile) -> int | None:
    if rows_of is None:
        return None
    check_rows_of(rows_of, header, [name for name in header if COLUMN.fullmatch(name)], file)
    if header.count(rows_of) > 1:
        raise file.refused(f"column {quoted(rows_of)} is given twice; keep one of them")
    return header.index(rows_of)


def check_rows_of(rows_of: str, known: Collection[str], taken: Collection[str], file: DataFile) -> None:
    """Refuse units of rows by a column that is a part of x or y, or that the file has not.

    Args:
        rows_of: The column.
        known: Those of the file.
        taken: Those that are a part of x or y.
        file: What they are of.

    Raises:
        DataError: It is one of the first, or there is none of that name; the message gives the nearest.
    """
    if rows_of in taken:
        raise file.refused(
            f"{quoted(rows_of)} is a part of x or y; name a column of its own with {setting('rows_of')}, which is then "
            "left out of both"
        )
    names = [name for name in known if name]
    if rows_of not in names:
        near = difflib.get_close_matches(rows_of, names, n=1)
        hint = f"did you mean {quoted(near[0])}?" if near else f"the file has {quoted(', '.join(names))}"
        raise file.refused(f"no column {quoted(rows_of)} for {setting('rows_of')}; {hint}")


def _renaming(header: list[str], file: DataFile, most: int = 12, letters: int = 300) -> str:
    """How to rename columns that have names of their own: a command that replaces the header, the last one as y0.

    Args:
        header: The columns.
        file: What they are of.
        most: Names that are shown.
        letters: Characters of them.
    """
    path = Path(file.name)
    new = ",".join([*(f"x{k}" for k in range(len(header) - 1)), "y0"])
    old, written = (visible(repr(str(p))) for p in (file.name, path.with_name(f"{path.stem}_xy.csv")))
    if len(header) > most:
        header = [*header[: most - 1], "...", header[-1]]
        new = f"' + ','.join(f'x{{i}}' for i in range({new.count(',')})) + ',y0"
    names = visible(", ".join(header)[:letters])
    return (
        f"names such as these ({names}) are not supported yet. Rename them in Python, here with the last as the label: "
        f"from pathlib import Path; rows = Path({old}).read_text('utf-8-sig').split('\\n', 1)[1]; "
        f"Path({written}).write_text('{new}\\n' + rows, 'utf-8')"
    )
