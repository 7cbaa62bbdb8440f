"""Whether columns that a group exchanges look alike, and whether columns look like pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sharefind.suggestion.actions import Permutations
from sharefind.suggestion.layouts import Layout
from sharefind.suggestion.moments import common_scales
from sharefind.suggestion.orbits_of_entries import pair_labels
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Look:
    """Statistics of the columns of x, shape (n, d), alone.

    Attributes:
        traits: Shape (3, n, d), float64: for each row and column the value, the squared deviation from the mean, and a
            bounded deviation.
        spread: Shape (3, d): standard deviation of each trait of each column.
        correlation: Shape (d, d): correlations of the columns.
    """

    traits: FloatArray
    spread: FloatArray
    correlation: FloatArray


def look_at(x: FloatArray, most: int = 600) -> Look:
    """Compute the statistics of rows.

    Args:
        x: The rows, shape (n, d).
        most: Largest number of rows used.

    Returns:
        The statistics.
    """
    x = x[:: -(-len(x) // most)]
    centred = x - x.mean(axis=0)
    scale = np.maximum(common_scales(centred), 1e-300)
    scaled = np.clip(centred / scale, -5, 5)
    traits = np.stack([x, centred**2, np.tanh(scaled)])
    deviation = np.maximum(centred.std(axis=0), 1e-300)
    correlation = (centred / deviation).T @ (centred / deviation) / len(x)
    return Look(traits, traits.std(axis=1), correlation)


@dataclass(frozen=True)
class Likeness:
    """Differences between columns that a group exchanges.

    Attributes:
        effect: Largest difference of means or spreads, in standard deviations of a row.
        deviation: The same difference in standard errors.
        correlations: Mean square of differences between correlations that should be equal, as a multiple of its value
            by chance.
    """

    effect: float
    deviation: float
    correlations: float

    def holds(self, effect: float = 0.1, errors: float = 4.5) -> bool:
        """Return whether means and spreads are alike, by one of two measures.

        Args:
            effect: Largest difference in standard deviations.
            errors: Largest difference in standard errors.
        """
        return self.effect <= effect or self.deviation <= errors

    def is_correlated_alike(self, most: float = 8.0) -> bool:
        """Return whether correlations are alike.

        Args:
            most: Largest multiple of the value by chance; the default allows for clustered rows.
        """
        return self.correlations <= most


def likeness(look: Look, moves: Permutations) -> Likeness:
    """Measure how similar the columns are that generators exchange.

    Args:
        look: Statistics of the columns.
        moves: Permutations of the columns, one per generator.

    Returns:
        The differences.
    """
    rows = look.traits.shape[1]
    effects, deviations = [0.0], [0.0]
    for move in moves:
        moved = np.flatnonzero(move != np.arange(len(move)))
        if len(moved) == 0:
            continue
        difference = look.traits[:, :, moved] - look.traits[:, :, move[moved]]
        mean = np.abs(difference.mean(axis=1))
        error = difference.std(axis=1) / np.sqrt(rows)
        both = np.sqrt((look.spread[:, moved] ** 2 + look.spread[:, move[moved]] ** 2) / 2)
        place = np.unravel_index(np.argmax(_ratio(mean, both)), mean.shape)
        effects.append(float(_ratio(mean, both)[place]))
        deviations.append(float(_ratio(mean, error)[place]))
    worst = int(np.argmax(effects))
    return Likeness(effects[worst], deviations[worst], rows * _spread_in_orbits(look.correlation, moves))


def _spread_in_orbits(correlation: FloatArray, moves: Permutations, most: int = 128) -> float:
    """Return the mean square of correlations (d, d) about their means over orbits of pairs of columns.

    Args:
        correlation: Correlations of all pairs.
        moves: Generators.
        most: Largest number of columns whose pairs are sorted into orbits; for wider data, each generator is considered
            alone.
    """
    if len(correlation) > most:
        return max((float(((correlation - correlation[np.ix_(g, g)]) ** 2).mean()) / 2 for g in moves), default=0.0)
    first, second = np.nonzero(~np.eye(len(correlation), dtype=bool))
    orbit = np.unique(pair_labels(moves, moves)[first, second], return_inverse=True)[1]
    value, count = correlation[first, second], np.bincount(orbit)
    apart = value - (np.bincount(orbit, value) / count)[orbit]
    several = count[orbit] > 2  # a pair and its reverse have one correlation
    return float((apart[several] ** 2).mean()) if several.any() else 0.0


def _ratio(value: FloatArray, unit: FloatArray) -> FloatArray:
    return np.where(value <= 1e-12 * np.maximum(unit, 1e-300), 0.0, value / np.maximum(unit, 1e-300))


def like_runs(look: Look, effect: float = 0.3) -> tuple[int, int]:
    """Return the number of columns at the beginning that resemble the first one, and at the end that resemble the last
    one.

    Args:
        look: Statistics of the columns.
        effect: Largest difference in standard deviations.
    """

    def run(order: IntArray) -> int:
        first = order[0]
        unit = np.sqrt((look.spread**2 + look.spread[:, [first]] ** 2) / 2)
        mean = look.traits.mean(axis=1)
        apart = _ratio(np.abs(mean - mean[:, [first]]), unit).max(axis=0)[order] > effect
        return int(np.argmax(apart)) if apart.any() else len(order)

    columns = np.arange(look.spread.shape[1])
    return run(columns), run(columns[::-1])


def picture_contrast(look: Look, layout: Layout) -> float:
    """Return how much more neighbouring pixels are correlated than pixels of one row or column far apart.

    The result is 0 or less if a layout is not an image, or if its columns are not like pixels. For a sequence or
    shuffled columns, at least one of the two directions shows no contrast.

    Args:
        look: Statistics of the columns.
        layout: The layout.
    """
    if layout.picture is None:
        return 0.0
    contrasts = [_contrast(look.correlation[np.ix_(k, k)], r, c) for k, r, c in _channels(layout)]
    return float(np.mean(contrasts))


def _contrast(correlation: FloatArray, rows: IntArray, columns: IntArray) -> float:
    down = np.abs(rows[:, None] - rows[None, :])
    right = np.abs(columns[:, None] - columns[None, :])
    far = max(2, int(rows.max() + 1) // 2)
    found = []
    for along, across in ((down, right), (right, down)):
        near = correlation[(along == 1) & (across == 0)]
        distant = correlation[(along == 0) & (across >= far)]
        found.append(float(near.mean() - distant.mean()))
    return min(found)


def _channels(layout: Layout) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
    """Yield the columns of each channel, with their rows and columns in the image."""
    side = layout.points
    rows, columns = np.divmod(np.arange(side * side), side)
    if layout.flat.startswith("patch"):
        kept = np.delete(np.arange(side * side), side * side // 2)
        yield np.arange(len(kept)), rows[kept], columns[kept]
        return
    channels = layout.picture or 1
    for channel in range(abs(channels)):
        start, step = (channel, -channels) if channels < 0 else (channel * side * side, 1)
        yield start + step * np.arange(side * side), rows, columns


def is_picture(contrast: float, rows: int, least: float = 0.1) -> bool:
    """Return whether a contrast exceeds what chance gives.

    Args:
        contrast: The result of `picture_contrast`.
        rows: Number of rows.
        least: Smallest contrast that counts.
    """
    return contrast > max(least, 4 / math.sqrt(rows))
