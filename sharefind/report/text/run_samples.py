"""Which samples a run searched, as far as its folder and its data still say."""

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
        name: of the task or file. fingerprint: what the run noted. rows: n, None for fresh samples or unknown ones.
        widths: of x and y, None where the data could not be read again. note: what must be said about them, or "".
    """

    name: str
    fingerprint: str
    rows: int | None = None
    widths: tuple[int, int] | None = None
    note: str = ""


def noted_fingerprint(run: Path) -> str:
    """The fingerprint that a run noted in its folder.

    Raises:
        RunFolderError: there is none; the run has not begun.
    """
    path = run / FINGERPRINT
    try:
        return read_text(path).strip()
    except PermissionError as error:
        raise RunFolderError(f"{path} cannot be read ({error.strerror}); {advice(error)}") from None
    except (OSError, UnicodeDecodeError):
        raise RunFolderError(f"{path} cannot be read; go on with {wording().going_on(run)}") from None


def samples_of(task: TaskLike, noted: str) -> Samples:
    """The samples of a task that was loaded again, compared with the fingerprint that the run noted."""
    if fingerprint(task) != noted:
        note = "The data have changed since the run: what is there now has another fingerprint."
        return Samples(task.name, noted, note=note)
    rows = None if task.x is None else len(task.x)
    return Samples(task.name, noted, rows, (task.d_in, task.d_out))
