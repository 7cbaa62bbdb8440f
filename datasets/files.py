"""Data sets from files: .npz, .csv and .parquet. Nothing is ever unpickled, and every refusal is one line.

Sizes are checked before anything is read or unpacked, those that a file declares as well as its own. How an .npz
archive is opened is in `archives`; what the values must be like is decided by `task.check_arrays`.
"""

import csv
import math
import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOBase
from pathlib import Path
from typing import Any

import numpy as np

from sharefind.datasets.archives import KEYS, npz_arrays, refuse_unpacked
from sharefind.datasets.row_keys import IntArray, refuse_column_of_rows, unit_numbers, unknown_column
from sharefind.datasets.task import WORDS, FloatArray, check_arrays
from sharefind.errors import DataError, one_line, quoted, visible
from sharefind.formats import ENCODING
from sharefind.limits import DATA_BYTES, DEFAULT_LIMITS, Limits, raise_it
from sharefind.storage import advice, open_text

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]*)")

FOREIGN = re.compile(r"[^0-9+\-.eE, \t]")
"""A character that no row of numbers has."""

# What the readers raise on files that are damaged, encrypted, or declare more than memory holds.
READING_ERRORS = (
    EOFError,
    MemoryError,
    RuntimeError,
    ValueError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)
FLOAT_BYTES = 8
# Characters; one row is held as text before its numbers are known.
MAX_ROW = 10_000_000
# Column names that a message shows, and characters of them.
MAX_SHOWN, MAX_NAMES = 12, 300
# Words that stand for a value that was not measured, and for no class.
MISSING = ("", "na", "nan", "none", "null", "missing", "inf", "infinity")
COLUMNS_WANTED = "columns must be named x0, x1, ... and y0, y1, ..."


Rows = tuple[FloatArray, FloatArray, IntArray | None]
"""x (n, d_in), y (n, d_out), and the unit of each row (n,), or None where no column names it."""


def load_npz(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read the arrays `x` (n, d_in) and `y` (n, d_out) of an .npz file, as float64.

    Raises:
        DataError: the file cannot be read, is above the limits or unpacks to more, is no .npz file, lacks a key,
            holds objects (pickles), or fails `check_arrays`.
    """
    return read_npz(path, limits)[:2]


def read_npz(path: str | Path, limits: Limits = DEFAULT_LIMITS, rows_of: str | None = None) -> Rows:
    """`load_npz`, and the units of rows from the array `rows_of` (n,), of numbers or words.

    Raises:
        DataError: as in `load_npz` and in `unit_numbers`; or there is no such array.
    """
    source = _existing_file(path, limits)
    if not zipfile.is_zipfile(source):
        raise DataError(f"{path}: not an .npz file; write it with numpy.savez(path, x=x, y=y)")
    refuse_column_of_rows(rows_of, ("x", "y"), path)
    with _reading(path):
        if rows_of is not None:
            with zipfile.ZipFile(source) as archive:
                unknown_column(rows_of, [name.removesuffix(".npy") for name in archive.namelist()], path)
        x, y, *named = npz_arrays(source, path, limits, KEYS if rows_of is None else (*KEYS, rows_of))
    x, y = check_arrays(x, y, str(path))
    return x, y, unit_numbers(named[0], len(x), f"{path}: {rows_of}") if named else None


def load_csv(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read a .csv file: columns x0, x1, ... give x (n, d_in), y0, ... give y (n, d_out), as float64.

    UTF-8, cells separated by commas, one header line, columns in any order.

    Raises:
        DataError: the file cannot be read or is above the limits, a column is missing, unknown or given twice, a
            line has too few or too many cells, a cell is not a number, or the values fail `check_arrays`.
    """
    return read_csv(path, limits)[:2]


def read_csv(path: str | Path, limits: Limits = DEFAULT_LIMITS, rows_of: str | None = None) -> Rows:
    """`load_csv`, and the units of rows from the column `rows_of`, whose cells are taken as words.

    Raises:
        DataError: as in `load_csv` and in `unit_numbers`; or there is no such column.
    """
    source = _existing_file(path, limits)
    names = list[str]()
    most = limits.bytes_of(DATA_BYTES) // FLOAT_BYTES
    values = array("d")
    with _reading(path), open_text(source, ENCODING) as file:
        lines = _Lines(file, path)
        rows = csv.reader(lines, strict=True)
        header = [name.strip() for name in next(rows, [])]
        place = _place_of(rows_of, header, path)
        if place is not None:
            del header[place]
        order = _column_order(header, path)
        for cells in rows:
            if cells:
                if place is not None and len(cells) == len(header) + 1:
                    names.append(cells.pop(place).strip())
                values.extend(_csv_row(cells, header, rows.line_num, path, is_first=not values))
            if len(values) > most:
                raise DataError(
                    f"{path}: above {most} numbers by line {rows.line_num}; use fewer rows, or {raise_it('file_size')}"
                )
            lines.length = 0
    if not values:
        raise DataError(f"{path}: a header and no rows; give at least one row")
    x, y = _split(np.frombuffer(values).reshape(-1, len(header)), order, path)
    return x, y, None if place is None else unit_numbers(names, len(x), f"{path}: {rows_of}")


def load_parquet(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read a .parquet file: numeric columns x0.. give x (n, d_in), y0.. give y (n, d_out), as float64.

    Raises:
        DataError: pyarrow is not installed, the file cannot be read, is above the limits or unpacks to more, a
            column is missing, unknown, given twice or not numeric, or the values fail `check_arrays`.
    """
    return read_parquet(path, limits)[:2]


def read_parquet(path: str | Path, limits: Limits = DEFAULT_LIMITS, rows_of: str | None = None) -> Rows:
    """`load_parquet`, and the units of rows from the column `rows_of`, of numbers, words, dates or the like.

    Raises:
        DataError: as in `load_parquet` and in `unit_numbers`; or there is no such column.
    """
    source = _existing_file(path, limits)
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            f"{path}: reading .parquet needs pyarrow; install it with pip install 'sharefind[parquet]', "
            "or save the data as .npz or .csv"
        ) from error
    with _reading(path), pyarrow.parquet.ParquetFile(source) as file:
        schema = file.schema_arrow
        place = _place_of(rows_of, list(schema.names), path)
        kept = [k for k in range(len(schema.names)) if k != place]
        order = _column_order([schema.names[k] for k in kept], path)
        _refuse_types(schema, path, kept)
        refuse_unpacked(_unpacked_bytes(file.metadata), path, limits)
        table = file.read()
    columns = [table.column(k).to_numpy().astype(np.float64) for k in kept]
    x, y = _split(np.stack(columns, axis=1), order, path)
    named = None if place is None else table.column(place).to_pylist()
    return x, y, None if named is None else unit_numbers(named, len(x), f"{path}: {rows_of}")


def _existing_file(path: str | Path, limits: Limits) -> Path:
    file = Path(path)
    with _reading(path):
        if not file.exists():
            raise DataError(f"{path}: no such file; give the path of an .npz, .csv or .parquet file")
        if not file.is_file():
            what = "a folder, not a file" if file.is_dir() else "not a file"
            raise DataError(f"{path}: {what}; give the path of an .npz, .csv or .parquet file")
        size, most = file.stat().st_size, limits.bytes_of(DATA_BYTES)
        file.open("rb").close()  # zipfile takes a file that may not be read for one of another kind
    if size == 0:
        raise DataError(f"{path}: the file is empty; give one with arrays or columns x and y")
    if size > most:
        raise DataError(
            f"{path}: {size} bytes, above the limit of {most}; use fewer rows, or {raise_it('file_size', size)}"
        )
    return file


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Turn what the readers raise on damaged files into one line; the cause stays attached."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno is None:  # a reader's own word for damage
            raise DataError(f"{path}: cannot be read ({one_line(error)}); write the file again") from error
        raise DataError(f"{path}: cannot be read ({error.strerror or one_line(error)}); {advice(error)}") from error
    except READING_ERRORS as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}); write the file again") from error


class _Lines:
    """The lines of a text file for the csv reader, with a bound on a row, which may take several of them.

    length: characters since the reader's user set it to 0.
    """

    def __init__(self, file: TextIOBase, path: str | Path) -> None:
        self.length = 0
        self._file, self._path = file, path

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MAX_ROW):
            self.length += len(line)
            if self.length >= MAX_ROW:
                raise DataError(
                    f"{self._path}: a row is above {MAX_ROW} characters, a hard limit; save such wide data as .npz"
                )
            yield line


def _place_of(rows_of: str | None, header: list[str], path: str | Path) -> int | None:
    """Position of the column that names the units of rows; None where none was asked for."""
    if rows_of is None:
        return None
    refuse_column_of_rows(rows_of, [name for name in header if COLUMN.fullmatch(name)], path)
    unknown_column(rows_of, header, path)
    if header.count(rows_of) > 1:
        raise DataError(f"{path}: column {quoted(rows_of)} is given twice; keep one of them")
    return header.index(rows_of)


def _column_order(header: list[str], path: str | Path) -> dict[str, list[int]]:
    """For "x" and for "y", the positions in the header of their columns 0, 1, ..."""
    positions: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for position, name in enumerate(header):
        match = COLUMN.fullmatch(name)
        if match is None:
            raise DataError(
                f"{path}: unknown column {quoted(name)}; {COLUMNS_WANTED}; a column that says "
                f"which rows belong together is named with --rows-of; {_renaming(header, path)}"
            )
        key, number = match[1], int(match[2])
        if number in positions[key]:
            raise DataError(f"{path}: column {quoted(name)} is given twice; {COLUMNS_WANTED}")
        positions[key][number] = position
    for key, found in positions.items():
        missing = next(number for number in range(len(found) + 1) if number not in found)
        if missing == 0 or missing < len(found):
            raise DataError(f"{path}: no column '{key}{missing}'; {COLUMNS_WANTED}")
    return {key: [found[number] for number in range(len(found))] for key, found in positions.items()}


def _renaming(header: list[str], path: str | Path) -> str:
    """How to rename columns that have names of their own: a command that replaces the header, the last one as y0."""
    new = ",".join([*(f"x{k}" for k in range(len(header) - 1)), "y0"])
    old, written = (repr(str(p)) for p in (path, Path(path).with_name(f"{Path(path).stem}_xy.csv")))
    if len(header) > MAX_SHOWN:
        header = [*header[: MAX_SHOWN - 1], "...", header[-1]]
        new = f"' + ','.join(f'x{{i}}' for i in range({new.count(',')})) + ',y0"
    names = visible(", ".join(header)[:MAX_NAMES])
    return (
        f"names such as these ({names}) are not supported yet. Rename them in Python, here with the last as the label: "
        f"from pathlib import Path; rows = Path({visible(old)}).read_text('utf-8-sig').split('\\n', 1)[1]; "
        f"Path({visible(written)}).write_text('{new}\\n' + rows, 'utf-8')"
    )


def _csv_row(cells: list[str], header: list[str], line: int, path: str | Path, is_first: bool) -> list[float]:
    """The numbers of a row; labels are classes where the first row has words, not where a word follows numbers."""
    if len(cells) != len(header):
        raise DataError(f"{path}: line {line} has {len(cells)} cells, the header has {len(header)}; make them equal")
    try:
        if FOREIGN.search(",".join(cells)) is None:
            return [float(cell) for cell in cells]
        raise ValueError
    except ValueError:
        column = next(index for index, cell in enumerate(cells) if not _is_number(cell))
        name, word = header[column], cells[column].strip()
        if is_first and name.startswith("y") and word[:1].isalpha() and word.lower() not in MISSING:
            raise DataError(f"{path}: {name} holds words ({quoted(word)}); {_one_hot(path, name)}") from None
        raise DataError(
            f"{path}: {quoted(cells[column])} on line {line}, column {quoted(header[column])}, is not a number; "
            f"{_cell_advice(cells[column])}"
        ) from None


def _cell_advice(cell: str) -> str:
    """How to mend a cell: one that some language takes for a finite number is only written in another way."""
    try:
        is_spelling = math.isfinite(float(cell))
    except ValueError:
        is_spelling = False
    return "write it in the digits 0 to 9, such as 1200.5" if is_spelling else "remove that line or fill the value in"


def _one_hot(path: str | Path, column: str) -> str:
    """What to do with labels that are words, as an end of a sentence."""
    read, written = (repr(str(p)) for p in (path, Path(path).with_suffix(".npz")))
    return (
        f"{WORDS} (in Python, with numpy as np: "
        f"t = np.genfromtxt({visible(read)}, delimiter=',', names=True, dtype=None, encoding='utf-8-sig'); "
        f"codes = np.unique(t['{column}'], return_inverse=True)[1]; "
        f"np.savez({visible(written)}, x=np.stack([t[n] for n in t.dtype.names if n[0] == 'x'], 1), "
        f"y=np.eye(codes.max() + 1)[codes]))"
    )


def _is_number(cell: str) -> bool:
    """Whether a cell is a number as files have them; Python would take 1_000, words, and digits of all scripts, too."""
    try:
        float(cell)
    except ValueError:
        return False
    return FOREIGN.search(cell) is None


def _refuse_types(schema: Any, path: str | Path, kept: list[int]) -> None:
    """Refuse the first of the columns `kept` that holds no numbers; nothing else is unpacked."""
    from pyarrow import types

    for name, kind in ((schema.names[k], schema.types[k]) for k in kept):
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise DataError(f"{path}: column {quoted(name)} has type {kind}; make it numeric")


def _unpacked_bytes(metadata: Any) -> int:
    """What a parquet file declares to hold: the larger of its numbers as float64 and of its pages."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    pages = sum(group.total_byte_size for group in groups)
    return int(max(rows * metadata.num_columns * FLOAT_BYTES, pages))


def _split(table: FloatArray, order: Mapping[str, list[int]], path: str | Path) -> tuple[FloatArray, FloatArray]:
    return check_arrays(table[:, order["x"]], table[:, order["y"]], str(path))
