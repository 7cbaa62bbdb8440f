"""Files of networks that are audited, by their endings. Nothing is ever unpickled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from sharefind.architectures.audit.deep_module import DeepModule, deep_module
from sharefind.architectures.audit.network import AuditedNetwork
from sharefind.architectures.audit.onnx_network import onnx_network
from sharefind.architectures.audit.torch_network import torch_network
from sharefind.architectures.deep.files import is_deep_file, read_deep
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.formats.registry import read_file
from sharefind.architectures.layers import SharedShallowNetwork
from sharefind.architectures.trained import TrainedNetwork
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits


def network_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> AuditedNetwork:
    """Return the network in a file.

    Args:
        path: An .onnx file, or a .safetensors file that sharefind wrote.
        limits: Size limits.

    Raises:
        ConfigError: A library is missing.
        InputError: The file cannot be read, or has another ending.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return onnx_network(path, limits)
    if suffix in PICKLES:
        raise InputError(
            f"{path}: such files can run code when they are read; export the network with torch.onnx.export and audit "
            "the .onnx file"
        )
    if suffix != ".safetensors":
        raise InputError(f"{path}: an audit reads .onnx files, and .safetensors files that sharefind wrote")
    if is_deep_file(path):
        return _deep_network(read_deep(path, limits), path)
    found = read_file(path, limits)
    if not isinstance(found, TrainedNetwork):
        raise InputError(f"{path} holds no weights; give a network")
    module = SharedShallowNetwork.from_spec(found, dtype=torch.float64)
    return torch_network(module, (found.spec.d_in,), str(path))


def _deep_network(network: DeepNetwork, path: Path) -> AuditedNetwork:
    module = deep_module(network)
    found = torch_network(module, (network.unit.d_in,), str(path))
    unread = DeepModule.unread if isinstance(module, DeepModule) else found.unread
    return replace(found, unread=unread, inputs=network.inputs, outputs=network.outputs)
