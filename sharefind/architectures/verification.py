"""Files of ours checked again: a specification, or the weights of a network with theirs."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.registry import read_file
from sharefind.architectures.formats.tensors import check_particles
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import ExportError
from sharefind.limits import DEFAULT_LIMITS, Limits


def verify_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[Certificate, TrainedNetwork | None]:
    """What a file claims, proven again from the file alone; with the network where it holds one.

    Raises:
        InputError: The file cannot be read, is above the limits or is none of ours.
        ExportError: It does not hold what it says; the message names the claim that fails.
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
