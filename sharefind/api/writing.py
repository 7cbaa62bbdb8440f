"""What a fitted search is written as: the format by the ending of a file's name, and the writer of each format."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures import TrainedNetwork, write_json, write_torch
from sharefind.architectures.formats.onnx_graph import write_onnx
from sharefind.architectures.formats.snippets import SOURCES, write_snippet
from sharefind.architectures.formats.tensors import write_safetensors
from sharefind.errors import ConfigError
from sharefind.storage import refuse_unwritable

FORMATS = {".json": "json", ".py": "torch", ".safetensors": "safetensors", ".onnx": "onnx"}
"""Formats by the ending of the file; snippets are asked for by name."""


def format_of(path: Path, format: str | None) -> str:
    """The format that was asked for, that of the ending where None.

    Raises:
        ConfigError: there is no such format or ending.
    """
    chosen = format or FORMATS.get(path.suffix.lower())
    if chosen in (*FORMATS.values(), *SOURCES):
        return str(chosen)
    what = f"format {format!r}" if format else f"the ending of {path.name}"
    known = [*(f"{name} ({end})" for end, name in FORMATS.items()), *SOURCES]
    raise ConfigError(f"{what} is unknown; use {', '.join(known)}")


def write_network(network: TrainedNetwork, path: Path, format: str, seed: int) -> None:
    """Write a network, or its architecture alone, to a new file; seed: of the search, written beside the weights.

    Raises:
        ExportError: a claim does not hold. RunFolderError: the file exists or cannot be written.
    """
    refuse_unwritable(path)
    if format in SOURCES:
        write_snippet(network.spec, path, format)
    elif format == "safetensors":
        write_safetensors(network, path, seed)
    elif format == "onnx":
        write_onnx(network, path, seed=seed)
    else:
        (write_json if format == "json" else write_torch)(network.spec, path)
