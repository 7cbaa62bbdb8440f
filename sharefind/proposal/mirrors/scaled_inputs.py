"""Inputs about their centre, in units of their size, products of them, and which products enter a fit.

`term_fitting` fits labels on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sharefind.proposal.least_squares import Fit
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class TermSettings:
    """Which products enter, and how sure they must be.

    Attributes:
        level: Probability with which any product that does not matter enters.
        rows_per_term: Most terms are so few that each has this many rows.
        rows_per_input: Fewer rows for an input are refused.
        rounds: How often residuals are looked at for further products, of two inputs or of three.
        far: An input whose mean is this many standard deviations from zero is expanded about its mean.
        alike: Two such inputs are expanded at one distance from zero where that of their means differs by no more
            standard deviations.
        at_once: Most entries of the table of products that is held at a time.
        most_cubic: Most products of three that are looked at, times rows and inputs; of more only those of inputs that
            no label is seen to depend on.
        fit: Leverages and rounding.
    """

    level: float = 0.001
    rows_per_term: int = 6
    rows_per_input: int = 3
    rounds: int = 8
    far: float = 3.0
    alike: float = 1.0
    at_once: int = 20_000_000
    most_cubic: int = 30_000_000_000
    fit: Fit = field(default_factory=Fit)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs about their centre, each in units of its root mean square.

    Attributes:
        scaled: (n, d_in).
        size: Root mean squares, (d_in,).
        centre: (d_in,).
        mean: (d_in,).
        spread: Standard deviations, (d_in,); 0 for an input that does not vary.
    """

    scaled: FloatArray
    size: FloatArray
    centre: FloatArray
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, x: FloatArray, settings: TermSettings) -> Inputs:
        """Return the scaled inputs of rows.

        Args:
            x: Rows, shape (n, d_in).
            settings: Settings of the fit.
        """
        mean, spread = x.mean(axis=0), x.std(axis=0)
        centre = _centres(mean, spread, settings)
        moved = x - centre
        size = np.sqrt(np.mean(moved**2, axis=0))
        varies = spread > settings.fit.rounding * (np.abs(mean) + spread)
        size = np.where(varies, size, 1.0)
        return cls(moved / size, size, centre, mean, np.where(varies, spread, 0.0))

    @property
    def varies(self) -> BoolArray:
        """Which inputs do, bool (d_in,)."""
        return np.asarray(self.spread > 0)

    def monomials(self, degree: int, among: BoolArray | None = None) -> IntArray:
        """Return all products of inputs that vary, in ascending order, int64 (p, degree).

        Args:
            degree: Number of inputs in a product.
            among: Inputs that may occur, bool (d_in,); all by default.
        """
        kept = np.flatnonzero(self.varies if among is None else self.varies & among)
        found = np.arange(len(kept))[:, None]
        for _ in range(degree - 1):
            repeats = len(kept) - found[:, -1]
            last = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
            found = np.repeat(found, repeats, axis=0)
            found = np.column_stack([found, found[:, -1] + last])
        return np.asarray(kept[found])

    def products(self, factors: IntArray) -> FloatArray:
        """Return columns x_a x_b or x_a x_b x_c, shape (n, p).

        Args:
            factors: The inputs of each product, shape (p, 2) or (p, 3).
        """
        columns = self.scaled[:, factors[:, 0]] * self.scaled[:, factors[:, 1]]
        return np.asarray(columns if factors.shape[1] == 2 else columns * self.scaled[:, factors[:, 2]])


def _centres(mean: FloatArray, spread: FloatArray, settings: TermSettings) -> FloatArray:
    """Zero, or for inputs far from it one distance for all whose means are as far, to either side.

    Coefficients that a map exchanges are then expanded about points that it exchanges, too.
    """
    far = np.flatnonzero(np.abs(mean) > settings.far * spread)
    order = far[np.argsort(np.abs(mean[far]), kind="stable")]
    distance = np.abs(mean[order])
    apart = np.diff(distance) > settings.alike * np.minimum(spread[order][1:], spread[order][:-1])
    clusters = np.split(np.arange(len(order)), np.flatnonzero(apart) + 1)
    centre = np.zeros_like(mean)
    for members in clusters:
        if len(members):
            centre[order[members]] = distance[members].mean() * np.sign(mean[order[members]])
    return centre
