"""Many particles as one wide layer, for the forward pass and as plain layers of torch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sharefind.meanfield.units.activations import Activation

PLAIN_ACTIVATIONS: tuple[tuple[str, type[nn.Module]], ...] = (("logistic", nn.Sigmoid), ("tanh", nn.Tanh))
"""The activations of `sharefind.meanfield.units.activations` as modules."""


def inner(blocks: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """W_i x [+ b_i] of every particle in a row: W (N, k, d_in), x (..., d_in) -> (..., N k)."""
    bias = blocks.get("bias")
    return nn.functional.linear(x, blocks["weight"].flatten(0, 1), None if bias is None else bias.flatten())


def outer(blocks: Mapping[str, Tensor]) -> Tensor:
    """The mean over particles of A_i as one matrix: A (N, d_out, h) -> (d_out, N h)."""
    output = blocks["output"]
    return output.transpose(0, 1).flatten(1) / output.shape[0]


def plain_linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """An nn.Linear with copies of a weight (out, in) and a bias (out,); no random numbers are drawn."""
    rows, columns = weight.shape
    plain: nn.Linear = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, columns, rows, bias is not None, device=weight.device, dtype=weight.dtype
    )
    with torch.no_grad():
        plain.weight.copy_(weight)
        if bias is not None:
            plain.bias.copy_(bias)
    return plain


@torch.no_grad()
def centred_linear(weight: Tensor, bias: Tensor | None, centre: Tensor) -> nn.Linear:
    """An nn.Linear that computes at x what a weight (out, in) and a bias (out,) compute at x - centre.

    Args:
        weight: Shape (out, in).
        bias: Shape (out,), or None.
        centre: Shape (parts, in): what is subtracted is the sum over the parts.
    """
    if not centre.any():
        return plain_linear(weight, bias)
    moved = -(centre.to("cpu").to(torch.float64).sum(0) @ weight.to("cpu").to(torch.float64).T)
    if bias is not None:
        moved = moved + bias.to("cpu").to(torch.float64)
    return plain_linear(weight, moved.to(weight.dtype).to(weight.device))


def plain_activation(sigma: Activation) -> nn.Module:
    """sigma as a module of torch."""
    return dict(PLAIN_ACTIVATIONS)[sigma.name]()
