"""Named size limits for input, and the words that say how to raise each of them.

They prevent a short hostile file, or a slip, from requesting more memory or time than a machine has. Functions that
read, list or build something take them as an argument; there are no global limits.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from sharefind.errors import ConfigError, setting, wording

DATA_BYTES = 1_000_000_000
"""Default size limit of a data file, in bytes; its numbers as float64 may take the same amount of memory."""

PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy")
"""File endings that can contain code which runs on reading; such files are never opened."""

LARGEST_ORDER = 50_000
"""Largest group whose elements are ever listed; a hard limit."""


@dataclass(frozen=True)
class Limits:
    """The largest sizes that are accepted. Each is a setting of a search, `max_group_order` and so on.

    Attributes:
        group_order: Largest number of elements of a group that is listed: a group from a file with generators, or one
            in a regular representation.
        degree: Largest number of points that a group permutes.
        dim: Largest dim Z, the number of parameters of a unit.
        lattice: Largest number of subgroups that are listed, and thus of nodes of an invariant lattice.
        file_size: Largest file that is read, in bytes; packed content may unpack to the same size. None keeps the
            default of each reader: 1 GB for data, less for other kinds of file.

    Raises:
        ConfigError: A limit is below 1, or `group_order` exceeds `LARGEST_ORDER`.
    """

    group_order: int = 20_000
    degree: int = 10_000
    dim: int = 100_000
    lattice: int = 5_000
    file_size: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 1:
                name = f"max_{field.name}"
                raise ConfigError(f"{setting(name)} must be at least 1, not {value}", name)
        if self.group_order > LARGEST_ORDER:
            what = f"{setting('max_group_order')} {self.group_order} is above {LARGEST_ORDER}"
            raise ConfigError(f"{what}, a hard limit; give less", "max_group_order")

    def bytes_of(self, usual: int) -> int:
        """Return the largest size of a kind of file, in bytes.

        Args:
            usual: The default for this kind of file.
        """
        return usual if self.file_size is None else self.file_size


DEFAULT_LIMITS = Limits()
"""Default limits."""


LIMITS = tuple(field.name for field in fields(Limits))
"""Names of the limits."""

SETTINGS = tuple(f"max_{name}" for name in LIMITS)
"""Names of the same limits as settings of a search and as keys of a configuration file."""


def limits_of(settings: Mapping[str, int | None]) -> Limits:
    """Return the limits that settings such as {"max_dim": 200_000} define.

    Args:
        settings: Values by setting. A missing setting, or None, means the default.

    Raises:
        ConfigError: As in `Limits`.
    """
    given = {name: settings.get(f"max_{name}") for name in LIMITS}
    return replace(DEFAULT_LIMITS, **{name: value for name, value in given.items() if value is not None})


def settings_of(limits: Limits) -> dict[str, int]:
    """Return the settings that define limits; the inverse of `limits_of`.

    Args:
        limits: The limits.
    """
    given = {f"max_{name}": getattr(limits, name) for name in LIMITS}
    return {name: value for name, value in given.items() if value is not None}


def read_within(path: Path, most: int, piece: int = 1_000_000) -> bytes | int:
    """Read a file of bounded size.

    Args:
        path: The file.
        most: Largest number of bytes to read.
        piece: Number of bytes read at once, since a device may have no end.

    Returns:
        The content, or the size of the file in bytes if it exceeds `most`; for a device, a lower bound of the size.

    Raises:
        OSError: The file cannot be read.
    """
    status = path.stat()
    if stat.S_ISFIFO(status.st_mode):  # opening a pipe waits until another process writes to it
        raise OSError(errno.EINVAL, "it is a pipe, not a file")
    if status.st_size > most:
        return status.st_size
    content = bytearray()
    with path.open("rb") as stream:
        while read := stream.read(piece):
            content += read
            if len(content) > most:
                return len(content)
    return bytes(content)


def raise_it(name: str, needed: int | None = None) -> str:
    """Return the end of an error message: how to raise a limit.

    Args:
        name: A field of `Limits`.
        needed: The value that would suffice, if it is known.
    """
    if name == "group_order" and needed is not None and needed > LARGEST_ORDER:
        return f"no group above {LARGEST_ORDER} elements is listed, a hard limit"
    value = "N" if needed is None else needed
    most = f", N up to {LARGEST_ORDER}" if name == "group_order" and needed is None else ""
    return f"{wording().limit(name, value)}{most}"
