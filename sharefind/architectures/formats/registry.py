"""The formats by name; files that sharefind wrote are read back by their endings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sharefind.architectures.certificate.proof import Certificate
from sharefind.architectures.formats import (
    augment_source,
    emlp_snippet,
    escnn_snippet,
    onnx_graph,
    spec_json,
    tensors,
    torch_source,
)
from sharefind.architectures.formats.export_format import ExportFormat
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.trained import TrainedNetwork
from sharefind.limits import DEFAULT_LIMITS, Limits

_ALL = (
    spec_json.FORMAT,
    torch_source.FORMAT,
    tensors.FORMAT,
    onnx_graph.FORMAT,
    emlp_snippet.FORMAT,
    escnn_snippet.FORMAT,
    augment_source.FORMAT,
)

FORMATS: Mapping[str, ExportFormat] = MappingProxyType({format.name: format for format in _ALL})
"""All of them."""


def write_snippet(spec: SharingSpec, path: Path, peer: str) -> Certificate:
    """Certify a specification, then write it as code for the library emlp or escnn; on failure no file is left.

    Args:
        spec: The specification.
        path: The file.
        peer: "emlp" or "escnn".

    Returns:
        The certificate.

    Raises:
        ExportError: As in `peers.peer_view`, or the library has no such group or representation.
        RunFolderError: The file cannot be written.
    """
    return FORMATS[peer].writer(spec, path)


def format_by_suffix(path: Path) -> ExportFormat | None:
    """Return the format whose files end like a path; None where there is none.

    Args:
        path: The path.
    """
    known = {format.suffix: format for format in _ALL if not format.is_snippet}
    return known.get(path.suffix.lower())


def read_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> SharingSpec | TrainedNetwork:
    """Return the content of a file that sharefind wrote: a specification, or a network with its weights. `certify`
    checks its claims.

    Args:
        path: The file.
        limits: Largest sizes that are accepted.

    Raises:
        InputError: The file cannot be read, is above the limits or was not written by sharefind.
    """
    found = format_by_suffix(path)
    return (found.read if found and found.read else spec_json.read_spec)(path, limits)
