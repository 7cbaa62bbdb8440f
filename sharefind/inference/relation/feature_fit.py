"""Least squares with features of a tied kernel: the fit, its evidence, and its residuals at the size of the errors.

`tied_features` decides which features are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sharefind.inference.relation.kernel_factors import Factors
from sharefind.inference.relation.label_copies import inverse_roots


@dataclass(frozen=True)
class FeatureFit:
    """Features F of K_H, rotated so that F^T F is diagonal, and the fit under a noise variance.

    Attributes:
        features: Shape (N, r).
        values: Diagonal of F^T F, shape (r,).
    """

    features: Tensor
    values: Tensor

    @classmethod
    def of(cls, features: Tensor) -> FeatureFit:
        """Return the fit by features.

        Args:
            features: Shape (N, r).
        """
        values, vectors = spectrum(features)
        return cls(features @ vectors, values)

    def likeliest(self, labels: Tensor, noises: Sequence[float]) -> float:
        """Return the noise with the best evidence.

        Args:
            labels: Shape (N, c).
            noises: Noise variances.
        """
        inner = self.features.t() @ labels
        return max(noises, key=lambda noise: _log_evidence(self.values, inner, labels, noise))

    def coefficients(self, labels: Tensor, noise: float) -> Tensor:
        """Return the coefficients of the fit to labels, shape (r, c).

        Args:
            labels: Shape (N, c).
            noise: Noise variance.
        """
        return (self.features.t() @ labels) / (self.values + noise).unsqueeze(1)

    def errors(self, residuals: Tensor, units: Tensor, noise: float, least: float = 1e-6, block: int = 4096) -> Tensor:
        """Return residuals at the size of the errors, multiplied by (R^2)_BB^{-1/2} of each unit B, R the smoother's
        rest.

        R^2 is the covariance that white errors leave in residuals, as in `label_copies.TiedFit.error_sizes`.

        Args:
            residuals: Labels less the fit, shape (N, c).
            units: The unit of each row, shape (n,), numbered from 0; a row has N / n labels.
            noise: Noise variance of the smoother.
            least: Smallest eigenvalue of (R^2)_BB; smaller ones are raised to it.
            block: Approximate number of labels whose features are held together.

        Returns:
            Shape (N, c).
        """
        halves = self.features * self.twice(noise).sqrt()
        numbers = units.repeat_interleave(len(residuals) // len(units))
        sizes = torch.bincount(numbers)
        if int(sizes.max()) == 1:
            return residuals / (1 - (halves**2).sum(1, keepdim=True)).clamp_min(least).sqrt()
        order, starts = numbers.argsort(stable=True), sizes.cumsum(0) - sizes
        errors = torch.empty_like(residuals)
        for size in set(sizes[sizes > 0].tolist()):
            blocks = order[starts[sizes == size].unsqueeze(1) + torch.arange(size)]
            for places in torch.split(blocks, max(1, block // size)):
                errors[places] = _whitened(halves[places], residuals[places], least)
        return errors

    def twice(self, noise: float) -> Tensor:
        """Return the diagonal E with R^2 = 1 - F E F^T, shape (r,).

        Args:
            noise: Noise variance.
        """
        inverse = 1 / (self.values + noise)
        return inverse + noise * inverse**2


def spectrum(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (r,), at least 0, and eigenvectors (r, r) of F^T F.

    Args:
        features: F, shape (N, r).
    """
    values, vectors = torch.linalg.eigh(features.t() @ features)
    return values.clamp_min(0), vectors


def _whitened(halves: Tensor, residuals: Tensor, least: float) -> Tensor:
    """(I - W W^T)^{-1/2} of residuals, of blocks W (k, b, r) and (k, b, c)."""
    if halves.shape[1] <= halves.shape[2]:
        return inverse_roots(torch.eye(halves.shape[1], dtype=torch.float64) - halves @ halves.mT, least) @ residuals
    values, vectors = torch.linalg.eigh(halves.mT @ halves)
    # Directions outside the span of W stay as they are.
    shares = values.clamp(torch.finfo(torch.float64).tiny, 1 - least)
    grown = (-shares).log1p().div(-2).expm1() / shares
    thin: Tensor = residuals + halves @ (vectors @ (grown.unsqueeze(2) * (vectors.mT @ (halves.mT @ residuals))))
    return thin


def _log_evidence(values: Tensor, inner: Tensor, labels: Tensor, noise: float) -> float:
    """Return log p(Y | X) at the best amplitude, up to a constant.

    Args:
        values: Diagonal of F^T F, shape (r,).
        inner: F^T Y, shape (r, c).
        labels: Y, shape (N, c).
        noise: Variance, relative to the amplitude.
    """
    explained = ((inner**2).sum(1) / (values + noise)).sum()
    spread = (values / noise).log1p().sum() + len(labels) * math.log(noise)
    return float(_at_best_amplitude(labels, explained, spread, torch.tensor(noise, dtype=torch.float64)))


def log_evidences(features: Tensor, labels: Tensor, noises: Sequence[float]) -> Tensor:
    """Return log p(Y | X) at the best amplitude, up to a constant, by features F that are not rotated.

    Args:
        features: F, shape (N, r).
        labels: Y, shape (N, c).
        noises: Variances, relative to the amplitude.

    Returns:
        One number for each noise.
    """
    factors, inner = Factors.of((features.t() @ features).unsqueeze(0), noises), features.t() @ labels
    explained = factors.misfits(inner.unsqueeze(0))[0, 0]
    noise = torch.tensor(noises, dtype=torch.float64)
    spread = 2 * factors.logs[0] + (len(labels) - len(inner)) * noise.log()
    return _at_best_amplitude(labels, explained, spread, noise)


def _at_best_amplitude(labels: Tensor, explained: Tensor, spread: Tensor, noise: Tensor) -> Tensor:
    """Return the evidence of labels (N, c) from the part that a fit explains; spread: log det (K + noise)."""
    count, columns = labels.shape
    misfit = (((labels**2).sum() - explained) / noise).clamp_min(torch.finfo(torch.float64).tiny)
    return -count * columns / 2 * misfit.log() - columns / 2 * spread
