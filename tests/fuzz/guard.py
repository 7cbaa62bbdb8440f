"""One input given to one target, under a limit on time and memory; what the project promises about it, checked.

A target may accept its input or refuse it with an error of its own, in one line; anything else is a `Finding`.
"""

from __future__ import annotations

import re
import resource
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from sharefind.errors import SharefindError

SECONDS = 4.0
"""Processor time that one input may take."""

MEMORY = 1_000_000_000
"""Bytes by which an input, or all inputs of a process, may enlarge it."""

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)|/\S*")
NOVEL_WORDS = 8

LONGEST_MESSAGE = 3_000
"""Characters of a refusal: it may quote what it refuses, and not all of it."""

Run = Callable[[bytes, Path], None]


class Broken(Exception):
    """A target that saw a promise broken which is no exception of the code it calls."""


class _Hang(BaseException):
    """Raised inside the target when its time is over: `except Exception` does not stop it."""


@dataclass(frozen=True)
class Finding:
    """An input that broke a promise.

    kind: crash, hang, memory, message or broken. where: what was raised and in which function, the same for inputs with
    the same cause. detail: the traceback.
    """

    kind: str
    where: str
    detail: str


@dataclass(frozen=True)
class Outcome:
    """What became of an input: accepted, refused with a message, or a finding."""

    refusal: str | None = None
    finding: Finding | None = None

    @property
    def novelty(self) -> str:
        """The first words of the refusal, without what it quotes; inputs that reach another one are worth keeping."""
        return " ".join(re.findall(r"[a-z]{3,}", QUOTED.sub("", self.refusal or ""))[:NOVEL_WORDS])


def examine(run: Run, allowed: type[SharefindError], data: bytes, folder: Path, seconds: float = SECONDS) -> Outcome:
    """Give an input to a target; never raises but for Ctrl-C."""
    try:
        with warnings.catch_warnings(action="error"), _time_limit(seconds):
            run(data, folder)
    except allowed as error:
        return _refused(error)
    except _Hang as error:
        return Outcome(finding=_finding("hang", error))
    except MemoryError as error:
        return Outcome(finding=_finding("memory", error))
    except Broken as error:
        return Outcome(finding=_finding("broken", error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome(finding=_finding("crash", error))
    return Outcome()


def _refused(error: SharefindError) -> Outcome:
    message = str(error)
    if any(isinstance(cause, MemoryError) for cause in _causes(error)):
        return Outcome(message, _finding("memory", error))
    if not message.strip() or len(message.splitlines()) > 1 or len(message) > LONGEST_MESSAGE:
        return Outcome(message, _finding("message", error))
    return Outcome(message)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _finding(kind: str, error: BaseException) -> Finding:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/fuzz/" not in f.filename]
    ours = [f for f in frames if re.search(r"/(sharefind|cli|datasets)/[a-z_/]+\.py$", f.filename)]
    place = (ours or frames)[-1:]
    where = " ".join(f"{Path(f.filename).parent.name}/{Path(f.filename).name}:{f.name}" for f in place)
    return Finding(kind, f"{type(error).__name__.strip('_')} in {where or 'the target'}", _shortened(error))


def _shortened(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error, limit=-12)).splitlines()
    return "\n".join(line[:300] for line in lines[-60:])


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Processor time, not the clock's: other processes on the machine do not make a hang."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Hang


@contextmanager
def memory_limit(growth: int = MEMORY) -> Iterator[None]:
    """Let this process grow by so many bytes of address space; beyond it, memory is refused to it."""
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + growth, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
