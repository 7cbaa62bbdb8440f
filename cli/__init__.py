"""The command line. Parsing and printing only; the work is done by the packages below.

Loading the commands takes a moment, so that signals and the clock are taken care of before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sharefind.cli.interrupts import INTERRUPTED, interruptible, say_at_once
from sharefind.cli.session import Session

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the program's name; those of the process when None.

    Returns:
        The exit status.
    """
    session = Session(started=time.monotonic())
    with interruptible(session, ends_process=arguments is None):
        try:
            from sharefind.cli.app import run
        except KeyboardInterrupt:
            say_at_once(session.interruption)
            return INTERRUPTED
        return run(arguments, session)
