"""Networks for audits: exactly equivariant ones whose units are shuffled, and ONNX graphs written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sharefind.groups import Representation, hom, named_group, parse_representation
from sharefind.spaces import fixed_space


def representations(group: str, texts: Sequence[str]) -> list[Representation]:
    acting = named_group(group)
    return [parse_representation(text, acting) for text in texts]


def equivariant_net(
    group: str, texts: Sequence[str], seed: int, activation: type[nn.Module] = nn.Tanh, dtype: Any = torch.float32
) -> nn.Sequential:
    """A network whose layers lie in the exact spaces between representations, with random weights."""
    reps, rng, parts = representations(group, texts), np.random.default_rng(seed), list[nn.Module]()
    for before, after in pairwise(reps):
        weight = fixed_space(hom(after, before)).project(rng.standard_normal(after.dim * before.dim))
        weight = weight.reshape(after.dim, before.dim)
        weight = 1.5 * weight / np.sqrt(np.square(weight).sum(1).mean())
        layer = nn.Linear(before.dim, after.dim)
        layer.weight.data = torch.tensor(weight)
        layer.bias.data = torch.tensor(fixed_space(after).project(rng.standard_normal(after.dim)))
        parts += [layer.to(dtype), activation()]
    return nn.Sequential(*parts[:-1])


def linears(net: nn.Sequential) -> list[nn.Linear]:
    return [part for part in net if isinstance(part, nn.Linear)]


@torch.no_grad()
def shuffled(net: nn.Sequential, seed: int, signs: bool = True) -> nn.Sequential:
    """The same function with the units of each hidden layer in another order, and with other signs."""
    rng = np.random.default_rng(seed)
    for below, above in pairwise(linears(net)):
        order = torch.tensor(rng.permutation(below.out_features))
        sign = torch.tensor(rng.choice([-1.0, 1.0], below.out_features) if signs else np.ones(below.out_features))
        sign = sign.to(below.weight.dtype)
        below.weight.data, below.bias.data = (sign[:, None] * below.weight)[order], (sign * below.bias)[order]
        above.weight.data = (above.weight * sign)[:, order]
    return net


def rows(width: int, count: int = 200, seed: int = 0, offset: float = 0.0) -> np.ndarray[Any, Any]:
    return offset + np.random.default_rng(seed).standard_normal((count, width))


def write_graph(path: Path, net: nn.Sequential, centre: float | None = None, dtype: Any = np.float32) -> Path:
    """A network as an ONNX graph of Gemm and activations, behind a scaler that takes `centre` off."""
    from onnx import helper, numpy_helper, save

    tensors, nodes, last = [], [], "x"

    def constant(name: str, values: Any) -> str:
        tensors.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    if centre is not None:
        nodes.append(helper.make_node("Sub", ["x", constant("centre", centre)], ["centred"]))
        last = "centred"
    parts = list(net)
    for k, part in enumerate(parts):
        output = "y" if k == len(parts) - 1 else f"h{k}"
        if isinstance(part, nn.Linear):
            weights = constant(f"w{k}", part.weight.detach()), constant(f"b{k}", part.bias.detach())
            nodes.append(helper.make_node("Gemm", [last, *weights], [output], transB=1))
        else:
            nodes.append(helper.make_node({nn.Tanh: "Tanh", nn.ReLU: "Relu"}[type(part)], [last], [output]))
        last = output
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    widths = {"x": linears(net)[0].in_features, "y": linears(net)[-1].out_features}
    x, y = (helper.make_tensor_value_info(name, kind, ["n", width]) for name, width in widths.items())
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path
