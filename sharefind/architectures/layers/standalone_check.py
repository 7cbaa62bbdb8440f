"""The check of equivariance that ends every exported module. It keeps to the rules of `standalone`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sharefind.architectures.layers.standalone import SharedShallowNetwork

if TYPE_CHECKING:
    from sharefind.architectures.sharing import Sharing


def _matrix(sharing: Sharing, element: object, like: Tensor) -> Tensor:
    """A generator as a matrix."""
    if sharing.has_images:
        # Entry k = j sends e_k to e_j, and entry k = -j sends it to -e_j.
        image = torch.tensor(element, device=like.device)
        matrix = like.new_zeros(len(image), len(image))
        columns = torch.arange(len(image), device=like.device)
        matrix[image.abs() - 1, columns] = image.sign().to(like)
        return matrix
    else:
        return torch.tensor(element, device=like.device, dtype=like.dtype)


def _moves(sharing: Sharing, like: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Group elements, on inputs and on outputs."""
    for on_inputs, on_outputs in sharing.generators:
        yield _matrix(sharing, on_inputs, like), _matrix(sharing, on_outputs, like)
    if sharing.has_rotations:
        for on_inputs, on_outputs in sharing.lie_generators:
            t = torch.pi * (2 * torch.rand((), device=like.device, dtype=like.dtype) - 1)
            inputs = torch.matrix_exp(t * _matrix(sharing, on_inputs, like))
            yield inputs, torch.matrix_exp(t * _matrix(sharing, on_outputs, like))


@torch.no_grad()
def check_equivariance(sharing: Sharing, module: nn.Module, trials: int = 16) -> float:
    """Return the error of equivariance of a module on random inputs.

    The network gets inputs about its centre, and its |f(x)| is that of f(x) - shift.
    Rounding gives about 1e-15 in float64 and 1e-6 in float32, times the size of the
    centre where that is above 1, since g x is rounded.

    Args:
        sharing: Description of the shared space.
        module: One of the modules above.
        trials: Number of inputs x.

    Returns:
        The largest |f(g x) - g f(x)| over x and the generators g, relative to |f(x)|.
    """
    like = next(module.parameters())
    x = torch.randn(trials, sharing.d_in, device=like.device, dtype=like.dtype)
    if isinstance(module, SharedShallowNetwork):
        x = x + module.centre[0] + module.centre[1]
    y, worst = module(x), 0.0
    for on_inputs, on_outputs in _moves(sharing, x):
        error = module(x @ on_inputs.T) - y @ on_outputs.T
        worst = max(worst, float(error.abs().max()))
    size = float((y - getattr(module, "shift", 0.0)).abs().max())
    return worst / max(size, torch.finfo(y.dtype).tiny)
