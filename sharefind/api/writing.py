"""File formats of a fitted search: the format by the ending of a file name, and the writer of each format."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures import TrainedNetwork
from sharefind.architectures.formats.registry import FORMATS, format_by_suffix
from sharefind.errors import ConfigError
from sharefind.storage import refuse_unwritable


def format_of(path: Path, format: str | None) -> str:
    """Return the name of the format of a file.

    Args:
        path: The file.
        format: The name; None chooses the format by the ending.

    Raises:
        ConfigError: The format or the ending is unknown.
    """
    chosen = FORMATS.get(format) if format else format_by_suffix(path)
    if chosen is not None:
        return chosen.name
    what = f"format {format!r}" if format else f"the ending of {path.name}"
    known = [f.name if f.is_snippet else f"{f.name} ({f.suffix})" for f in FORMATS.values()]
    raise ConfigError(f"{what} is unknown; use {', '.join(known)}")


def write_network(network: TrainedNetwork, path: Path, format: str, seed: int) -> None:
    """Write a network, or only its architecture, to a new file.

    Args:
        network: The network.
        path: The file.
        format: Name of the format.
        seed: Seed of the search, written beside the weights.

    Raises:
        ExportError: A claim about the architecture failed its verification.
        RunFolderError: The file exists or cannot be written.
    """
    refuse_unwritable(path)
    FORMATS[format].write(network.spec, lambda: network, path, seed)
