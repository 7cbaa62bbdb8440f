"""Estimates of K parameters and of their noise: the mean of samples, or the weights of a linear model.

`equality_tests` tests which of them are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sharefind.column_names import column_words
from sharefind.errors import InputError
from sharefind.meanfield.clouds.standardise import refuse_magnitude
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates w ~ N(truth, sigma^2 F F^T), and s^2 ~ sigma^2 chi^2_dof / dof, independent of them.

    Attributes:
        values: w, shape (K,).
        factor: F, invertible, shape (K, K).
        variance: s^2.
        dof: Its degrees of freedom.
        rounding: Noise, relative to the largest estimate, below which data count as free of noise: about what rounding
            leaves.

    Raises:
        InputError: The shapes do not match, an entry is not finite, F is singular, or dof is below 1.
    """

    values: FloatArray
    factor: FloatArray
    variance: float
    dof: int
    rounding: float = 1e-13

    def __post_init__(self) -> None:
        size = self.values.size
        if self.values.shape != (size,) or size == 0 or self.factor.shape != (size, size):
            raise InputError(
                f"estimates {self.values.shape}, factor {self.factor.shape} do not match; give (K,) and (K, K)"
            )
        if self.dof < 1:
            raise InputError(f"the noise has {self.dof} degrees of freedom; give more samples than parameters")
        if not (np.isfinite(self.values).all() and np.isfinite(self.factor).all() and 0 <= self.variance < np.inf):
            raise InputError("estimates, factor or variance are not finite; drop those rows, or rescale the data")
        if np.linalg.matrix_rank(self.factor) < size:
            raise InputError(
                "the factor of the covariance is singular; drop parameters that determine each other, or bring columns "
                "to similar sizes"
            )

    @property
    def scale(self) -> float:
        """s, and no less than what rounding leaves."""
        largest = float(np.sqrt(np.diag(self.shape).max()))
        floor = max(self.rounding * float(np.abs(self.values).max()) / largest, float(np.finfo(np.float64).tiny))
        return max(float(np.sqrt(self.variance)), floor)

    @cached_property
    def shape(self) -> FloatArray:
        """F F^T, (K, K)."""
        return np.asarray(self.factor @ self.factor.T)

    @property
    def errors(self) -> FloatArray:
        """Standard errors of the estimates, (K,)."""
        return np.asarray(self.scale * np.sqrt(np.diag(self.shape)))


def mean_estimates(samples: Any) -> Estimates:
    """Return the mean of samples mu + sigma z whose coordinates are independent with one unknown variance.

    Args:
        samples: Shape (n, K).

    Raises:
        InputError: There are fewer than two samples, or they are not finite.
    """
    array = finite_array(samples, "samples", 2)
    n, size = array.shape
    if n < 2:
        raise InputError(f"{n} sample(s) show no noise to compare with; give two or more rows")
    mean = array.mean(axis=0)
    dof = size * (n - 1)
    return Estimates(mean, np.eye(size) / np.sqrt(n), float(((array - mean) ** 2).sum() / dof), dof)


def weight_estimates(x: Any, y: Any, intercept: bool = False, dependent: float = 1e-10) -> Estimates:
    """Return least squares weights of y = sum_k w_k x_k (+ a constant) + noise of one unknown variance.

    Args:
        x: Inputs, shape (n, K).
        y: Labels, shape (n,).
        intercept: Whether a constant is fitted too.
        dependent: A column counts as determined by the columns before it where less than this share of its length
            remains beside them.

    Raises:
        InputError: The samples do not match, are too few or not finite, or other columns determine a column of x.
    """
    inputs, labels = finite_array(x, "x", 2), finite_array(y, "y", 1)
    n, size = inputs.shape
    dof = n - size - int(intercept)
    if n != len(labels) or dof < 1:
        raise InputError(
            f"x {inputs.shape}, y {labels.shape}: give (n, K) and (n,), with n above {size + int(intercept)}"
        )
    if intercept:
        inputs, labels = inputs - inputs.mean(axis=0), labels - labels.mean()
    q, r = np.linalg.qr(inputs)
    lengths = np.linalg.norm(finite_array(x, "x", 2), axis=0)
    determined = np.flatnonzero(np.abs(np.diag(r)) <= dependent * lengths)
    if determined.size:
        which = column_words(int(determined[0]), "x")
        raise InputError(f"{which} is determined by other columns (or constant); drop it")
    weights = np.linalg.solve(r, q.T @ labels)
    return Estimates(weights, np.linalg.inv(r), float(((labels - inputs @ weights) ** 2).sum() / dof), dof)


def finite_array(values: Any, name: str, ndim: int) -> FloatArray:
    """Return a float64 array with a given number of dimensions.

    Args:
        values: The entries.
        name: Name of the array in messages.
        ndim: Number of dimensions.

    Raises:
        InputError: The array has another shape or is empty, an entry is not finite, or its square overflows or
            vanishes.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != ndim or 0 in array.shape:
        raise InputError(f"{name} of shape {array.shape}: give {'(n, K)' if ndim == 2 else '(n,)'}, not empty")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds values that are not finite; drop those rows")
    refuse_magnitude(array, name)
    return array
