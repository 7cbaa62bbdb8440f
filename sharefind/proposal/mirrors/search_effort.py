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
        looseness: A column is no image when the squared differences of its coefficients exceed what noise gives by this
            number of standard deviations.
        largest: Nor when one coefficient differs by this number of standard errors.
        reach: Nor when its mean is this number of standard deviations away, so that rows and their images do not meet.
        widest: Nor when its standard deviation is larger or smaller by this factor.
        live: Coefficients with a smaller |z| on both sides are not counted.
        clearest: Coefficients of a label that must have one of like size in another, before all are compared.
        least: The image of a coefficient that is seen must have this z at least, with the right sign.
        steps: Most partial maps that one search examines.
        most_steps: Most partial maps of all searches together.
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
        """Return whether a coefficient is seen here that is missing there.

        Args:
            here: z of coefficients here, shape (p,).
            there: z of coefficients there, shape (p, q).
            critical: |z| from which a coefficient is seen.

        Returns:
            Shape (p, q), bool.
        """
        up, down = here > critical, here < -critical
        return np.asarray((up[:, None] & (there < self.least)) | (down[:, None] & (there > -self.least)))

    def either_misses(self, here: FloatArray, there: FloatArray, critical: float) -> BoolArray:
        """Return whether a coefficient that is seen on one side is missing on the other.

        Args:
            here: As in `misses`.
            there: As in `misses`.
            critical: As in `misses`.

        Returns:
            Shape (p, q), bool.
        """
        return np.asarray(self.misses(here, there, critical) | self.misses(there, here, critical).T)

    def limit(self, count: FloatArray) -> FloatArray:
        """Return the largest sum of squared differences that noise explains.

        Args:
            count: Number of differences.
        """
        loose = self.looseness
        return np.asarray(count + loose * np.sqrt(3.0 * count) + loose**2)


def within_reach(terms: Terms, effort: SearchEffort) -> BoolArray:
    """Return whether rows reach those of an image, for the signs + and -.

    Args:
        terms: Coefficients, with means and deviations of the inputs.
        effort: Limits of the search.

    Returns:
        Shape (2, d_in, d_in), bool.
    """
    mean, spread = terms.mean, terms.spread
    bound = effort.reach * np.sqrt(np.add.outer(spread**2, spread**2))
    alike = np.maximum.outer(spread, spread) <= effort.widest * np.minimum.outer(spread, spread)
    return np.stack([alike & (np.abs(np.subtract.outer(mean, s * mean)) <= bound) for s in (1, -1)])
