"""Lengths of the vectors that coordinates form, and vectors times numbers of their own: what commutes with rotations.

Which coordinates form vectors is decided in `sharefind.groups.vector_types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sharefind.groups.images import block_places


@dataclass(frozen=True)
class LengthGates:
    """Functions of vectors h in a space whose coordinates form vectors and scalars.

    The length of a vector is sqrt(|h_k|^2 + softening^2), which is smooth at 0; that of a scalar is the scalar itself.

    Attributes:
        labels: 0 for a scalar, or the number of its vector, shape (dim,).
        softening: Softening length, in the units of h.
    """

    labels: tuple[int, ...]
    softening: float = 0.1

    @property
    def count(self) -> int:
        """Number of types."""
        return int(self.places.max()) + 1

    @cached_property
    def places(self) -> Tensor:
        """The type of each coordinate, int64 (dim,)."""
        return torch.from_numpy(block_places(self.labels))

    @cached_property
    def is_scalar(self) -> Tensor:
        """Which types are scalars, bool (types,)."""
        found = np.zeros(self.count, dtype=bool)
        found[self.places.numpy()] = np.array(self.labels) == 0
        return torch.from_numpy(found)

    def sums(self, values: Tensor) -> Tensor:
        """Return sums over the coordinates of each type.

        Args:
            values: Shape (R, dim, B, N).

        Returns:
            Shape (R, types, B, N).
        """
        shape = (values.shape[0], self.count, *values.shape[2:])
        return values.new_zeros(shape).index_add(1, self.places, values)

    def spread(self, values: Tensor) -> Tensor:
        """Return each type's number for all its coordinates.

        Args:
            values: Shape (R, types, B, N).

        Returns:
            Shape (R, dim, B, N).
        """
        return values.index_select(1, self.places)

    def lengths(self, h: Tensor) -> Tensor:
        """Return the lengths of vectors, and scalars unchanged.

        Args:
            h: Shape (R, dim, B, N).

        Returns:
            Shape (R, types, B, N).
        """
        lengths = (self.sums(h**2) + self.softening**2).sqrt()
        return torch.where(self.is_scalar[:, None, None], self.sums(h), lengths) if self.is_scalar.any() else lengths

    def slopes(self, h: Tensor, lengths: Tensor) -> Tensor:
        """Return the derivative of each length along each of its coordinates.

        Args:
            h: Shape (R, dim, B, N).
            lengths: The result of `lengths`, shape (R, types, B, N).

        Returns:
            Shape (R, dim, B, N).
        """
        slopes = h / self.spread(lengths)
        has_scalars = bool(self.is_scalar.any())
        is_scalar = self.is_scalar[self.places][:, None, None]
        return torch.where(is_scalar, torch.ones_like(h), slopes) if has_scalars else slopes
