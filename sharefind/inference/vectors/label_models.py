"""Least squares of labels on functions of vectors, with a ridge that the rows choose and errors that they show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sharefind.inference.vectors.rotated_bases import Basis
from sharefind.typing import FloatArray

RIDGES: tuple[float, ...] = tuple(10.0 ** (k / 2) for k in range(-16, 3))
"""Candidate ridges, relative to the mean of the diagonal of the design's second moments."""


@dataclass(frozen=True, eq=False)
class LabelModel:
    """A label, or several labels with common coefficients, as a linear combination of functions of vectors.

    Attributes:
        basis: The p orthonormal functions.
        sets: m, the number of sets of vectors to which the functions are applied.
        views: Number of labels with common coefficients; each has a block of rows.
        design: The values of the functions, shape (views rows, m p).
        labels: The labels, shape (views rows, q).
    """

    basis: Basis
    sets: int
    views: int
    design: FloatArray
    labels: FloatArray

    @property
    def rows(self) -> int:
        """Number of rows of one label."""
        return len(self.labels) // self.views

    @cached_property
    def moments(self) -> FloatArray:
        """Second moments of the design, shape (m p, m p)."""
        return np.asarray(self.design.T @ self.design)

    @cached_property
    def ridge(self) -> float:
        """The ridge of largest evidence, which is added to the diagonal of the second moments; rotations keep it."""
        values, vectors = np.linalg.eigh(self.moments)
        values = np.maximum(values, 0.0)
        seen = ((vectors.T @ (self.design.T @ self.labels)) ** 2).sum(1)
        whole = float((self.labels**2).sum())

        def evidence(ridge: float) -> float:
            rest = max(whole - float((seen / (values + ridge)).sum()), 1e-14 * whole)
            shrunk = self.labels.shape[1] * float(np.log1p(values / ridge).sum())
            return float(-(self.labels.size * math.log(rest) + shrunk) / 2)

        return max((float(values.mean()) * ridge for ridge in RIDGES), key=evidence)

    @cached_property
    def ridged(self) -> FloatArray:
        """The second moments with the ridge, shape (m p, m p)."""
        return np.asarray(self.moments + self.ridge * np.eye(len(self.moments)))

    @cached_property
    def coefficients(self) -> FloatArray:
        """Coefficients of the functions, shape (m p, q)."""
        return np.asarray(np.linalg.solve(self.ridged, self.design.T @ self.labels))

    @cached_property
    def rest(self) -> FloatArray:
        """Residuals of the labels, shape (views rows, q)."""
        return np.asarray(self.labels - self.design @ self.coefficients)

    @cached_property
    def _free(self) -> float:
        """The share of the labels that the functions cannot follow, at least a tenth."""
        used = float(np.trace(np.linalg.solve(self.ridged, self.moments)))
        return max(1 - used / len(self.labels), 0.1)

    @cached_property
    def noise(self) -> float:
        """Variance of the residuals, at least that of rounding."""
        found = float((self.rest**2).mean()) / self._free
        return max(found, 1e-12 * float((self.labels**2).mean()), 1e-300)

    @property
    def expected_error(self) -> float:
        """Expected mean square error on fresh rows, by generalised cross-validation (Golub, Heath and Wahba 1979)."""
        return self.noise / self._free

    def covariance(self) -> FloatArray:
        """Return the covariance of the coefficients of one label for noise of variance 1 in all rows.

        Returns:
            Shape (m p, m p).
        """
        return np.asarray(np.linalg.solve(self.ridged, np.linalg.solve(self.ridged, self.moments).T))

    def mean_square(self, root: FloatArray) -> float:
        """Return the mean square error of root @ coefficients, for errors of any variance in each row.

        The residual of a row is divided by one minus its leverage (HC3: MacKinnon and White 1985). The errors of a row
        may depend on each other across the views.

        Args:
            root: Linear map of the coefficients, shape (m p, m p).
        """
        towards = np.linalg.solve(self.ridged, self.design.T)
        followed = np.einsum("rp,pr->r", self.design, towards)
        alone = self.rest / np.maximum(1 - followed, 0.1)[:, None]
        influence = (root @ towards).T.reshape(self.views, self.rows, -1)
        moved = np.einsum("vrp,vrq->rpq", influence, alone.reshape(self.views, self.rows, -1))
        return float((moved**2).sum(0).mean())
