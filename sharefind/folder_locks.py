"""One process at a time in a folder; the operating system releases the lock when a process ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sharefind.errors import RunFolderError
from sharefind.storage import encoded, unwritten

LOCK = "lock"
"""File that names the process working in a folder. The file remains; the operating system holds the lock until the
process ends.
"""


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Make this process the only one that works in a folder. Locks left by killed processes are released.

    Args:
        folder: The folder.

    Yields:
        Nothing.

    Raises:
        RunFolderError: Another process, or another search of this process, works in the folder, or it cannot be
            written.
        StorageError: The disk is full or failing.
    """
    import socket

    from filelock import FileLock, Timeout

    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunFolderError(f"{folder} is in use by {_holder(path)}; wait until that ends, or stop it") from None
    except OSError as error:
        raise unwritten(path, error) from None
    try:
        with suppress(OSError):  # the name of the holder is only information for people
            since = datetime.now(UTC).isoformat(timespec="seconds")
            path.write_bytes(encoded(f"process {os.getpid()} on {socket.gethostname()} since {since}\n"))
        yield
    finally:
        lock.release()


def _holder(path: Path, most: int = 500) -> str:
    """Return the content of a lock file, at most `most` bytes."""
    try:
        with open(path, "rb") as file:
            words = file.read(most).decode(errors="replace").split()
    except OSError:
        words = []
    text = " ".join(words)
    return text if text.isprintable() and text else "another process"
