"""How far a search is and how long it still takes: its estimate, corrected by what its observer hears."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sharefind.durations import Estimate, rounded_seconds
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.observer import Observer
from sharefind.search.search_lattice import SearchLattice, SearchNode

PARTS = ("evidence", "tests", "tests of the inputs", "tests of the relation", "trainings", "diagnosis", "yardstick")
"""Names of the parts of an estimate, in their order."""


@dataclass
class Forecast(Observer):
    """Follows one search.

    Attributes:
        estimate: Estimate of the search; None where there is none, so that only the time that passed is known.
        clock: Seconds since some moment.
        trusted: Share of a part that must be done before its own pace says how long it takes.
        part: The part of the search that is under way, one of `PARTS`.
        doing: Present work, in words.
    """

    estimate: Estimate | None = None
    clock: Callable[[], float] = time.monotonic
    trusted: float = 0.1
    part: str = field(default="tests", init=False)
    doing: str = field(default="starting", init=False)
    _share: float = field(default=0.0, init=False)
    _holds: bool | None = field(default=None, init=False)
    _visited: int = field(default=0, init=False)
    _began: float = field(init=False)
    _entered: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._entered = self.clock()
        self._holds = None if self.estimate is None else self.estimate.holds

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """Note the tests, which are finished: whether the candidate holds is known.

        Args:
            problem: As in `Observer`.
            lattice: As in `Observer`.
        """
        if problem.family is not None:
            self._holds = not problem.family.rejected
        self._enter("trainings", 0.0)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Note what is done now, and its progress.

        Args:
            node: As in `Observer`.
            stage: As in `Observer`.
            done: As in `Observer`.
            total: As in `Observer`.
        """
        part = _part_of(stage.removeprefix("in "))
        share = done / max(1, total)
        if part in ("tests", "tests of the relation"):
            self._holds = False if done > 0 else self._holds  # what follows is inside a group that was rejected
        if part == "trainings":
            share = (self._visited + share) / max(self._visited + 1, self._times("trainings"))
        self._enter(part, share)
        self.doing = stage.removeprefix("in ") if part != "trainings" else f"{node.label}: {stage}"

    def on_node_end(self, node: SearchNode) -> None:
        """Count the node.

        Args:
            node: As in `Observer`.
        """
        self._visited += 1

    @property
    def elapsed(self) -> float:
        """Seconds since the search began."""
        return self.clock() - self._began

    @property
    def remaining(self) -> tuple[float, float] | None:
        """Seconds that are left, about: if the candidate holds, and if it does not; None where nothing says."""
        if self.estimate is None:
            return None
        return self._left(self._holds is not False), self._left(self._holds is True)

    @property
    def share(self) -> float | None:
        """Share of the search that is done if the candidate holds; None where nothing says."""
        left = self.remaining
        return None if left is None else self.elapsed / max(self.elapsed + left[0], 1e-9)

    def words(self) -> str:
        """Return the time that passed and the time that remains, as in "12 s, about 20 s left"."""
        passed, left = f"{self.elapsed:.0f} s", self.remaining
        if left is None or self.estimate is None:
            return passed
        if left[1] > self.estimate.wide * left[0] and self._holds is None:
            low, high = map(rounded_seconds, left)
            return f"{passed}, about {low} left if the candidate holds, up to {high} if not"
        return f"{passed}, about {rounded_seconds((left[0] + left[1]) / 2)} left"

    def _left(self, holds: bool) -> float:
        """Seconds that are left if the candidate holds, or does not."""
        spent, planned = self.clock() - self._entered, self._seconds(self.part, holds)
        if self._share >= self.trusted and not (self.part in TESTS and holds):
            planned = spent / self._share
        later = PARTS[PARTS.index(self.part) + 1 :]
        return max(0.0, planned - spent) + sum(self._seconds(part, holds) for part in later)

    def _seconds(self, name: str, holds: bool) -> float:
        part = None if self.estimate is None else self.estimate.part(name)
        if part is None:
            return 0.0
        return part.low if holds else part.high

    def _enter(self, part: str, share: float) -> None:
        if part != self.part:
            self.part, self._entered = part, self.clock()
        self._share = share

    def _times(self, name: str) -> float:
        part = None if self.estimate is None else self.estimate.part(name)
        if part is None:
            return 1.0
        return part.fewest if self._holds else (part.fewest + part.most) / 2


TESTS = ("tests", "tests of the inputs", "tests of the relation")
"""Parts that end early where a large group holds."""

_OPENINGS = {
    "evidence of": "evidence",
    "test of the inputs": "tests of the inputs",
    "test of the relation": "tests of the relation",
    "test of": "tests",
    "diagnosis of": "diagnosis",
    "explanation of": "diagnosis",
    "yardstick": "yardstick",
}
"""Parts of a search by how the stages begin of which observers hear, longer words first; all others are trainings."""


def _part_of(stage: str) -> str:
    return next((part for opening, part in _OPENINGS.items() if stage.startswith(opening)), "trainings")
