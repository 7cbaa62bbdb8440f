"""Losses of rows as likelihoods: values, slopes and curvatures by the outputs of a network, for Gauss-Newton steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class NormalNoise:
    """Independent normal noise of one variance; the loss is half the sum of squares.

    Attributes:
        y: Labels, shape (n, d_out).
        weight: How much a row counts.
    """

    y: FloatArray
    weight: float = 1.0

    @property
    def count(self) -> float:
        """Number of labels, by their weight."""
        return self.weight * self.y.size

    def loss(self, outputs: FloatArray) -> float:
        """Return the loss of all rows, for noise of precision 1.

        Args:
            outputs: Shape (n, d_out).
        """
        return 0.5 * self.weight * float(((outputs - self.y) ** 2).sum())

    def slopes(self, outputs: FloatArray, where: slice) -> FloatArray:
        """Return the derivative of the loss by the outputs, shape (B, d_out).

        Args:
            outputs: Outputs of some rows, shape (B, d_out).
            where: Which rows.
        """
        return np.asarray(self.weight * (outputs - self.y[where]))

    def roots(self, outputs: FloatArray, jacobian: FloatArray) -> FloatArray:
        """Return J R, shape (p, d_out, B); the curvature of the loss is J R (J R)^T.

        Args:
            outputs: Outputs of some rows, shape (B, d_out).
            jacobian: J, their derivatives by p coordinates, shape (p, d_out, B).
        """
        return np.asarray(np.sqrt(self.weight) * jacobian)

    def precision(self, loss: float, determined: float) -> float:
        """Return the precision of the noise by evidence; 1 for classes, which have no noise to choose.

        Args:
            loss: Loss of all rows.
            determined: Number of coordinates that the rows determine.
        """
        least = float(np.finfo(np.float64).tiny)
        return max(self.count - determined, 1.0) / max(2 * loss, least)

    def log_density(self, loss: float, precision: float) -> float:
        """Return the log density of the labels.

        Args:
            loss: Loss of all rows.
            precision: Precision of the noise.
        """
        return 0.5 * self.count * float(np.log(precision / (2 * np.pi))) - precision * loss


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes with probabilities softmax(outputs); the loss is the cross-entropy.

    Attributes:
        y: 1 for the class of a row, shape (n, d_out).
        weight: How much a row counts.
    """

    y: FloatArray
    weight: float = 1.0

    def loss(self, outputs: FloatArray) -> float:
        """Return the loss of all rows, for noise of precision 1.

        Args:
            outputs: Shape (n, d_out).
        """
        return -self.weight * float((self.y * log_softmax(outputs, axis=1)).sum())

    def slopes(self, outputs: FloatArray, where: slice) -> FloatArray:
        """Return the derivative of the loss by the outputs, shape (B, d_out).

        Args:
            outputs: Outputs of some rows, shape (B, d_out).
            where: Which rows.
        """
        return np.asarray(self.weight * (np.exp(log_softmax(outputs, axis=1)) - self.y[where]))

    def roots(self, outputs: FloatArray, jacobian: FloatArray) -> FloatArray:
        """Return J R, shape (p, d_out, B); the curvature of the loss is J R (J R)^T.

        Args:
            outputs: Outputs of some rows, shape (B, d_out).
            jacobian: J, their derivatives by p coordinates, shape (p, d_out, B).
        """
        shares = np.exp(log_softmax(outputs, axis=1)).T
        mean = np.einsum("pkb,kb->pb", jacobian, shares)
        return np.asarray(np.sqrt(self.weight * shares) * (jacobian - mean[:, None]))

    def precision(self, loss: float, determined: float) -> float:
        """Return the precision of the noise by evidence; 1 for classes, which have no noise to choose.

        Args:
            loss: Loss of all rows.
            determined: Number of coordinates that the rows determine.
        """
        return 1.0

    def log_density(self, loss: float, precision: float) -> float:
        """Return the log density of the labels.

        Args:
            loss: Loss of all rows.
            precision: Precision of the noise.
        """
        return -loss


Likelihood = NormalNoise | Classes
"""Loss of a Gauss-Newton step."""


def likelihood_of(is_class: bool, y: FloatArray, weight: float) -> Likelihood:
    """Return the likelihood of labels.

    Args:
        is_class: Whether outputs are logits of classes.
        y: Labels, shape (n, d_out).
        weight: How much a row counts.
    """
    return Classes(y, weight) if is_class else NormalNoise(y, weight)
