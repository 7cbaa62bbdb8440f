"""Writes a specification in the words of a peer library: which library has which snippet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sharefind.architectures.certificate.proof import Certificate
from sharefind.architectures.formats.emlp_snippet import emlp_source
from sharefind.architectures.formats.escnn_snippet import escnn_source
from sharefind.architectures.formats.peers import PeerView, peer_view
from sharefind.architectures.spec import SharingSpec
from sharefind.storage import write_atomically

SOURCES: Mapping[str, Callable[[PeerView], str]] = MappingProxyType({"emlp": emlp_source, "escnn": escnn_source})
"""The source of a snippet, by the name of its library."""


def write_snippet(spec: SharingSpec, path: Path, peer: str) -> Certificate:
    """Certify a specification and write it in the words of "emlp" or "escnn", whole or not at all.

    Raises:
        ExportError: as in `peer_view`, or the library has no such group or representation. RunFolderError: the file
            cannot be written.
    """
    view = peer_view(spec, peer)
    write_atomically(path, SOURCES[peer](view))
    return view.certificate
