"""The orthogonal projection P_E on a subspace of Z, applied to clouds of particles in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from sharefind.meanfield.clouds.device_tensor import DeviceTensor
from sharefind.spaces import Subspace


class Projector:
    """P_E for a subspace E of Z, on clouds theta (R, D, N) along their second axis.

    Tying spaces of large Z are applied through their labels, and other small spaces of it through an orthonormal basis,
    without a dense matrix.

    Args:
        space: The subspace E, exact or numerical.
        dense_limit: Up to this dim Z one dense matrix product is fastest (speed only; all give P_E).
    """

    def __init__(self, space: Subspace, dense_limit: int = 256) -> None:
        self.space = space
        labels = space.tying
        self._matrix: DeviceTensor | None = None
        self._basis: DeviceTensor | None = None
        self._segment: DeviceTensor | None = None
        self._sign: DeviceTensor | None = None
        if labels is not None:
            tying = torch.from_numpy(labels.astype("int64"))
            self._segment = DeviceTensor(tying.abs())
            self._sign = None if bool((tying > 0).all()) else DeviceTensor(torch.sign(tying).unsqueeze(1))
            count = torch.bincount(tying.abs(), minlength=space.dim + 1)
            self._count = DeviceTensor(count.clamp(min=1).to(torch.float64).unsqueeze(1))
        is_small = space.ambient <= dense_limit
        if labels is None and not is_small and 2 * space.dim < space.ambient:
            self._basis = DeviceTensor(torch.tensor(space.orthonormal()))
        elif labels is None or is_small:
            basis = torch.tensor(space.orthonormal())
            self._matrix = DeviceTensor(basis.t() @ basis)

    def __call__(self, theta: Tensor) -> Tensor:
        """P_E theta: (R, D, N) -> (R, D, N)."""
        if self._matrix is not None:
            return torch.matmul(self._matrix.like(theta), theta)
        if self._basis is not None:
            basis = self._basis.like(theta)
            return torch.matmul(basis.t(), torch.matmul(basis, theta))
        return self._by_segments(theta)

    def _by_segments(self, theta: Tensor) -> Tensor:
        if self._segment is None:
            return theta
        segment = self._segment.beside(theta)
        sign = None if self._sign is None else self._sign.like(theta)
        sums = theta.new_zeros(theta.shape[0], self._count.shape[0], theta.shape[2])
        sums.index_add_(1, segment, theta if sign is None else theta * sign)
        means = sums / self._count.like(theta)
        placed = means.index_select(1, segment)
        return placed if sign is None else placed * sign

    def anchor(self, theta: Tensor) -> Tensor:
        """Return a point of E near the mean of a cloud, in E to the last bit where E is a tying space.

        It is 0 for other spaces, whose points are rounded.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            Shape (R, D, 1).
        """
        mean = theta.mean(2, keepdim=True)
        return torch.zeros_like(mean) if self._segment is None else self._by_segments(mean)

    def residual(self, theta: Tensor) -> Tensor:
        """Return theta - P_E theta.

        Args:
            theta: Particles, shape (R, D, N).

        Returns:
            The same shape.
        """
        return theta - self(theta)
