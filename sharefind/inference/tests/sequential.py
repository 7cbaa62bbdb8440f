"""How many copies a test near its level needs, so that its verdict does not depend on who drew them.

A test with m copies estimates the p-value p* of infinitely many. Near the level alpha another m copies may say the
opposite. So a test looks at growing numbers of copies, and stops where the verdict of infinitely many is clear (Gandy
2009, "Sequential implementation of Monte Carlo tests with uniformly bounded resampling risk"). Under the hypothesis the
counts of exceeding copies follow Polya's urn whatever p* is, so the level of the whole design is computed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sharefind.errors import ConfigError

FACTORS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Looks at a test, in multiples of the copies of the first one."""

RISK = 0.02
"""Bound on the probability that a settled verdict differs from that of infinitely many copies, on either side."""

SPENT_HALF = 0.4
"""Expected exceeding copies at the level by which half of the risk may be spent: a clear rejection takes few."""

DECIMALS = 12
"""Decimals of a p-value: sums of so many probabilities are right to that."""


class Outcome(StrEnum):
    """What a look at a test says."""

    REJECTED = "rejected"
    KEPT = "kept"
    OPEN = "open"


@dataclass(frozen=True)
class CopiesDesign:
    """Looks at a test of level alpha, and where each of them ends it.

    The boundaries are monotone: more exceeding copies never turn a test that is kept into one that is rejected, so
    ties, which count as exceeding, keep it valid.

    Attributes:
        alpha: Level of the verdict.
        first: Copies of the first look.
        looks: Copies of each look, increasing.
        reject_to: For each look, the largest count of exceeding copies at which it rejects; -1 for none.
        keep_from: For each look, the smallest count at which it ends without a rejection.

    Raises:
        ConfigError: Alpha is not in (0, 1), or the first look has no copies.
    """

    alpha: float
    first: int
    looks: tuple[int, ...] = field(init=False)
    reject_to: tuple[int, ...] = field(init=False)
    keep_from: tuple[int, ...] = field(init=False)
    _rejected: tuple[NDArray[np.float64], ...] = field(init=False, repr=False, compare=False)
    _kept: tuple[NDArray[np.float64], ...] = field(init=False, repr=False, compare=False)
    _open: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or self.first < 1:
            raise ConfigError(f"alpha={self.alpha}, copies={self.first}: alpha must lie in (0, 1), copies be 1 or more")
        looks = tuple(factor * (self.first + 1) - 1 for factor in FACTORS)
        object.__setattr__(self, "looks", looks)
        self._set_boundaries()
        self._set_null()

    def outcome(self, look: int, exceeding: int) -> Outcome:
        """What a look says.

        Args:
            look: Its number, from 0.
            exceeding: Copies at least as extreme as the data.

        Returns:
            Rejected, kept, or open: then the next look decides, or, after the last one, the test is undecided.
        """
        if exceeding <= self.reject_to[look]:
            return Outcome.REJECTED
        return Outcome.KEPT if exceeding >= self.keep_from[look] else Outcome.OPEN

    def p_value(self, look: int, exceeding: int) -> float:
        """The exact p-value of a test that ended at a look: P(an outcome at least as extreme) under the hypothesis.

        Rejections count as more extreme the earlier they come, ends without one the later; at the first look that is
        (1 + exceeding) / (copies + 1). All undecided tests have one p-value.

        Args:
            look: Its number, from 0.
            exceeding: Copies at least as extreme as the data.

        Returns:
            The p-value, at most alpha exactly where the test is rejected.
        """
        outcome = self.outcome(look, exceeding)
        if outcome is Outcome.REJECTED:
            earlier = sum(float(p.sum()) for p in self._rejected[:look])
            return round(earlier + float(self._rejected[look][: exceeding + 1].sum()), DECIMALS)
        if outcome is Outcome.OPEN:
            return max(round(self.level + float(self._open.sum()), DECIMALS), math.nextafter(self.alpha, 1))
        earlier = sum(float(p.sum()) for p in self._kept[:look])
        return round(1 - earlier - float(self._kept[look][exceeding + 1 :].sum()), DECIMALS)

    @property
    def level(self) -> float:
        """P(rejected) under the hypothesis, where the statistic has no ties."""
        return sum(float(p.sum()) for p in self._rejected)

    def power(self, p: float) -> tuple[float, float, float]:
        """P(rejected), P(undecided) and P(kept) where a copy exceeds the data with probability p."""
        state, done = np.ones(1), 0
        ends = [0.0, 0.0]
        for look, copies in enumerate(self.looks):
            state = np.convolve(state, _binomial(copies - done, p))
            low, high = self.reject_to[look] + 1, self.keep_from[look]
            ends[0] += float(state[:low].sum())
            ends[1] += float(state[high:].sum())
            state, done = np.where(_between(high, low, high), state[:high], 0.0), copies
        return ends[0], float(state.sum()), ends[1]

    def _set_boundaries(self) -> None:
        """Boundaries that p* = alpha crosses on either side with at most the risk spent so far."""
        state, done = np.ones(1), 0
        reject_to, keep_from, crossed = [], [], [0.0, 0.0]
        for copies in self.looks:
            step = copies - done
            state = np.convolve(state, _binomial(step, self.alpha))
            expected = copies * self.alpha
            allowed = RISK * expected / (expected + SPENT_HALF)
            below, above = np.cumsum(state), np.cumsum(state[::-1])[::-1]
            low = int(np.searchsorted(below, allowed - crossed[0], side="right")) - 1
            high = int(np.argmax(np.append(above, 0.0) <= allowed - crossed[1]))
            low = min(low, math.floor(self.alpha * (copies + 1)) - 1)
            crossed[0] += float(state[: low + 1].sum())
            crossed[1] += float(state[high:].sum())
            state, done = np.where(_between(high, low + 1, high), state[:high], 0.0), copies
            reject_to.append(low)
            keep_from.append(high)
        object.__setattr__(self, "reject_to", tuple(reject_to))
        object.__setattr__(self, "keep_from", tuple(keep_from))

    def _set_null(self) -> None:
        """P(end at each look with each count) under the hypothesis, by Polya's urn."""
        state, done = np.ones(1), 0
        rejected, kept = [], []
        for look, copies in enumerate(self.looks):
            state = _urn(state, done, copies)
            low, high = self.reject_to[look] + 1, self.keep_from[look]
            rejected.append(state[:low].copy())
            kept.append(np.where(np.arange(len(state)) >= high, state, 0.0))
            state, done = np.where(_between(high, low, high), state[:high], 0.0), copies
        object.__setattr__(self, "_rejected", tuple(rejected))
        object.__setattr__(self, "_kept", tuple(kept))
        object.__setattr__(self, "_open", state)


def _binomial(n: int, p: float) -> NDArray[np.float64]:
    """The probabilities of 0, ..., n successes, (n + 1,); scipy.stats has them, and takes a second to load."""
    k = np.arange(n + 1)
    choices = -special.betaln(k + 1, n - k + 1) - math.log(n + 1)
    return np.asarray(np.exp(choices + special.xlogy(k, p) + special.xlog1py(n - k, -p)))


def _between(size: int, low: int, high: int) -> NDArray[np.bool_]:
    counts = np.arange(size)
    return np.asarray((counts >= low) & (counts < high))


def _urn(state: NDArray[np.float64], done: int, copies: int) -> NDArray[np.float64]:
    """P(count) after more copies, from P(count) (done + 1,): the next copy exceeds with (1 + count) / (done + 2)."""
    after, step = np.zeros(copies + 1), copies - done
    more = np.arange(step)
    for count in np.flatnonzero(state):
        # The beta-binomial law of the new exceeding copies: its first probability, then ratios of neighbours.
        a, b = count + 1, done - count + 1
        first = special.betaln(a, step + b) - special.betaln(a, b)
        ratios = np.log((step - more) * (a + more) / ((more + 1) * (b + step - more - 1)))
        after[count : count + step + 1] += state[count] * np.exp(first + np.append(0.0, np.cumsum(ratios)))
    return after


def monte_carlo_interval(exceeding: int, copies: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of the p-value that infinitely many copies would give.

    Args:
        exceeding: Copies at least as extreme as the data.
        copies: All copies.
        confidence: Of the interval.

    Returns:
        Its ends, between 0 and 1.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if exceeding == 0 else float(special.betaincinv(exceeding, copies - exceeding + 1, tail))
    high = 1.0 if exceeding == copies else float(special.betaincinv(exceeding + 1, copies - exceeding, 1 - tail))
    return low, high
