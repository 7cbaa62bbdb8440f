"""Signals: Ctrl-C, SIGTERM and a closed terminal end a run with one line; an alarm ends work that is out of time.

Loads nothing but the standard library, so that Ctrl-C is answered from the first moment on.
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
    """How a call ended; the last two as of a process that SIGINT and SIGPIPE end."""

    DONE = 0
    FAILED = 1
    WRONG = 2
    INTERRUPTED = 130
    PIPE_CLOSED = 141


NOTHING = "interrupted: nothing was written"
"""What is said where no work has begun."""

BUSY = ("<frozen importlib._bootstrap", "/llvmlite/")
"""Parts of the names of files that an exception must not pass through: Python's import machinery, and a compiler."""


class Answer:
    """What a signal is answered with.

    Attributes:
        line: Gives the line for stderr, which says what is kept and how to go on.
    """

    def __init__(self) -> None:
        self.line: Callable[[], str] = lambda: NOTHING


@contextmanager
def interruptible(*, ends_process: bool) -> Iterator[Answer]:
    """SIGTERM, and SIGHUP of a terminal that closes, end a run as Ctrl-C does; a second one ends it without delay.

    While modules are loaded, a signal ends the process at once: many of them would swallow an exception. In other
    threads than the main one nothing is done: whoever started them handles signals.

    Args:
        ends_process: Whether the process ends with the call; then signals that come after it end it silently.
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
    # What is ignored stays so: nohup, and jobs in the background of a script.
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
    """Raise `late` within when the time has come, wherever the work is: in every library, in the set-up, in a wait.

    Work that looks at its deadline ends sooner and cleaner; this bounds the rest. It needs the main thread and a
    system with timers of its own (POSIX); elsewhere nothing is raised. Catch `late` outside: until this is left,
    it rings again.

    Args:
        at: When it rings, in seconds of `time.monotonic`.
        late: What is raised then.
        swallowed: Seconds after which it rings again, where what it raised has not ended the work: a library caught it.
        again: The same, where it could not be answered.
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
    """Whether a module is being loaded or compiled: an exception there is swallowed, or leaves it half done."""
    while frame is not None:
        if any(part in frame.f_code.co_filename.replace(os.sep, "/") for part in BUSY):
            return True
        frame = frame.f_back
    return False


def say_at_once(message: str) -> None:
    """One line on stderr, past all buffers, which may be in use when a signal arrives."""
    try:
        os.write(2, f"{message}\n".encode(errors="backslashreplace"))  # the descriptor of stderr
    except OSError:
        return
