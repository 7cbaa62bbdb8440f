"""Tables as .csv files: UTF-8, cells separated by commas, one header line, columns in any order."""

import csv
import math
import re
from array import array
from collections.abc import Iterator
from io import TextIOBase

import numpy as np

from sharefind.datasets.columns import table_columns
from sharefind.datasets.data_file import Columns, DataFile, DataFormat
from sharefind.datasets.task import WORDS
from sharefind.errors import quoted, visible
from sharefind.formats import ENCODING
from sharefind.limits import raise_it
from sharefind.storage import open_text

FOREIGN = re.compile(r"[^0-9+\-.eE, \t]")
"""A character that no row of numbers has."""

MISSING = ("", "na", "nan", "none", "null", "missing", "inf", "infinity")
"""Words that stand for a value that was not measured, and for no class."""


def _read(file: DataFile, rows_of: str | None) -> Columns:
    """The cells of the column `rows_of` are taken as words."""
    names = list[str]()
    values = array("d")
    most = file.most // values.itemsize
    with open_text(file.path, ENCODING) as text:
        lines = _Lines(text, file)
        rows = csv.reader(lines, strict=True)
        header = [name.strip() for name in next(rows, [])]
        order, place = table_columns(header, file, rows_of)
        for cells in rows:
            if cells:
                if len(cells) != len(header):
                    lengths = f"line {rows.line_num} has {len(cells)} cells, the header has {len(header)}"
                    raise file.refused(f"{lengths}; make them equal")
                if place is not None:
                    names.append(cells[place].strip())
                    cells[place] = "0"  # a number, so that positions stay those of the header
                values.extend(_numbers(cells, header, rows.line_num, file, is_first=not values))
            if len(values) - len(names) > most:
                raise file.refused(
                    f"above {most} numbers by line {rows.line_num}; use fewer rows, or {raise_it('file_size')}"
                )
            lines.length = 0
    if not values:
        raise file.refused("a header and no rows; give at least one row")
    table = np.frombuffer(values).reshape(-1, len(header))
    return table[:, order["x"]], table[:, order["y"]], None if place is None else names


CSV = DataFormat(".csv", _read, damage=(csv.Error,))


class _Lines:
    """The lines of a text file for the csv reader, with a bound on a row, which may take several of them.

    length: characters since the reader's user set it to 0.
    """

    def __init__(self, text: TextIOBase, file: DataFile) -> None:
        self.length = 0
        self._text, self._file = text, file

    def __iter__(self) -> Iterator[str]:
        most = self._file.guards.row
        while line := self._text.readline(most):
            self.length += len(line)
            if self.length >= most:
                raise self._file.refused(f"a row is above {most} characters, a hard limit; save such wide data as .npz")
            yield line


def _numbers(cells: list[str], header: list[str], line: int, file: DataFile, *, is_first: bool) -> list[float]:
    """The numbers of a row; labels are classes where the first row has words, not where a word follows numbers."""
    try:
        if FOREIGN.search(",".join(cells)) is None:
            return [float(cell) for cell in cells]
        raise ValueError
    except ValueError:
        cell, name = next((cell, name) for cell, name in zip(cells, header, strict=True) if not _is_number(cell))
        word = cell.strip()
        if is_first and name.startswith("y") and word[:1].isalpha() and word.lower() not in MISSING:
            raise file.refused(f"{name} holds words ({quoted(word)}); {_one_hot(file, name)}") from None
        raise file.refused(
            f"{quoted(cell)} on line {line}, column {quoted(name)}, is not a number; {_cell_advice(cell)}"
        ) from None


def _cell_advice(cell: str) -> str:
    """How to mend a cell: one that some language takes for a finite number is only written in another way."""
    try:
        is_spelling = math.isfinite(float(cell))
    except ValueError:
        is_spelling = False
    return "write it in the digits 0 to 9, such as 1200.5" if is_spelling else "remove that line or fill the value in"


def _one_hot(file: DataFile, column: str) -> str:
    """What to do with labels that are words, as an end of a sentence."""
    read, written = (visible(repr(str(p))) for p in (file.name, file.path.with_suffix(".npz")))
    return (
        f"{WORDS} (in Python, with numpy as np: "
        f"t = np.genfromtxt({read}, delimiter=',', names=True, dtype=None, encoding='utf-8-sig'); "
        f"codes = np.unique(t['{column}'], return_inverse=True)[1]; "
        f"np.savez({written}, x=np.stack([t[n] for n in t.dtype.names if n[0] == 'x'], 1), "
        f"y=np.eye(codes.max() + 1)[codes]))"
    )


def _is_number(cell: str) -> bool:
    """Whether a cell is a number as files have them; Python would take 1_000, words, and digits of all scripts, too."""
    try:
        float(cell)
    except ValueError:
        return False
    return FOREIGN.search(cell) is None
