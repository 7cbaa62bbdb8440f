"""Monomials of X, made orthogonal under the law of all inputs taken together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from sharefind.typing import FloatArray, IntArray


def has_constant(inputs: FloatArray) -> bool:
    """Return whether an input never changes.

    Args:
        inputs: Shape (n, d).
    """
    return bool(np.any(np.ptp(inputs, axis=0) == 0))


@dataclass(frozen=True)
class Powers:
    """The polynomials 1, x, x^2 - a, x^3 - b x of one input each, orthogonal under the law of all inputs together.

    For normal inputs these are Hermite's.

    Attributes:
        second: a, the second moment.
        tilt: b, fourth moment over second.
    """

    second: float
    tilt: float

    @classmethod
    def of(cls, inputs: FloatArray) -> Powers:
        """Return the polynomials for inputs.

        Args:
            inputs: Shape (n, d).
        """
        second = float(np.mean(inputs**2))
        return cls(second, float(np.mean(inputs**4)) / (second or 1.0))

    def values(self, inputs: FloatArray) -> FloatArray:
        """Return the values of the polynomials at inputs.

        Args:
            inputs: Shape (n, d).

        Returns:
            Shape (4, n, d): the polynomials of degree 0, 1, 2 and 3 of each input.
        """
        return np.stack([np.ones_like(inputs), inputs, inputs**2 - self.second, inputs**3 - self.tilt * inputs])

    def slopes(self, inputs: FloatArray) -> FloatArray:
        """Return derivatives of the polynomials at inputs.

        Args:
            inputs: Shape (n, d).

        Returns:
            Shape (4, n, d): those of the polynomials of degree 0, 1, 2 and 3.
        """
        return np.stack([np.zeros_like(inputs), np.ones_like(inputs), 2 * inputs, 3 * inputs**2 - self.tilt])


@dataclass(frozen=True, eq=False)
class Frame:
    """Where inputs and labels have their zero and their unit, so that coefficients of one data set fit other samples.

    Attributes:
        x_origin: Shape (d_in,), what is subtracted from the inputs.
        x_unit: Divisor of all inputs after that.
        y_origin: Shape (d_out,), the same of the labels.
        y_unit: The same of the labels.
        powers: The polynomials of inputs that were brought to this zero and this unit.
    """

    x_origin: FloatArray
    x_unit: float
    y_origin: FloatArray
    y_unit: float
    powers: Powers


def products(of: FloatArray, exponents: IntArray) -> FloatArray:
    """Return products of polynomials of one input each.

    Args:
        of: Values of the polynomials of degree 0 to 3, shape (4, n, d).
        exponents: Shape (p, d).

    Returns:
        Shape (n, p).
    """
    used = np.argsort(exponents == 0, axis=1, kind="stable")[:, : max(1, int((exponents > 0).sum(1).max(initial=0)))]
    found = np.ones((len(exponents), of.shape[1]))
    for inputs in used.T:
        found *= of[exponents[np.arange(len(exponents)), inputs], :, inputs]
    return found.T


def higher(d: int) -> list[tuple[str, IntArray]]:
    """Return exponents of degree 2 and 3, the cheapest blocks first; x_a x_b x_c is left out.

    Args:
        d: Number of inputs.
    """
    eye = np.eye(d, dtype=np.int64)
    blocks = [("square", 2 * eye), ("cube", 3 * eye)]
    if d > 1:
        ordered = np.stack([2 * eye[a] + eye[b] for a, b in permutations(range(d), 2)])
        blocks += [("pair", pairs(d)), ("square times linear", ordered)]
    return blocks


def pairs(d: int) -> IntArray:
    """Return exponents of the products x_a x_b of different inputs.

    Args:
        d: Number of inputs.
    """
    eye = np.eye(d, dtype=np.int64)
    return np.stack([eye[a] + eye[b] for a, b in combinations(range(d), 2)])
