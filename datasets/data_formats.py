"""The formats of data files, a line each, and the one way in which all of them are read.

Nothing is ever unpickled, and every refusal is one line. Sizes are checked before anything is read or unpacked: the
size of the file, and the sizes that it declares.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sharefind.datasets.column_choice import Columns
from sharefind.datasets.csv_file import CSV
from sharefind.datasets.data_file import DEFAULT_GUARDS, DataFile, DataFormat, Guards, Wanted
from sharefind.datasets.feather_file import FEATHER
from sharefind.datasets.npy_file import NPY
from sharefind.datasets.npz_file import NPZ
from sharefind.datasets.parquet_file import PARQUET
from sharefind.datasets.roles import Roles
from sharefind.datasets.selection import Selection, select, select_all
from sharefind.datasets.table_task import table_arrays
from sharefind.datasets.tables import Table
from sharefind.datasets.task import check_arrays
from sharefind.errors import DataError, one_line, setting
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.storage import advice
from sharefind.typing import FloatArray

FORMATS = (NPZ, CSV, PARQUET, NPY, FEATHER)
"""All formats, in the order in which messages list them."""

DAMAGE = (EOFError, MemoryError, RuntimeError, ValueError)
"""Exceptions of any reader on files that are damaged, encrypted, or declare more than memory holds."""


Pair = tuple[FloatArray, FloatArray]
"""x (n, d_in) and y (n, d_out)."""


def any_file() -> str:
    """Return words for a file that can be read: "an .npz, .csv or .parquet file"."""
    *first, last = (kind.suffix for kind in FORMATS)
    return f"an {', '.join(first)} or {last} file"


def format_of(path: str | Path) -> DataFormat | None:
    """Return the format that the ending of a file names; None where no format has it.

    Args:
        path: The file.
    """
    suffix = Path(path).suffix.lower()
    return next((kind for kind in FORMATS if kind.suffix == suffix), None)


def read_table(path: str | Path, limits: Limits = DEFAULT_LIMITS, roles: Roles | None = None) -> Table:
    """Read the columns (arrays) of a file that roles name, or all but the dropped ones where roles name none.

    Args:
        path: The file; its ending says how it is read.
        limits: `file_size` bounds the file, also unpacked.
        roles: Roles of the columns.

    Returns:
        The columns.

    Raises:
        DataError: As in `read_columns`, or no format has the ending.
    """
    kind = format_of(path)
    if kind is None:
        raise DataError(f"{path}: not a kind of file that sharefind reads; give {any_file()}")
    return read_columns(kind, path, limits, roles, select=select_all)


def read_columns(
    kind: DataFormat,
    path: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    roles: Roles | None = None,
    guards: Guards = DEFAULT_GUARDS,
    select: Callable[[Columns, Roles], Selection] = select,
) -> Table:
    """Read the columns of a file that roles choose, and no others.

    Args:
        kind: The format of the file, whatever its name.
        path: The file.
        limits: `file_size` bounds the file, also unpacked.
        roles: Roles of the columns.
        guards: Bounds that no setting lifts.
        select: Chooses these columns.

    Returns:
        The columns.

    Raises:
        DataError: The file cannot be read, is above the limits or packed like a bomb; a package is missing; roles do
            not fit the columns; a cell is missing, or is no number in a column of numbers.
    """
    roles = roles or Roles()
    file = DataFile(path, limits, guards, roles.delimiter, roles.decimal)
    _refuse_text_settings(kind, file)
    with _one_line(kind, file):
        _check_file(file)
        found = kind.read(file, lambda header: _wanted(select(_columns(header, kind, file), roles), roles))
    columns = _columns(found.header, kind, file)
    by_name = {columns.name(k): values for k, values in sorted(found.values.items())}
    return Table(by_name, found.header, str(path), kind.is_archive)


def load_npz(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read the arrays `x` (n, d_in) and `y` (n, d_out) of an .npz file, as float64.

    Words in y become a column for each class; whole numbers stay numbers.

    Args:
        path: The file.
        limits: `file_size` bounds the file, also unpacked.
        guards: Bounds that no setting lifts.

    Returns:
        x and y.

    Raises:
        DataError: As in `read_columns` and `table_arrays`.
    """
    return _pair(NPZ, path, limits, guards)


def load_csv(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read a .csv file: columns x0, x1, ... give x (n, d_in), y0, ... give y (n, d_out), as float64.

    UTF-8, one header line, columns in any order. Words in y0 become a column for each class; whole numbers stay
    numbers.

    Args:
        path: The file.
        limits: `file_size` bounds the file, also unpacked.
        guards: Bounds that no setting lifts.

    Returns:
        x and y.

    Raises:
        DataError: As in `read_columns` and `table_arrays`.
    """
    return _pair(CSV, path, limits, guards)


def load_parquet(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read a .parquet file: numeric columns x0.. give x (n, d_in), y0.. give y (n, d_out), as float64.

    Words in y0 become a column for each class; whole numbers stay numbers.

    Args:
        path: The file.
        limits: `file_size` bounds the file, also unpacked.
        guards: Bounds that no setting lifts.

    Returns:
        x and y.

    Raises:
        DataError: As in `read_columns` and `table_arrays`.
    """
    return _pair(PARQUET, path, limits, guards)


def _pair(kind: DataFormat, path: str | Path, limits: Limits, guards: Guards) -> Pair:
    sides = table_arrays(read_columns(kind, path, limits, guards=guards), Roles(), is_asking=False)
    return check_arrays(sides.x.values, sides.y.values, str(path))


def _columns(header: Sequence[str], kind: DataFormat, file: DataFile) -> Columns:
    return Columns(header, str(file.name), "array" if kind.is_archive else "column")


def _wanted(found: Selection, roles: Roles) -> Wanted:
    """The selected columns, as a reader needs them."""
    numbers = {*found.inputs} - {*found.categorical}
    text = {*found.categorical, *(found.outputs if roles.labels == "classes" and len(found.outputs) == 1 else ())}
    return Wanted(found.positions, frozenset(numbers), frozenset(text), found.units, frozenset(found.others))


def _refuse_text_settings(kind: DataFormat, file: DataFile) -> None:
    for name, value in (("delimiter", file.delimiter), ("decimal", file.decimal)):
        if value is not None and not kind.is_text:
            texts = " or ".join(other.suffix for other in FORMATS if other.is_text)
            raise file.refused(f"{setting(name)} is for {texts} files, and this is {kind.suffix}; leave it out")


def _check_file(file: DataFile) -> None:
    path = file.path
    if not path.exists():
        raise file.refused(f"no such file; give the path of {any_file()}")
    if not path.is_file():
        what = "a folder, not a file" if path.is_dir() else "not a file"
        raise file.refused(f"{what}; give the path of {any_file()}")
    size = path.stat().st_size
    path.open("rb").close()  # zipfile takes a file that may not be read for one of another kind
    if size == 0:
        raise file.refused("the file is empty; give one with arrays or columns x and y")
    if size > file.most:
        raise file.refused(
            f"{size} bytes, above the limit of {file.most}; use fewer rows, or {raise_it('file_size', size)}"
        )


@contextmanager
def _one_line(kind: DataFormat, file: DataFile) -> Iterator[None]:
    """Turn what the readers raise on damaged files, and without their package, into one line; the cause stays."""
    damage: tuple[type[Exception], ...] = (*DAMAGE, *kind.damage)
    try:
        yield
    except DataError:
        raise
    except ImportError as error:
        plain = " or ".join(other.suffix for other in FORMATS if other.package is None)
        how = f"install it with pip install 'sharefind[{kind.extra}]', or save the data as {plain}"
        raise file.refused(f"reading {kind.suffix} needs {kind.package}; {how}") from error
    except OSError as error:
        if error.errno is None:  # a reader's own word for damage
            raise file.refused(f"cannot be read ({one_line(error)}); write the file again") from error
        raise file.refused(f"cannot be read ({error.strerror or one_line(error)}); {advice(error)}") from error
    except UnicodeDecodeError as error:
        raise file.refused(f"is not written in UTF-8 ({one_line(error)}); save it in that encoding") from error
    except damage as error:
        raise file.refused(f"cannot be read ({one_line(error)}); write the file again") from error
