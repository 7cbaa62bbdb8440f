"""Chooses the number of copies of a test near its level, so that its verdict does not depend on the random copies.

A test with m copies estimates the p-value `p*` of infinitely many copies. Near the level alpha, another m copies may
give the opposite verdict. Therefore a test uses growing numbers of copies, and stops once the verdict of infinitely
many is clear (Gandy 2009, "Sequential implementation of Monte Carlo tests with uniformly bounded resampling risk").
Under the hypothesis the counts of exceeding copies follow Polya's urn for every `p*`, so the level of the whole design
is computed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.errors import ConfigError
from sharefind.typing import FloatArray

Spread = Callable[[FloatArray, int, int], FloatArray]
"""Function (P(count) (done + 1,), copies done, copies) -> P(count) after more copies, (copies + 1,)."""


class Outcome(StrEnum):
    """Result of a look at a test.

    Attributes:
        REJECTED: The test ends with a rejection.
        KEPT: The test ends without a rejection.
        OPEN: The next look decides; after the last one the test is undecided.
    """

    REJECTED = "rejected"
    KEPT = "kept"
    OPEN = "open"


@dataclass(frozen=True)
class CopiesDesign:
    """Looks at a test of level alpha, with the boundaries at which each look ends it.

    The boundaries are monotone: more exceeding copies never turn a test that is kept into one that is rejected. Ties
    count as exceeding, so they keep the test valid.

    Attributes:
        alpha: Level of the verdict.
        first: Number of copies at the first look.
        factors: Looks at a test, in multiples of the copies of the first one.
        risk: Bound on the probability that a final verdict differs from that of infinitely many copies, on either side.
        spent_half: Expected number of exceeding copies at the level by which half of the risk may be spent; a clear
            rejection takes few.
        reference: Number of copies that determine mean and spread of several components; they are not compared.
        decimals: Decimals of a p-value, the accuracy of a sum of many probabilities.
        looks: Number of copies of each look, increasing.
        reject_to: For each look, the largest count of exceeding copies at which it rejects; -1 for none.
        keep_from: For each look, the smallest count at which it ends without a rejection.

    Raises:
        ConfigError: Alpha is not in (0, 1), or the first look has no copies.
    """

    alpha: float
    first: int
    factors: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    risk: float = 0.02
    spent_half: float = 0.4
    reference: int = 49
    decimals: int = 12
    looks: tuple[int, ...] = field(init=False)
    reject_to: tuple[int, ...] = field(init=False)
    keep_from: tuple[int, ...] = field(init=False)
    _rejected: tuple[FloatArray, ...] = field(init=False, repr=False, compare=False)
    _kept: tuple[FloatArray, ...] = field(init=False, repr=False, compare=False)
    _open: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or self.first < 1:
            raise ConfigError(f"alpha={self.alpha}, copies={self.first}: alpha must lie in (0, 1), copies be 1 or more")
        looks = tuple(factor * (self.first + 1) - 1 for factor in self.factors)
        object.__setattr__(self, "looks", looks)
        self._set_boundaries()
        self._set_null()

    def outcome(self, look: int, exceeding: int) -> Outcome:
        """Return the result of a look.

        Args:
            look: Its number, from 0.
            exceeding: Number of copies at least as extreme as the data.
        """
        if exceeding <= self.reject_to[look]:
            return Outcome.REJECTED
        return Outcome.KEPT if exceeding >= self.keep_from[look] else Outcome.OPEN

    def p_value(self, look: int, exceeding: int) -> float:
        """Return the exact p-value of a test that ended at a look: P(a result at least as extreme) under the
        hypothesis.

        Earlier rejections are more extreme; earlier ends without a rejection are less extreme. At the first look a
        rejection has p = (1 + exceeding) / (copies + 1). All undecided tests have one p-value.

        Args:
            look: Its number, from 0.
            exceeding: Number of copies at least as extreme as the data.

        Returns:
            The p-value, at most alpha exactly if the test is rejected.
        """
        outcome = self.outcome(look, exceeding)
        if outcome is Outcome.REJECTED:
            earlier = sum(float(p.sum()) for p in self._rejected[:look])
            return round(earlier + float(self._rejected[look][: exceeding + 1].sum()), self.decimals)
        if outcome is Outcome.OPEN:
            return max(round(self.level + float(self._open.sum()), self.decimals), math.nextafter(self.alpha, 1))
        earlier = sum(float(p.sum()) for p in self._kept[:look])
        beyond = exceeding + 1 - self.keep_from[look]
        return round(1 - earlier - float(self._kept[look][beyond:].sum()), self.decimals)

    @property
    def level(self) -> float:
        """Probability of a rejection under the hypothesis, for a statistic without ties."""
        return sum(float(p.sum()) for p in self._rejected)

    def power(self, p: float) -> tuple[float, float, float]:
        """Return P(rejected), P(undecided) and P(kept).

        Args:
            p: Probability that a copy exceeds the data.
        """
        ends = list(self._ends(lambda state, done, copies: np.convolve(state, _binomial(copies - done, p))))
        rejected, kept = (sum(float(end[k].sum()) for end in ends) for k in (0, 1))
        return rejected, float(ends[-1][2].sum()), kept

    def _ends(self, spread: Spread) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """Yield, for each look, the probabilities of the counts at which it rejects, keeps, or leaves the test open."""
        state, done = np.ones(1), 0
        for copies, low, high in zip(self.looks, self.reject_to, self.keep_from, strict=True):
            state = spread(state, done, copies)
            rejected, kept = state[: low + 1], state[high:]
            state, done = np.where(np.arange(len(state[:high])) > low, state[:high], 0.0), copies
            yield rejected, kept, state

    def _set_boundaries(self) -> None:
        """Set boundaries that p* = alpha crosses on either side with at most the risk spent so far."""
        state, done = np.ones(1), 0
        reject_to, keep_from, crossed = [], [], [0.0, 0.0]
        for copies in self.looks:
            step = copies - done
            state = np.convolve(state, _binomial(step, self.alpha))
            expected = copies * self.alpha
            allowed = self.risk * expected / (expected + self.spent_half)
            below, above = np.cumsum(state), np.cumsum(state[::-1])[::-1]
            low = int(np.searchsorted(below, allowed - crossed[0], side="right")) - 1
            high = int(np.argmax(np.append(above, 0.0) <= allowed - crossed[1]))
            low = min(low, math.floor(self.alpha * (copies + 1)) - 1)
            crossed[0] += float(state[: low + 1].sum())
            crossed[1] += float(state[high:].sum())
            state, done = np.where(np.arange(high) > low, state[:high], 0.0), copies
            reject_to.append(low)
            keep_from.append(high)
        object.__setattr__(self, "reject_to", tuple(reject_to))
        object.__setattr__(self, "keep_from", tuple(keep_from))

    def _set_null(self) -> None:
        """Set P(end at each look with each count) under the hypothesis, by Polya's urn."""
        ends = list(self._ends(_urn))
        object.__setattr__(self, "_rejected", tuple(rejected.copy() for rejected, _, _ in ends))
        object.__setattr__(self, "_kept", tuple(kept.copy() for _, kept, _ in ends))
        object.__setattr__(self, "_open", ends[-1][2])


def _binomial(n: int, p: float) -> FloatArray:
    """Return the probabilities of 0, ..., n successes, (n + 1,); scipy has them, but takes long to load."""
    k = np.arange(n + 1)
    logs = np.array([math.lgamma(j + 1) for j in range(n + 1)])
    choices = logs[-1] - logs - logs[::-1]
    return np.asarray(np.exp(choices + _times_log(k, p) + _times_log(n - k, 1 - p)))


def _times_log(counts: NDArray[np.int64], p: float) -> FloatArray:
    """Return k log(p), which is 0 for k = 0."""
    return np.asarray(counts * math.log(p) if p > 0 else np.where(counts == 0, 0.0, -math.inf), dtype=np.float64)


def _urn(state: FloatArray, done: int, copies: int) -> FloatArray:
    """Return P(count) after more copies, from P(count) (done + 1,): the next copy exceeds with (1 + count) / (done +
    2).
    """
    after, step = np.zeros(copies + 1), copies - done
    more = np.arange(step)
    for count in np.flatnonzero(state):
        # The beta-binomial law of the new exceeding copies: its first probability, then ratios of neighbours.
        a, b = count + 1, done - count + 1
        first = math.lgamma(step + b) - math.lgamma(a + step + b) - math.lgamma(b) + math.lgamma(a + b)
        ratios = np.log((step - more) * (a + more) / ((more + 1) * (b + step - more - 1)))
        after[count : count + step + 1] += state[count] * np.exp(first + np.append(0.0, np.cumsum(ratios)))
    return after


def monte_carlo_interval(exceeding: int, copies: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of the p-value with infinitely many copies.

    Args:
        exceeding: Number of copies at least as extreme as the data.
        copies: Number of all copies.
        confidence: Confidence of the interval.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if exceeding == 0 else float(scipy.special.betaincinv(exceeding, copies - exceeding + 1, tail))
    high = 1.0 if exceeding == copies else float(scipy.special.betaincinv(exceeding + 1, copies - exceeding, 1 - tail))
    return low, high
