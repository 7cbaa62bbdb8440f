"""The errors that sharefind raises on purpose. A class exists only where a caller would handle it differently.

Every message is one line: what is wrong, where, and what to do instead. A message names a setting as its reader knows
it: `in_rep` in Python, `--in-rep` on the command line. `setting` and `worded` choose the form.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False  # typing takes long to load, and the command line loads this first
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def one_line(error: BaseException, most: int = 300) -> str:
    """Return the message of another library's error, on one line and without terminal control characters.

    Args:
        error: The error.
        most: Largest number of characters of its message that is kept.
    """
    return _cut(" ".join(str(error).split()) or type(error).__name__, most)


def quoted(value: object, most: int = 100) -> str:
    """Return a value as a message shows it: on one line, a text in quotes.

    Args:
        value: Anything.
        most: Largest number of characters that is kept.
    """
    return _cut(repr(value), most)


def _cut(text: str, most: int) -> str:
    return visible(text if len(text) <= most else f"{text[:most]}...")


def visible(text: str) -> str:
    """Return a text in which every character that cannot be printed is replaced by its escape in Python.

    Args:
        text: Any text.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


LABELS = 'labels="classes" or labels="numbers"'
"""The setting `labels` as Python code writes it."""


class Wording:
    """How messages name settings; this class names them as Python does. The command line has a subclass."""

    def setting(self, name: str) -> str:
        """Return the name of a setting, for example "in_rep". The setting `labels` is shown with its two values.

        Args:
            name: The name in Python.
        """
        return LABELS if name == "labels" else name

    def limit(self, name: str, value: object) -> str:
        """Return the end of a message: how to raise a limit to a value.

        Args:
            name: A field of `Limits`.
            value: The value.
        """
        return f"raise it with Limits({name}={value})"

    def going_on(self, run: Path) -> str:
        """Return how a run is continued, for use after "go on with".

        Args:
            run: The run folder.
        """
        return f"run_search on RunFolder.open({str(run)!r})"


PYTHON = Wording()

_wording: ContextVar[Wording] = ContextVar("wording", default=PYTHON)


@contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Name settings in this way in all messages within a `with` block.

    Args:
        wording: How messages name settings.

    Yields:
        Nothing.
    """
    token = _wording.set(wording)
    try:
        yield
    finally:
        _wording.reset(token)


def wording() -> Wording:
    """Return how messages name settings at present."""
    return _wording.get()


def setting(name: str) -> str:
    """Return the name of a setting as the reader of a message knows it: `--in-rep` for "in_rep" on the command line.

    Args:
        name: The name in Python.
    """
    return _wording.get().setting(name)


class SharefindError(Exception):
    """Base class of everything that sharefind raises on purpose."""


class InputError(SharefindError, ValueError):
    """Input from the user cannot be used; the command line ends with status 2."""


class GroupError(InputError):
    """A group name, a generator or an exact number is not valid."""


class RepresentationError(InputError):
    """A representation does not exist, does not fit, or is not a homomorphism."""


class SpaceError(InputError):
    """Subspaces of different spaces were combined, or an operation needs an exact subspace."""


class UnitError(InputError):
    """A unit is unknown, or is not jointly equivariant under the given action."""


class DataError(InputError):
    """Data cannot be read, or contain values on which no model can be trained."""


class DataTypeError(DataError, TypeError):
    """Data have a type that holds no real numbers: sparse, complex, text or dates."""


class ConfigError(InputError):
    """A setting is out of range, or two settings exclude each other.

    Args:
        message: The fault.
        setting: The setting that is wrong, with which the message begins; None if several are concerned.

    Attributes:
        setting: The setting that is wrong, or None.
    """

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class RunFolderError(InputError):
    """A run folder exists already, is missing, or does not contain a run."""


class NotConvergedError(SharefindError):
    """A computation ended without a result."""


class WorkerError(SharefindError):
    """Worker processes were killed repeatedly; everything that was finished before is kept."""


class StorageError(SharefindError):
    """A disk is full or failing; everything that was written before is kept."""


class ExportError(SharefindError):
    """An export failed its own verification and was not written."""


class YardstickWarning(UserWarning):
    """A network predicts worse than least squares, or worse than the same network without sharing."""


class RowsWarning(UserWarning):
    """Rows of data look dependent, or the number of independent units of rows is small for the tests."""


class LabelsWarning(UserWarning):
    """Labels look like classes but are treated as numbers."""
