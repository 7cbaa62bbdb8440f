"""Files of ours checked again: a specification, or the weights of a network with theirs."""

from __future__ import annotations

from pathlib import Path

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.formats.spec_json import read_written
from sharefind.architectures.formats.tensors import SUFFIX, check_particles, read_weights
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import ExportError
from sharefind.formats import parse_json
from sharefind.limits import DEFAULT_LIMITS, Limits


def verify_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[Certificate, TrainedNetwork | None]:
    """What a file claims, proven again from the file alone; with the network where it holds one.

    Raises:
        InputError: the file cannot be read, is above the limits or is none of ours. ExportError: it does not hold what
            it says; the message names the entry that explains it, as far as one does.
    """
    if path.suffix.lower() == SUFFIX:
        weights, text = read_weights(path, limits)
        network, spec, written = weights, weights.spec, parse_json(text)
    else:
        network, (spec, content) = None, read_written(path, limits)
        written = parse_json(content)
    try:
        certificate = certify(spec, written=written["space"])
        if network is not None:
            check_particles(network)
    except ExportError as error:
        raise ExportError(f"{path}: {error}") from None
    return certificate, network
