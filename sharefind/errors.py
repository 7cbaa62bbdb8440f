"""The errors that sharefind raises on purpose. A class exists only where a caller would handle it differently.

Every message is one line: what is wrong, where, and what to do instead. Where it names a setting, it does so as whoever
reads it calls that setting: `in_rep` in Python, `--in-rep` on the command line (`setting`, `worded`).
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False  # typing takes long to load, and the command line loads this first
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def one_line(error: BaseException, most: int = 300) -> str:
    """What an error of another library says, on one line and without characters that steer a terminal.

    Args:
        error: The other library's error.
        most: Most characters of its message that become part of ours.
    """
    return _cut(" ".join(str(error).split()) or type(error).__name__, most)


def quoted(value: object, most: int = 100) -> str:
    """A value that was given, in quotes where it is a text, on one line.

    Args:
        value: Anything.
        most: Most characters of it that are quoted.
    """
    return _cut(repr(value), most)


def _cut(text: str, most: int) -> str:
    return visible(text if len(text) <= most else f"{text[:most]}...")


def visible(text: str) -> str:
    """The text with everything that cannot be printed written as its escape in Python."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


LABELS = 'labels="classes" or labels="numbers"'
"""How Python says what labels are."""


class Wording:
    """How messages call settings; this one: as Python does. A front door with names of its own has one of its own."""

    def setting(self, name: str) -> str:
        """A setting: "in_rep"; labels, which are one of two, as that choice."""
        return LABELS if name == "labels" else name

    def limit(self, name: str, value: object) -> str:
        """How a limit, a field of `Limits`, is raised to a value, at the end of a message."""
        return f"raise it with Limits({name}={value})"

    def going_on(self, run: Path) -> str:
        """What goes on with a run, after "go on with"."""
        return f"run_search on RunFolder.open({str(run)!r})"


PYTHON = Wording()

_wording: ContextVar[Wording] = ContextVar("wording", default=PYTHON)


@contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Within, messages call settings as a front door does."""
    token = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(token)


def wording() -> Wording:
    """How messages call settings now."""
    return _wording.get()


def setting(name: str) -> str:
    """What a message calls a setting: "in_rep" is `--in-rep` on the command line."""
    return _wording.get().setting(name)


class SharefindError(Exception):
    """Root of everything that sharefind raises on purpose."""


class InputError(SharefindError, ValueError):
    """Something the user gave cannot be used; the command line ends with status 2."""


class GroupError(InputError):
    """A group name, a generator or an exact number that is not one."""


class RepresentationError(InputError):
    """A representation that does not exist, does not fit, or is not a homomorphism."""


class SpaceError(InputError):
    """Subspaces that do not live in the same space, or an operation that needs an exact one."""


class UnitError(InputError):
    """A unit that is unknown or is not jointly equivariant under the given action."""


class DataError(InputError):
    """Data that cannot be read, or that holds values no model can be trained on."""


class DataTypeError(DataError, TypeError):
    """Data of a type that holds no real numbers: sparse, complex, text or dates."""


class ConfigError(InputError):
    """A setting out of range, or two settings that exclude each other.

    Args:
        message: What is wrong.
        setting: The setting that is wrong, with which the message begins; None where it is about several.
    """

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class RunFolderError(InputError):
    """A run folder that exists, is missing, or does not hold a run."""


class NotConvergedError(SharefindError):
    """A computation ended without the answer that it was asked for."""


class WorkerError(SharefindError):
    """Worker processes that were killed again and again; what was finished before is kept."""


class StorageError(SharefindError):
    """A disk that is full or failing; what was written before is kept."""


class ExportError(SharefindError):
    """An export that failed its own verification and was not written."""


class YardstickWarning(UserWarning):
    """A network that predicts worse than least squares, or than the same network without sharing."""


class RowsWarning(UserWarning):
    """Rows of data that look dependent, or units of rows that tests can do little with."""


class LabelsWarning(UserWarning):
    """Labels that look like classes and are treated as numbers."""
