"""When a choice of hidden types ends: no training begins after a deadline, and one may be ended from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sharefind.errors import setting
from sharefind.parallel import Deadline
from sharefind.search.observer import BudgetSpent

Bounded = Callable[[Deadline], AbstractContextManager[None]]
"""Ends its block soon after a deadline, at whatever point the work is."""


@dataclass(frozen=True)
class ChoiceBudget:
    """The time of a choice; the chosen network is trained on all rows after it, which is not bounded.

    Attributes:
        deadline: When it is spent; None for no bound.
        bounded: Raises `deadline.late` within its block once it is spent, at any point; None where trainings that have
            begun are finished.
    """

    deadline: Deadline | None = None
    bounded: Bounded | None = None

    @classmethod
    def of(cls, started: float, seconds: float | None, bounded: Bounded | None = None) -> ChoiceBudget:
        """Return the budget of a number of seconds.

        Args:
            started: When they began, in seconds of `time.monotonic`.
            seconds: The seconds; None for no bound.
            bounded: As the attribute.
        """
        if seconds is None:
            return cls()
        late = BudgetSpent(f"{setting('max_seconds')} {seconds:g}: they are spent")
        return cls(Deadline(started + seconds, late), bounded)

    def check(self) -> None:
        """Raise `deadline.late` if it is spent."""
        if self.deadline is not None and time.monotonic() >= self.deadline.at:
            raise self.deadline.late

    def within(self) -> AbstractContextManager[None]:
        """Return a context that ends its block when the budget is spent, as far as `bounded` can."""
        return nullcontext() if self.deadline is None or self.bounded is None else self.bounded(self.deadline)
