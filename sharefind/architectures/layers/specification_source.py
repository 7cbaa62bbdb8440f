"""What a layer can be built from: a specification, a trained network, or a file with one of the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures import SharingSpec, TrainedNetwork, read_spec
from sharefind.architectures.certificate.proof import check_name
from sharefind.architectures.formats.tensors import SUFFIX, read_safetensors
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
    if isinstance(source, SharingSpec):
        check_name(source)
        return source, None
    if isinstance(source, TrainedNetwork):
        return read_source(source.spec)[0], source.coefficient
    if not isinstance(source, (str, Path)):
        raise InputError(f"a {type(source).__name__} is no specification; give a SharingSpec or the path of a file")
    path = Path(source)
    if path.suffix.lower() != SUFFIX:
        return read_source(read_spec(path, limits))
    return read_source(read_safetensors(path, limits))


def single(spec: SharingSpec, coefficient: NDArray[np.float64], instead: str) -> NDArray[np.float64]:
    """The coefficients (dim,) of a network with one particle.

    Raises:
        InputError: the network has several particles, so that no single layer has its weights.
    """
    if len(coefficient) != 1:
        raise InputError(
            f"the weights of {spec.name} are those of {len(coefficient)} particles and not of one layer; {instead}"
        )
    return np.asarray(coefficient[0])
