"""Deep networks of sharefind as torch modules with plain weights, for the audit: a sequence where they are one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sharefind.architectures.deep.batch import deep_values
from sharefind.architectures.deep.network import DeepNetwork
from sharefind.architectures.layers.dense import plain_linear

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
}
"""Functions of deep units as modules."""


class DeepModule(nn.Module):
    """A deep network whose layers have several functions, or add their inputs.

    Args:
        network: The network.

    Attributes:
        unit: The unit, with the functions of its layers.
        weights: W of each layer, shape (rows, columns).
        biases: b of each layer, shape (rows,).
    """

    unread = "its layers add their inputs, or have two activations"
    """Why its layers are not read."""

    def __init__(self, network: DeepNetwork) -> None:
        super().__init__()
        self.unit = network.unit
        self.weights = nn.ParameterList([torch.tensor(weight) for weight, _ in network.matrices])
        self.biases = nn.ParameterList([torch.tensor(bias) for _, bias in network.matrices])

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (n, d_out).

        Args:
            x: Inputs, shape (n, d_in).
        """
        matrices = [(w.unsqueeze(0), b.unsqueeze(0)) for w, b in zip(self.weights, self.biases, strict=True)]
        return deep_values(self.unit, matrices, x.unsqueeze(0))[-1][0]


def deep_module(network: DeepNetwork) -> nn.Module:
    """Return a deep network as a module with plain weights in double precision.

    Args:
        network: The network.
    """
    functions, adds = network.unit.layer_functions, network.unit.adds_input
    if any(adds) or any(one.is_mixed or one.function.name not in ACTIVATIONS for one in functions):
        return DeepModule(network)
    parts: list[nn.Module] = []
    for number, (weight, bias) in enumerate(network.matrices):
        parts.append(plain_linear(torch.tensor(weight), torch.tensor(bias)))
        if number < len(functions):
            parts.append(ACTIVATIONS[functions[number].function.name]())
    return nn.Sequential(*parts)
