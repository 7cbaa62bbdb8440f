"""Kernels of functions that a finite group ties, f(h x) = rho(h) f(x), beside the free kernel that they come from.

The mean over the group of a Gaussian process with kernel k(x, x') I is one with kernel K_H(x, x') = mean_h k(x, h x')
rho(h): a number where labels stay, a matrix (q, q) where they move.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.meanfield.clouds.actions import JointAction


def matern_five_halves(distances: Tensor, length: float) -> Tensor:
    """Matern kernel of smoothness 5/2: (1 + r + r^2 / 3) exp(-r), r = sqrt(5) |x - x'| / length.

    Args:
        distances: Squared distances |x - x'|^2, any shape.
        length: Length scale, in the units of x.

    Returns:
        The kernel, of the same shape.
    """
    return matern_of_roots((5 * distances.clamp_min(0)).sqrt_(), length)


def matern_of_roots(roots: Tensor, length: float) -> Tensor:
    """Return `matern_five_halves` from sqrt(5) |x - x'|, which several lengths share.

    Args:
        roots: sqrt(5) |x - x'|; overwritten.
        length: Length of the kernel.
    """
    r = roots * (-1 / length)
    decay = r.exp()
    # With -r for r; in place and in few passes, since most of the time goes here.
    torch.addcmul(r, r, r, value=-1 / 3, out=r)
    return decay.addcmul_(decay, r, value=-1)


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
    def of(cls, moves: AmbientMoves) -> ListedGroup:
        """Return the elements of a finite group that can be listed.

        Args:
            moves: The group.

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

    @property
    def row_width(self) -> int:
        """Labels of a row that the group ties to each other: q where it moves them, otherwise 1."""
        return self.on_y.shape[1] if self.moves_labels else 1

    @cached_property
    def _signed(self) -> tuple[Tensor, Tensor] | None:
        """(h x)[a] = signs[h, a] x[places[h, a]], two of shape (g, d_in); None where matrices are not of this kind."""
        sizes = self.on_x.abs()
        places = sizes.argmax(2)
        signs = self.on_x.gather(2, places.unsqueeze(2)).squeeze(2)
        is_signed = bool((signs.abs() == 1).all()) and bool((sizes.sum(2) == 1).all())
        return (places, signs) if is_signed else None

    def images(self, x: Tensor) -> Iterator[Tensor]:
        """Yield h x_i for one element h after the other.

        Args:
            x: Inputs, shape (n, d_in).

        Yields:
            Shape (n, d_in).
        """
        if self._signed is None:
            yield from (x @ on_x.t() for on_x in self.on_x)
        else:
            yield from (x[:, places] * signs for places, signs in zip(*self._signed, strict=True))

    def averaged(self, moment: Tensor) -> Tensor:
        """Return mean_h h M h^T.

        Args:
            moment: M, shape (d_in, d_in).
        """
        if self._signed is None:
            return (self.on_x @ moment @ self.on_x.transpose(1, 2)).mean(0)
        total = torch.zeros_like(moment)
        for places, signs in zip(*self._signed, strict=True):
            total += moment[places][:, places] * signs * signs.unsqueeze(1)
        return total / len(self.on_x)

    def distances(self, x: Tensor, most_bytes: int = 2**26) -> Iterator[Tensor]:
        """Yield |x_i - h x_j|^2 for some elements h at a time, in the order of the elements.

        Args:
            x: Inputs, shape (n, d_in).
            most_bytes: Most bytes of a part, where it holds more than one element.

        Yields:
            Parts of shape (k, n, n).
        """
        squares = (x**2).sum(1)
        for images in torch.split(torch.stack(list(self.images(x))), max(1, most_bytes // (8 * len(x) ** 2))):
            inner = x @ images.transpose(1, 2)
            yield (squares.unsqueeze(1) + squares - 2 * inner).clamp_min(0)

    def orbit_distances(self, x: Tensor) -> Tensor:
        """Return distances min_h |x_i - h x_j| between the orbits of rows, shape (n, n).

        Args:
            x: Inputs, shape (n, d_in).
        """
        nearest = torch.full((len(x), len(x)), -torch.inf, dtype=torch.float64)
        inner = torch.empty_like(nearest)
        for images in self.images(x):
            torch.maximum(nearest, torch.mm(images, x.t(), out=inner), out=nearest)
        squares = (x**2).sum(1)
        return (squares.unsqueeze(1) + squares - 2 * nearest).clamp_min_(0).sqrt_()

    def median_distance(self, x: Tensor) -> float:
        """Return the median distance between the orbits of rows; 1 where there is only one orbit.

        Args:
            x: Inputs, shape (n, d_in).
        """
        first, second = torch.triu_indices(len(x), len(x), 1)
        between = self.orbit_distances(x)[first, second]
        between = between[between > 0]
        return float(between.median()) if len(between) else 1.0

    def closes(self, x: Tensor, y: Tensor, near: float) -> bool:
        """Return whether each image of a row is a row.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            near: Distance below which two rows are one.
        """
        tree = scipy.spatial.cKDTree(torch.cat([x, y], dim=1).numpy(), balanced_tree=False)
        for moved, on_y in zip(self.images(x), self.on_y, strict=True):
            images = torch.cat([moved, y @ on_y.t()], dim=1).numpy()
            for part in (images[:1], images):
                if not np.isfinite(tree.query(part, distance_upper_bound=near)[0]).all():
                    return False
        return True

    def tied(self, x: Tensor, lengths: Sequence[float]) -> list[Tensor]:
        """Return K_H at rows, for each length: (n, n) where the group does not change labels, (n q, n q) where it does.

        Args:
            x: Inputs, shape (n, d_in).
            lengths: Lengths of the kernel.
        """
        n, order, q = len(x), len(self.on_x), self.on_y.shape[1]
        shape = (n, q, n, q) if self.moves_labels else (n, n)
        sums = [torch.zeros(shape, dtype=torch.float64) for _ in lengths]
        start = 0
        for part in self.distances(x):
            on_y = self.on_y[start : start + len(part)]
            start += len(part)
            roots = part.mul_(5).sqrt_()
            for total, length in zip(sums, lengths, strict=True):
                kernels = matern_of_roots(roots, length)
                total += torch.einsum("gnm,gab->namb", kernels, on_y) if self.moves_labels else kernels.sum(0)
        wholes = [total.reshape(n * q, n * q) if self.moves_labels else total for total in sums]
        return [(whole + whole.t()) / (2 * order) for whole in wholes]

    def free(self, x: Tensor, length: float) -> Tensor:
        """Return the free kernel in the shape of `tied`: k (n, n), or k x I (n q, n q).

        Args:
            x: Inputs, shape (n, d_in).
            length: Length of the kernel.
        """
        squares = (x**2).sum(1)
        kernel = matern_five_halves((squares.unsqueeze(1) + squares - 2 * x @ x.t()).clamp_min(0), length)
        return torch.kron(kernel, torch.eye(self.on_y.shape[1]).double()) if self.moves_labels else kernel
