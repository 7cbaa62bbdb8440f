"""The graph of a deep network as a torch module whose constants are parameters: what a tool does that trains graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

OPERATORS: dict[str, Callable[..., Tensor]] = {
    "MatMul": torch.matmul,
    "Add": torch.add,
    "Mul": torch.mul,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Relu": torch.relu,
    "Erf": torch.erf,
    "Where": torch.where,
}


class GraphModule(nn.Module):
    """Plain matrix products: weights are whole matrices, so that nothing ties them while they are trained.

    path: an .onnx file of a deep network.
    """

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        super().__init__()
        graph = onnx.load(str(path)).graph
        self.nodes = list(graph.node)
        self.fixed: dict[str, Tensor] = {}
        self.weights = nn.ParameterDict()
        for constant in graph.initializer:
            values = torch.from_numpy(numpy_helper.to_array(constant).copy())
            if constant.name.startswith(("weight_", "bias_")):
                self.weights[constant.name] = nn.Parameter(values)
            else:
                self.fixed[constant.name] = values

    def forward(self, x: Tensor) -> Tensor:
        """(batch, d_in) -> (batch, d_out)."""
        known = {"x": x, **self.fixed, **dict(self.weights.items())}
        for node in self.nodes:
            taken = [known[name] for name in node.input]
            if node.op_type == "Cast":
                (kind,) = (attribute.i for attribute in node.attribute if attribute.name == "to")
                known[node.output[0]] = taken[0].to({1: torch.float32, 11: torch.float64}[kind])
            else:
                known[node.output[0]] = OPERATORS[node.op_type](*taken)
        return known["y"]
