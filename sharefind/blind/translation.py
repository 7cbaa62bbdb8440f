"""Weights that are shared along diagonals: a filter that moves over its input, in windows or not.

A translation on windows is no group: what leaves the window on one side does not come back on the other. So its space
is a tying of its own, weight (i, j) = w[j - stride i], some of the w zero.
"""

from __future__ import annotations

import numpy as np

from sharefind.blind.evidence import Evidence, Labels
from sharefind.blind.posterior import Hypothesis
from sharefind.recognition.layout import IntArray
from sharefind.spaces import tying

FEWEST = 4
"""Fewest outputs along which a shift can be seen, and times that a weight must be used."""

RESERVE = 5.0
"""What a tying without a group must gain over one with a group, in units of log evidence, beside the log of the number
of bands that are compared."""

CUT = 5.0
"""What a filter must gain beyond that where some outputs do not see all of it."""

MAX_STRIDE = 4
"""Largest stride looked for."""


def translations(evidence: Evidence) -> list[Hypothesis]:
    """For each stride: all diagonals free, the band of them for which the evidence is largest, and its neighbours."""
    block = evidence.coefficients.linear
    d_out, d_in = block.values.shape
    if d_out < FEWEST or d_in < FEWEST:
        return []
    rest = evidence.log(()) - evidence.linear.log(np.arange(1, block.dim + 1, dtype=np.int32))
    found = []
    for stride in range(1, MAX_STRIDE + 1):
        offset = np.arange(d_in)[None, :] - stride * np.arange(d_out)[:, None]
        bands = [band for band in _bands(evidence, offset) if _repeats(offset, *band) >= FEWEST]
        for low, high in bands:
            labels = _labels(offset, low, high)
            name = _name(stride, low, high, offset)
            odds = evidence.linear.log(labels) - RESERVE - np.log(np.ptp(offset) ** 2 * MAX_STRIDE)
            cut = 0.0 if _is_valid(low, high, offset) else CUT
            found.append(Hypothesis(name, labels, float(rest + odds - cut), None))
    return found


def _repeats(offset: IntArray, low: int, high: int) -> float:
    """How often a weight is used, on average over the filter."""
    return float(((offset >= low) & (offset <= high)).sum() / (high - low + 1))


def _labels(offset: IntArray, low: int, high: int) -> Labels:
    inside = (offset >= low) & (offset <= high)
    return tying.canonical(np.where(inside, offset - low + 1, 0).ravel())


def _bands(evidence: Evidence, offset: IntArray) -> list[tuple[int, int]]:
    """All diagonals; the band of them that together gain most by not being zero; and bands one wider or narrower."""
    low, high = int(offset.min()), int(offset.max())
    labels = _labels(offset, low, high)
    values, errors = evidence.linear.refit(labels)
    spread = float(np.sqrt(evidence.linear.tau2.max()))
    ratio = (spread / errors) ** 2
    by_class = 0.5 * ((values / errors) ** 2 * ratio / (1 + ratio) - np.log1p(ratio))
    diagonal = np.zeros(high - low + 1)
    diagonal[(offset - low).ravel()] = by_class[np.abs(labels) - 1]
    sums = np.concatenate([[0.0], np.cumsum(diagonal)])
    gains = sums[None, :] - sums[:, None]
    gains[np.tril_indices(len(sums))] = -np.inf
    first, last = np.unravel_index(int(gains.argmax()), gains.shape)
    begin, end = low + int(first), low + int(last) - 1
    near = {(begin + a, end + b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    return sorted({(low, high), *((a, b) for a, b in near if low <= a <= b <= high)})


def _name(stride: int, low: int, high: int, offset: IntArray) -> str:
    step = "" if stride == 1 else f", stride {stride}"
    if (low, high) == (int(offset.min()), int(offset.max())):
        return f"translation (weights shared along diagonals{step}), a tying without a group"
    padding = "" if _is_valid(low, high, offset) else ", cut off at the border"
    return f"translation (filter of width {high - low + 1} at offset {low}{step}{padding}), a tying without a group"


def _is_valid(low: int, high: int, offset: IntArray) -> bool:
    """Whether every output sees the whole filter."""
    inside = ((offset >= low) & (offset <= high)).sum(axis=1)
    return bool(np.all(inside == high - low + 1))
