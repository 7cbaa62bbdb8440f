"""Which rows belong together: values of any kind, one a row, become numbers of units."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sharefind.errors import DataError, quoted
from sharefind.typing import IntArray


def unit_numbers(values: ArrayLike, n: int, source: str) -> IntArray:
    """Numbers of the units that values name: rows with one value are one unit.

    Args:
        values: (n,) or (n, 1); integers, floats, words, dates, or a mixture.
        n: rows of x and y.
        source: opens every message.

    Returns:
        (n,), int64, read-only, numbered from 0 in the order in which units first occur.

    Raises:
        DataError: another length or shape, a missing value (None, NaN, an empty word), or fewer than two units.
    """
    listed = _listed(values, n, source)
    numbers: dict[Any, int] = {}
    units = np.empty(n, dtype=np.int64)
    for row, value in enumerate(listed):
        if _is_missing(value):
            raise DataError(
                f"{source}: no value in row {row} (counted from 0); every row needs one, such as a number of its own"
            )
        units[row] = numbers.setdefault(value, len(numbers))
    if len(numbers) < 2:
        raise DataError(
            f"{source}: all {n} rows have the value {quoted(listed[0])} and so are one unit, with which nothing can be "
            "tested; name a column with 2 values or more"
        )
    units.flags.writeable = False
    return units


def _listed(values: ArrayLike, n: int, source: str) -> list[Any]:
    """One value a row, as Python's own types."""
    if isinstance(values, (list, tuple)):
        listed = list(values)
    else:
        array = np.asarray(values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise DataError(f"{source}: shape {array.shape}; give one value for each row, ({n},)")
        listed = array.tolist()
    if len(listed) != n:
        raise DataError(f"{source}: {len(listed)} values for {n} rows; give one value for each row")
    if any(isinstance(value, (list, dict, set, np.ndarray)) for value in listed):
        raise DataError(f"{source}: a row has several values; give one number or word for each row")
    return listed


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT, or a word without letters."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return bool(value != value)
