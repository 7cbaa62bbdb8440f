"""What one call of the command line knows about itself, passed to the commands as the context's object."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from sharefind.cli.interrupts import NOTHING


@dataclass(frozen=True)
class Alarms:
    """When work within a budget of seconds is ended from outside; what looks at its deadline itself ends cleaner.

    Attributes:
        grace: Seconds that a set-up may take beyond the budget, so that most searches that come late have a result.
        slack: Seconds beyond the budget after which a search is ended.
        swallowed: Seconds after which an alarm rings again that a library caught.
    """

    grace: float = 1.0
    slack: float = 0.3
    swallowed: float = 2.0


@dataclass
class Session:
    """State of one call.

    Attributes:
        debug: Show tracebacks.
        run: Folder of a search that is under way, None before and after.
        again: The command that goes on with any other work that is under way and keeps what is done.
        written: What the call has written so far, None for nothing.
        started: When the call began, in seconds of `time.monotonic`.
        alarms: When work that is out of time is ended.
    """

    debug: bool = False
    run: Path | None = None
    again: str | None = None
    written: Path | None = None
    started: float = field(default_factory=time.monotonic)
    alarms: Alarms = Alarms()

    @property
    def resume_command(self) -> str | None:
        """What takes up the work that is under way."""
        if self.run is None:
            return self.again
        from sharefind.cli.wording import Options

        return Options().going_on(self.run)

    @property
    def interruption(self) -> str:
        """What is said when the call is interrupted."""
        if self.resume_command is None:
            return NOTHING
        what = "the run" if self.run is not None else "what is done"
        return f"interrupted: {what} is kept; go on with: {self.resume_command}"
