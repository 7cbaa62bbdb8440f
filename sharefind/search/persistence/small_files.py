"""Reading files of a run within limits; a run folder may come from a stranger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharefind.errors import RunFolderError, one_line
from sharefind.formats import parse_json
from sharefind.limits import Limits, raise_it


@dataclass(frozen=True)
class FileSizes:
    """Largest files of a run that are read, in bytes, where no limit is given.

    Attributes:
        json: Result, lattice or journal.
        particles: Particles of a node; a default search at the default limit on dim Z writes 1.6 GB.
        small: Configuration and other small files; no limit raises it.
    """

    json: int = 1_000_000_000
    particles: int = 4_000_000_000
    small: int = 1_000_000


def refuse_size(path: Path, most: int) -> None:
    """Refuse a large file.

    Args:
        path: The file.
        most: Most bytes.

    Raises:
        RunFolderError: It is larger.
    """
    size = path.stat().st_size
    if size > most:
        raise RunFolderError(f"{path} is above {most} bytes; {raise_it('file_size', size)}")


def read_small(path: Path) -> bytes:
    """Return the content of a small file.

    Args:
        path: The file.

    Raises:
        RunFolderError: It is too large.
    """
    refuse_size(path, FileSizes.small)
    return path.read_bytes()


def read_json(path: Path, missing: str, limits: Limits) -> Any:
    """Return a JSON value from a file.

    Args:
        path: The file.
        missing: Meaning of a missing file.
        limits: Limits on its size.

    Raises:
        RunFolderError: The file is missing, too large or no JSON.
    """
    if not path.is_file():
        raise RunFolderError(f"{path} is missing: {missing}")
    refuse_size(path, limits.bytes_of(FileSizes.json))
    try:
        return parse_json(path.read_bytes(), is_finite=True)
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is not JSON ({one_line(error)}); run the search again") from None
