"""The smallest break of a relation that its test would have seen with a given probability, from more of its copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.relation.tied_evidence import KernelEvidence


@dataclass(frozen=True)
class BreakSearch:
    """How the break is looked for.

    Attributes:
        power: Probability with which it would have been seen.
        copies: Copies of the labels that get a break.
        start: The first size that is tried, in standard deviations of the tied fit.
        doublings: Most times that it is doubled, or halved.
        bisections: Steps between two sizes of which one is seen and the other is not.
    """

    power: float = 0.8
    copies: int = 60
    start: float = 0.5
    doublings: int = 4
    bisections: int = 2

    def smallest(self, powers: Callable[[float], float]) -> float | None:
        """The size at which the power passes `power`; None where that is out of reach.

        Args:
            powers: Power at a size, which grows with it but for chance.
        """
        low, high = self._bracket(powers)
        if low is None or high is None:
            return None if high is None else high[0]
        for _ in range(self.bisections):
            middle = (low[0] * high[0]) ** 0.5
            found = (middle, powers(middle))
            low, high = (low, found) if found[1] >= self.power else (found, high)
        share = (self.power - low[1]) / (high[1] - low[1])
        return float(low[0] * (high[0] / low[0]) ** share)

    def _bracket(self, powers: Callable[[float], float]) -> tuple[Point | None, Point | None]:
        """The largest size tried that is seen too rarely, and the smallest that is not."""
        tried = (self.start, powers(self.start))
        step = 0.5 if tried[1] >= self.power else 2.0
        for _ in range(self.doublings):
            after = (tried[0] * step, powers(tried[0] * step))
            if (after[1] >= self.power) != (tried[1] >= self.power):
                return (after, tried) if step < 1 else (tried, after)
            tried = after
        return (None, tried) if step < 1 else (tried, None)


Point = tuple[float, float]
"""A size and its power."""


def critical_value(copies: Tensor, alpha: float) -> float:
    """The value (of m copies, shape (m,)) that a statistic must exceed for p <= alpha; infinite where none does."""
    above = int(alpha * (len(copies) + 1) * (1 + 1e-12)) - 1
    return float(copies.sort(descending=True).values[above]) if above >= 0 else float("inf")


def detectable_break(
    evidence: KernelEvidence,
    statistics: Tensor,
    alpha: float,
    rng: np.random.Generator,
    units: Tensor | None = None,
    *,
    has_classes: bool = False,
    search: BreakSearch | None = None,
) -> float | None:
    """The smallest break that the test would have seen, as a share of the standard deviation of the tied fit.

    A break is a random function that vanishes when it is tied: a draw of the Gaussian process with kernel k - K_H, at
    the length that the tied process chose, scaled to so large a root mean square over the rows. It is added to copies
    of the labels; these are compared with the copies of the test, so that nothing is drawn or fitted again. Of classes,
    it is added to their probabilities, which are then cut to [0, 1].

    Args:
        evidence: The kernels and the labels.
        statistics: Of the copies of the test, shape (m,).
        alpha: Level of the test.
        rng: Of breaks and copies.
        units: The unit of each row, shape (n,), numbered from 0; None where each row is one.
        has_classes: Whether labels are classes.
        search: How it is looked for; `BreakSearch()` where None.

    Returns:
        The size, or None where no break of several standard deviations would have been seen so often, or where the
        group moves no row.
    """
    search, critical = search or BreakSearch(), critical_value(statistics, alpha)
    breaks = evidence.breaks(rng, search.copies)
    if breaks is None:
        return None
    numbers, seeds = torch.arange(len(evidence.x)) if units is None else units, rng.integers(2**63, size=search.copies)
    fit = evidence.fit()
    breaks = _between_classes(breaks, len(evidence.x)) if has_classes else breaks
    errors = None if has_classes else fit.signed(numbers, rng, search.copies)

    def broken(size: float) -> Tensor:
        if errors is not None:
            return errors + size * breaks
        drawn = [
            replace(fit, values=fit.values + size * part.reshape(fit.values.shape)).classes(
                evidence.scale, numbers, np.random.default_rng(seed), 1
            )
            for part, seed in zip(breaks, seeds, strict=True)
        ]
        return torch.cat(drawn).reshape(breaks.shape)

    return search.smallest(lambda size: float((evidence.statistic(broken(size)) > critical).double().mean()))


def _between_classes(breaks: Tensor, rows: int) -> Tensor:
    """Breaks (R, N, c) of probabilities, whose changes sum to 0 in each row, of the same root mean square."""
    each = breaks.reshape(len(breaks), rows, -1)
    moved = (each - each.mean(2, keepdim=True)).reshape(breaks.shape)
    size, left = ((b**2).mean((1, 2), keepdim=True).sqrt() for b in (breaks, moved))
    return moved * (size / left.clamp_min(torch.finfo(torch.float64).tiny))
