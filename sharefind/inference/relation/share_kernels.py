"""Kernels of the Gaussian processes that shares of groups compare, by inner products of inputs and moved inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.inference.tied_kernels import matern_five_halves

ShareKernel = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(<x, x'>, |x|^2, |x'|^2) of inputs in units of the width -> covariance of f(x) and f(x'); shapes must broadcast."""


def matern(inner: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The Matern kernel of smoothness 5/2: smooth functions that are alike everywhere.

    Args:
        inner: <x, x'>.
        left: |x|^2.
        right: |x'|^2.

    Returns:
        The covariance, of the shape of `inner`.
    """
    return matern_five_halves(left + right - 2 * inner, 1.0)


def network(inner: Tensor, left: Tensor, right: Tensor, variance: float = 20.0) -> Tensor:
    """The kernel of two-layer networks with ever more sigmoid units and normal weights: (2 / pi) asin.

    Its functions are ridges through a neighbourhood of the origin, and bounded: nearly linear functions where units are
    wide, steps where they are narrow. Source: C. K. I. Williams, Computation with infinite neural networks, Neural
    Computation 10 (1998), equation 11.

    Args:
        inner: <x, x'>, a constant input that stands for the bias among the coordinates.
        left: |x|^2.
        right: |x'|^2.
        variance: Variance of the weights. At 20 and width 1.2 medians of the distance between rows, what enters a unit
            has a standard deviation of 2.6 where inputs are normal.

    Returns:
        The covariance, of the shape of `inner`.
    """
    scales = ((1 + 2 * variance * left) * (1 + 2 * variance * right)).sqrt()
    return torch.asin((2 * variance * inner / scales).clamp(-1, 1)) * (2 / math.pi)


SHARE_KERNELS: Mapping[str, ShareKernel] = {"matern": matern, "network": network}


@dataclass(frozen=True, eq=False)
class OrbitProducts:
    """Inner products of inputs and their images under all elements of a group.

    Attributes:
        x: Inputs in medians of the distance between rows, shape (n, d).
        images: h x_j, shape (g, n, d).
        bias: Square of a constant input that no element moves.
    """

    x: Tensor
    images: Tensor
    bias: float

    @classmethod
    def of(cls, x: Tensor, on_x: Tensor, bias: float) -> OrbitProducts:
        """Those of inputs.

        Args:
            x: Scaled inputs, shape (n, d), not all the same.
            on_x: How the elements move them, shape (g, d, d), orthogonal.
            bias: A constant input, in medians of the distance between rows.

        Returns:
            The products.
        """
        between = torch.pdist(x)
        unit = x / between[between > 0].median()
        return cls(unit, torch.einsum("gab,nb->gna", on_x, unit), bias**2)

    def between(self, part: NDArray[np.int64], kernel: ShareKernel, width: float) -> Tensor:
        """Return k(x_i, h x_j) of some rows.

        Args:
            part: Numbers of the m rows.
            kernel: The kernel.
            width: Its length.

        Returns:
            Shape (g, m, m).
        """
        rows, squares = self.x[part], self._squares(width)[part]
        inner = torch.einsum("na,gma->gnm", rows, self.images[:, part]) + self.bias
        return kernel(inner / width**2, squares.unsqueeze(1), squares)

    def own(self, kernel: ShareKernel, width: float) -> Tensor:
        """Return the mean of k(x_i, h x_i) over the rows, shape (g,).

        Args:
            kernel: The kernel.
            width: Its length.
        """
        squares = self._squares(width)
        inner = (torch.einsum("na,gna->gn", self.x, self.images) + self.bias) / width**2
        return kernel(inner, squares, squares).mean(1)

    def _squares(self, width: float) -> Tensor:
        return ((self.x**2).sum(1) + self.bias) / width**2
