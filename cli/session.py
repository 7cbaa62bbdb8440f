"""What one call of the command line knows about itself, passed to the commands as the context's object."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from sharefind.cli.interrupts import NOTHING


@dataclass
class Session:
    """State of one call.

    Attributes:
        debug: Show tracebacks.
        run: Folder of a search that is under way, None before and after.
        again: The command that goes on with any other work that is under way and keeps what is done.
        written: What the call has written so far, None for nothing.
        started: When the call began, in seconds of `time.monotonic`.
    """

    debug: bool = False
    run: Path | None = None
    again: str | None = None
    written: Path | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def resume_command(self) -> str | None:
        """What takes up the work that is under way."""
        if self.run is None:
            return self.again
        from sharefind.storage import shell_word

        return f"sharefind discover --resume {shell_word(self.run)}"

    @property
    def interruption(self) -> str:
        """What is said when the call is interrupted."""
        if self.resume_command is None:
            return NOTHING
        what = "the run" if self.run is not None else "what is done"
        return f"interrupted: {what} is kept; go on with: {self.resume_command}"
