"""Tables as .csv files: UTF-8, one header line, numbers and words; `csv_dialect` finds what separates the cells."""

import csv
import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from io import TextIOBase
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.classes import MISSING
from sharefind.datasets.csv_dialect import THOUSANDS, Dialect, dialect_of
from sharefind.datasets.csv_header import refuse_no_header
from sharefind.datasets.data_file import Choose, DataFile, DataFormat, RawColumns, Wanted
from sharefind.datasets.task import DATE
from sharefind.errors import quoted, setting
from sharefind.formats import ENCODING
from sharefind.limits import raise_it
from sharefind.storage import open_text

FOREIGN = re.compile(r"[^0-9+\-.eE, \t]")
"""A character that no row of numbers has."""

WORD = re.compile(r"[^\W\d_]|[^\W_]*[^\W\d_]{2}|" + DATE.pattern)
"""How a word begins: with a letter, or as "3rd", or as a date or a time."""


def _read(file: DataFile, choose: Choose) -> RawColumns:
    with open_text(file.path, ENCODING) as text:
        lines = _Lines(text, file)
        dialect = dialect_of(lines.sample, file, is_whole=lines.is_whole)
        rows = csv.reader(lines, strict=True, delimiter=dialect.delimiter)
        header = tuple(name.strip() for name in next((row for row in rows if any(map(str.strip, row))), []))
        refuse_no_header(header, lines.sample, dialect, file, is_whole=lines.is_whole)
        cells = _Cells(header, choose(header), dialect, file)
        for row in rows:
            if row and not _is_blank(row, header):
                cells.add(row, rows.line_num)
            lines.length = 0
    return RawColumns(header, cells.columns())


CSV = DataFormat(".csv", _read, damage=(csv.Error,), is_text=True)


def _is_blank(row: list[str], header: tuple[str, ...]) -> bool:
    """Whether a row is a line of spaces, where rows have several cells."""
    return len(row) == 1 < len(header) and not row[0].strip()


class _Lines:
    """The lines of a text file for the csv reader, with a bound on a row, which may take several of them.

    length: characters since the reader's user set it to 0.
    sample: the first lines; is_whole: whether the text ends there.
    """

    def __init__(self, text: TextIOBase, file: DataFile, most: int = 50) -> None:
        self.length = 0
        self._text, self._file = text, file
        self.sample, self.is_whole = self._first(most)

    def _first(self, count: int) -> tuple[list[str], bool]:
        most, lines = self._file.guards.row, list[str]()
        while len(lines) < count and sum(map(len, lines)) < most:
            line = self._text.readline(most)
            if not line:
                return lines, True
            lines.append(line)
        return lines, False

    def __iter__(self) -> Iterator[str]:
        most, readline = self._file.guards.row, self._text.readline
        lines = chain(self.sample, iter(lambda: readline(most), ""))
        for line in lines:
            self.length += len(line)
            if self.length >= most:
                self._refuse()
            yield line

    def _refuse(self) -> None:
        most = self._file.guards.row
        raise self._file.refused(f"a row is above {most} characters, a hard limit; save such wide data as .npz")


class _Words:
    """The words of a column, each kept once."""

    def __init__(self) -> None:
        self.codes = array("q")
        self.known: dict[str, int] = {}

    def column(self) -> NDArray[Any]:
        words = np.empty(len(self.known), dtype=object)
        words[:] = list(self.known)
        return words[np.frombuffer(self.codes, dtype=np.int64)]


class _Cells:
    """The wanted cells of the rows so far: numbers in one array, words by column."""

    def __init__(self, header: tuple[str, ...], wanted: Wanted, dialect: Dialect, file: DataFile) -> None:
        self._header, self._wanted, self._dialect, self._file = header, wanted, dialect, file
        self._values = array("d")
        self._words: dict[int, _Words] = {}
        self._numeric: tuple[int, ...] = ()
        self._pick = _picker((), 0)
        self._rows, self._most = 0, file.most // self._values.itemsize
        self._counted = len(wanted.positions) - (wanted.units is not None)

    def add(self, row: list[str], line: int) -> None:
        """A row of the file, which ends on a line."""
        if len(row) != len(self._header):
            lengths = f"line {line} has {len(row)} cells, the header has {len(self._header)}"
            raise self._file.refused(f"{lengths}; make them equal")
        if not self._rows:
            self._begin(row)
        for k, words in self._words.items():
            word = row[k].strip()
            code = words.known.get(word)
            words.codes.append(self._new_word(word, k, line) if code is None else code)
        self._values.extend(self._numbers(self._pick(row), line))
        self._rows += 1
        if self._rows * self._counted > self._most:
            raise self._file.refused(
                f"above {self._most} numbers by line {line}; use fewer rows, or {raise_it('file_size')}"
            )

    def columns(self) -> dict[int, NDArray[Any]]:
        """The columns by their positions, numbers as float64 and words as objects."""
        if not self._rows:
            raise self._file.refused("a header and no rows; give at least one row")
        table = np.frombuffer(self._values).reshape(self._rows, len(self._numeric))
        numbers = {k: table[:, place] for place, k in enumerate(self._numeric)}
        return {**numbers, **{k: words.column() for k, words in self._words.items()}}

    def _begin(self, row: list[str]) -> None:
        """Decide by the first row which columns hold words."""
        wanted = self._wanted
        texts = {*wanted.text, *(() if wanted.units is None else (wanted.units,))}
        texts |= {k for k in wanted.positions if k not in wanted.numbers and _is_word(row[k])}
        self._words = {k: _Words() for k in wanted.positions if k in texts}
        self._numeric = tuple(k for k in wanted.positions if k not in texts)
        self._pick = _picker(self._numeric, len(row))

    def _new_word(self, word: str, k: int, line: int) -> int:
        if k != self._wanted.units and word.lower() in MISSING:
            raise self._file.refused(
                f"{quoted(word)} on line {line}, column {quoted(self._header[k])}, is a missing value; remove that "
                "line, fill the value in, or rename it if it is a class"
            )
        known = self._words[k].known
        return known.setdefault(word, len(known))

    def _numbers(self, cells: Sequence[str], line: int) -> list[float]:
        """The numbers of a row."""
        try:
            if FOREIGN.search(",".join(cells)) is None:
                if self._dialect.decimal == ".":
                    return [float(cell) for cell in cells]
                return [float(_with_point(cell)) for cell in cells]
            raise ValueError
        except ValueError:
            place = next(place for place, cell in enumerate(cells) if not _is_number(cell, self._dialect.decimal))
            cell, name = cells[place], self._header[self._numeric[place]]
            advice = _cell_advice(cell, self._dialect)
            if _is_word(cell, any_place=True) and self._numeric[place] not in self._wanted.numbers:
                advice = f"{advice}; if the column holds classes, say so with {setting('labels')}"
            raise self._file.refused(
                f"{quoted(cell)} on line {line}, column {quoted(name)}, is not a number; {advice}"
            ) from None


def _picker(positions: tuple[int, ...], width: int) -> Callable[[list[str]], Sequence[str]]:
    """Function that takes the cells at some positions out of a row."""
    if len(positions) == width:
        return lambda row: row
    if len(positions) == 1:
        return lambda row: (row[positions[0]],)
    return itemgetter(*positions) if positions else lambda row: ()


def _with_point(cell: str) -> str:
    """A number with a decimal comma, with a point instead; one that has a point already is none."""
    if "." in cell:
        raise ValueError
    return cell.replace(",", ".")


def _cell_advice(cell: str, dialect: Dialect) -> str:
    """How to mend a cell: one that some language takes for a finite number is only written in another way."""
    other = "," if dialect.decimal == "." else "."
    if dialect.delimiter == "," and THOUSANDS.fullmatch(cell.strip()):
        return "write numbers without separators of thousands, such as 1200.5"
    if cell != "." and _is_number(cell, other) and other in cell:
        return f"its decimal sign is {quoted(dialect.decimal)}; if that is wrong, give {setting('decimal')} {other!r}"
    try:
        is_spelling = math.isfinite(float(cell))
    except ValueError:
        is_spelling = False
    if is_spelling:
        return "write it in the digits 0 to 9, such as 1200.5"
    if DATE.match(cell.strip()):
        return f"save a date or a time as a number, such as seconds, or leave the column out with {setting('drop')}"
    mend = "remove that line or fill the value in"
    if not _is_word(cell):
        return f"{mend}; or leave the column out with {setting('drop')}"
    return f"{mend}; name a column of categories with {setting('categorical')}, or leave it out with {setting('drop')}"


def _is_word(cell: str, *, any_place: bool = False) -> bool:
    """Whether a cell begins like a word; with `any_place`, whether it has a letter anywhere."""
    word = cell.strip()
    is_word = any(map(str.isalpha, word)) if any_place else WORD.match(word) is not None
    return is_word and word.lower() not in MISSING


def _is_number(cell: str, decimal: str) -> bool:
    """Whether a cell is a number as files have them; Python would take 1_000, words, and digits of all scripts, too."""
    try:
        float(cell if decimal == "." else _with_point(cell))
    except ValueError:
        return False
    return FOREIGN.search(cell) is None
