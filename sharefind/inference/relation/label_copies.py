"""Copies of labels under the hypothesis that a relation is equivariant: drawn from a tied fit at fixed inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.statistics.origin import OrbitScale


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
        """Posterior mean of a Gaussian process with kernel (N, N) from labels (N, c)."""
        unit = torch.eye(len(kernel), dtype=torch.float64)
        passed = noise * torch.cholesky_inverse(torch.linalg.cholesky(kernel + noise * unit))
        residuals = passed @ labels
        return cls(labels - residuals, residuals, passed, rows)

    def signed(self, units: Tensor, rng: np.random.Generator, count: int) -> Tensor:
        """Copies (count, N, c): the fit and the errors with a random sign for each unit.

        Args:
            units: The unit of each row, shape (n,), numbered from 0.
            rng: Of the signs.
            count: Copies.
        """
        signs = torch.from_numpy(rng.choice([-1.0, 1.0], size=(count, int(units.max()) + 1)))[:, units]
        each = signs.repeat_interleave(len(self.values) // self.rows, dim=1).unsqueeze(2)
        return self.values + each * self.errors(units)

    def errors(self, units: Tensor) -> Tensor:
        """Residuals at the size of the errors, (N, c): C_BB^{-1/2} of those of each unit B.

        C is I - S where a row has one label of its own: a residual is divided by the root of 1 - leverage. It is
        (I - S)^2, the covariance that white errors leave in residuals, where the group ties the labels of a row.
        Simulation chose: the first rejects true relations too often where labels move, the second where they stay.
        """
        each = len(self.values) // self.rows
        covariance = self.passed @ self.passed if each > 1 else self.passed
        numbers = units.repeat_interleave(each)
        if int(units.max()) + 1 == len(numbers):
            return self.residuals / covariance.diagonal().clamp_min(self.least).sqrt().unsqueeze(1)
        errors = torch.empty_like(self.residuals)
        order, sizes = numbers.argsort(stable=True), torch.bincount(numbers)
        for places in torch.split(order, [int(size) for size in sizes]):
            values, vectors = torch.linalg.eigh(covariance[places][:, places])
            root = (vectors * values.clamp_min(self.least).rsqrt()) @ vectors.t()
            errors[places] = root @ self.residuals[places]
        return errors

    def classes(self, scale: OrbitScale, units: Tensor, rng: np.random.Generator, count: int) -> Tensor:
        """Copies of one-hot labels, scaled, (count, n, q): classes drawn with the fit's probabilities.

        Rows of a unit share the random numbers of a draw, so that they are as alike as their probabilities allow.

        Args:
            scale: How the labels were scaled.
            units: The unit of each row, shape (n,), numbered from 0.
            rng: Of the classes.
            count: Copies.
        """
        shares = self.values.reshape(self.rows, -1) / scale.y_scale + scale.y_shift
        logits = (shares.clamp(0, 1) / shares.clamp(0, 1).sum(1, keepdim=True)).log()
        # The largest of log-probabilities with Gumbel noise is a draw from them.
        drawn = torch.from_numpy(rng.gumbel(size=(count, int(units.max()) + 1, logits.shape[1])))[:, units]
        labels = torch.nn.functional.one_hot((logits + drawn).argmax(2), logits.shape[1]).double()
        return (labels - scale.y_shift) * scale.y_scale
