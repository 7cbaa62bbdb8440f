"""Checks again a file that sharefind wrote: a specification, or the weights of a network with its specification."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.registry import read_file
from sharefind.architectures.formats.tensors import check_particles
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import ExportError
from sharefind.limits import DEFAULT_LIMITS, Limits


def verify_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[Certificate, TrainedNetwork | None]:
    """Return the claims of a file, proven again from the file alone; with the network where it holds one.

    Args:
        path: The file.
        limits: Largest sizes that are accepted.

    Raises:
        InputError: The file cannot be read, is above the limits or was not written by sharefind.
        ExportError: A claim fails; the message names it.
    """
    found = read_file(path, limits)
    network = found if isinstance(found, TrainedNetwork) else None
    try:
        certificate = certify(found.spec if isinstance(found, TrainedNetwork) else found)
        if network is not None:
            check_particles(network)
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from None
    return certificate, network
