"""Rotations of one coordinate plane of X, by multiples of an angle or by all of them; labels stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import GroupError

Plane = tuple[int, int]
"""Two coordinates of X, the first turning towards the second."""


@dataclass(frozen=True)
class PlaneRotations:
    """The rotations of X by multiples of 360 / order degrees in a coordinate plane; the labels stay as they are.

    Attributes:
        plane: Two coordinates.
        order: N for C_N, None for SO(2).

    Raises:
        GroupError: the plane is no pair of coordinates, or the order is below 1.
    """

    plane: Plane
    order: int | None

    def __post_init__(self) -> None:
        if len(set(self.plane)) != 2 or min(self.plane) < 0:
            raise GroupError(f"plane {self.plane} is no pair of coordinates; give two different ones, counted from 0")
        if self.order is not None and self.order < 1:
            raise GroupError(f"C_{self.order} does not exist; give an order of 1 or more, or None for SO(2)")

    @property
    def name(self) -> str:
        """C7 or SO2."""
        return "SO2" if self.order is None else f"C{self.order}"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
        """Return angles in radians.

        Args:
            shape: Shape of the angles.
            rng: Source of the draws.
        """
        turns = rng.random(shape) if self.order is None else rng.integers(self.order, size=shape) / self.order
        return torch.from_numpy(2 * np.pi * turns)

    def move(self, elements: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return x turned, shape (R, n, d_in), and y unchanged.

        Args:
            elements: Angles, shape (R, n).
            x: Inputs, shape (R or 1, n, d_in).
            y: Labels.
        """
        a, b = self.plane
        cos, sin = elements.cos().to(x.dtype), elements.sin().to(x.dtype)
        moved = x.expand(len(elements), -1, -1).clone()
        moved[..., a] = cos * x[..., a] - sin * x[..., b]
        moved[..., b] = sin * x[..., a] + cos * x[..., b]
        return moved, y
