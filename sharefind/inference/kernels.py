"""Matern kernels of samples, which orthogonal groups leave alone: they prefer no way of breaking a symmetry."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_distances(x: Tensor) -> Tensor:
    """Return |x_i - x_j|^2.

    Args:
        x: Points, shape (..., n, d).

    Returns:
        Shape (..., n, n).
    """
    gram = x @ x.transpose(-1, -2)
    norms = torch.diagonal(gram, dim1=-2, dim2=-1)
    return (norms.unsqueeze(-1) + norms.unsqueeze(-2) - 2 * gram).clamp_min(0)


def matern(distances: Tensor, inverse_length: float, jitter: float = 1e-12) -> Tensor:
    """Matern kernel of smoothness 3/2: (1 + r) exp(-r), r = sqrt(3) |x - x'| / length.

    Args:
        distances: Squared distances |x - x'|^2, any shape.
        inverse_length: One over the length.
        jitter: Added to r^2 before the root is taken.

    Returns:
        The kernel, of the same shape.
    """
    r = distances.mul(3 * inverse_length**2).add_(jitter).sqrt_()
    decay = torch.exp(-r)
    return r.add_(1).mul_(decay)


def kernel_root(gram: Tensor, rounding: float) -> Tensor:
    """The symmetric inverse root of a kernel matrix; directions of rounding size are left out.

    Args:
        gram: Symmetric, shape (p, p).
        rounding: Share of the largest eigenvalue below which a direction is rounding.

    Returns:
        Shape (p, p).
    """
    values, vectors = torch.linalg.eigh(gram)
    kept = values > rounding * values[-1].clamp_min(torch.finfo(gram.dtype).tiny)
    root: Tensor = (vectors[:, kept] * values[kept].rsqrt()) @ vectors[:, kept].t()
    return root
