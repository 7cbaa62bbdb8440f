"""Plain layers of torch with given weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sharefind.architectures.spec import SharingSpec
from sharefind.architectures.spec_parts import OPERATORS


def plain_linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """Return an nn.Linear with copies of a weight and a bias; no random numbers are drawn.

    Args:
        weight: Shape (out, in).
        bias: Shape (out,), or None.
    """
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
    """Return an nn.Linear that computes at x what a weight (out, in) and a bias (out,) compute at x - centre.

    Args:
        weight: Shape (out, in).
        bias: Shape (out,), or None.
        centre: Shape (parts, in); the sum over the parts is subtracted.
    """
    if not centre.any():
        return plain_linear(weight, bias)
    moved = -(on_host(centre).sum(0) @ on_host(weight).T)
    if bias is not None:
        moved = moved + on_host(bias)
    return plain_linear(weight, moved.to(weight.dtype).to(weight.device))


def on_host(values: Tensor) -> Tensor:
    """Return values on the processor in double precision.

    Args:
        values: The values.
    """
    return values.detach().to("cpu").to(torch.float64)


def plain_activation(spec: SharingSpec) -> nn.Module:
    """Return the activation of a specification as a module of torch.

    Args:
        spec: The specification.
    """
    module: nn.Module = getattr(nn, OPERATORS[spec.activation.name])()
    return module
