"""The labels' space as a sum of parts that a group mixes each within itself: an equivariant model is one model a part.

Floating point is enough: a part that is not irreducible is still a part, and costs no more than a larger system.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelPart:
    """Equal constituents of a representation on labels.

    Attributes:
        basis: Orthonormal bases of the m constituents, in which all of them have the same matrices, (m, q, d).
        matrices: Matrices of all elements in these bases, (g, d, d).
    """

    basis: Tensor
    matrices: Tensor

    @property
    def is_fixed(self) -> bool:
        """Whether the group leaves the part alone."""
        return self.matrices.shape[1] == 1 and bool((self.matrices - 1).abs().max() < 0.5)

    def coordinates(self, y: Tensor) -> Tensor:
        """Return the coordinates of labels in the bases.

        Args:
            y: Labels, shape (n, q).

        Returns:
            Shape (n, d, m).
        """
        return torch.einsum("nq,mqd->ndm", y, self.basis)

    def covariance(self, kernels: Tensor) -> Tensor:
        """mean_h k(x_i, h x_j) D(h), the covariance of the coordinates of each constituent of a tied process.

        Args:
            kernels: k(x_i, h x_j), shape (g, n, n).

        Returns:
            Shape (n d, n d), symmetric.
        """
        (count, d), n = self.matrices.shape[:2], kernels.shape[1]
        mixed = self.matrices.reshape(count, d * d).t() @ kernels.reshape(count, -1) / count
        mean = mixed.reshape(d, d, n, n).permute(2, 0, 3, 1).reshape(n * d, n * d)
        return (mean + mean.t()) / 2

    def labels(self, coordinates: Tensor) -> Tensor:
        """Return labels in this part from coordinates; the inverse of `coordinates`.

        Args:
            coordinates: Shape (..., n, d, m).

        Returns:
            Shape (..., n, q).
        """
        return torch.einsum("...ndm,mqd->...nq", coordinates, self.basis)


def label_parts(on_y: Tensor, rng: np.random.Generator, rounding: float = 1e-8) -> list[LabelPart]:
    """The parts of an orthogonal representation.

    The eigenspaces of the group mean of a random symmetric matrix are irreducible with probability 1.

    Args:
        on_y: All elements of a finite group, (g, q, q), float64, orthogonal.
        rng: Source of the random matrices.
        rounding: Difference of eigenvalues, matrices or characters that is rounding.

    Returns:
        Parts, whose dimensions times multiplicities add up to q.
    """
    found: list[tuple[list[Tensor], Tensor]] = []
    for basis in _constituents(on_y, rng, rounding):
        matrices = basis.t() @ on_y @ basis
        for bases, model in found:
            turn = _intertwiner(model, matrices, rng, rounding)
            if turn is not None:
                bases.append(basis @ turn.t())
                break
        else:
            found.append(([basis], matrices))
    return [LabelPart(torch.stack(bases), matrices) for bases, matrices in found]


def _constituents(on_y: Tensor, rng: np.random.Generator, rounding: float) -> Iterator[Tensor]:
    """Orthonormal bases (q, d) of spaces that add up to all labels."""
    q = on_y.shape[1]
    drawn = torch.from_numpy(rng.normal(size=(q, q)))
    mean = (on_y @ (drawn + drawn.t()) @ on_y.transpose(1, 2)).mean(0)
    values, vectors = torch.linalg.eigh((mean + mean.t()) / 2)
    gaps = values.diff() > rounding * values.abs().max()
    ends = [0, *(int(k) + 1 for k in torch.nonzero(gaps).flatten()), q]
    for start, stop in pairwise(ends):
        yield vectors[:, start:stop]


def _intertwiner(model: Tensor, matrices: Tensor, rng: np.random.Generator, rounding: float) -> Tensor | None:
    """An orthogonal T with T D(g) = model(g) T; None where the two (g, d, d) are not equal up to a basis."""
    if model.shape != matrices.shape:
        return None
    characters = [m.diagonal(dim1=1, dim2=2).sum(1) for m in (model, matrices)]
    if bool((characters[0] - characters[1]).abs().max() > rounding**0.5):
        return None
    d = model.shape[1]
    drawn = torch.from_numpy(rng.normal(size=(d, d)))
    mean = (model @ drawn @ matrices.transpose(1, 2)).mean(0)
    left, _, right = torch.linalg.svd(mean)
    turn: Tensor = left @ right
    is_exact = bool((turn @ matrices - model @ turn).abs().max() <= rounding**0.5)
    return turn if is_exact else None
