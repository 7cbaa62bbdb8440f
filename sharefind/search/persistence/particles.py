"""Files of particles: those of a node's observed training before and after, as safetensors."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sharefind.errors import RunFolderError, one_line
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.search.experiments import Training
from sharefind.search.persistence.small_files import FileSizes, refuse_size
from sharefind.storage import DIGEST, advice, write_atomically

PARTICLES = "particles"
"""The folder of particles inside that of a run."""

FILE = re.compile(r"node-[0-9]{4,9}\.safetensors")
"""The name of a file of particles."""


def digest(content: bytes) -> str:
    """Return SHA-256 in hexadecimal digits.

    Args:
        content: The bytes.
    """
    return hashlib.sha256(content).hexdigest()


def write_particles(path: Path, number: int, training: Training) -> dict[str, str]:
    """Write particles before and after, (R, D, N).

    Args:
        path: The run folder.
        number: Number of the node's visit.
        training: Its observed training.

    Returns:
        Name and checksum of the file, which the line of the node keeps.
    """
    content = save({"start": training.start.contiguous(), "final": training.final.contiguous()})
    file = _file(path, number)
    write_atomically(file, content)
    return {"file": file.name, DIGEST: digest(content)}


def refuse_changed(path: Path, kept: Any, limits: Limits) -> None:
    """Refuse particles that have changed since they were written.

    Args:
        path: The run folder.
        kept: The record of the particles in the line of the node.
        limits: Limits on the size of the file.

    Raises:
        ValueError: The particles are missing or damaged.
        RunFolderError: They are above the limits.
    """
    if FILE.fullmatch(kept["file"]) is None:
        raise ValueError(f"{PARTICLES} are in no file node-NNNN.safetensors")
    file = path / PARTICLES / kept["file"]
    if file.is_file():
        refuse_size(file, limits.bytes_of(FileSizes.particles))
    if not file.is_file() or digest(file.read_bytes()) != kept[DIGEST]:
        raise ValueError(f"{PARTICLES}/{file.name} is missing or damaged")


def read_particles(
    path: Path, number: int, limits: Limits = DEFAULT_LIMITS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return particles of the first training of a visited node, before and after, shape (N, D) each, float64.

    Args:
        path: The run folder.
        number: Number of the node's visit.
        limits: Limits on the size of the file.

    Raises:
        RunFolderError: The file is missing, damaged or above the limits.
    """
    file = _file(path, number)
    try:
        refuse_size(file, limits.bytes_of(FileSizes.particles))
        start, final = _start_and_final(file)
    except PermissionError as error:
        raise RunFolderError(f"{file} cannot be read ({error.strerror}); {advice(error)}") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise RunFolderError(f"{file} cannot be read ({one_line(error)}); run the search again") from None
    return start, final


def _file(path: Path, number: int) -> Path:
    return path / PARTICLES / f"node-{number:04d}.safetensors"


def _start_and_final(file: Path) -> list[NDArray[np.float64]]:
    found = []
    with safe_open(file, framework="numpy") as tensors:
        for name in ("start", "final"):
            if name not in tensors.keys():  # noqa: SIM118
                raise ValueError(f"it holds no tensor {name}")
            part = tensors.get_slice(name)
            if part.get_dtype() not in ("F32", "F64") or len(part.get_shape()) != 3 or not part.get_shape()[0]:
                raise ValueError(f"{name} is no array of particles, (R, D, N)")
            found.append(np.asarray(tensors.get_tensor(name), dtype=np.float64)[0].T)
    return found
