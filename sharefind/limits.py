"""How large what sharefind is given may be: named limits, and the words that say how each of them is lifted.

They keep a short hostile file, or a slip, from asking for more memory or time than a machine has. Whoever reads, lists
or builds something takes them as a value; there are no global ones.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from sharefind.errors import ConfigError, setting, wording

DATA_BYTES = 1_000_000_000
"""Largest data file, in bytes, where no `file_size` is given; its numbers as float64 may take as much."""

PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy")
"""Endings of files that can hold code, which runs when they are read: none of them is ever opened."""

LARGEST_ORDER = 50_000
"""Largest group that is ever listed, element by element; a hard limit."""


@dataclass(frozen=True)
class Limits:
    """The largest sizes that are accepted. Each is a setting of a search, max_group_order and so on.

    Attributes:
        group_order: most elements of a group that is listed: of a file with generators, of a regular representation.
        degree: most points that a group permutes.
        dim: largest dim Z, the number of parameters of a unit.
        lattice: most subgroups that are listed, and so nodes of an invariant lattice.
        file_size: largest file that is read, in bytes, whatever it holds; what is packed in it may unpack to as much.
            None leaves every reader its own: 1 GB for data, less for what is small by nature.

    Raises:
        ConfigError: a limit below 1, or a `group_order` above `LARGEST_ORDER`.
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
                raise ConfigError(f"{setting(name)} {value} lets nothing pass; give at least 1", name)
        if self.group_order > LARGEST_ORDER:
            what = f"{setting('max_group_order')} {self.group_order} is above {LARGEST_ORDER}"
            raise ConfigError(f"{what}, a hard limit; give less", "max_group_order")

    def bytes_of(self, usual: int) -> int:
        """The largest file of a kind that is usually at most `usual` bytes."""
        return usual if self.file_size is None else self.file_size


DEFAULT_LIMITS = Limits()
"""What holds where nothing else is said."""


LIMITS = tuple(field.name for field in fields(Limits))
"""Names of the limits."""

SETTINGS = tuple(f"max_{name}" for name in LIMITS)
"""The same as settings of a search and as keys of a configuration file."""


def limits_of(settings: Mapping[str, int | None]) -> Limits:
    """The limits that settings such as {"max_dim": 200_000} give; what is missing or None is as usual.

    Raises:
        ConfigError: as in `Limits`.
    """
    given = {name: settings.get(f"max_{name}") for name in LIMITS}
    return replace(DEFAULT_LIMITS, **{name: value for name, value in given.items() if value is not None})


def settings_of(limits: Limits) -> dict[str, int]:
    """The inverse of `limits_of`."""
    given = {f"max_{name}": getattr(limits, name) for name in LIMITS}
    return {name: value for name, value in given.items() if value is not None}


def read_within(path: Path, most: int, piece: int = 1_000_000) -> bytes | int:
    """The content of a file, or how many bytes it has where they are above `most`: at least so many for a device.

    Args:
        path: The file.
        most: Most bytes that are read.
        piece: Bytes that are read at once, since a file may turn out to have no end.

    Raises:
        OSError: it cannot be read.
    """
    status = path.stat()
    if stat.S_ISFIFO(status.st_mode):  # whoever opens one waits for somebody who writes
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
    """The end of a refusal: how to lift a limit.

    Args:
        name: a field of `Limits`. needed: what would be enough, where it is known.
    """
    if name == "group_order" and needed is not None and needed > LARGEST_ORDER:
        return f"no group above {LARGEST_ORDER} elements is listed, a hard limit"
    value = "N" if needed is None else needed
    most = f", N up to {LARGEST_ORDER}" if name == "group_order" and needed is None else ""
    return f"{wording().limit(name, value)}{most}"
