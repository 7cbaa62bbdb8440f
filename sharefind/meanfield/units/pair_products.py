"""Products of the coordinates of vectors with those of their copies: tensors of order 2, and how slopes go through.

Which coordinates are multiplied is decided in `sharefind.groups.images.pair_places`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sharefind.groups.images import pair_places


@dataclass(frozen=True)
class PairProducts:
    """Products u (x) v' of vectors u of the first half of a space and v' of the second, type by type.

    Attributes:
        labels: Types of both halves (`sharefind.groups.vector_types`), shape (dim,).
    """

    labels: tuple[int, ...]

    @cached_property
    def places(self) -> tuple[Tensor, Tensor]:
        """Positions of the coordinate of u and of the coordinate of v' in each product, int64 (p,) each."""
        first, second = pair_places(self.labels)
        return torch.from_numpy(first), torch.from_numpy(second)

    def products(self, u: Tensor, v: Tensor) -> Tensor:
        """Return the products of coordinates.

        Args:
            u: Shape (R, dim, B, N).
            v: Shape (R, dim, B, N).

        Returns:
            Shape (R, p, B, N).
        """
        first, second = self.places
        return u.index_select(1, first) * v.index_select(1, second)

    def on_first(self, covector: Tensor, v: Tensor) -> Tensor:
        """Return the pull-back of covectors to u.

        Args:
            covector: Shape (R, p, B, N).
            v: Shape (R, dim, B, N).

        Returns:
            Shape (R, dim, B, N).
        """
        first, second = self.places
        return torch.zeros_like(v).index_add(1, first, covector * v.index_select(1, second))

    def on_second(self, covector: Tensor, u: Tensor) -> Tensor:
        """Return the pull-back of covectors to v.

        Args:
            covector: Shape (R, p, B, N).
            u: Shape (R, dim, B, N).

        Returns:
            Shape (R, dim, B, N).
        """
        first, second = self.places
        return torch.zeros_like(u).index_add(1, second, covector * u.index_select(1, first))
