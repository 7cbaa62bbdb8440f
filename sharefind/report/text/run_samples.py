"""The samples that a run searched, as far as its folder and its data describe them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sharefind.errors import RunFolderError, wording
from sharefind.search import TaskLike, fingerprint
from sharefind.search.persistence.run_folder import FINGERPRINT
from sharefind.storage import advice, read_text


@dataclass(frozen=True)
class Samples:
    """The samples of a run.

    Attributes:
        name: Name of the task or file.
        fingerprint: Fingerprint that the run recorded.
        rows: Number of rows; None for fresh samples, or if it is unknown.
        widths: Widths of x and y; None if the data could not be read again.
        note: A note about the samples, or "".
    """

    name: str
    fingerprint: str
    rows: int | None = None
    widths: tuple[int, int] | None = None
    note: str = ""


def noted_fingerprint(run: Path) -> str:
    """Return the fingerprint that a run recorded in its folder.

    Args:
        run: The run folder.

    Raises:
        RunFolderError: The fingerprint is missing because the run has not begun, or it cannot be read.
    """
    path = run / FINGERPRINT
    try:
        return read_text(path).strip()
    except PermissionError as error:
        raise RunFolderError(f"{path} cannot be read ({error.strerror}); {advice(error)}") from None
    except (OSError, UnicodeDecodeError):
        raise RunFolderError(f"{path} cannot be read; go on with {wording().going_on(run)}") from None


def samples_of(task: TaskLike, noted: str) -> Samples:
    """Return the samples of a task that was loaded again, after comparing its fingerprint.

    Args:
        task: The task.
        noted: The fingerprint that the run recorded.
    """
    if fingerprint(task) != noted:
        note = "The data have changed since the run: what is there now has another fingerprint."
        return Samples(task.name, noted, note=note)
    rows = None if task.x is None else len(task.x)
    return Samples(task.name, noted, rows, (task.d_in, task.d_out))
