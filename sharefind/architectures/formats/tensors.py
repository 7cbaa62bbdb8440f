"""A trained network as one safetensors file: coefficients, centre, shift, scale, and its specification as metadata.

The tensors are the state dict of the exported torch module, so that `load_state_dict(load_file(path))` loads them.
Files of earlier versions hold the coefficients alone, of inputs that were not centred.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sharefind.architectures.certificate.proof import Certificate, certify
from sharefind.architectures.certificate.stabiliser import refusal
from sharefind.architectures.formats.export_format import ExportFormat, column_texts, origin, verify_command
from sharefind.architectures.formats.spec_json import from_json, to_json
from sharefind.architectures.guards import GUARDS, Guards
from sharefind.architectures.scaling import CENTRE, STATISTICS, statistics
from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import InputError, one_line, quoted, setting
from sharefind.formats import RepeatedKeyError, parse_json
from sharefind.limits import DEFAULT_LIMITS, Limits, raise_it
from sharefind.storage import advice, write_atomically
from sharefind.typing import FloatArray

SCHEMA = "sharefind.weights/1"

TENSOR = "coefficient"
"""The tensor of what was learned, named as the parameter of the exported module."""


def write_safetensors(network: TrainedNetwork, path: Path, seed: int | None = None) -> Certificate:
    """Certify a network's specification and write the network to a file, whole or not at all.

    The file holds `coefficient` (N, dim), `centre` (2, d_in), `shift` (d_out,) and `scale` (), all float64, and the
    metadata `format`, `schema`, `spec`, `inputs`, `outputs` and `versions` (JSON texts), and `seed`.

    Args:
        network: The network.
        path: The file.
        seed: Seed of the training, for the record.

    Returns:
        The certificate.

    Raises:
        ExportError: A claim of the specification fails, or the particles leave the space.
        RunFolderError: The file cannot be written.
    """
    from safetensors.numpy import save

    certificate = certify(network.spec)
    check_particles(network)
    metadata = {"format": "pt", "schema": SCHEMA, "spec": to_json(network.spec)}
    metadata |= {**column_texts(network.spec), **origin(seed)}
    tensors = {TENSOR: network.coefficient, **statistics(network.spec.change)}
    content = save({name: np.array(value, dtype=np.float64, order="C") for name, value in tensors.items()}, metadata)
    write_atomically(path, in_one_order(content))
    return certificate


def in_one_order(content: bytes) -> bytes:
    """Return a safetensors file with the keys of its header sorted: the library writes metadata in an order of its own.

    Args:
        content: 8 bytes with the length of the header, the header (JSON, filled up with spaces), and the numbers.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    known = parse_json(content[8:start])
    header = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[start:]


def check_particles(network: TrainedNetwork) -> None:
    """Refuse particles that are not finite or lie outside the space: coefficients too large for a float64.

    Args:
        network: The network.

    Raises:
        ExportError: The particles are such.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        particles = network.particles
    if not np.isfinite(particles).all():
        raise refusal("the coefficients are so large that a particle is not finite")


def read_safetensors(path: Path, limits: Limits = DEFAULT_LIMITS, guards: Guards = GUARDS) -> TrainedNetwork:
    """Return the network in a file; nothing in it is ever run or unpickled. `certify` checks its claims.

    Args:
        path: The file.
        limits: Largest sizes that are accepted.
        guards: Largest sizes where `limits` has none.

    Raises:
        InputError: The file cannot be read, is above the limits, is no safetensors file, or holds anything but what
            `write_safetensors` writes.
    """
    try:
        refuse_size(path.stat().st_size, limits.bytes_of(guards.weight_bytes), str(path))
        metadata, tensors = _content(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); {advice(error)}") from None
    try:
        text = _text(metadata)
        refuse_size(len(text), limits.bytes_of(guards.spec_bytes), "its spec")
        spec = from_json(text, limits)
        _check_columns(spec, metadata)
        _check_statistics(spec, tensors)
        return TrainedNetwork(spec, tensors[TENSOR])
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


def _check_columns(spec: SharingSpec, metadata: Mapping[str, str]) -> None:
    """Names of columns are those of the specification; files of earlier versions have none."""
    for side, known in column_texts(spec).items():
        if metadata.get(side, known) != known:
            raise InputError(f"its {side} are not those of its spec; export it again")


def _check_statistics(spec: SharingSpec, tensors: Mapping[str, FloatArray]) -> None:
    """Centre, shift and scale are those of the specification; a file without them knows no centre."""
    if tensors.keys() == {TENSOR}:
        if spec.change.moves_inputs:
            raise InputError(f"its spec has a centre, and there is no tensor {CENTRE}; export it again")
        return
    for name, value in statistics(spec.change).items():
        if not np.array_equal(tensors[name], value):
            raise InputError(f"the tensor {name} is not that of its spec (change.{name}); export it again")


def refuse_size(size: int, most: int, what: str) -> None:
    """Refuse what is larger than a limit.

    Args:
        size: Bytes.
        most: Largest number of bytes.
        what: Its name in the message.

    Raises:
        InputError: It is larger.
    """
    if size > most:
        raise InputError(
            f"{what} is above {most} bytes; give a file from sharefind export, or {raise_it('file_size', size)}"
        )


def _content(path: Path) -> tuple[dict[str, str], dict[str, FloatArray]]:
    """The metadata and the tensors by name: the coefficients (N, dim), with the change of data or without it."""
    from safetensors import SafetensorError, safe_open

    check_header(path)
    try:
        with safe_open(path, framework="numpy") as file:
            names = sorted(file.keys())
            if names not in ([TENSOR], sorted((TENSOR, *STATISTICS))):
                raise InputError(
                    f"{path} holds the tensors {quoted(names)}; it must hold {TENSOR} alone or with "
                    f"{', '.join(STATISTICS)}; export again"
                )
            for name in names:
                dtype = file.get_slice(name).get_dtype()
                if dtype != "F64":
                    raise InputError(f"{path}: {name} is {dtype}, not F64; export it again")
            shape = file.get_slice(TENSOR).get_shape()
            if len(shape) != 2:
                raise InputError(f"{path}: {TENSOR} has {len(shape)} axes, not 2; export it again")
            return file.metadata() or {}, {name: np.asarray(file.get_tensor(name)) for name in names}
    except SafetensorError as error:
        raise InputError(f"{path} is no safetensors file ({one_line(error)}); export it again") from None


def check_header(path: Path) -> None:
    """Refuse a header with a key twice, since the library would take the last one; the library checks the rest.

    Args:
        path: A safetensors file.

    Raises:
        InputError: A key is there twice.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(min(length, path.stat().st_size))
    try:
        parse_json(header)
    except RepeatedKeyError as error:
        raise InputError(f"{path} is no safetensors file ({error}); export it again") from None
    except (ValueError, RecursionError):
        return


def _text(metadata: dict[str, str]) -> str:
    if metadata.get("schema") != SCHEMA or "spec" not in metadata:
        raise InputError(f"the metadata are not those of {SCHEMA} with a spec; export it again")
    return metadata["spec"]


def _next(spec: SharingSpec, run: Path, out: Path) -> list[str]:
    module = f"(net: the module of {setting('format')} torch)"
    load = f"net.load_state_dict(safetensors.torch.load_file({str(out)!r}))   {module}"
    return [load, *verify_command(spec, run, out)]


FORMAT = ExportFormat("safetensors", ".safetensors", write_safetensors, _next, has_weights=True, read=read_safetensors)
