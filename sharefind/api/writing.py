"""What a fitted search is written as: the format by the ending of a file's name, and the writer of each format."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures import TrainedNetwork
from sharefind.architectures.formats.registry import FORMATS, format_by_suffix
from sharefind.errors import ConfigError
from sharefind.storage import refuse_unwritable


def format_of(path: Path, format: str | None) -> str:
    """The format that was asked for, that of the ending where None.

    Raises:
        ConfigError: there is no such format or ending.
    """
    chosen = FORMATS.get(format) if format else format_by_suffix(path)
    if chosen is not None:
        return chosen.name
    what = f"format {format!r}" if format else f"the ending of {path.name}"
    known = [f.name if f.is_snippet else f"{f.name} ({f.suffix})" for f in FORMATS.values()]
    raise ConfigError(f"{what} is unknown; use {', '.join(known)}")


def write_network(network: TrainedNetwork, path: Path, format: str, seed: int) -> None:
    """Write a network, or its architecture alone, to a new file; seed: of the search, written beside the weights.

    Raises:
        ExportError: a claim does not hold. RunFolderError: the file exists or cannot be written.
    """
    refuse_unwritable(path)
    FORMATS[format].write(network.spec, lambda: network, path, seed)
