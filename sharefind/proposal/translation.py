"""Weights that are shared along diagonals: a filter that moves over its input, in windows or not.

A translation on windows is no group: what leaves the window on one side does not come back on the other. So its space
is a tying of its own, weight (i, j) = w[j - stride i], some of the w zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sharefind.proposal.log_evidence import Labels, LogEvidence, free, vanishing
from sharefind.proposal.posterior import TiedSpace
from sharefind.spaces import tying
from sharefind.typing import IntArray


@dataclass(frozen=True)
class Translations:
    """Which translations are looked for, and what each must gain.

    Attributes:
        fewest: Fewest outputs along which a shift can be seen, and times that a weight must be used.
        reserve: Gain in log evidence that a tying without a group needs over one with a group, beside the log of the
            number of bands that are compared.
        cut: Further gain that a filter needs where some outputs do not see all of it, and again where these are set
            free.
        fewest_inside: Fewest outputs that see all of a filter whose other outputs are set free.
        most_border: Most outputs on each side that are left aside when a band is looked for in the middle.
        max_stride: Largest stride looked for.
    """

    fewest: int = 4
    reserve: float = 5.0
    cut: float = 5.0
    fewest_inside: int = 2
    most_border: int = 6
    max_stride: int = 4

    def spaces(self, evidence: LogEvidence) -> list[TiedSpace]:
        """Return, for each stride, all diagonals free, the band of them with the largest evidence, and its neighbours.

        A band that some outputs see in part is proposed cut off there, and with parameters of their own for these
        outputs: what lies beyond the window is zero, mirrored, or not known.

        Args:
            evidence: Evidence of the coefficients.
        """
        block = evidence.coefficients.linear
        d_out, d_in = block.values.shape
        if d_out < self.fewest or d_in < self.fewest:
            return []
        rest = evidence.log(()) - evidence.linear.log(free(block.dim))
        found = []
        for stride in range(1, self.max_stride + 1):
            offset = np.arange(d_in)[None, :] - stride * np.arange(d_out)[:, None]
            base = rest - self.reserve - np.log(np.ptp(offset) ** 2 * self.max_stride)
            for band in (Band(offset, stride, *ends) for ends in self._bands(evidence, offset)):
                if band.repeats < self.fewest:
                    continue
                options = [(band.name(), band.labels, 0.0 if band.is_valid else self.cut)]
                for rows in self._borders(band) if stride == 1 else ():
                    options += [(name, labels, 2 * self.cut) for name, labels in band.freed(rows)]
                for name, labels, cost in options:
                    found.append(TiedSpace(name, labels, float(evidence.linear.log(labels) + (base - cost)), None))
        return found

    def _borders(self, band: Band) -> list[IntArray]:
        """Outputs that do not see all of a filter: those on the left, those on the right, and both; (rows,) each."""
        left, right = np.flatnonzero(band.ends_before), np.flatnonzero(band.ends_after)
        choices = [rows for rows in (left, right) if rows.size]
        if len(choices) == 2:
            choices.append(np.union1d(left, right))
        return [rows for rows in choices if len(band.offset) - len(rows) >= self.fewest_inside]

    def _bands(self, evidence: LogEvidence, offset: IntArray) -> list[tuple[int, int]]:
        """All diagonals; the band of them that together gain most by not being zero; and bands one wider or narrower.

        It is looked for in all outputs and in the middle ones alone.
        """
        low, high = int(offset.min()), int(offset.max())
        aside = min(self.most_border, (len(offset) - self.fewest) // 2)
        middle = np.arange(len(offset))[aside : len(offset) - aside]
        found = {(low, high)}
        for rows in (np.arange(len(offset)), middle):
            first, last = _best_band(evidence, offset, rows)
            near = {(first + a, last + b) for a, b in product((-1, 0, 1), repeat=2)}
            found |= {(a, b) for a, b in near if low <= a <= b <= high}
        return sorted(found)


@dataclass(frozen=True, eq=False)
class Band:
    """A filter that moves over its input.

    Attributes:
        offset: j - stride i of every weight, (d_out, d_in).
        stride: Inputs that it moves on from one output to the next.
        low: Smallest offset that the filter reaches.
        high: Largest one.
    """

    offset: IntArray
    stride: int
    low: int
    high: int

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Weights that are part of the filter, (d_out, d_in)."""
        return (self.offset >= self.low) & (self.offset <= self.high)

    @cached_property
    def labels(self) -> Labels:
        """The ties of the filter, cut off where it leaves the window."""
        return tying.canonical(np.where(self.inside, self.offset - self.low + 1, 0).ravel())

    @property
    def width(self) -> int:
        """Weights of the filter."""
        return self.high - self.low + 1

    @property
    def repeats(self) -> float:
        """How often a weight is used, on average over the filter."""
        return float(self.inside.sum() / self.width)

    @property
    def is_valid(self) -> bool:
        """Whether every output sees the whole filter."""
        return bool(np.all(self.inside.sum(axis=1) == self.width))

    @property
    def ends_before(self) -> NDArray[np.bool_]:
        """Outputs whose window begins within the filter, (d_out,)."""
        return np.asarray(self.offset[:, 0] > self.low)

    @property
    def ends_after(self) -> NDArray[np.bool_]:
        """Outputs whose window ends within the filter, (d_out,)."""
        return np.asarray(self.offset[:, -1] < self.high)

    def freed(self, rows: IntArray) -> list[tuple[str, Labels]]:
        """Return the ties with some outputs free: where the filter lies, where it is mirrored, or altogether; by name.

        Args:
            rows: Numbers of these outputs.
        """
        inputs, reach = np.arange(self.offset.shape[1]), max(abs(self.low), abs(self.high), self.width - 1)
        every = np.zeros(self.offset.shape, dtype=bool)
        every[rows] = True
        near = self.inside | np.multiply.outer(self.ends_before, inputs <= reach)
        near |= np.multiply.outer(self.ends_after, inputs >= len(inputs) - 1 - reach)
        choices = (("", self.inside), (" near the border", near), (" everywhere", every))
        return [
            (self.name(f"{outputs_free(rows.tolist())}{where}"), _with_own(self.labels, every, every & own))
            for where, own in choices
        ]

    def name(self, border: str = "") -> str:
        """Return the name of the ties.

        Args:
            border: Words for the outputs that have weights of their own.
        """
        step = "" if self.stride == 1 else f", stride {self.stride}"
        if (self.low, self.high) == (int(self.offset.min()), int(self.offset.max())):
            return f"translation (weights shared along diagonals{step}), a tying without a group"
        border = border or ("" if self.is_valid else "cut off at the border")
        width = f"filter of width {self.width} at offset {self.low}{step}"
        return f"translation ({width}{border and ', '}{border}), a tying without a group"


def _with_own(plain: Labels, rows: NDArray[np.bool_], own: NDArray[np.bool_]) -> Labels:
    """A pattern in which the entries of some rows vanish, except rows that get a class each; (d_out, d_in) both."""
    labels = np.where(rows.ravel(), 0, plain).astype(np.int64)
    free = np.flatnonzero(own)
    labels[free] = int(plain.max()) + 1 + np.arange(free.size)
    return tying.canonical(labels)


def _best_band(evidence: LogEvidence, offset: IntArray, rows: IntArray) -> tuple[int, int]:
    """The band that gains most in some outputs; the others are free."""
    low, high = int(offset.min()), int(offset.max())
    plain, aside = Band(offset, 1, low, high).labels, np.ones(offset.shape, dtype=bool)
    aside[rows] = False
    labels = _with_own(plain, aside, aside)
    values, errors = evidence.linear.refit(labels)
    spread = float(np.sqrt(evidence.linear.tau2.max()))
    ratio = (spread / errors) ** 2
    by_class = -vanishing(values / errors, ratio)
    diagonal = np.zeros(high - low + 1)
    inside = ~aside.ravel()
    diagonal[(offset - low).ravel()[inside]] = by_class[np.abs(labels)[inside] - 1]
    sums = np.concatenate([[0.0], np.cumsum(diagonal)])
    gains = sums[None, :] - sums[:, None]
    gains[np.tril_indices(len(sums))] = -np.inf
    first, last = np.unravel_index(int(gains.argmax()), gains.shape)
    return low + int(first), low + int(last) - 1


def outputs_free(rows: list[int]) -> str:
    """Return words for outputs that have weights of their own: "outputs 0 and 1 free".

    Args:
        rows: Numbers of these outputs.
    """
    if len(rows) == 1:
        return f"output {rows[0]} free"
    return f"outputs {', '.join(map(str, rows[:-1]))} and {rows[-1]} free"
