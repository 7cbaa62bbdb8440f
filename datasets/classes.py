"""Labels that are classes, and inputs that are categories: columns of 0 and 1, one for each value that occurs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.task import DATE, NUMERIC_KINDS, TEXT_KINDS
from sharefind.errors import DataError, quoted, setting
from sharefind.typing import FloatArray, IntArray

MISSING = frozenset(("", "na", "n/a", "nan", "none", "null", "missing", "inf", "infinity", "<na>", "nat"))
"""Words that stand for a value that was not measured, and for no class."""


@dataclass(frozen=True, eq=False)
class Levels:
    """The different values of a column, sorted: numbers by size, words by their letters.

    Attributes:
        names: Names of the values.
        codes: Which of them each row has, (n,).
    """

    names: tuple[str, ...]
    codes: IntArray

    @property
    def one_hot(self) -> FloatArray:
        """A column for each value, (n, k), 1 in the rows that have it and 0 in the others."""
        return np.eye(len(self.names))[self.codes]


@dataclass(frozen=True)
class FewValues:
    """When a column has few values.

    Attributes:
        classes: Most classes that a label may have.
        categories: Most categories that an input may have.
        asked: Most whole numbers of a label that look like classes.
        rows: Fewest rows for each of these numbers, on average.
    """

    classes: int = 100
    categories: int = 50
    asked: int = 20
    rows: int = 4


FEW = FewValues()


def is_words(values: NDArray[Any]) -> bool:
    """Return whether a column holds words: texts, or objects with a text among them.

    Args:
        values: The column.
    """
    kind = values.dtype.kind
    if kind == "O":
        return any(isinstance(value, str) for value in values.flat)
    return kind in TEXT_KINDS or kind == "T"


def levels_of(values: NDArray[Any], what: str, source: str) -> Levels:
    """Return the different values of a column without missing values.

    Args:
        values: Words, whole or other numbers, or booleans, shape (n,).
        what: Name of the column in messages.
        source: Opens every message.

    Raises:
        DataError: A row has no value, or one that is neither a word nor a number.
    """
    plain = values.tolist()
    _refuse_missing(plain, what, source)
    if values.dtype.kind == "S":
        plain = [word.decode("utf-8", "backslashreplace") for word in plain]
    listed = list(dict.fromkeys(plain))
    odd = next((value for value in listed if not isinstance(value, (str, bool, int, float, np.number))), None)
    if odd is not None:
        raise DataError(f"{source}: {what} holds {quoted(odd)}, which is neither a word nor a number; convert it")
    numbers = _numbers(listed)
    found: list[Any] = [str(value).strip() for value in listed] if numbers is None else list(numbers)
    keys = dict(zip(listed, found, strict=True))
    order = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    codes = np.array([order[keys[value]] for value in plain], dtype=np.int64)
    return Levels(tuple(map(_name, order)), codes)


def categories(values: NDArray[Any], name: str, source: str, few: FewValues = FEW) -> tuple[FloatArray, list[str]]:
    """Return a column of 0 and 1 for each category of an input, and their names, such as "colour=red".

    Args:
        values: The column, shape (n,).
        name: Name of the input.
        source: Opens every message.
        few: How many categories are allowed.

    Raises:
        DataError: A row has no value, values are fractions, or there are too many of them.
    """
    levels = levels_of(values, f"column {quoted(name)}", source)
    broken = next((number for number in _numbers(levels.names) or () if not number.is_integer()), None)
    if broken is not None:
        raise DataError(f"{source}: {quoted(name)} in {setting('categorical')} holds {broken}; leave it a number")
    if len(levels.names) > few.categories or len(levels.names) == len(values) > 1:
        raise DataError(
            f"{source}: {quoted(name)} in {setting('categorical')} has {len(levels.names)} different values in "
            f"{len(values)} rows; at most {few.categories}, and fewer than rows, become columns; merge some, or "
            f"leave it out with {setting('drop')}"
        )
    return levels.one_hot, [f"{name}={level}" for level in levels.names]


def class_levels(values: NDArray[Any], name: str, source: str, few: FewValues = FEW) -> Levels:
    """Return the classes that a column of labels holds.

    Args:
        values: The column, shape (n,).
        name: Name of the column.
        source: Opens every message.
        few: How many classes are allowed.

    Raises:
        DataError: A row has no class, or there are fewer than two classes, or too many.
    """
    if is_words(values) and DATE.match(str(values[0]).strip()):
        raise DataError(
            f"{source}: column {quoted(name)} holds dates or times ({quoted(str(values[0]))}); save them as numbers, "
            "such as seconds since the first row, or choose another label"
        )
    levels = levels_of(values, f"column {quoted(name)}", source)
    count, n = len(levels.names), len(values)
    if count < 2:
        raise DataError(
            f"{source}: all {n} labels {quoted(name)} are {quoted(levels.names[0])}, one class; give rows of two "
            "classes or more"
        )
    if count > few.classes or count > n / 2:
        raise DataError(
            f"{source}: {quoted(name)} has {count} classes in {n} rows; at most {few.classes}, and at most half as "
            f"many as rows, can be learnt; {_no_classes(levels.names)}"
        )
    return levels


def refuse_no_one_hot(y: NDArray[Any], names: Sequence[str], source: str) -> None:
    """Refuse columns that are not one class for each row: 1 in one of them, 0 in the others.

    Args:
        y: The columns, shape (n, k).
        names: Their names.
        source: Opens every message.

    Raises:
        DataError: A row has another entry, no 1, or several.
    """
    wrong = np.flatnonzero(((y != 0) & (y != 1)).any(axis=1) | ((y == 1).sum(axis=1) != 1))
    if len(wrong):
        row = wrong[0]
        held = quoted(", ".join(f"{name}={_name(value)}" for name, value in zip(names, y[row].tolist(), strict=True)))
        raise DataError(
            f"{source}: row {row} (counted from 0) has labels {held}; several columns are classes if each row has 1 in "
            f"one of them and 0 in the others; choose {setting('labels')} accordingly, or one column of classes"
        )


def looks_like_classes(values: NDArray[Any], few: FewValues = FEW) -> int:
    """Return how many classes a column of numbers looks like; 0 where it does not look like classes.

    Few whole numbers look like classes, and 0 and 1 alone.

    Args:
        values: The column, shape (n,).
        few: How many values are few.
    """
    if values.dtype.kind == "b":
        return 2 if len(np.unique(values)) == 2 else 0
    if values.dtype.kind not in NUMERIC_KINDS or not (values == np.rint(values)).all():
        return 0
    found = np.unique(values)
    is_binary = len(found) == 2 and found[0] == 0 and found[1] == 1
    is_few = 1 < len(found) <= few.asked and few.rows * len(found) <= len(values)
    return len(found) if is_binary or is_few else 0


def _no_classes(names: Sequence[str]) -> str:
    is_numbers = _numbers(names) is not None
    return f"choose {setting('labels')}" if is_numbers else "merge some, or choose another label"


def _refuse_missing(values: Sequence[Any], what: str, source: str) -> None:
    known = set[Any]()
    for row, value in enumerate(values):
        if isinstance(value, (list, dict, set, np.ndarray)):
            raise DataError(f"{source}: {what} has several values in row {row} (counted from 0); give one for each row")
        if value in known:
            continue
        if _is_missing(value):
            raise DataError(
                f"{source}: {what} has no value in row {row} (counted from 0), but {quoted(value)}; remove that row or "
                "fill the value in"
            )
        known.add(value)


def _is_missing(value: Any) -> bool:
    """None, NaN, the marks of pandas, and words that stand for them."""
    if isinstance(value, (float, np.floating)):
        return not math.isfinite(value)
    return value is None or str(value).strip().lower() in MISSING


def _numbers(values: Sequence[Any]) -> list[float] | None:
    """The values as numbers; None where one of them is none, or where all are booleans."""
    if all(isinstance(value, bool) for value in values):
        return None
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        return None


def _name(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
