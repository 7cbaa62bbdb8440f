"""The layers of a torch.nn.Sequential, read from its modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from torch import Tensor, nn

from sharefind.architectures.audit.activations import clip, gelu, onnx_activation
from sharefind.architectures.audit.layer_chain import LayerChain, Pointwise, UnreadError, Wire
from sharefind.architectures.layers.dense import on_host
from sharefind.typing import FloatArray

SAME_AS_ONNX: dict[type[nn.Module], str] = {
    nn.CELU: "Celu",
    nn.ELU: "Elu",
    nn.LeakyReLU: "LeakyRelu",
    nn.Mish: "Mish",
    nn.ReLU: "Relu",
    nn.SELU: "Selu",
    nn.Sigmoid: "Sigmoid",
    nn.Softsign: "Softsign",
    nn.Tanh: "Tanh",
    nn.Hardswish: "HardSwish",
}
"""Activations of torch by their names in ONNX."""

PASSED = (nn.Identity, nn.Dropout, nn.AlphaDropout)
"""Modules that leave a value unchanged when the network is used."""


@dataclass(frozen=True, eq=False)
class Step:
    """One module of a sequence.

    Attributes:
        name: Its name in the state of the sequence, such as "2".
        module: The module.
    """

    name: str
    module: nn.Module


def steps_of(module: nn.Module, prefix: str = "") -> Iterator[Step]:
    """Yield the modules of nested sequences in their order.

    Args:
        module: A torch.nn.Sequential.
        prefix: Beginning of their names.

    Raises:
        UnreadError: The module is no sequence.
    """
    if type(module).forward is not nn.Sequential.forward:
        raise UnreadError(
            f"{type(module).__name__} computes in a forward of its own, which is not read; "
            "give a torch.nn.Sequential, or an ONNX file"
        )
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential):
            yield from steps_of(child, f"{prefix}{name}.")
        else:
            yield Step(f"{prefix}{name}", child)


def torch_layers(module: nn.Module, shape: tuple[int, ...]) -> LayerChain:
    """Return the layers of a torch.nn.Sequential.

    Args:
        module: The module.
        shape: Shape of a row of its input.

    Raises:
        UnreadError: It is no sequence of linear layers and pointwise activations.
    """
    wire = Wire.of_inputs(shape)
    for step in steps_of(module):
        wire = _after(wire, step.module)
    return wire.chain()


def _after(wire: Wire, module: nn.Module) -> Wire:
    activation = torch_activation(module)
    if activation is not None:
        return wire.activated(activation)
    if isinstance(module, PASSED):
        return wire
    if isinstance(module, nn.Linear):
        return _linear(wire, module)
    if isinstance(module, nn.BatchNorm1d) and len(wire.shape) == 1:
        factor, offset = normalisation(module)
        return wire.scaled(factor, offset)
    if isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1):
        return wire.shaped((wire.size,))
    if isinstance(module, nn.Unflatten) and module.dim == 1:
        size: Any = module.unflattened_size
        return wire.shaped((size,) if isinstance(size, int) else tuple(int(n) for n in size))
    raise UnreadError(f"{type(module).__name__} is no linear layer and no pointwise activation")


def _linear(wire: Wire, module: nn.Linear) -> Wire:
    if len(wire.shape) != 1:
        raise UnreadError("a Linear acts on rows of several axes; flatten them first")
    bias: Tensor | None = module.bias
    return wire.linear(host(module.weight), 0.0 if bias is None else host(bias))


def normalisation(module: nn.BatchNorm1d) -> tuple[FloatArray, FloatArray]:
    """Return factor and offset, shape (features,) each, by which a normalisation acts when the network is used.

    Args:
        module: The normalisation.

    Raises:
        UnreadError: It keeps no statistics, so that it mixes the rows of a batch.
    """
    mean, variance = module.running_mean, module.running_var
    if mean is None or variance is None:
        raise UnreadError("a BatchNorm1d without statistics mixes the rows of a batch")
    width = len(mean)
    weight: Tensor | None = module.weight
    bias: Tensor | None = module.bias
    scale = np.ones(width) if weight is None else host(weight)
    shift = np.zeros(width) if bias is None else host(bias)
    factor = scale / np.sqrt(host(variance) + module.eps)
    return factor, shift - factor * host(mean)


def torch_activation(module: nn.Module) -> Pointwise | None:
    """Return the activation that a module is; None for any other module.

    Args:
        module: The module.
    """
    name = SAME_AS_ONNX.get(type(module))
    if name is not None:
        settings = {"alpha": getattr(module, "alpha", getattr(module, "negative_slope", None))}
        return onnx_activation(name, {} if settings["alpha"] is None else settings)
    if isinstance(module, nn.GELU):
        return Pointwise("gelu", gelu(module.approximate == "tanh"))
    if isinstance(module, nn.SiLU):
        return Pointwise("silu", lambda t: t * expit(t))
    if isinstance(module, nn.Softplus) and module.beta == 1:
        return onnx_activation("Softplus", {})
    if isinstance(module, nn.Hardtanh):
        return Pointwise("clip", clip(module.min_val, module.max_val))
    return None


def host(values: Tensor) -> FloatArray:
    """Return values on the processor in double precision.

    Args:
        values: A tensor.
    """
    return np.asarray(on_host(values).numpy())
