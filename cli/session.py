"""The state of one call of the command line, passed to the commands as the context's object."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from sharefind.cli.interrupts import NOTHING


@dataclass(frozen=True)
class Alarms:
    """When overdue work is ended from outside; work that checks its deadline itself ends more cleanly.

    Attributes:
        grace: Seconds beyond the budget that a set-up may take, so that most late searches still have a result.
        slack: Seconds beyond the budget after which a search is ended.
        swallowed: Seconds after which an alarm rings again if a library caught it.
    """

    grace: float = 1.0
    slack: float = 0.3
    swallowed: float = 2.0


@dataclass
class Session:
    """State of one call.

    Attributes:
        debug: Whether to show tracebacks.
        run: Folder of the search in progress; None before and after.
        again: The command that resumes any other work in progress and keeps finished parts.
        written: Path that the call has written so far; None for nothing.
        started: When the call began, in seconds of `time.monotonic`.
        alarms: When overdue work is ended.
    """

    debug: bool = False
    run: Path | None = None
    again: str | None = None
    written: Path | None = None
    started: float = field(default_factory=time.monotonic)
    alarms: Alarms = Alarms()

    @property
    def resume_command(self) -> str | None:
        """The command that resumes the work in progress; None if there is no such work."""
        if self.run is None:
            return self.again
        from sharefind.cli.wording import Options

        return Options().going_on(self.run)

    @property
    def interruption(self) -> str:
        """The line that is printed when the call is interrupted."""
        if self.resume_command is None:
            return NOTHING
        what = "the run" if self.run is not None else "what is done"
        return f"interrupted: {what} is kept; go on with: {self.resume_command}"
