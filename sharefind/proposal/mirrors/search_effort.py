"""How near coefficients of a map must come, and which images rows reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.proposal.mirrors.terms import Terms
from sharefind.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class SearchEffort:
    """How near coefficients must come, and how long maps are looked for.

    Attributes:
        looseness: A column is no image when the squared differences of its coefficients exceed what noise gives by so
            many standard deviations.
        largest: Nor when one coefficient differs by so many standard errors.
        reach: Nor when its mean is so many standard deviations away, so that rows and their images do not meet.
        widest: Nor when its standard deviation is so many times larger or smaller.
        live: Coefficients with a smaller |z| on both sides are not counted.
        clearest: Coefficients of a label that must have one of like size in another, before all are compared.
        least: What a coefficient that is seen goes to must have this z at least, with the right sign.
        steps: Most partial maps that one search looks at.
        most_steps: Most of all searches together.
        leaves: Maps that one search returns at most.
    """

    looseness: float = 4.0
    largest: float = 5.0
    reach: float = 3.0
    widest: float = 4.0
    live: float = 2.5
    clearest: int = 5
    least: float = 0.7
    steps: int = 400
    most_steps: int = 20_000
    leaves: int = 2

    def misses(self, here: FloatArray, there: FloatArray, critical: float) -> BoolArray:
        """Whether a coefficient is seen here that is missing there, bool (p, q)."""
        up, down = here > critical, here < -critical
        return np.asarray((up[:, None] & (there < self.least)) | (down[:, None] & (there > -self.least)))

    def either_misses(self, here: FloatArray, there: FloatArray, critical: float) -> BoolArray:
        """Whether a coefficient that is seen on one side is missing on the other, bool (p, q)."""
        return np.asarray(self.misses(here, there, critical) | self.misses(there, here, critical).T)

    def limit(self, count: FloatArray) -> FloatArray:
        """Largest sum of so many squared differences that noise explains."""
        loose = self.looseness
        return np.asarray(count + loose * np.sqrt(3.0 * count) + loose**2)


def within_reach(terms: Terms, effort: SearchEffort) -> BoolArray:
    """Whether rows reach those of an image: bool (2, d_in, d_in), for the signs + and -."""
    mean, spread = terms.mean, terms.spread
    bound = effort.reach * np.sqrt(np.add.outer(spread**2, spread**2))
    alike = np.maximum.outer(spread, spread) <= effort.widest * np.minimum.outer(spread, spread)
    return np.stack([alike & (np.abs(np.subtract.outer(mean, s * mean)) <= bound) for s in (1, -1)])
