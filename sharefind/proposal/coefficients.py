"""Coefficients of Y on monomials of X, block by block, and where signed permutations take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from sharefind.proposal.monomials import Frame
from sharefind.recognition import Layout
from sharefind.typing import FloatArray, IntArray

Signed = tuple[IntArray, IntArray]
"""A signed permutation: images and signs, int64, one an entry."""

About = Literal["mean", "origin"]
"""Where monomials have their zero: at the mean of each input, or at the zero of the data."""


@dataclass(frozen=True, eq=False)
class CoefficientBlock:
    """The coefficients of Y on some monomials.

    Attributes:
        name: "constant", "linear", "square", "cube", "pair" or "square times linear"; for moments of X "input mean",
            "input square" or "input pair".
        exponents: The monomials, int64 (p, d_in).
        values: The coefficients, (d_out, p).
        covariance: Covariance of the values, row-major, (dim, dim); only its diagonal (dim,) for a large block.
    """

    name: str
    exponents: IntArray
    values: FloatArray
    covariance: FloatArray

    @property
    def dim(self) -> int:
        """Number of coefficients."""
        return self.values.size

    @cached_property
    def variance(self) -> FloatArray:
        """Variances of the values, (d_out, p)."""
        diagonal = self.covariance if self.covariance.ndim == 1 else np.diag(self.covariance)
        return diagonal.reshape(self.values.shape)

    @cached_property
    def precision(self) -> FloatArray:
        """Inverse covariance of the values: (dim, dim), or its diagonal (dim,) for a large block."""
        if self.covariance.ndim == 1:
            return np.asarray(1 / self.covariance)
        # Columns of very different size: the inverse is taken of the correlations, which are well conditioned.
        root = np.sqrt(np.diag(self.covariance))
        return np.asarray(inverse(self.covariance / np.multiply.outer(root, root)) / np.multiply.outer(root, root))

    @cached_property
    def _positions(self) -> dict[bytes, int]:
        return {row.tobytes(): k for k, row in enumerate(self.exponents)}

    def move(self, outputs: Signed, inputs: Signed) -> Signed:
        """Return where a signed permutation takes the coefficients.

        Args:
            outputs: The signed permutation of outputs, shape (d_out,) each.
            inputs: The signed permutation of inputs, shape (d_in,) each.

        Returns:
            Images and signs, shape (dim,) each.
        """
        images, signs = inputs
        carried = np.empty_like(self.exponents)
        carried[:, images] = self.exponents
        target = np.array([self._positions[row.tobytes()] for row in carried], dtype=np.int64)
        sign = np.prod(np.where(self.exponents % 2 == 1, signs, 1), axis=1)
        positions = outputs[0][:, None] * len(target) + target
        return positions.ravel(), np.multiply.outer(outputs[1], sign).ravel()


@dataclass(frozen=True, eq=False)
class Coefficients:
    """All blocks of one data set.

    Attributes:
        layout: The weights that they stand for.
        blocks: The coefficients.
        inputs: Moments of X as blocks with one output; they are no signal, but a permutation that does not keep them is
            no symmetry.
        frame: Zero and unit of inputs and labels; labels have variance 1 here.
        noise: Variance of each label that the coefficients leave, (d_out,).
        samples: n.
        about: Where monomials have their zero. About the means nothing depends on a vector added to x or to y, so that
            constants say nothing.
    """

    layout: Layout
    blocks: tuple[CoefficientBlock, ...]
    inputs: tuple[CoefficientBlock, ...]
    frame: Frame
    noise: FloatArray
    samples: int
    about: About = "origin"
    _moved: dict[bytes, list[Signed]] = field(default_factory=dict, repr=False)

    @property
    def weight_unit(self) -> float:
        """The factor that turns a linear coefficient into a weight of y on x."""
        return self.frame.y_unit / self.frame.x_unit

    @property
    def linear(self) -> CoefficientBlock:
        """The linear block, which has the shape of a weight."""
        return next(block for block in self.blocks if block.name == "linear")

    def moved(self, permutation: IntArray) -> list[Signed]:
        """Return where a permutation of the layout's points takes the coefficients of every block, then those of X.

        Args:
            permutation: The permutation.
        """
        key = permutation.tobytes()
        if key not in self._moved:
            rows, columns = self.layout.blocks[0]
            outputs = self.layout.signed_move(permutation, rows)
            inputs = self.layout.signed_move(permutation, columns)
            alone = (np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64))
            carried = [block.move(outputs, inputs) for block in self.blocks]
            self._moved[key] = carried + [block.move(alone, inputs) for block in self.inputs]
        return self._moved[key]


def inverse(matrix: FloatArray) -> FloatArray:
    """Return the inverse of a positive definite matrix whose rows may have very different sizes.

    Args:
        matrix: The matrix.
    """
    lengths = np.sqrt(np.diag(matrix))
    size = np.multiply.outer(lengths, lengths)
    return np.asarray(np.linalg.inv(matrix / size) / size, dtype=np.float64)
