"""Monomials of X, made orthogonal under the law of all inputs taken together."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np

from sharefind.typing import FloatArray, IntArray


def has_constant(inputs: FloatArray) -> bool:
    """Whether an input (n, d) never changes."""
    return bool(np.any(np.ptp(inputs, axis=0) == 0))


def powers(inputs: FloatArray) -> FloatArray:
    """The polynomials 1, x, x^2 - a, x^3 - b x, orthogonal under the law of all inputs taken together: (4, n, d).

    For normal inputs (n, d) these are Hermite's.
    """
    second = float(np.mean(inputs**2))
    return np.stack([np.ones_like(inputs), inputs, inputs**2 - second, inputs**3 - _tilt(inputs) * inputs])


def slopes(of: FloatArray) -> FloatArray:
    """Derivatives of `powers`, (4, n, d)."""
    inputs = of[1]
    return np.stack([np.zeros_like(inputs), np.ones_like(inputs), 2 * inputs, 3 * inputs**2 - _tilt(inputs)])


def _tilt(inputs: FloatArray) -> float:
    """b of x^3 - b x, fourth moment over second."""
    return float(np.mean(inputs**4)) / (float(np.mean(inputs**2)) or 1.0)


def products(of: FloatArray, exponents: IntArray) -> FloatArray:
    """Products of polynomials of one input each: `of` (4, n, d), exponents (p, d) -> (n, p)."""
    inputs = np.arange(exponents.shape[1])
    return np.stack([np.prod(of[row, :, inputs].T, axis=1) for row in exponents], axis=1)


def higher(d: int) -> list[tuple[str, IntArray]]:
    """Exponents of degree 2 and 3, the cheapest blocks first; x_a x_b x_c is left out."""
    eye = np.eye(d, dtype=np.int64)
    blocks = [("square", 2 * eye), ("cube", 3 * eye)]
    if d > 1:
        ordered = np.stack([2 * eye[a] + eye[b] for a, b in permutations(range(d), 2)])
        blocks += [("pair", pairs(d)), ("square times linear", ordered)]
    return blocks


def pairs(d: int) -> IntArray:
    """Exponents of the products x_a x_b of different inputs."""
    eye = np.eye(d, dtype=np.int64)
    return np.stack([eye[a] + eye[b] for a, b in combinations(range(d), 2)])
