"""Weights that are shared along diagonals: a filter that moves over its input, in windows or not.

A translation on windows is no group: what leaves the window on one side does not come back on the other. So its space
is a tying of its own, weight (i, j) = w[j - stride i], some of the w zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sharefind.proposal.log_evidence import Evidence, Labels
from sharefind.proposal.posterior import Hypothesis
from sharefind.recognition.layout import IntArray
from sharefind.spaces import tying

FEWEST = 4
"""Fewest outputs along which a shift can be seen, and times that a weight must be used."""

RESERVE = 5.0
"""What a tying without a group must gain over one with a group, in units of log evidence, beside the log of the number
of bands that are compared."""

CUT = 5.0
"""What a filter must gain beyond that where some outputs do not see all of it, and again where these are set free."""

FEWEST_INSIDE = 2
"""Fewest outputs that see all of a filter whose other outputs are set free."""

MOST_BORDER = 6
"""Most outputs on each side that are left aside when a band is looked for in the middle."""

MAX_STRIDE = 4
"""Largest stride looked for."""


def translations(evidence: Evidence) -> list[Hypothesis]:
    """For each stride: all diagonals free, the band of them for which the evidence is largest, and its neighbours.

    A band that some outputs see in part is proposed cut off there, and with parameters of their own for these outputs:
    what lies beyond the window is zero, mirrored, or not known.
    """
    block = evidence.coefficients.linear
    d_out, d_in = block.values.shape
    if d_out < FEWEST or d_in < FEWEST:
        return []
    rest = evidence.log(()) - evidence.linear.log(np.arange(1, block.dim + 1, dtype=np.int32))
    found = []
    for stride in range(1, MAX_STRIDE + 1):
        offset = np.arange(d_in)[None, :] - stride * np.arange(d_out)[:, None]
        bands = [band for band in _bands(evidence, offset) if _repeats(offset, *band) >= FEWEST]
        compared = np.log(np.ptp(offset) ** 2 * MAX_STRIDE)
        for low, high in bands:
            plain = _labels(offset, low, high)
            name = _name(stride, low, high, offset)
            cut = 0.0 if _is_valid(low, high, offset) else CUT
            found.append(_hypothesis(evidence, name, plain, rest - RESERVE - compared - cut))
            for rows in _borders(low, high, offset) if stride == 1 else ():
                for where, labels in _freed(plain, offset, low, high, rows):
                    name = _name(stride, low, high, offset, f"{outputs_free(rows.tolist())}{where}")
                    found.append(_hypothesis(evidence, name, labels, rest - RESERVE - compared - 2 * CUT))
    return found


def _hypothesis(evidence: Evidence, name: str, labels: Labels, log: float) -> Hypothesis:
    return Hypothesis(name, labels, float(evidence.linear.log(labels) + log), None)


def _borders(low: int, high: int, offset: IntArray) -> list[IntArray]:
    """Outputs that do not see all of a filter: those on the left, those on the right, and both; (rows,) each."""
    first, last = offset[:, 0], offset[:, -1]
    left, right = np.flatnonzero(first > low), np.flatnonzero(last < high)
    choices = [rows for rows in (left, right) if rows.size]
    if left.size and right.size:
        choices.append(np.union1d(left, right))
    return [rows for rows in choices if len(offset) - len(rows) >= FEWEST_INSIDE]


def _freed(plain: Labels, offset: IntArray, low: int, high: int, rows: IntArray) -> list[tuple[str, Labels]]:
    """The ties of a filter, but for these outputs: free where it lies, where it is mirrored, or free altogether."""
    d_out, d_in = offset.shape
    places, reach = np.arange(d_in), max(abs(low), abs(high), high - low)
    near = np.zeros((d_out, d_in), dtype=bool)
    for row in rows:
        near[row] = (offset[row] >= low) & (offset[row] <= high)
        if offset[row, 0] > low:
            near[row] |= places <= reach
        if offset[row, -1] < high:
            near[row] |= places >= d_in - 1 - reach
    every = np.zeros((d_out, d_in), dtype=bool)
    every[rows] = True
    seen = near & (offset >= low) & (offset <= high)
    choices = (("", seen), (" near the border", near), (" everywhere", every))
    return [(where, _with_own(plain, every, own)) for where, own in choices]


def _with_own(plain: Labels, rows: NDArray[np.bool_], own: NDArray[np.bool_]) -> Labels:
    """A pattern in which the entries of some rows vanish, but for those that get a class each; (d_out, d_in) both."""
    labels = np.where(rows.ravel(), 0, plain).astype(np.int64)
    free = np.flatnonzero(own)
    labels[free] = int(plain.max()) + 1 + np.arange(free.size)
    return tying.canonical(labels)


def _repeats(offset: IntArray, low: int, high: int) -> float:
    """How often a weight is used, on average over the filter."""
    return float(((offset >= low) & (offset <= high)).sum() / (high - low + 1))


def _labels(offset: IntArray, low: int, high: int) -> Labels:
    inside = (offset >= low) & (offset <= high)
    return tying.canonical(np.where(inside, offset - low + 1, 0).ravel())


def _bands(evidence: Evidence, offset: IntArray) -> list[tuple[int, int]]:
    """All diagonals; the band of them that together gain most by not being zero; and bands one wider or narrower.

    It is looked for in all outputs and in the middle ones alone.
    """
    low, high = int(offset.min()), int(offset.max())
    aside = min(MOST_BORDER, (len(offset) - FEWEST) // 2)
    middle = np.arange(len(offset))[aside : len(offset) - aside]
    found = {(low, high)}
    for rows in (np.arange(len(offset)), middle):
        begin, end = _band(evidence, offset, rows)
        near = {(begin + a, end + b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
        found |= {(a, b) for a, b in near if low <= a <= b <= high}
    return sorted(found)


def _band(evidence: Evidence, offset: IntArray, rows: IntArray) -> tuple[int, int]:
    """The band that gains most in some outputs; the others are free."""
    low, high = int(offset.min()), int(offset.max())
    plain, aside = _labels(offset, low, high), np.ones(offset.shape, dtype=bool)
    aside[rows] = False
    labels = _with_own(plain, aside, aside)
    values, errors = evidence.linear.refit(labels)
    spread = float(np.sqrt(evidence.linear.tau2.max()))
    ratio = (spread / errors) ** 2
    by_class = 0.5 * ((values / errors) ** 2 * ratio / (1 + ratio) - np.log1p(ratio))
    diagonal = np.zeros(high - low + 1)
    inside = ~aside.ravel()
    diagonal[(offset - low).ravel()[inside]] = by_class[np.abs(labels)[inside] - 1]
    sums = np.concatenate([[0.0], np.cumsum(diagonal)])
    gains = sums[None, :] - sums[:, None]
    gains[np.tril_indices(len(sums))] = -np.inf
    first, last = np.unravel_index(int(gains.argmax()), gains.shape)
    return low + int(first), low + int(last) - 1


def _name(stride: int, low: int, high: int, offset: IntArray, free: str = "") -> str:
    step = "" if stride == 1 else f", stride {stride}"
    if (low, high) == (int(offset.min()), int(offset.max())):
        return f"translation (weights shared along diagonals{step}), a tying without a group"
    border = "" if _is_valid(low, high, offset) else ", cut off at the border"
    if free:
        border = f", {free}"
    return f"translation (filter of width {high - low + 1} at offset {low}{step}{border}), a tying without a group"


def outputs_free(rows: list[int]) -> str:
    """Which outputs have weights of their own: "outputs 0 and 1 free"."""
    if len(rows) == 1:
        return f"output {rows[0]} free"
    return f"outputs {', '.join(map(str, rows[:-1]))} and {rows[-1]} free"


def _is_valid(low: int, high: int, offset: IntArray) -> bool:
    """Whether every output sees the whole filter."""
    inside = ((offset >= low) & (offset <= high)).sum(axis=1)
    return bool(np.all(inside == high - low + 1))
