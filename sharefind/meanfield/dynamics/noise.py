"""The Gaussian noise of SGD, in as few numbers as it has where it is projected.

P_E xi with xi ~ N(0, I) is B^T zeta with an orthonormal basis B (k, D) of E and zeta ~ N(0, I_k): k numbers a particle
in place of D, and none on {0}.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sharefind.meanfield.clouds.device_tensor import DeviceTensor
from sharefind.spaces import Subspace, tying
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class NoiseShape:
    """How the noise of a particle is made of k independent standard Gaussians zeta.

    Attributes:
        ambient: The dimension D.
        space: The space E of P_E xi; None for xi itself.
    """

    ambient: int
    space: Subspace | None

    @property
    def rank(self) -> int:
        """k = dim E."""
        return self.ambient if self.space is None else self.space.dim

    @cached_property
    def places(self) -> tuple[IntArray, FloatArray] | None:
        """(place (D,), length (D,)): coordinate i of the noise is length[i] zeta[place[i]]; None if E ties no entries.

        Every basis vector of a tying space lives on one class of entries, so that no matrix is needed.
        """
        if self.space is None or self.space.is_full:
            return np.arange(self.ambient), np.ones(self.ambient)
        labels = self.space.tying
        if labels is None:
            return None
        place = np.maximum(np.abs(labels).astype(np.int64) - 1, 0)
        return place, np.sign(labels) / np.sqrt(tying.class_sizes(labels))[place]

    @cached_property
    def basis(self) -> FloatArray:
        """B^T (D, k); (0, 0) where `places` does without."""
        if self.places is not None or self.space is None:
            return np.empty((0, 0))
        return np.array(self.space.orthonormal().T, order="C")

    def spread_out(self, zeta: Tensor) -> Tensor:
        """Return the noise made of standard Gaussian numbers.

        Args:
            zeta: The numbers, shape (..., k, N).

        Returns:
            Shape (..., D, N).
        """
        if self.places is None:
            return torch.matmul(self._placed[0].like(zeta), zeta)
        if self.space is None or self.space.is_full:
            return zeta
        place, length = self._placed
        return zeta[..., place.beside(zeta), :] * length.like(zeta).unsqueeze(-1)

    @cached_property
    def _placed(self) -> tuple[DeviceTensor, ...]:
        parts = (self.basis,) if self.places is None else self.places
        return tuple(DeviceTensor(torch.from_numpy(part)) for part in parts)


class TorchNoise:
    """A stream of noise from torch's generator.

    Numbers are drawn in single precision, five times faster than in double and as good for a diffusion: steps of 2^-24
    of a standard deviation.

    Args:
        shape: Shape of the noise.
        theta: Particles, shape (R, D, N), whose sizes, type and device the noise has.
        seed: Seed of the stream.
    """

    def __init__(self, shape: NoiseShape, theta: Tensor, seed: int) -> None:
        self._shape = shape
        self._size = (len(theta), shape.rank, theta.shape[2])
        self._dtype, self._device = theta.dtype, theta.device
        self._generator = torch.Generator(theta.device).manual_seed(seed)

    def draw(self, steps: int) -> Tensor:
        """Return the noise of the next steps.

        Args:
            steps: Number of steps.

        Returns:
            Shape (steps, R, D, N).
        """
        zeta = torch.randn((steps, *self._size), dtype=torch.float32, device=self._device, generator=self._generator)
        return self._shape.spread_out(zeta.to(self._dtype))
