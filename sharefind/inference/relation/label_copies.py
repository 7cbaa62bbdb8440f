"""Copies of labels under the hypothesis that a relation is equivariant: drawn from a tied fit at fixed inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.statistics.origin import OrbitScale


@dataclass(frozen=True)
class ErrorSizes:
    """Factors that scale the residuals of each unit to the size of its errors.

    Attributes:
        parts: For units with b labels each, the places of the labels, (k, b), and the matrices, (k, b, b).
    """

    parts: tuple[tuple[Tensor, Tensor], ...]

    def __call__(self, residuals: Tensor) -> Tensor:
        """Residuals (N, c) -> errors (N, c)."""
        errors = torch.empty_like(residuals)
        for places, roots in self.parts:
            errors[places] = roots @ residuals[places]
        return errors


@dataclass(frozen=True)
class TiedFit:
    """A linear smoother's fit, of n rows with the labels (N, c), N = n or n q.

    Attributes:
        values: The fit, shape (N, c).
        residuals: Labels less the fit, shape (N, c).
        passed: I - S, the matrix that makes the residuals of labels, shape (N, N).
        rows: n.
        least: Smallest eigenvalue of the covariance of a unit's residuals that is taken for what it is.
    """

    values: Tensor
    residuals: Tensor
    passed: Tensor
    rows: int
    least: float = 1e-6

    @classmethod
    def of(cls, kernel: Tensor, labels: Tensor, noise: float, rows: int) -> TiedFit:
        """Return the posterior mean of a Gaussian process.

        Args:
            kernel: Kernel matrix, shape (N, N).
            labels: Shape (N, c).
            noise: Noise variance.
            rows: Number n of rows; a row has N / n labels.
        """
        unit = torch.eye(len(kernel), dtype=torch.float64)
        passed = noise * torch.cholesky_inverse(torch.linalg.cholesky(kernel + noise * unit))
        residuals = passed @ labels
        return cls(labels - residuals, residuals, passed, rows)

    def signed(self, units: Tensor, rng: np.random.Generator, count: int, sizes: ErrorSizes | None = None) -> Tensor:
        """Return copies of labels: the fit and the errors with a random sign for each unit, shape (count, N, c).

        Args:
            units: The unit of each row, shape (n,), numbered from 0.
            rng: Source of the signs.
            count: Number of copies.
            sizes: `error_sizes(units)`, where it is known.
        """
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], size=(count, int(units.max()) + 1)))[:, units]
        each = signs.repeat_interleave(len(self.values) // self.rows, dim=1).unsqueeze(2)
        return self.values + each * (sizes or self.error_sizes(units))(self.residuals)

    def errors(self, units: Tensor) -> Tensor:
        """Return residuals at the size of the errors: multiplied by C_BB^{-1/2} of each unit B, see `error_sizes`.

        Args:
            units: The unit of each row, shape (n,), numbered from 0.

        Returns:
            Shape (N, c).
        """
        return self.error_sizes(units)(self.residuals)

    def error_sizes(self, units: Tensor) -> ErrorSizes:
        """Return C_BB^{-1/2} of each unit B; no labels are read.

        C is (I - S)^2, the covariance that white errors leave in residuals. With I - S in its place, which is the
        covariance where the tied process is true, errors come out too small beside the fit, and true relations are
        rejected too often.

        Args:
            units: The unit of each row, shape (n,), numbered from 0.
        """
        each = len(self.values) // self.rows
        numbers = units.repeat_interleave(each)
        sizes = torch.bincount(numbers)
        order, starts = numbers.argsort(stable=True), sizes.cumsum(0) - sizes
        parts = []
        for size in sorted(set(sizes[sizes > 0].tolist())):
            places = order[starts[sizes == size].unsqueeze(1) + torch.arange(size)]
            left = self.passed[places]
            parts.append((places, inverse_roots(left @ left.mT, self.least)))
        return ErrorSizes(tuple(parts))

    def classes(self, scale: OrbitScale, units: Tensor, rng: np.random.Generator, count: int) -> Tensor:
        """Return copies of one-hot labels, scaled, shape (count, n, q): classes drawn with the fit's probabilities.

        Rows of a unit share the random numbers of a draw, so that they are as alike as their probabilities allow.

        Args:
            scale: How the labels were scaled.
            units: The unit of each row, shape (n,), numbered from 0.
            rng: Source of the classes.
            count: Number of copies.
        """
        shares = self.values.reshape(self.rows, -1) / scale.y_scale + scale.y_shift
        logits = (shares.clamp(0, 1) / shares.clamp(0, 1).sum(1, keepdim=True)).log()
        # The largest of log-probabilities with Gumbel noise is a draw from them.
        drawn = torch.from_numpy(rng.gumbel(size=(count, int(units.max()) + 1, logits.shape[1])))[:, units]
        labels = torch.nn.functional.one_hot((logits + drawn).argmax(2), logits.shape[1]).double()
        return (labels - scale.y_shift) * scale.y_scale


def inverse_roots(covariances: Tensor, least: float) -> Tensor:
    """Return C^{-1/2} of symmetric matrices C.

    Args:
        covariances: The matrices, shape (k, b, b).
        least: Eigenvalues below this are raised to it.
    """
    if covariances.shape[1] == 1:
        return covariances.clamp_min(least).rsqrt()
    values, vectors = torch.linalg.eigh(covariances)
    roots: Tensor = (vectors * values.clamp_min(least).rsqrt().unsqueeze(1)) @ vectors.mT
    return roots
