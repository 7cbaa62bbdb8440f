"""What one call of the command line knows about itself, passed to the commands as the context's object."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Session:
    """State of one call.

    Attributes:
        debug: show tracebacks. run: folder of a search that is under way, None before and after.
        again: the command that goes on with any other work that is under way and keeps what is done.
    """

    debug: bool = False
    run: Path | None = None
    again: str | None = None

    @property
    def resume_command(self) -> str | None:
        """What takes up the work that is under way."""
        return self.again if self.run is None else f"sharefind discover --resume {shlex.quote(str(self.run))}"
