"""What a column of a table seems to be: numbers, classes, a time, the name of a unit, a row number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sharefind.typing import FloatArray

Kind = Literal["numbers", "words", "time", "unit", "row number"]

TOKEN = re.compile(r"[a-z]+|\d+")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")


@dataclass(frozen=True)
class NameWords:
    """Words in the names of columns that say what they hold.

    Attributes:
        times: Of times.
        units: Of what several rows are of.
        labels: Of labels.
        later: Of labels that are the inputs at another time or place.
    """

    times: frozenset[str] = frozenset({"time", "date", "datetime", "timestamp", "day", "month", "year", "hour"})
    units: frozenset[str] = frozenset(
        {"id", "subject", "patient", "person", "user", "session", "site", "station", "trial", "batch", "animal", "group"}
    )
    labels: frozenset[str] = frozenset(
        {"y", "label", "labels", "target", "targets", "class", "classes", "output", "outputs", "response", "outcome"}
    )
    later: frozenset[str] = frozenset({"out", "next", "after", "target", "output", "new", "tomorrow", "later"})


NAME_WORDS = NameWords()
"""What holds where nothing else is said."""


def words_of(name: str) -> list[str]:
    """The words and numbers in a name, in small letters."""
    return TOKEN.findall(CAMEL.sub("_", name).lower())


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        position: Where it stands in the file.
        values: As they were read, shape (n,).
        kind: What it seems to be.
    """

    name: str
    position: int
    values: NDArray[Any]
    kind: Kind

    @property
    def numbers(self) -> FloatArray:
        """Its values as numbers."""
        return np.asarray(self.values, dtype=np.float64)

    @property
    def few(self) -> int:
        """Number of its different values."""
        return len(np.unique(self.values.astype(str) if self.values.dtype.kind == "O" else self.values))

    def looks_like_classes(self, most: int = 20, share: float = 0.05) -> bool:
        """Whether it holds words, or few different whole numbers.

        Args:
            most: Classes that a label may have.
            share: Classes are fewer than this share of the rows.
        """
        if self.kind == "words":
            return True
        numbers = self.numbers
        return bool((numbers == np.rint(numbers)).all()) and 1 < self.few <= min(most, max(2, share * len(numbers)))


def column_of(name: str, position: int, values: NDArray[Any], words: NameWords = NAME_WORDS) -> Column:
    """A column, with what it seems to be by its name and its values."""
    return Column(name, position, values, _kind(set(words_of(name)), values, words))


def _kind(name: set[str], values: NDArray[Any], words: NameWords) -> Kind:
    if values.dtype.kind == "M":
        return "time"
    if values.dtype.kind not in "biuf":
        text = values.astype(str)
        if all(DATE.fullmatch(cell.strip()) for cell in text[:20].tolist()):
            return "time"
        count = len(np.unique(text))
        return "unit" if name & words.units or count > max(20, len(text) // 2) else "words"
    numbers = values.astype(np.float64)
    whole = bool(np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all())
    steps = np.diff(numbers)
    if len(steps) > 2 and whole and (steps == 1).all():
        return "time" if name & words.times else "row number"
    if name & words.times and len(steps) > 2 and ((steps >= 0).all() or (steps <= 0).all()):
        return "time"
    if whole and name & words.units and len(np.unique(numbers)) < len(numbers):
        return "unit"
    return "numbers"
