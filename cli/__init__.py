"""The command line. Parsing and printing only; the work is done by the packages below.

Loading the commands takes a moment, so that signals and the clock are taken care of before; nothing else is loaded
here.
"""

from __future__ import annotations

import time

from sharefind.cli.interrupts import Status, interruptible, say_at_once

TYPE_CHECKING = False  # typing takes as long to load as everything else here
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sharefind.cli.session import Alarms

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, alarms: Alarms | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; those of the process when None.
        alarms: When work that is out of time is ended; the usual ones when None.

    Returns:
        The exit status.
    """
    started = time.monotonic()
    with interruptible(ends_process=arguments is None) as answer:
        try:
            from sharefind.cli.app import run
            from sharefind.cli.session import Session
        except KeyboardInterrupt:
            say_at_once(answer.line())
            return Status.INTERRUPTED
        session = Session(started=started) if alarms is None else Session(started=started, alarms=alarms)
        answer.line = lambda: session.interruption
        return run(arguments, session)
