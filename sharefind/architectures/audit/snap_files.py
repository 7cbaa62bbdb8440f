"""Networks that were made exact, written in the form in which they were given: an ONNX graph, or the state of a torch
module.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from sharefind.architectures.audit.findings import Audit
from sharefind.architectures.audit.layer_chain import LayerChain, UnreadError
from sharefind.architectures.audit.onnx_network import model_network, require_runtime
from sharefind.architectures.audit.torch_layers import PASSED, Step, normalisation, steps_of, torch_activation
from sharefind.errors import ConfigError, ExportError, InputError, setting
from sharefind.storage import refuse_unwritable, write_atomically
from sharefind.typing import FloatArray

if TYPE_CHECKING:
    import onnx

OPERATORS = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "atan": "Atan",
    "elu": "Elu",
    "erf": "Erf",
    "selu": "Selu",
    "sin": "Sin",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "abs": "Abs",
    "cos": "Cos",
}
"""Activations that are written without settings, by the names under which they are read."""


def check_snap(audited: Path, out: Path) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Args:
        audited: The file of the network.
        out: The file to write.

    Raises:
        ConfigError: The network is in no ONNX file, or the file to write has another ending.
        RunFolderError: The file exists, or its folder does not.
    """
    if audited.suffix.lower() != ".onnx":
        raise ConfigError(
            f"{setting('snap')} writes a network in its own form, and weights of sharefind are in their space already; "
            "give an .onnx file"
        )
    if out.suffix.lower() != ".onnx":
        raise ConfigError(f"{setting('snap')} {out}: an ONNX network is written as one; end the name with .onnx")
    refuse_unwritable(out)


def write_snapped(audit: Audit, chain: LayerChain, source: Path, out: Path, largest: float = 1e-3) -> float:
    """Write a network that was made exact as an ONNX graph with the input and output of the original.

    Args:
        audit: The audit of the original.
        chain: The network.
        source: The file of the original.
        out: The file to write.
        largest: Largest difference of the graph from the network, relative to the spread of its outputs.

    Returns:
        The largest difference of the graph from the network, relative to the spread of its outputs.

    Raises:
        InputError: An activation has settings that are not written.
        ExportError: The graph does not compute what the network does.
    """
    require_runtime()
    import onnx

    model = _graph(audit, chain, onnx.load_model(source, load_external_data=False))
    x = audit.x.astype(audit.network.dtype).astype(np.float64)
    y = chain(x)
    spread = max(float(np.sqrt(np.square(y - y.mean(axis=0)).mean())), float(np.finfo(float).tiny))
    error = float(np.abs(model_network(model, str(out)).predict(x) - y).max()) / spread
    if not error <= largest:
        raise ExportError(f"the graph differs from the network by {error:.1e} of its spread; nothing is written")
    write_atomically(out, model.SerializeToString(deterministic=True))
    return error


def _graph(audit: Audit, chain: LayerChain, original: onnx.ModelProto) -> onnx.ModelProto:
    from onnx import helper, numpy_helper

    constants = {tensor.name for tensor in original.graph.initializer}
    (value,) = [one for one in original.graph.input if one.name not in constants]
    output, dtype = original.graph.output[0], audit.network.dtype
    centre = np.zeros(chain.widths[0]) if audit.reduced is None else audit.reduced.origin.centre
    tensors, nodes = [], []

    def constant(name: str, values: FloatArray) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values.astype(dtype)), name))
        return name

    nodes.append(helper.make_node("Flatten", [value.name], ["snap_flat"], axis=1))
    rounded = centre.astype(dtype).astype(np.float64)
    nodes.append(helper.make_node("Sub", ["snap_flat", constant("snap_centre", rounded)], ["snap_0"]))
    for k, layer in enumerate(chain.layers, 1):
        bias = layer.bias + (layer.weight @ rounded if k == 1 else 0.0)
        names = [f"snap_{k - 1}", constant(f"snap_weight_{k}", layer.weight), constant(f"snap_bias_{k}", bias)]
        is_last = layer.activation is None
        nodes.append(helper.make_node("Gemm", names, [output.name if is_last else f"snap_sum_{k}"], transB=1))
        if layer.activation is not None:
            nodes.append(helper.make_node(_operator(layer.activation.name), [f"snap_sum_{k}"], [f"snap_{k}"]))
    graph = helper.make_graph(nodes, "snapped", [value], [output], tensors)
    opsets = [one for one in original.opset_import if one.domain in ("", "ai.onnx")]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, producer_name="sharefind")
    model.ir_version = original.ir_version
    return model


def _operator(name: str) -> str:
    if name not in OPERATORS:
        raise InputError(f"the activation {name} is not written; snap the torch module in Python instead")
    return OPERATORS[name]


def snapped_state(module: nn.Module, chain: LayerChain) -> dict[str, Tensor]:
    """Return the state of a torch.nn.Sequential with the weights of a network that was made exact.

    Args:
        module: The module that was audited.
        chain: The network from `snap`.

    Raises:
        UnreadError: Between two activations there is not exactly one linear layer.
    """
    state = OrderedDict((name, tensor.clone()) for name, tensor in module.state_dict().items())
    groups = _between_activations(module)
    for group, layer in zip(groups, chain.layers, strict=True):
        linear = [step for step in group if isinstance(step.module, nn.Linear)]
        if len(linear) != 1:
            raise UnreadError(
                f"{len(linear)} linear layers follow each other without an activation; multiply them into one"
            )
        weight, bias = _unscaled(group, layer.weight, layer.bias)
        for name, values in (("weight", weight), ("bias", bias)):
            key = f"{linear[0].name}.{name}"
            if key in state:
                state[key] = torch.as_tensor(values).to(state[key])
    return state


def _between_activations(module: nn.Module) -> list[list[Step]]:
    groups: list[list[Step]] = [[]]
    for step in steps_of(module):
        if torch_activation(step.module) is not None:
            groups.append([])
        elif not isinstance(step.module, PASSED):
            groups[-1].append(step)
    return groups


def _unscaled(group: list[Step], weight: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return weight and bias of the linear layer alone, from those of it with the normalisations around it."""
    place = next(k for k, step in enumerate(group) if isinstance(step.module, nn.Linear))
    after = _scaling(group[place + 1 :], len(bias))
    before = _scaling(group[:place], weight.shape[1])
    weight, bias = weight / after[0][:, None], (bias - after[1]) / after[0]
    weight = weight / before[0]
    return weight, bias - weight @ before[1]


def _scaling(steps: list[Step], width: int) -> tuple[FloatArray, FloatArray]:
    factor, offset = np.ones(width), np.zeros(width)
    for step in steps:
        if isinstance(step.module, nn.BatchNorm1d):
            a, c = normalisation(step.module)
            factor, offset = a * factor, a * offset + c
    if (factor == 0).any():
        raise UnreadError("a normalisation has a factor of 0, so that the layer beside it cannot be written")
    return factor, offset
