"""Checks of a run folder before anything is written there."""

from __future__ import annotations

from pathlib import Path

from sharefind.errors import RunFolderError, setting
from sharefind.folder_locks import LOCK
from sharefind.search.persistence.particles import PARTICLES
from sharefind.storage import TEMPORARY


def refuse_occupied(path: Path) -> None:
    """Refuse a folder that holds more than a process leaves that was killed before it began.

    Args:
        path: The folder.

    Raises:
        RunFolderError: It holds more, is no folder, or cannot be read.
    """
    begun = (LOCK, PARTICLES)
    try:
        entries = [] if not path.exists() else list(path.iterdir())
        others = [e for e in entries if e.name not in begun and not e.name.endswith(TEMPORARY)]
        if others or ((path / PARTICLES).is_dir() and any((path / PARTICLES).iterdir())):
            raise RunFolderError(
                f"{path} exists and is not an empty folder; choose another {setting('out')}, or go on with "
                f"{setting('resume')} {path}"
            )
    except NotADirectoryError:
        raise RunFolderError(f"{path} exists and is not a folder; choose another {setting('out')}") from None
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read ({error.strerror}); choose another {setting('out')}") from None


def make_folder(particles: Path) -> None:
    """Make the folder of particles, and the run's folder around it; copies may have left it out where it was empty.

    Args:
        particles: The folder of particles.

    Raises:
        RunFolderError: It cannot be made.
    """
    try:
        particles.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"{particles.parent} cannot be made ({error.strerror}); choose another {setting('out')}"
        ) from None


def refuse_link(path: Path) -> None:
    """Refuse a link, since writing through it may lead out of the run.

    Args:
        path: A file or folder.

    Raises:
        RunFolderError: It is a link.
    """
    if path.is_symlink():
        raise RunFolderError(f"{path} is a link; put what it leads to in its place")
