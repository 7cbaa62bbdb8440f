"""Which columns are vectors of which subspace: rotations of several subspaces, each on vectors of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from sharefind.errors import InputError
from sharefind.inference.ambient_moves import SampledMoves
from sharefind.inference.continuous.algebras import skew_basis
from sharefind.typing import BoolArray, FloatArray

Draw = Callable[[np.random.Generator, int], FloatArray]
"""(rng, size) -> elements (size, D, D)."""


@dataclass(frozen=True)
class VectorParts:
    """Subspaces R^d whose rotations act on some vectors each; further columns are scalars, which nothing turns.

    A generator is a block diagonal matrix of the sum of the subspaces, of dimension D.

    Attributes:
        inputs: (d, vectors) of each subspace; the columns of X are its vectors one after the other, subspace after
            subspace, and then scalars.
        labels: How many vectors of each subspace Y begins with, in the same order; none where labels stay.

    Raises:
        InputError: A subspace has less than two dimensions or no vector, or labels are given for other subspaces.
    """

    inputs: tuple[tuple[int, int], ...]
    labels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.inputs or any(d < 2 or count < 1 for d, count in self.inputs):
            raise InputError(f"parts {self.inputs}: give (dimension of 2 or more, vectors of 1 or more) a subspace")
        if self.labels and (len(self.labels) != len(self.inputs) or min(self.labels) < 0):
            raise InputError(f"labels {self.labels}: give the number of label vectors of each of {len(self.inputs)}")

    @property
    def size(self) -> int:
        """D."""
        return sum(d for d, _ in self.inputs)

    @property
    def columns(self) -> int:
        """Number of columns of X that are components of vectors."""
        return sum(d * count for d, count in self.inputs)

    @property
    def label_columns(self) -> int:
        """Number of columns of Y that are components of vectors."""
        return sum(d * count for (d, _), count in zip(self.inputs, self.labels, strict=False))

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """First coordinate and dimension of each subspace of R^D."""
        sizes = [d for d, _ in self.inputs]
        return [(sum(sizes[:k]), d) for k, d in enumerate(sizes)]

    @cached_property
    def allowed(self) -> BoolArray:
        """Entries of a generator, (D, D), that are not 0."""
        found = np.zeros((self.size, self.size), dtype=bool)
        for start, d in self.spans:
            found[start : start + d, start : start + d] = True
        return found

    @cached_property
    def skew(self) -> FloatArray:
        """An orthonormal basis of so(d) + so(d') + ..., (K, D, D)."""
        found = []
        for start, d in self.spans:
            block = np.zeros((d * (d - 1) // 2, self.size, self.size))
            block[:, start : start + d, start : start + d] = skew_basis(d)
            found.append(block)
        return np.concatenate(found)

    def places(self, counts: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """Return (first column, first coordinate in R^D, dimension) of each vector.

        Args:
            counts: Number of vectors of each subspace.
        """
        found, column = [], 0
        for (start, d), count in zip(self.spans, counts, strict=False):
            for _ in range(count):
                found.append((column, start, d))
                column += d
        return found

    @property
    def input_places(self) -> list[tuple[int, int, int]]:
        """`places` of the vectors of X."""
        return self.places(tuple(count for _, count in self.inputs))

    def velocities(self, gradient: Tensor, x: Tensor) -> Tensor:
        """Return sum over the vectors of grad_v f x_v^T in their blocks.

        Args:
            gradient: Gradients, shape (n, d_in).
            x: Inputs, shape (n, d_in).

        Returns:
            Shape (n, D, D).
        """
        found = x.new_zeros(len(x), self.size, self.size)
        for column, start, d in self.input_places:
            here = slice(start, start + d)
            own = slice(column, column + d)
            found[:, here, here] += gradient[:, own, None] * x[:, None, own]
        return found

    def label_velocities(self, outputs: Tensor) -> Tensor:
        """Return E with <E, A> = (A f)_k for the k-th output.

        Args:
            outputs: Predictions, shape (n, d_out).

        Returns:
            Shape (outputs, n, D, D).
        """
        found = outputs.new_zeros(outputs.shape[1], len(outputs), self.size, self.size)
        for column, start, d in self.places(self.labels):
            for k in range(d):
                found[column + k, :, start + k, start : start + d] = outputs[:, column : column + d]
        return found

    def moves(self, draw: Draw, d_in: int, d_out: int) -> SampledMoves:
        """Return how a group of block diagonal matrices moves samples; scalars stay.

        Args:
            draw: Haar elements.
            d_in: Columns of X.
            d_out: Columns of Y.
        """

        def sample(rng: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
            drawn = draw(rng, size)
            return (
                self._placed(drawn, self.input_places, d_in),
                self._placed(drawn, self.places(self.labels), d_out),
            )

        return SampledMoves(sample)

    @staticmethod
    def _placed(drawn: FloatArray, places: list[tuple[int, int, int]], width: int) -> FloatArray:
        found = np.broadcast_to(np.eye(width), (len(drawn), width, width)).copy()
        for column, start, d in places:
            own = slice(column, column + d)
            found[:, own, own] = drawn[:, start : start + d, start : start + d]
        return found

    def scales(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return X with one scale a subspace, scalars centred with spread 1, and labels with one scale a vector.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).

        Raises:
            InputError: All vectors of a subspace are 0.
        """
        inputs, labels = _scalars_scaled(x, self.columns), _scalars_scaled(y, self.label_columns)
        for start, d in self.spans:
            own = [column + k for column, first, _ in self.input_places if first == start for k in range(d)]
            size = x[:, own].square().mean().sqrt()
            if not size > 0:
                raise InputError("all inputs are 0; nothing can be said about how labels depend on them")
            inputs[:, own] = x[:, own] / size
        for column, _, d in self.places(self.labels):
            own_labels = y[:, column : column + d]
            length = float(own_labels.square().mean().sqrt())
            labels[:, column : column + d] = own_labels / (length or 1.0)
        return inputs, labels


def _scalars_scaled(values: Tensor, first: int) -> Tensor:
    """Columns from `first` on of mean 0 and spread 1, constant ones 0; those before as they are."""
    found = values.double().clone()
    rest = found[:, first:] - found[:, first:].mean(0)
    spread = rest.square().mean(0).sqrt()
    found[:, first:] = rest / spread.where(spread > 0, spread.new_ones(()))
    return found


def turning_words(algebra: FloatArray, parts: VectorParts, name: str, error: float | None) -> str:
    """Return words for what an algebra turns: "turns about (0, 0, 1), dimension 1, axis within 0.3 degrees".

    Args:
        algebra: Orthonormal, (k, D, D).
        parts: The subspaces.
        name: Name of the algebra.
        error: Uncertainty of a single axis, in degrees; None for other algebras.
    """
    if not len(algebra):
        return "turns nothing, dimension 0"
    if len(parts.inputs) > 1:
        return f"{_of_parts(algebra, parts)}, dimension {len(algebra)}"
    d = parts.size
    if d == 3 and len(algebra) == 1:
        within = "" if error is None else f", axis within {error:.2g} degrees"
        return f"turns about ({', '.join(f'{v:.3g}' for v in axis_of(algebra[0]))}), dimension 1{within}"
    every = "all rotations" if len(algebra) == d * (d - 1) // 2 else "rotations"
    return f"{every} of {d} dimensions, {name}, dimension {len(algebra)}"


def _of_parts(algebra: FloatArray, parts: VectorParts) -> str:
    """Which subspaces are turned, and whether together."""
    inside = [
        np.linalg.matrix_rank(algebra[:, s : s + d, s : s + d].reshape(len(algebra), -1), tol=1e-6)
        for s, d in parts.spans
    ]
    named = [
        f"so({d}) of subspace {k}" if rank == d * (d - 1) // 2 else f"{rank} of so({d}) of subspace {k}"
        for k, ((_, d), rank) in enumerate(zip(parts.spans, inside, strict=True), start=1)
        if rank
    ]
    together = " turned together" if sum(map(int, inside)) > len(algebra) else ""
    return f"turns {' and '.join(named)}{together}"


def axis_of(generator: FloatArray) -> FloatArray:
    """Return the unit vector that a skew matrix maps to 0, its largest component positive, rounded values set to 0.

    Args:
        generator: The matrix, shape (3, 3).

    Returns:
        Shape (3,).
    """
    axis = np.array([generator[2, 1], generator[0, 2], generator[1, 0]])
    axis = axis / np.linalg.norm(axis)
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    return np.asarray(np.where(np.abs(axis) < 1e-12, 0.0, axis))


def axis_angle(first: FloatArray, second: FloatArray) -> float:
    """Return the angle between the axes of two skew matrices, in degrees.

    Args:
        first: Shape (3, 3).
        second: Shape (3, 3).
    """
    return math.degrees(math.acos(min(1.0, abs(float(axis_of(first) @ axis_of(second))))))
