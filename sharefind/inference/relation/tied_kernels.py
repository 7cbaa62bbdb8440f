"""Kernels of functions that a finite group ties, f(h x) = rho(h) f(x), beside the free kernel that they come from.

The mean over the group of a Gaussian process with kernel k(x, x') I is one with kernel K_H(x, x') = mean_h k(x, h x')
rho(h): a number where labels stay, a matrix (q, q) where they move.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import Moves
from sharefind.meanfield.clouds.actions import JointAction


def matern_five_halves(distances: Tensor, length: float) -> Tensor:
    """Matern kernel of smoothness 5/2: (1 + r + r^2 / 3) exp(-r), r = sqrt(5) |x - x'| / length.

    Args:
        distances: Squared distances |x - x'|^2, any shape.
        length: Length scale, in the units of x.

    Returns:
        The kernel, of the same shape.
    """
    r = (5 * distances.clamp_min(0)).sqrt() / length
    return (1 + r + r**2 / 3) * torch.exp(-r)


@dataclass(frozen=True)
class ListedGroup:
    """All elements of a finite group as they act on samples.

    Attributes:
        on_x: Shape (g, d_in, d_in), float64, the identity among them.
        on_y: Shape (g, d_out, d_out), float64.
    """

    on_x: Tensor
    on_y: Tensor

    @classmethod
    def of(cls, moves: Moves) -> ListedGroup:
        """The elements of a finite group that can be listed.

        Raises:
            GroupError: The group is infinite, or too large to be listed.
        """
        group = moves.group if isinstance(moves, JointAction) else None
        if not isinstance(moves, JointAction) or not isinstance(group, FiniteGroup) or not group.is_listable:
            name = "the group" if group is None else group.name
            raise GroupError(f"the relation is tested for finite groups that can be listed; {name} is none of these")
        on_x, on_y = (torch.from_numpy(rep.float_matrices()).double() for rep in (moves.in_rep, moves.out_rep))
        return cls(on_x, on_y)

    @property
    def moves_labels(self) -> bool:
        """Whether any element changes labels."""
        return bool((self.on_y != torch.eye(self.on_y.shape[1], dtype=torch.float64)).any())

    def distances(self, x: Tensor) -> Tensor:
        """|x_i - h x_j|^2 for all elements h: x (n, d_in) -> (g, n, n)."""
        squares = (x**2).sum(1)
        images = torch.einsum("gab,nb->gna", self.on_x, x)
        inner = torch.einsum("na,gma->gnm", x, images)
        return (squares.unsqueeze(1) + squares - 2 * inner).clamp_min(0)

    def tied(self, kernels: Tensor) -> Tensor:
        """K_H from k(x_i, h x_j), shape (g, n, n): (n, n) where labels stay, (n q, n q) where they move."""
        if not self.moves_labels:
            mean = kernels.mean(0)
            return (mean + mean.t()) / 2
        n, q = kernels.shape[1], self.on_y.shape[1]
        blocks = torch.einsum("gnm,gab->namb", kernels, self.on_y) / len(kernels)
        whole = blocks.reshape(n * q, n * q)
        return (whole + whole.t()) / 2

    def free(self, kernel: Tensor) -> Tensor:
        """The free kernel in the shape of `tied`: kernel (n, n) -> the same, or kernel x I (n q, n q)."""
        return torch.kron(kernel, torch.eye(self.on_y.shape[1]).double()) if self.moves_labels else kernel
