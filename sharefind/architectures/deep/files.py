"""Deep networks in files: weights (.safetensors), a graph (.onnx) and a torch module (.py); weights are read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sharefind.architectures.deep.deep_json import from_json, to_json
from sharefind.architectures.deep.escnn_source import escnn_source
from sharefind.architectures.deep.network import Affine, DeepNetwork
from sharefind.architectures.deep.onnx_file import onnx_bytes
from sharefind.architectures.deep.proof import DeepCertificate, prove
from sharefind.architectures.deep.torch_source import torch_source
from sharefind.architectures.formats.export_format import origin
from sharefind.architectures.formats.tensors import check_header, in_one_order, refuse_size
from sharefind.architectures.guards import GUARDS
from sharefind.errors import ConfigError, InputError, one_line, setting
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.storage import write_atomically

SCHEMA = "sharefind.deep-weights/1"

FORMATS = {"safetensors": ".safetensors", "onnx": ".onnx", "torch": ".py", "escnn": ".py"}
"""Formats with the endings of their files."""


def write_deep(network: DeepNetwork, path: Path, seed: int | None = None, format: str | None = None) -> DeepCertificate:
    """Return the certificate of a network that is written, whole or not at all, in the format of the file's ending.

    Args:
        network: The network.
        path: A file that ends with .safetensors (weights), .onnx (a graph) or .py (a torch module without weights).
        seed: Seed of the training, for the record.
        format: "safetensors", "onnx", "torch", or "escnn" for a module in the words of escnn; None for that of the
            ending.

    Raises:
        ConfigError: The ending or the format is another one, they do not fit, or the library onnx is missing.
        ExportError: The network is not what it claims to be, or escnn does not have its group.
        RunFolderError: The file cannot be written.
    """
    chosen = _format_of(path, format)
    certificate = prove(network)
    texts = origin(seed)
    if chosen == "torch":
        write_atomically(path, torch_source(network, certificate))
    elif chosen == "escnn":
        write_atomically(path, escnn_source(network, certificate))
    elif chosen == "onnx":
        write_atomically(path, onnx_bytes(network, certificate, {f"sharefind.{k}": v for k, v in texts.items()}))
    else:
        write_atomically(path, _safetensors(network, texts))
    return certificate


def _format_of(path: Path, format: str | None) -> str:
    """The format of a file: the first of its ending, where none is given."""
    suffix = path.suffix.lower()
    if format is None:
        if suffix not in FORMATS.values():
            endings = ", ".join(dict.fromkeys(FORMATS.values()))
            raise ConfigError(f"{path}: deep networks are written as {endings}; end the name with one of them")
        return next(name for name, ending in FORMATS.items() if ending == suffix)
    if format not in FORMATS:
        raise ConfigError(f"{setting('format')} {format}: deep networks are written as {', '.join(FORMATS)}")
    if suffix != FORMATS[format]:
        raise ConfigError(f"{setting('out')} {path}: end the name with {FORMATS[format]}")
    return format


def _safetensors(network: DeepNetwork, texts: dict[str, str]) -> bytes:
    from safetensors.numpy import save

    tensors = {}
    for number, layer in enumerate(network.layers):
        tensors[f"layers.{number}.weight"] = np.array(layer.weight, dtype=np.float64)
        tensors[f"layers.{number}.bias"] = np.array(layer.bias, dtype=np.float64)
    metadata = {"format": "pt", "schema": SCHEMA, "spec": to_json(network), **texts}
    return in_one_order(save(tensors, metadata))


def read_deep(path: Path, limits: Limits = DEFAULT_LIMITS) -> DeepNetwork:
    """Return the network of a .safetensors file that `write_deep` wrote; what it claims is for `prove` to say.

    Args:
        path: The file.
        limits: Largest sizes that are accepted.

    Raises:
        InputError: The file cannot be read, or holds something else.
        ExportError: Its generators are none of the group that it names.
    """
    from safetensors import SafetensorError, safe_open

    try:
        refuse_size(path.stat().st_size, limits.bytes_of(GUARDS.weight_bytes), str(path))
        check_header(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is no safetensors file ({one_line(error)}); export it again") from None
    if metadata.get("schema") != SCHEMA or "spec" not in metadata:
        raise InputError(f"{path}: the metadata are not those of {SCHEMA} with a spec; export it again")
    try:
        refuse_size(len(metadata["spec"]), limits.bytes_of(GUARDS.spec_bytes), "its spec")
        known = from_json(metadata["spec"], limits)
        layers = _layers(tensors, len(known.unit.reps) - 1)
        return DeepNetwork(
            known.name, known.unit, layers, known.inputs, known.outputs, known.classes, known.evidence,
            known.group_name, known.group_order,
        )  # fmt: skip
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


def _layers(tensors: dict[str, np.ndarray], count: int) -> tuple[Affine, ...]:
    names = [f"layers.{number}.{part}" for number in range(count) for part in ("weight", "bias")]
    if sorted(tensors) != sorted(names) or any(tensors[name].dtype != np.float64 for name in names):
        raise InputError(f"the tensors are not {', '.join(names[:4])}, ... in float64; export it again")
    return tuple(Affine(tensors[f"layers.{k}.weight"], tensors[f"layers.{k}.bias"]) for k in range(count))


def is_deep_file(path: Path) -> bool:
    """Return whether a file is a safetensors file of a deep network; nothing but its header is read.

    Args:
        path: The file.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():  # opening a pipe waits until another process writes to it
        return False
    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("schema") == SCHEMA
    except (OSError, SafetensorError):
        return False
