"""Signals: Ctrl-C, SIGTERM and a closed terminal end a run with one line; an alarm ends overdue work.

It loads only the standard library, so that Ctrl-C works from the first moment.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from enum import IntEnum

TYPE_CHECKING = False  # typing takes as long to load as everything else here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import NoReturn


class Status(IntEnum):
    """Exit status of a call. The last two are those of a process that SIGINT or SIGPIPE ends.

    Attributes:
        DONE: The call succeeded.
        FAILED: The work failed.
        WRONG: Wrong usage or bad input.
        INTERRUPTED: The user interrupted the call.
        PIPE_CLOSED: The reader of the output closed it.
    """

    DONE = 0
    FAILED = 1
    WRONG = 2
    INTERRUPTED = 130
    PIPE_CLOSED = 141


NOTHING = "interrupted: nothing was written"
"""Printed if no work has begun."""

BUSY = ("<frozen importlib._bootstrap", "/llvmlite/")
"""Parts of file names that an exception must not pass through: Python's import machinery, and a compiler."""


class Answer:
    """The response to a signal.

    Attributes:
        line: Returns the line for stderr, which says what is kept and how to resume.
    """

    def __init__(self) -> None:
        self.line: Callable[[], str] = lambda: NOTHING


@contextmanager
def interruptible(*, ends_process: bool) -> Iterator[Answer]:
    """Let SIGTERM, and SIGHUP of a closing terminal, end a run as Ctrl-C does; a second signal ends it immediately.

    While modules are loaded, a signal ends the process at once, because many modules would swallow an exception.
    Outside the main thread nothing is done.

    Args:
        ends_process: Whether the process ends with the call; later signals then end it silently.

    Yields:
        The response to a signal, which the caller can change.
    """
    answer = Answer()

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        if _is_busy(frame):
            leave(number, frame)
        for name in numbers:
            signal.signal(name, leave)
        raise KeyboardInterrupt

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        say_at_once(answer.line())
        os._exit(Status.INTERRUPTED)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # Signals that are ignored stay ignored: under nohup, and for background jobs of a script.
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    try:
        before = {number: signal.signal(number, interrupt) for number in numbers}
    except ValueError:  # not the main thread
        before = {}
    try:
        yield answer
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if ends_process else handler)


@contextmanager
def alarm(at: float, late: Exception, swallowed: float = 2.0, again: float = 0.1) -> Iterator[None]:
    """Raise an exception in this `with` block when the time has come, at any point: in a library, in the set-up, in a
    wait.

    Work that checks its deadline ends sooner and more cleanly; the alarm bounds everything else. It needs the main
    thread and a POSIX system with timers; elsewhere nothing is raised. Catch the exception outside the block: until the
    block is left, the alarm can ring again.

    Args:
        at: When it rings, in seconds of `time.monotonic`.
        late: The exception.
        swallowed: Seconds after which it rings again if a library caught the exception.
        again: Seconds after which it rings again if the exception could not be raised.

    Yields:
        Nothing.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        if _is_busy(frame):
            signal.setitimer(signal.ITIMER_REAL, again)
            return
        signal.setitimer(signal.ITIMER_REAL, swallowed)
        raise late

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except (AttributeError, ValueError):  # another system, or not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, max(again, at - time.monotonic()))
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # it may have rung on the way here
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _is_busy(frame: FrameType | None) -> bool:
    """Return whether a module is being loaded or compiled: an exception would be swallowed or leave it incomplete."""
    while frame is not None:
        if any(part in frame.f_code.co_filename.replace(os.sep, "/") for part in BUSY):
            return True
        frame = frame.f_back
    return False


def say_at_once(message: str) -> None:
    """Print one line on stderr without buffers, which may be in use when a signal arrives.

    Args:
        message: The line.
    """
    try:
        os.write(2, f"{message}\n".encode(errors="backslashreplace"))  # the descriptor of stderr
    except OSError:
        return
