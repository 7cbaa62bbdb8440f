"""Rows as they are held in Python, as numpy arrays with names: frames of pandas and polars, tensors, arrays, lists.

No such library is imported: the type of a value tells which one it comes from. `data_formats` reads files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.datasets.tables import Table
from sharefind.datasets.task import NUMERIC_KINDS
from sharefind.errors import DataError, DataTypeError, one_line, quoted

CLASSES_ELSEWHERE = "; where they are classes, use SharingClassifier"
"""The end of a message about labels that are no numbers."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The user's X or y, with the names of its columns.

    Attributes:
        values: An array of any type, shape (n, ...); what no array can be made of, as it was given.
        names: Names of the columns; empty where they have none.
    """

    values: Any
    names: tuple[str, ...] = ()

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return tuple(np.shape(self.values)[1:])


@dataclass(frozen=True, eq=False)
class _Column:
    """A column of a frame.

    Attributes:
        values: Shape (n,), of any type.
        missing: How many of them the frame calls missing; a NaN of a column of floats is none of these.
        is_category: Whether they are categories, whatever these look like.
    """

    values: NDArray[Any]
    missing: int
    is_category: bool


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame, or a single column without a second dimension."""

    names: tuple[Any, ...]
    columns: tuple[_Column, ...]
    is_flat: bool


def library_of(value: Any) -> str | None:
    """Return the name of a library with rows of its own kind, such as pandas, that a value comes from; None for other
    values.

    Args:
        value: Any value.
    """
    roots = (kind.__module__.partition(".")[0] for kind in type(value).__mro__)
    return next((root for root in roots if root in READERS), None)


def has_names(value: Any) -> bool:
    """Return whether a value is a frame, whose columns have names.

    Args:
        value: Any value.
    """
    return library_of(value) is not None and hasattr(value, "columns")


def table_of(value: Any, name: str) -> Table:
    """Return the columns of a frame unchanged, words and categories included.

    Args:
        value: A frame of pandas or polars, or one of its columns.
        name: Its name in messages.

    Raises:
        DataError: A column has no name, or two have the same.
    """
    frame = _read(value, name)
    names = _checked_names(frame.names, name) or tuple(map(str, frame.names))
    return Table(dict(zip(names, (column.values for column in frame.columns), strict=True)))


def numbers_of(value: Any, name: str) -> Columns:
    """Rows of real numbers.

    Args:
        value: A frame, a column of one, a tensor, an array, or what numpy makes an array of.
        name: Its name in messages, X or y.

    Returns:
        The numbers with the names of the columns.

    Raises:
        DataTypeError: They are sparse, complex, text, categories or dates.
        DataError: Values are missing or masked, or two columns have one name.
    """
    read = _read(value, name)
    if not isinstance(read, _Frame):
        refuse_no_numbers(read, name)
        return Columns(_as_array(read))
    names = _checked_names(read.names, name)
    places = [name if read.is_flat else f"{name} column {quoted(key)}" for key in read.names]
    columns = [_column_numbers(*pair) for pair in zip(read.columns, places, strict=True)]
    if read.is_flat:
        return Columns(columns[0], names)
    return Columns(np.column_stack(columns) if columns else np.empty((len(value), 0)), names)


def labels_of(value: Any, name: str) -> Columns:
    """Labels of classes, of any type.

    Args:
        value: As in `numbers_of`.
        name: Its name in messages.

    Returns:
        One label a row, shape (n,), or (n, k) where k columns were given.

    Raises:
        DataTypeError: They are sparse.
        DataError: A label is missing or infinite.
    """
    read = _read(value, name)
    if isinstance(read, _Frame):
        names = _checked_names(read.names, name)
        values = [column.values for column in read.columns]
        missing = sum(column.missing for column in read.columns)
        read = values[0] if read.is_flat else np.column_stack(values)
    else:
        names, missing = (), 0
        if scipy.sparse.issparse(read):
            raise DataTypeError(f"{name} is a sparse matrix, and dense data are needed; give {name}.toarray()")
        read = _as_array(read)
    row = next((k for k, label in enumerate(np.ravel(read)) if _is_missing(label)), None)
    if missing or row is not None:
        where = "" if row is None else f", the first in row {row} (counted from 0)"
        raise DataError(f"{name} has rows without a label (None or NaN){where}; drop these rows")
    infinite = next((k for k, label in enumerate(np.ravel(read)) if label in (np.inf, -np.inf)), None)
    if infinite is not None:
        raise DataError(f"{name} is infinite in row {infinite} (counted from 0), which is no class; drop that row")
    return Columns(read, names)


def _is_missing(label: Any) -> bool:
    """Whether there is no label; pandas' NA is not even equal to itself, nor unequal."""
    if label is None:
        return True
    differs = label != label
    return not isinstance(differs, bool | np.bool_) or bool(differs)


def refuse_not_finite(values: NDArray[Any], name: str, names: tuple[str, ...] = ()) -> None:
    """Refuse NaN and infinities, with the place of the first one.

    Args:
        values: Numbers, shape (n, d) or (n,).
        name: Their name in messages.
        names: Names of the columns; empty where they have none.

    Raises:
        DataError: A value is not finite.
    """
    bad = np.argwhere(~np.isfinite(values))
    if len(bad) == 0:
        return
    row, column = int(bad[0][0]), int(bad[0][1]) if values.ndim > 1 else 0
    found = values[tuple(bad[0])]
    what = "NaN" if np.isnan(found) else f"{'-' if found < 0 else ''}infinity"
    place = f", column {quoted(names[column]) if names else column}" if values.ndim > 1 else ""
    raise DataError(
        f"{name} is {what} in row {row}{place} (rows and columns count from 0); drop that row, or fill the value in, "
        "such as with sklearn.impute.SimpleImputer"
    )


def refuse_no_numbers(values: Any, name: str) -> None:
    """Refuse rows that would become real numbers silently or not at all: sparse, complex, text, dates, masked values.

    Args:
        values: X or y of the user; scikit-learn checks None and values that are no array.
        name: Its name in messages.

    Raises:
        DataTypeError: They are of another type.
        DataError: Values are masked.
    """
    if scipy.sparse.issparse(values):
        raise DataTypeError(f"{name} is a sparse matrix, and dense data are needed; give {name}.toarray()")
    masked = np.count_nonzero(np.ma.getmaskarray(values)) if isinstance(values, np.ma.MaskedArray) else 0
    if masked:
        what = f"{name} has {masked} masked values, which have no number"
        raise DataError(f"{what}; fill them in with {name}.filled(...), or drop those rows")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError):
        return
    kind = array.dtype.kind
    if kind == "c":
        what = f"Complex data not supported: {name} has dtype {array.dtype}"
        raise DataTypeError(f"{what}; give real numbers, such as the real and the imaginary parts as columns")
    if kind not in (*NUMERIC_KINDS, "O"):
        raise DataTypeError(f"{name} has dtype {array.dtype}, which is not real numbers; {_remedy(name)}")
    if kind == "O" and array.ndim and values is not None:
        _refuse_objects(array, name)


def _refuse_objects(array: NDArray[Any], name: str) -> None:
    """Python objects are fine where each is a number; texts that look like one are none."""
    for value in array.flat:
        if isinstance(value, str | bytes):
            raise DataTypeError(f"{name} holds the text {quoted(value)}, not a number; {_remedy(name)}")
        try:
            float(value)
        except (ValueError, TypeError) as error:
            raise DataTypeError(
                f"{name} holds a value that is not a real number ({one_line(error)}); give floats"
            ) from None


def _remedy(name: str) -> str:
    """Advice about text: labels may be classes, columns of X may be encoded."""
    if name == "y":
        return f"convert it to floats{CLASSES_ELSEWHERE}"
    if " column " in name:
        return "convert it to floats, or encode it with a ColumnTransformer and a OneHotEncoder in front"
    return "convert it to floats"


def _column_numbers(column: _Column, name: str) -> NDArray[np.float64]:
    """A column of a frame as floats, shape (n,)."""
    if column.is_category:
        raise DataTypeError(f"{name} holds categories, not numbers; {_remedy(name)}")
    if column.missing:
        what = f"{name} has {column.missing} missing values (NaN)"
        raise DataError(f"{what}; drop these rows, or fill them in, such as with sklearn.impute.SimpleImputer")
    refuse_no_numbers(column.values, name)
    return np.asarray(column.values, dtype=np.float64)


def _checked_names(names: tuple[Any, ...], name: str) -> tuple[str, ...]:
    """The names, if all of them are words.

    Raises:
        DataError: A name is empty, or two columns have the same.
    """
    if not names or not all(isinstance(key, str) for key in names):
        return ()
    seen: set[str] = set()
    for place, key in enumerate(names):
        if not key.strip():
            raise DataError(f"{name} has a column without a name, number {place} (counted from 0); give it one")
        if key in seen:
            raise DataError(f"{name} has two columns called {quoted(key)}; rename one of them, or drop it")
        seen.add(key)
    return tuple(names)


def _as_array(value: Any) -> Any:
    """A numpy array of a value; the value itself where numpy refuses it."""
    if value is None:
        return None
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        return value


def _read(value: Any, name: str) -> Any:
    library = library_of(value)
    return value if library is None else READERS[library](value, name)


def _of_pandas(value: Any, name: str) -> Any:
    if hasattr(value, "columns"):
        columns = tuple(_pandas_column(value.iloc[:, place]) for place in range(value.shape[1]))
        return _Frame(tuple(value.columns), columns, is_flat=False)
    if not hasattr(value, "iloc"):
        return np.asarray(value)
    return _Frame((value.name,), (_pandas_column(value),), is_flat=True)


def _pandas_column(column: Any) -> _Column:
    is_own = not isinstance(column.dtype, np.dtype)
    is_category = is_own and hasattr(column.dtype, "categories")
    missing = int(column.isna().sum()) if is_own or column.dtype == object else 0
    return _Column(np.asarray(column) if is_category else column.to_numpy(), missing, is_category)


def _of_polars(value: Any, name: str) -> Any:
    if hasattr(value, "collect"):
        raise DataTypeError(f"{name} is a polars {type(value).__name__}, whose rows are not there yet; give .collect()")
    if hasattr(value, "columns"):
        return _Frame(tuple(value.columns), tuple(map(_polars_column, _series_of(value))), is_flat=False)
    return _Frame((value.name or None,), (_polars_column(value),), is_flat=True)


def _series_of(frame: Any) -> Iterator[Any]:
    return (frame[name] for name in frame.columns)


def _polars_column(column: Any) -> _Column:
    is_category = type(column.dtype).__name__ in ("Categorical", "Enum")
    return _Column(column.to_numpy(), int(column.null_count()), is_category)


def _of_torch(value: Any, name: str) -> Any:
    """A tensor as an array, apart from its graph, wherever it lies."""
    if not hasattr(value, "numpy"):
        return value
    if str(value.layout) != "torch.strided":
        raise DataTypeError(f"{name} is a sparse tensor, and dense data are needed; give {name}.to_dense()")
    return (value.double() if value.is_floating_point() else value).numpy(force=True)


READERS: MappingProxyType[str, Callable[[Any, str], Any]] = MappingProxyType(
    {"pandas": _of_pandas, "polars": _of_polars, "torch": _of_torch}
)
"""Libraries whose values are read in a way of their own: the module's name -> (value, what it is called) -> rows."""
