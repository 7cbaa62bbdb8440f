"""Data sets from files: .npz, .csv and .parquet. Nothing is ever unpickled, and every refusal is one line.

What the values must be like is decided by `task.check_arrays`; this module only reads.
"""

import csv
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.task import FloatArray, check_arrays
from sharefind.errors import DataError

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
COLUMNS_WANTED = "columns must be named x0, x1, ... and y0, y1, ..."


def load_npz(path: str | Path) -> tuple[FloatArray, FloatArray]:
    """Read the arrays `x` (n, d_in) and `y` (n, d_out) of an .npz file, as float64.

    Raises:
        DataError: the file cannot be read, is no .npz file, lacks a key, holds objects (pickles), or fails
            `check_arrays`.
    """
    source = _existing_file(path)
    if not zipfile.is_zipfile(source):
        raise DataError(f"{path}: not an .npz file; write it with numpy.savez(path, x=x, y=y)")
    with _reading(path), np.load(source, allow_pickle=False) as arrays:
        x, y = _npz_array(arrays, "x", path), _npz_array(arrays, "y", path)
    return check_arrays(x, y, str(path))


def load_csv(path: str | Path) -> tuple[FloatArray, FloatArray]:
    """Read a .csv file: columns x0, x1, ... give x (n, d_in), y0, ... give y (n, d_out), as float64.

    UTF-8, cells separated by commas, one header line, columns in any order.

    Raises:
        DataError: the file cannot be read, a column is missing, unknown or given twice, a line has too few or
            too many cells, a cell is not a number, or the values fail `check_arrays`.
    """
    source = _existing_file(path)
    with _reading(path), source.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, strict=True)
        header = [name.strip() for name in next(lines, [])]
        order = _column_order(header, path)
        rows = [_csv_row(cells, header, lines.line_num, path) for cells in lines if cells]
    if not rows:
        raise DataError(f"{path}: a header and no rows; give at least one row")
    return _split(np.array(rows), order, path)


def load_parquet(path: str | Path) -> tuple[FloatArray, FloatArray]:
    """Read a .parquet file: numeric columns x0.. give x (n, d_in), y0.. give y (n, d_out), as float64.

    Raises:
        DataError: pyarrow is not installed, the file cannot be read, a column is missing, unknown, given
            twice or not numeric, or the values fail `check_arrays`.
    """
    source = _existing_file(path)
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            f"{path}: reading .parquet needs pyarrow; install it with pip install 'sharefind[parquet]', "
            "or save the data as .npz or .csv"
        ) from error
    with _reading(path):
        table = pyarrow.parquet.read_table(source)
    order = _column_order(list(table.column_names), path)
    columns = [_parquet_column(table, index, path) for index in range(len(table.column_names))]
    return _split(np.stack(columns, axis=1), order, path)


def _existing_file(path: str | Path) -> Path:
    file = Path(path)
    if not file.exists():
        raise DataError(f"{path}: no such file; give the path of an .npz, .csv or .parquet file")
    if not file.is_file():
        raise DataError(f"{path}: not a file; give the path of an .npz, .csv or .parquet file")
    if file.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty; give one with arrays or columns x and y")
    return file


@contextmanager
def _reading(path: str | Path) -> Iterator[None]:
    """Turn what the readers raise on damaged files into one line; the cause stays attached."""
    try:
        yield
    except DataError:
        raise
    except READING_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); write the file again") from error


def _npz_array(arrays: Mapping[str, Any], key: str, path: str | Path) -> NDArray[Any]:
    if key not in arrays:
        found = ", ".join(arrays) or "nothing"
        raise DataError(f"{path}: no array {key!r}, it holds {found}; save it with numpy.savez(path, x=x, y=y)")
    try:
        array: NDArray[Any] = arrays[key]
    except ValueError as error:
        raise DataError(
            f"{path}: {key} cannot be read as plain numbers (object arrays are refused); save it as floats"
        ) from error
    return array


def _column_order(header: list[str], path: str | Path) -> dict[str, list[int]]:
    """For "x" and for "y", the positions in the header of their columns 0, 1, ..."""
    positions: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for position, name in enumerate(header):
        match = COLUMN.fullmatch(name)
        if match is None:
            raise DataError(f"{path}: unknown column {name!r}; {COLUMNS_WANTED}")
        key, number = match[1], int(match[2])
        if number in positions[key]:
            raise DataError(f"{path}: column {name!r} is given twice; {COLUMNS_WANTED}")
        positions[key][number] = position
    for key, found in positions.items():
        missing = next(number for number in range(len(found) + 1) if number not in found)
        if missing == 0 or missing < len(found):
            raise DataError(f"{path}: no column '{key}{missing}'; {COLUMNS_WANTED}")
    return {key: [found[number] for number in range(len(found))] for key, found in positions.items()}


def _csv_row(cells: list[str], header: list[str], line: int, path: str | Path) -> list[float]:
    if len(cells) != len(header):
        raise DataError(f"{path}: line {line} has {len(cells)} cells, the header has {len(header)}; make them equal")
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        column = next(index for index, cell in enumerate(cells) if not _is_number(cell))
        raise DataError(
            f"{path}: {cells[column]!r} on line {line}, column {header[column]!r}, is not a number; "
            "remove that line or fill the value in"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parquet_column(table: Any, index: int, path: str | Path) -> FloatArray:
    column = table.column(index).to_numpy()
    if column.dtype.kind not in "biuf":
        name = table.column_names[index]
        raise DataError(f"{path}: column {name!r} has type {table.schema.types[index]}; make it numeric")
    floats: FloatArray = column.astype(np.float64)
    return floats


def _split(table: FloatArray, order: Mapping[str, list[int]], path: str | Path) -> tuple[FloatArray, FloatArray]:
    return check_arrays(table[:, order["x"]], table[:, order["y"]], str(path))
