"""The smallest break of a relation that its test would have seen with a given probability, from more of its copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.relation.kernel_factors import of_distinct
from sharefind.inference.relation.label_copies import ErrorSizes, TiedFit
from sharefind.inference.relation.tied_evidence import KernelEvidence


@dataclass(frozen=True)
class BreakSearch:
    """How the smallest detectable break is found.

    Attributes:
        power: Probability with which the break would have been seen.
        sets: Copies of the labels that get a break.
        copies: Copies of each of these, made as the test makes them.
        start: The first size that is tried, in standard deviations of the tied fit.
        doublings: Most times that it is doubled, or halved.
        bisections: Steps between a size that is seen and a size that is not.
    """

    power: float = 0.8
    sets: int = 40
    copies: int = 4
    start: float = 0.5
    doublings: int = 4
    bisections: int = 2

    def smallest(self, powers: Callable[[float], float]) -> float | None:
        """Return the size at which the power passes `power`; None where that is out of reach.

        Args:
            powers: Power at a size; it grows with the size, up to chance.
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
    """Return the value that a statistic must exceed for p <= alpha; infinite where no value suffices.

    Args:
        copies: Statistics of the m copies, shape (m,).
        alpha: The level.
    """
    above = int(alpha * (len(copies) + 1) * (1 + 1e-12)) - 1
    return float(copies.sort(descending=True).values[above]) if above >= 0 else float("inf")


def detectable_break(
    evidence: KernelEvidence,
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
    of the labels. Each of these broken sets gets copies of its own, as in the test: a tied fit takes up some of the
    break, and then copies spread more widely. Those of all sets give one critical value. Kernels are not factored
    again. For classes, the break is added to their probabilities, which are then cut to [0, 1].

    Args:
        evidence: The kernels and the labels.
        alpha: Level of the test.
        rng: Source of breaks and copies.
        units: The unit of each row, shape (n,), numbered from 0; None where each row is one.
        has_classes: Whether labels are classes.
        search: How it is looked for; `BreakSearch()` where None.

    Returns:
        The size, or None where no break of several standard deviations would have been seen so often, or where the
        group moves no row.
    """
    search = search or BreakSearch()
    breaks = evidence.breaks(rng, search.sets)
    if breaks is None:
        return None
    broken = _BrokenSets(
        evidence,
        _between_classes(breaks, len(evidence.x)) if has_classes else breaks,
        torch.arange(len(evidence.x)) if units is None else units,
        has_classes,
        int(rng.integers(2**63)),
    )
    return search.smallest(lambda size: broken.power(size, alpha, search.copies))


@dataclass(frozen=True)
class _BrokenSets:
    """Labels with breaks, and their copies; the same random numbers at each size.

    Attributes:
        evidence: The kernels and the labels.
        breaks: Shape (sets, N, c), with the root mean square of the tied fit.
        units: The unit of each row, shape (n,).
        has_classes: Whether labels are classes.
        seed: Seed of all copies.
        fits: Fits of the test's own labels so far, by the place of length and noise in the table.
    """

    evidence: KernelEvidence
    breaks: Tensor
    units: Tensor
    has_classes: bool
    seed: int
    fits: dict[int, tuple[TiedFit, ErrorSizes | None]] = field(default_factory=dict)

    def power(self, size: float, alpha: float, copies: int) -> float:
        """The share of broken sets that the test rejects."""
        rng = np.random.default_rng(self.seed)
        labels = self._broken(size, rng)
        drawn = [self._drawn(fit, sizes, rng, copies) for fit, sizes in self._fits(labels)]
        every = torch.cat([labels, *drawn])
        compared = self.evidence.statistic_for(every, has_classes=self.has_classes)
        found = of_distinct(compared, every, self.evidence.settings.copies_at_once)
        return float((found[: len(labels)] > critical_value(found[len(labels) :], alpha)).double().mean())

    def _broken(self, size: float, rng: np.random.Generator) -> Tensor:
        fit, sizes = self._fit_at(int(self.evidence.table().argmax()))
        if not self.has_classes:
            return self._drawn(fit, sizes, rng, len(self.breaks)) + size * self.breaks
        moved = [replace(fit, values=fit.values + size * part) for part in self.breaks]
        return torch.cat([self._drawn(each, sizes, rng, 1) for each in moved])

    def _drawn(self, fit: TiedFit, sizes: ErrorSizes | None, rng: np.random.Generator, count: int) -> Tensor:
        if not self.has_classes:
            return fit.signed(self.units, rng, count, sizes)
        drawn = fit.classes(self.evidence.scale, self.units, rng, count)
        return drawn.reshape(count, *self.evidence.labels.shape)

    def _fits(self, labels: Tensor) -> Iterator[tuple[TiedFit, ErrorSizes | None]]:
        """The tied fit of each of the labels (sets, N, c), with the length and the noise that it chooses."""
        best = self.evidence.tied.evidence(labels).flatten(1).argmax(1)
        for place, part in zip(best.tolist(), labels, strict=True):
            fit, sizes = self._fit_at(place)
            left = fit.passed @ part
            yield replace(fit, values=part - left, residuals=left), sizes

    def _fit_at(self, place: int) -> tuple[TiedFit, ErrorSizes | None]:
        """That of the test's own labels, with a length and a noise by their place in the table."""
        if place not in self.fits:
            noises = self.evidence.settings.noises
            fit = self.evidence.fit_at(place // len(noises), noises[place % len(noises)])
            self.fits[place] = (fit, None if self.has_classes else fit.error_sizes(self.units))
        return self.fits[place]


def _between_classes(breaks: Tensor, rows: int) -> Tensor:
    """Breaks (R, N, c) of probabilities, whose changes sum to 0 in each row, of the same root mean square."""
    each = breaks.reshape(len(breaks), rows, -1)
    moved = (each - each.mean(2, keepdim=True)).reshape(breaks.shape)
    size, left = ((b**2).mean((1, 2), keepdim=True).sqrt() for b in (breaks, moved))
    return moved * (size / left.clamp_min(torch.finfo(torch.float64).tiny))
