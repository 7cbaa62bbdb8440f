"""A suggestion: the settings of a search, its reason, and the command that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sharefind.storage import shell_word

SETTING_ORDER = (
    "inputs", "outputs", "drop", "rows_of", "block_length", "categorical", "labels", "axes", "shape", "out_axes",
    "out_shape", "delimiter", "decimal", "group", "blind", "in_rep", "out_rep",
)  # fmt: skip
"""Settings of a search in the order in which a command lists them."""


@dataclass(frozen=True)
class Suggestion:
    """A search that may be worth its time.

    Attributes:
        settings: Settings of the search, without its data; "blind" is "true" for a search without a candidate group.
        reason: The reason, in one or two sentences.
        score: Between 0 and 1; the largest one comes first.
        seconds: Estimated duration on this machine: lower and upper end, in seconds.
        data: Path or name of the data; None for arrays.
    """

    settings: Mapping[str, str]
    reason: str
    score: float
    seconds: tuple[float, float]
    data: str | None = None

    @property
    def title(self) -> str:
        """Group and representations in one line."""
        if "blind" in self.settings:
            return "no candidate group: the search proposes one"
        if "group" not in self.settings:
            return "the action that comes with the data"
        parts = [f"{side} {self.settings[key]}" for key, side in (("in_rep", "inputs"), ("out_rep", "outputs"))
                 if key in self.settings]  # fmt: skip
        return ", ".join([self.settings["group"], *parts])

    @property
    def command(self) -> str:
        """The shell command that runs the search; `DATA` replaces the path of arrays that are not in a file."""
        words = ["sharefind", "discover", shell_word("DATA" if self.data is None else self.data)]
        if words[2].startswith("-"):
            words[2] = f"./{words[2]}"
        for name in SETTING_ORDER:
            if name not in self.settings:
                continue
            value = self.settings[name]
            flag = value if name == "labels" else name.replace("_", "-")
            words.append(f"--{flag}")
            if name not in ("labels", "blind"):
                words.append(shell_word(value))
        return " ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of this suggestion in the output of `sharefind suggest --json`."""
        low, high = self.seconds
        return {
            "settings": dict(self.settings),
            "reason": self.reason,
            "score": round(self.score, 4),
            "seconds": [round(low, 1), round(high, 1)],
            "command": self.command,
        }


@dataclass(frozen=True)
class Suggestions:
    """All suggestions for a data set, best one first.

    Attributes:
        data: Path or name of the data; None for arrays.
        rows: Number of rows.
        d_in: Width of x.
        d_out: Width of y.
        suggestions: The searches.
        notes: Guesses about the columns and the rows.
        is_strong: Whether the first suggestion is more than a guess.
    """

    data: str | None
    rows: int
    d_in: int
    d_out: int
    suggestions: tuple[Suggestion, ...]
    notes: tuple[str, ...] = ()
    is_strong: bool = True

    @property
    def verdict(self) -> str:
        """One sentence for the user."""
        if self.is_strong:
            return "The first suggestion fits what a quick look sees; its search tests it."
        return "No strong suggestion: nothing that a quick look sees is symmetric."

    def to_json(self) -> dict[str, Any]:
        """Return the output of `sharefind suggest --json`."""
        return {
            "schema": "sharefind.suggestions/1",
            "data": self.data,
            "rows": self.rows,
            "d_in": self.d_in,
            "d_out": self.d_out,
            "is_strong": self.is_strong,
            "notes": list(self.notes),
            "suggestions": [one.to_json() for one in self.suggestions],
        }
