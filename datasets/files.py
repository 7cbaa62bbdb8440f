"""Data sets from files: .npz, .csv and .parquet. Nothing is ever unpickled, and every refusal is one line.

Sizes are checked before anything is read or unpacked, those that a file declares as well as its own. How an .npz
archive is opened is in `archives`; what the values must be like is decided by `task.check_arrays`.
"""

import csv
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

from sharefind.datasets.archives import npz_arrays, refuse_unpacked
from sharefind.datasets.task import WORDS, FloatArray, check_arrays
from sharefind.errors import DataError, one_line, quoted, visible
from sharefind.formats import ENCODING
from sharefind.limits import DATA_BYTES, DEFAULT_LIMITS, Limits, raise_it

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]*)")
# What the readers raise on files that are damaged, encrypted, or declare more than memory holds.
READING_ERRORS = (
    EOFError,
    MemoryError,
    OSError,
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


def load_npz(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read the arrays `x` (n, d_in) and `y` (n, d_out) of an .npz file, as float64.

    Raises:
        DataError: the file cannot be read, is above the limits or unpacks to more, is no .npz file, lacks a key,
            holds objects (pickles), or fails `check_arrays`.
    """
    source = _existing_file(path, limits)
    if not zipfile.is_zipfile(source):
        raise DataError(f"{path}: not an .npz file; write it with numpy.savez(path, x=x, y=y)")
    with _reading(path):
        x, y = npz_arrays(source, path, limits)
    return check_arrays(x, y, str(path))


def load_csv(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read a .csv file: columns x0, x1, ... give x (n, d_in), y0, ... give y (n, d_out), as float64.

    UTF-8, cells separated by commas, one header line, columns in any order.

    Raises:
        DataError: the file cannot be read or is above the limits, a column is missing, unknown or given twice, a
            line has too few or too many cells, a cell is not a number, or the values fail `check_arrays`.
    """
    source = _existing_file(path, limits)
    most = limits.bytes_of(DATA_BYTES) // FLOAT_BYTES
    values = array("d")
    with _reading(path), source.open(newline="", encoding=ENCODING) as file:
        lines = _Lines(file, path)
        rows = csv.reader(lines, strict=True)
        header = [name.strip() for name in next(rows, [])]
        order = _column_order(header, path)
        for cells in rows:
            if cells:
                values.extend(_csv_row(cells, header, rows.line_num, path))
            if len(values) > most:
                raise DataError(
                    f"{path}: above {most} numbers by line {rows.line_num}; use fewer rows, or {raise_it('file_size')}"
                )
            lines.length = 0
    if not values:
        raise DataError(f"{path}: a header and no rows; give at least one row")
    return _split(np.frombuffer(values).reshape(-1, len(header)), order, path)


def load_parquet(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> tuple[FloatArray, FloatArray]:
    """Read a .parquet file: numeric columns x0.. give x (n, d_in), y0.. give y (n, d_out), as float64.

    Raises:
        DataError: pyarrow is not installed, the file cannot be read, is above the limits or unpacks to more, a
            column is missing, unknown, given twice or not numeric, or the values fail `check_arrays`.
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
        order = _column_order(list(schema.names), path)
        _refuse_types(schema, path)
        refuse_unpacked(_unpacked_bytes(file.metadata), path, limits)
        table = file.read()
    columns = [table.column(index).to_numpy().astype(np.float64) for index in range(len(schema.names))]
    return _split(np.stack(columns, axis=1), order, path)


def _existing_file(path: str | Path, limits: Limits) -> Path:
    file = Path(path)
    if not file.exists():
        raise DataError(f"{path}: no such file; give the path of an .npz, .csv or .parquet file")
    if not file.is_file():
        raise DataError(f"{path}: not a file; give the path of an .npz, .csv or .parquet file")
    size, most = file.stat().st_size, limits.bytes_of(DATA_BYTES)
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


def _column_order(header: list[str], path: str | Path) -> dict[str, list[int]]:
    """For "x" and for "y", the positions in the header of their columns 0, 1, ..."""
    positions: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for position, name in enumerate(header):
        match = COLUMN.fullmatch(name)
        if match is None:
            raise DataError(f"{path}: unknown column {quoted(name)}; {COLUMNS_WANTED}; {_renaming(header, path)}")
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


def _csv_row(cells: list[str], header: list[str], line: int, path: str | Path) -> list[float]:
    if len(cells) != len(header):
        raise DataError(f"{path}: line {line} has {len(cells)} cells, the header has {len(header)}; make them equal")
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        column = next(index for index, cell in enumerate(cells) if not _is_number(cell))
        name, word = header[column], cells[column].strip()
        if name.startswith("y") and word[:1].isalpha() and word.lower() not in MISSING:
            raise DataError(f"{path}: {name} holds words ({quoted(word)}); {_one_hot(path, name)}") from None
        raise DataError(
            f"{path}: {quoted(cells[column])} on line {line}, column {quoted(header[column])}, is not a number; "
            "remove that line or fill the value in"
        ) from None


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
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _refuse_types(schema: Any, path: str | Path) -> None:
    """Refuse the first column that holds no numbers; nothing else is unpacked."""
    from pyarrow import types

    for name, kind in zip(schema.names, schema.types, strict=True):
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
