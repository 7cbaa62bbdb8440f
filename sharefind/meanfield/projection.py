"""The orthogonal projection P_E on a subspace of Z, applied to clouds of particles in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from sharefind.spaces import Subspace

DENSE_LIMIT = 256
"""Up to this dim Z one dense matrix product beats segment sums (speed only; both give P_E)."""


class Projector:
    """P_E for a subspace E of Z, on clouds theta (R, D, N) along their second axis.

    Tying spaces of large Z are applied through their labels, without a dense matrix.

    Args:
        space: the subspace E, exact or numerical.
    """

    def __init__(self, space: Subspace) -> None:
        self.space = space
        labels = space.tying
        self._matrix: Tensor | None = None
        self._segment: Tensor | None = None
        if labels is not None and space.ambient > DENSE_LIMIT:
            tying = torch.from_numpy(labels.astype("int64"))
            self._segment = tying.abs()
            self._sign = torch.sign(tying).to(torch.float64)
            self._count = torch.bincount(self._segment, minlength=space.dim + 1).to(torch.float64)
        else:
            basis = torch.tensor(space.orthonormal())
            self._matrix = basis.t() @ basis

    def __call__(self, theta: Tensor) -> Tensor:
        """P_E theta: (R, D, N) -> (R, D, N)."""
        if self._matrix is not None:
            return torch.matmul(self._matrix.to(theta), theta)
        return self._by_segments(theta)

    def _by_segments(self, theta: Tensor) -> Tensor:
        if self._segment is None:
            return theta
        sign, segment = self._sign.to(theta)[:, None], self._segment.to(theta.device)
        sums = theta.new_zeros(theta.shape[0], len(self._count), theta.shape[2])
        sums.index_add_(1, segment, theta * sign)
        means = sums / self._count.clamp(min=1).to(theta)[:, None]
        return means[:, segment] * sign

    def residual(self, theta: Tensor) -> Tensor:
        """theta - P_E theta: (R, D, N) -> (R, D, N)."""
        return theta - self(theta)
