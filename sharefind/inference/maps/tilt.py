"""Weights of rows under which the law of the inputs is nearly invariant under a map, though the inputs are not.

Where a relation is nonlinear, its best polynomial depends on the law of the inputs: under a law that is not invariant
it is not equivariant, though the relation may be. Weights mend that as far as rows overlap with their images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.groups.column_maps import SignedColumns
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class TiltSettings:
    """How the weights are found.

    Attributes:
        steps: Newton's steps.
        ridge: Penalty on squared coefficients of inputs of variance 1.
        largest: Largest weight, over the mean of all.
        periods: Most images of a row that are averaged.
    """

    steps: int = 15
    ridge: float = 1.0
    largest: float = 20.0
    periods: int = 12


def invariance_weights(x: FloatArray, given: SignedColumns, settings: TiltSettings | None = None) -> FloatArray:
    """Return weights of mean 1: the density at images of a row relative to the row, averaged over the group of a map.

    The density is modelled as an invariant one times exp(b.x + c.x^2). A logistic regression that tells rows from their
    images gives b and c (as in inference by density ratios, Sugiyama, Suzuki and Kanamori 2012).

    Args:
        x: Inputs, shape (n, d_in).
        given: The action of the map on the inputs.
        settings: How the weights are found.

    Returns:
        Shape (n,).
    """
    settings = settings or TiltSettings()
    spread = np.sqrt(np.mean(x**2, axis=0))
    scaled = x / np.where(spread > 0, spread, 1.0)
    units = spread / np.where(spread > 0, spread, 1.0)
    first = _features(scaled)
    moved, images = x, list[FloatArray]()
    for _ in range(min(given.period, settings.periods) - 1):
        moved = _apply(given, moved)
        images.append(_features(moved / np.where(spread > 0, spread, 1.0)) * np.r_[units, units])
    if not images:
        return np.ones(len(x))
    tilt = _logistic(first - images[0], settings)
    ratios = [np.exp(np.clip((image - first) @ tilt, -30, 30)) for image in images]
    found = (1 + np.sum(ratios, axis=0)) / (1 + len(ratios))
    return np.asarray(np.minimum(found / found.mean(), settings.largest))


def _features(scaled: FloatArray) -> FloatArray:
    return np.hstack([scaled, scaled**2])


def _apply(given: SignedColumns, x: FloatArray) -> FloatArray:
    """Rows (n, d) with their columns moved."""
    moved = np.empty_like(x)
    moved[:, given.images] = x * given.signs
    return moved


def _logistic(differences: FloatArray, settings: TiltSettings) -> FloatArray:
    """The coefficients b (p,) that make b.(row - image) large for most rows (n, p), by Newton's method."""
    found = np.zeros(differences.shape[1])
    penalty = settings.ridge * np.eye(len(found))
    for _ in range(settings.steps):
        share = 1 / (1 + np.exp(np.clip(differences @ found, -30, 30)))
        slope = differences.T @ share - penalty @ found
        curvature = (differences * (share * (1 - share))[:, None]).T @ differences + penalty
        step = np.linalg.solve(curvature, slope)
        found += step / max(1.0, float(np.abs(step).max()))
    return found
