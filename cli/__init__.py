"""The command line. It parses and prints; the packages below do the work.

Loading the commands takes a moment. Signals and the clock are handled before that, and nothing else is loaded here.
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
        arguments: The arguments after the program's name; None reads those of the process.
        alarms: Times at which overdue work is ended; None for the defaults.

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
