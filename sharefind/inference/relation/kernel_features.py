"""Features of a tied kernel K_H and of what tying removes, A = k - K_H, from landmarks that no group need leave alone.

K_H(., z) is tied whatever z is: landmarks need no images. Both kernels have features of their own (Nystroem), so that
the rank of one does not limit the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.tied_kernels import ListedGroup, matern_of_roots


@dataclass(frozen=True)
class Landmarks:
    """Columns of the kernels of n rows: those of one output at one of these rows.

    Attributes:
        group: The group.
        x: The rows, shape (n, d_in).
        rows: Which of them the columns stand at, shape (m,), int64.
        outputs: Which output each column belongs to, shape (m,), int64, sorted; all 0 where labels stay.
        length: Length of the kernel.
        block: Kernel values that are held at a time.
    """

    group: ListedGroup
    x: Tensor
    rows: Tensor
    outputs: Tensor
    length: float
    block: int = 100_000

    @classmethod
    def drawn(cls, group: ListedGroup, x: Tensor, count: int, length: float, rng: np.random.Generator) -> Landmarks:
        """Return landmarks at rows that differ, drawn at random.

        Args:
            group: The group.
            x: Inputs, shape (n, d_in).
            count: Most landmarks.
            length: Length of the kernel.
            rng: Source of the draws.
        """
        # Equal rows have equal products with a random vector; a sort of whole rows is slow.
        keys = x @ torch.from_numpy(rng.normal(size=x.shape[1]))
        first = torch.from_numpy(np.unique(keys.numpy(), return_index=True)[1])
        width = group.row_width
        places = torch.from_numpy(rng.permutation(len(first) * width)[:count])
        order = (places % width).argsort(stable=True)
        return cls(group, x, first[places // width][order], (places % width)[order], length)

    def some(self, count: int) -> Tensor:
        """Return places of about evenly chosen columns.

        Args:
            count: Most columns.
        """
        kept = min(count, len(self.rows))
        return torch.linspace(0, len(self.rows) - 1, kept, dtype=torch.float64).round().long()

    def at(self, places: Tensor) -> Landmarks:
        """Return the columns at some places.

        Args:
            places: The places, int64.
        """
        return replace(self, rows=self.rows[places], outputs=self.outputs[places])

    def among(self, rows: Tensor) -> tuple[Tensor, Landmarks]:
        """Return the same columns on fewer rows: first the rows that they stand at, then other rows.

        Args:
            rows: The other rows, shape (k,).

        Returns:
            The rows that are kept, and the columns on them.
        """
        at, numbers = torch.unique(self.rows, return_inverse=True)
        kept = torch.cat([at, rows[~torch.isin(rows, at)]])
        return kept, replace(self, x=self.x[kept], rows=numbers)

    @property
    def width(self) -> int:
        """Labels of a row: q where the group moves them, otherwise 1."""
        return self.group.row_width

    def tied(self) -> Tensor:
        """Return columns of K_H, shape (n, width, m)."""
        return self.tied_at((self.length,))[0]

    def tied_at(self, lengths: Sequence[float]) -> list[Tensor]:
        """Return columns of K_H, one tensor for each length of the kernel; the lengths share the distances.

        Args:
            lengths: Lengths of the kernel.

        Returns:
            Shape (n, width, m) each.
        """
        points = self.x[self.rows]
        images = list(self.group.images(points))
        squares = (self.x**2).sum(1, keepdim=True), (points**2).sum(1)
        wholes = [torch.zeros(len(self.x), self.width, len(points), dtype=torch.float64) for _ in lengths]
        entries = list(self._entries())
        for rows in self._blocks():
            both = squares[0][rows] + squares[1]
            for image, own_entries in zip(images, entries, strict=True):
                roots = _roots(torch.addmm(both, self.x[rows], image.t(), alpha=-2))
                for columns, length in zip(wholes, lengths, strict=True):
                    kernel = matern_of_roots(roots, length)
                    for output, own, entry in own_entries:
                        columns[rows, output, own].add_(kernel[:, own], alpha=entry)
        return [columns.div_(len(images)) for columns in wholes]

    def _entries(self) -> Iterator[list[tuple[int, slice, float]]]:
        """Yield, for each element, the entries of its matrix on labels that are not 0, each with its row and its
        columns of K_H.
        """
        slices, width = self._slices(), self.width
        for on_y in self.group.on_y if width > 1 else torch.ones(len(self.group.on_x), 1, 1):
            yield [(output, slices[column], float(on_y[output, column])) for output, column in on_y.nonzero().tolist()]

    def anti(self, tied: Tensor) -> Tensor:
        """Return columns of k - K_H.

        Args:
            tied: Columns of K_H, shape (n, width, m).

        Returns:
            Shape (n, width, m).
        """
        columns, points = -tied, self.x[self.rows]
        squares = (self.x**2).sum(1, keepdim=True), (points**2).sum(1)
        for rows in self._blocks():
            between = torch.addmm(squares[0][rows] + squares[1], self.x[rows], points.t(), alpha=-2)
            kernel = matern_of_roots(_roots(between), self.length)
            for output, own in enumerate(self._slices()):
                columns[rows, output, own] += kernel[:, own]
        return columns

    def diagonal(self) -> Tensor:
        """Return the diagonal of K_H, shape (n width,)."""
        width = self.width
        mean = torch.zeros(len(self.x), width, dtype=torch.float64)
        for images, on_y in zip(self.group.images(self.x), self.group.on_y, strict=True):
            kernel = matern_of_roots(_roots(((self.x - images) ** 2).sum(1, keepdim=True)), self.length)
            mean += kernel * on_y.diagonal() if width > 1 else kernel
        return (mean / len(self.group.on_x)).flatten()

    def tied_features(self, columns: Tensor, jitter: float) -> Tensor:
        """Return F with K_H near F F^T, shape (n width, m).

        Args:
            columns: Columns of K_H, shape (n, width, m).
            jitter: Added to the diagonal of the columns' own kernel matrix, for each column.
        """
        own = self._own(columns)
        own.diagonal().add_(jitter * len(own))
        eye = torch.eye(len(own), dtype=torch.float64)
        root = torch.linalg.solve_triangular(torch.linalg.cholesky(own), eye, upper=False)
        whitened: Tensor = columns.flatten(0, 1) @ root.t()
        return whitened

    def anti_features(self, tied: Tensor, rounding: float) -> Tensor:
        """Return G with A near G G^T, shape (n width, r); r = 0 where the group moves nothing.

        Args:
            tied: Columns of K_H, shape (n, width, m).
            rounding: Eigenvalue of the columns' own kernel matrix, for each column, up to which it counts as rounding.
        """
        columns = self.anti(tied)
        values, vectors = torch.linalg.eigh(self._own(columns))
        kept = values > rounding * len(values)
        features: Tensor = columns.flatten(0, 1) @ (vectors[:, kept] * values[kept].rsqrt())
        return features

    def _own(self, columns: Tensor) -> Tensor:
        square = columns[self.rows, self.outputs]
        return (square + square.t()) / 2

    def _blocks(self) -> Iterator[slice]:
        step = max(1, self.block // len(self.rows))
        return (slice(k, k + step) for k in range(0, len(self.x), step))

    def _slices(self) -> list[slice]:
        """Which columns belong to each output."""
        ends = torch.bincount(self.outputs, minlength=self.width).cumsum(0).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def _roots(squares: Tensor) -> Tensor:
    """sqrt(5) |x - x'| from squared distances, which are overwritten."""
    return squares.clamp_(min=0).mul_(5).sqrt_()


def evened(features: Tensor, share: float) -> Tensor:
    """Return features of A (A + share N)^{-1}.

    A smooth process is nearly constant: without this step, the level would hide a linear break in one of 34 inputs.

    Args:
        features: Features of A, shape (N, r).
        share: The share of N.
    """
    values, vectors = torch.linalg.eigh(features.t() @ features)
    whole: Tensor = features @ (vectors * (values.clamp_min(0) + share * len(features)).rsqrt())
    return whole
