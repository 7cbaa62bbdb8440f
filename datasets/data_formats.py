"""The formats of data files, a line each, and the one way in which all of them are read.

Nothing is ever unpickled, and every refusal is one line. Sizes are checked before anything is read or unpacked, those
that a file declares as well as its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sharefind.datasets.csv_file import CSV
from sharefind.datasets.data_file import DEFAULT_GUARDS, DataFile, DataFormat, Guards
from sharefind.datasets.npz_file import NPZ
from sharefind.datasets.parquet_file import PARQUET
from sharefind.datasets.row_keys import unit_numbers
from sharefind.datasets.task import check_arrays
from sharefind.errors import DataError, one_line
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.storage import advice
from sharefind.typing import FloatArray, IntArray

FORMATS = (NPZ, CSV, PARQUET)
"""All formats, in the order in which people are told of them."""

DAMAGE = (EOFError, MemoryError, RuntimeError, ValueError)
"""What any reader raises on files that are damaged, encrypted, or declare more than memory holds."""


Pair = tuple[FloatArray, FloatArray]
"""x (n, d_in) and y (n, d_out)."""


def any_file() -> str:
    """Words for a file that can be read: "an .npz, .csv or .parquet file"."""
    *first, last = (kind.suffix for kind in FORMATS)
    return f"an {', '.join(first)} or {last} file"


def format_of(path: str | Path) -> DataFormat | None:
    """The format of a file, told by its ending; None where no format has it."""
    suffix = Path(path).suffix.lower()
    return next((kind for kind in FORMATS if kind.suffix == suffix), None)


def read_file(
    kind: DataFormat,
    path: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    rows_of: str | None = None,
    guards: Guards = DEFAULT_GUARDS,
) -> tuple[FloatArray, FloatArray, IntArray | None]:
    """Read x (n, d_in), y (n, d_out) and the units of rows (n,), which are None where no column names them.

    Args:
        kind: The format of the file, whatever its name.
        path: The file.
        limits: `file_size` bounds the file, also unpacked.
        rows_of: The column (of an .npz file: the array) whose values name the unit of each row.
        guards: Bounds that no setting lifts.

    Raises:
        DataError: The file cannot be read, is above the limits or packed like a bomb; a package is missing; a column
            is missing, unknown, given twice or not numeric; or the values fail `check_arrays` or `unit_numbers`.
    """
    file = DataFile(path, limits, guards)
    with _one_line(kind, file):
        _check_file(file)
        x, y, named = kind.read(file, rows_of)
        x, y = check_arrays(x, y, str(path))
        return x, y, None if named is None else unit_numbers(named, len(x), f"{path}: {rows_of}")


def load_npz(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read the arrays `x` (n, d_in) and `y` (n, d_out) of an .npz file, as float64.

    Raises:
        DataError: As in `read_file`.
    """
    return read_file(NPZ, path, limits, guards=guards)[:2]


def load_csv(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read a .csv file: columns x0, x1, ... give x (n, d_in), y0, ... give y (n, d_out), as float64.

    UTF-8, cells separated by commas, one header line, columns in any order.

    Raises:
        DataError: As in `read_file`.
    """
    return read_file(CSV, path, limits, guards=guards)[:2]


def load_parquet(path: str | Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = DEFAULT_GUARDS) -> Pair:
    """Read a .parquet file: numeric columns x0.. give x (n, d_in), y0.. give y (n, d_out), as float64.

    Raises:
        DataError: As in `read_file`.
    """
    return read_file(PARQUET, path, limits, guards=guards)[:2]


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
    except damage as error:
        raise file.refused(f"cannot be read ({one_line(error)}); write the file again") from error
