"""What a layer can be built from: a specification, a trained network, or a file with one of the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import SharingSpec, TrainedNetwork
from sharefind.architectures.certificate.proof import check_name
from sharefind.architectures.formats.registry import read_file
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits

Source = SharingSpec | TrainedNetwork | Path | str


def read_source(source: Source, limits: Limits = DEFAULT_LIMITS) -> tuple[SharingSpec, NDArray[np.float64] | None]:
    """The specification, and coefficients (N, dim) where the source has weights.

    The name of its group must be that of the group that its generators generate; all else it claims is for `certify`.

    Raises:
        ExportError: The generators are none of a group, or the group is another one than its name says.
        InputError: the file cannot be read, is above the limits or holds no specification.
    """
    known = read_file(Path(source), limits) if isinstance(source, (str, Path)) else source
    if not isinstance(known, (SharingSpec, TrainedNetwork)):
        raise InputError(f"a {type(source).__name__} is no specification; give a SharingSpec or the path of a file")
    spec, coefficient = (known.spec, known.coefficient) if isinstance(known, TrainedNetwork) else (known, None)
    check_name(spec)
    return spec, coefficient


def single(spec: SharingSpec, coefficient: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients (dim,) of a network with one particle.

    Raises:
        InputError: the network has several particles, so that no single layer has its weights.
    """
    if len(coefficient) != 1:
        raise InputError(
            f"the weights of {spec.name} are those of {len(coefficient)} particles and not of one layer; "
            "use SharedShallowNetwork.from_spec, or give the specification alone for a fresh layer"
        )
    return np.asarray(coefficient[0])
