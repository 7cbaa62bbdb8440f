"""The apparent kind of a table column: numbers, words, a time, the name of a unit, or a row number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.classes import is_words
from sharefind.datasets.task import NUMERIC_KINDS, TIME_KINDS
from sharefind.typing import FloatArray

Kind = Literal["numbers", "words", "time", "unit", "row number"]

TOKEN = re.compile(r"[a-z]+|\d+")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")


@dataclass(frozen=True)
class NameWords:
    """Words in the names of columns that indicate their content.

    Attributes:
        times: Words for times.
        units: Words for units, such as persons or batches, to which several rows belong.
        labels: Words for labels.
        later: Words for labels that are the inputs at a later time or another place.
    """

    times: frozenset[str] = frozenset({"time", "date", "datetime", "timestamp", "day", "month", "year", "hour"})
    units: frozenset[str] = frozenset(
        {"id", "subject", "patient", "person", "user", "session", "site", "trial", "batch", "animal", "group"}
    )
    labels: frozenset[str] = frozenset(
        {"label", "labels", "target", "targets", "class", "classes", "output", "outputs", "response", "outcome"}
    )
    later: frozenset[str] = frozenset({"out", "next", "after", "new", "tomorrow", "later"})


NAME_WORDS = NameWords()
"""Default words."""


def words_of(name: str) -> list[str]:
    """Return the words and numbers in a name, in lower case.

    Args:
        name: The name.
    """
    return TOKEN.findall(CAMEL.sub("_", name).lower())


def names_label(name: str, words: NameWords = NAME_WORDS) -> bool:
    """Return whether a name indicates a label: "y", "y3", "target_a".

    Args:
        name: The name.
        words: Words that indicate content.
    """
    found = words_of(name)
    return bool(set(found) & words.labels) or (found[:1] == ["y"] and all(part.isdigit() for part in found[1:]))


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table, with one value per row.

    Attributes:
        name: Its name.
        position: Its position in the file, from 0.
        values: Its values as read, shape (n,).
        kind: Its apparent kind.
    """

    name: str
    position: int
    values: NDArray[Any]
    kind: Kind

    @property
    def repeats(self) -> int:
        """Number of its different values; 0 if all rows have different values, or all have the same one."""
        count = len(set(self.values.tolist()))
        return count if 1 < count < len(self.values) else 0


def column_of(name: str, position: int, values: NDArray[Any], words: NameWords = NAME_WORDS) -> Column:
    """Return a column, with its kind judged by its name and its values.

    Args:
        name: Its name.
        position: Its position in the file, from 0.
        values: Its values, shape (n,).
        words: Words that indicate content.
    """
    found = set(words_of(name))
    if values.dtype.kind in TIME_KINDS:
        kind: Kind = "time"
    elif is_words(values) or values.dtype.kind not in NUMERIC_KINDS:
        kind = _kind_of_words(found, [str(value).strip() for value in values.tolist()], words)
    else:
        kind = _kind_of_numbers(found, values.astype(np.float64), words)
    return Column(name, position, values, kind)


def _kind_of_words(name: set[str], cells: list[str], words: NameWords, most: int = 50) -> Kind:
    if all(DATE.fullmatch(cell) for cell in cells[:20]):
        return "time"
    count = len(set(cells))
    return "unit" if name & words.units or (count > most and count > len(cells) // 4) else "words"


def _kind_of_numbers(name: set[str], numbers: FloatArray, words: NameWords) -> Kind:
    is_whole = bool(np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all())
    steps = np.diff(numbers)
    is_long = len(steps) > 2
    if is_long and is_whole and (steps == 1).all():
        return "time" if name & words.times else "row number"
    if is_long and name & words.times and ((steps >= 0).all() or (steps <= 0).all()):
        return "time"
    return "unit" if is_whole and name & words.units else "numbers"
