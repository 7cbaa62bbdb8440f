"""The functions of numbers between the layers of a deep unit: tanh, logistic, ReLU and GELU, a signed type having tanh.

`activations` has those of shallow units, whose slope is a function of the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sharefind.exact.matrices import as_signed_permutation
from sharefind.groups import Representation
from sharefind.spaces.tying import components


@dataclass(frozen=True)
class PointFunction:
    """A function sigma: R -> R with its derivative.

    Attributes:
        name: Its name in unit expressions.
        is_odd: Whether sigma(-t) = -sigma(t).
        value: sigma, elementwise.
        slope: sigma'(t) from t and sigma(t), elementwise; for ReLU 0 at t = 0, as torch has it.
    """

    name: str
    is_odd: bool
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]


def _gelu_slope(t: Tensor, _: Tensor) -> Tensor:
    below: Tensor = torch.special.ndtr(t)
    return below + t * torch.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)


TANH = PointFunction("tanh", True, torch.tanh, lambda t, v: 1 - v * v)
LOGISTIC = PointFunction("logistic", False, torch.sigmoid, lambda t, v: v * (1 - v))
RELU = PointFunction("relu", False, torch.relu, lambda t, v: (t > 0).to(t))
GELU = PointFunction("gelu", False, torch.nn.functional.gelu, _gelu_slope)

POINT_FUNCTIONS = TANH, LOGISTIC, RELU, GELU


@dataclass(frozen=True, eq=False)
class LayerFunction:
    """The function of a hidden layer: sigma on coordinates that the group permutes, tanh on those with changes of sign.

    It commutes with signed permutations that keep the two kinds of coordinates apart: sigma meets permutations alone,
    and tanh is odd.

    Attributes:
        function: sigma.
        signed: Which coordinates change signs, shape (h,).
    """

    function: PointFunction
    signed: tuple[bool, ...]

    @property
    def is_mixed(self) -> bool:
        """Whether some coordinates have tanh and others another function."""
        return self.function is not TANH and any(self.signed)

    @cached_property
    def mask(self) -> Tensor:
        """`signed` as a tensor, shape (h,)."""
        return torch.tensor(self.signed)

    def value(self, t: Tensor) -> Tensor:
        """Return the layer, shape (..., h, B, N).

        Args:
            t: Output of the layer's linear map, shape (..., h, B, N).
        """
        values = self.function.value(t)
        return torch.where(self._column, torch.tanh(t), values) if self.is_mixed else values

    @property
    def _column(self) -> Tensor:
        return self.mask[:, None, None]

    def slope(self, t: Tensor, value: Tensor) -> Tensor:
        """Return the derivative of each coordinate, shape (..., h, B, N).

        Args:
            t: Output of the layer's linear map, shape (..., h, B, N).
            value: The layer at t, same shape.
        """
        slopes = self.function.slope(t, value)
        return torch.where(self._column, 1 - value**2, slopes) if self.is_mixed else slopes


def signed_coordinates(rep: Representation) -> tuple[bool, ...]:
    """Return which coordinates of a signed permutation representation change signs, or are exchanged with such ones.

    Args:
        rep: A representation by signed permutations, or by matrices that are such.
    """
    if rep.is_sparse:
        images = [(perm, sign) for perm, sign in zip(*rep.sparse_generators, strict=True)]
    else:
        images = [found for matrix in rep.group_matrices if (found := as_signed_permutation(matrix)) is not None]
    perms = np.array([perm for perm, _ in images], dtype=np.int64).reshape(-1, rep.dim)
    signs = np.array([sign for _, sign in images], dtype=np.int64).reshape(-1, rep.dim)
    orbit = components(perms)
    turned = orbit[(signs < 0).any(axis=0)]
    return tuple(np.isin(orbit, turned).tolist())
