"""How much of an escape lies outside a space, and whether that is more than the noise of the samples.

Replicates start from the same particles and see samples of their own. If the law of the samples is symmetric under a
group that fixes the space, their residuals have mean zero off it, given the start (Maass & Fontbona 2024, Thm 5): then
products of two replicates' residuals have mean zero too, however far noise carries each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Leftover:
    """The part of an escape outside a space.

    Attributes:
        energy: Cross-fitted, the mean over pairs of replicates and over particles of r_a^T r_b.
        errors: The same in standard errors of what noise alone gives.
        p_value: Share of the ways to turn replicates around, r_a -> -r_a, whose energy is no smaller.
    """

    energy: float
    errors: float
    p_value: float


@dataclass(frozen=True)
class Turning:
    """How many ways to turn replicates around are examined.

    Attributes:
        listed: Up to this number of replicates, all ways are.
        drawn: Number of ways that are drawn for more replicates.
    """

    listed: int = 12
    drawn: int = 4095

    def signs(self, replicates: int) -> NDArray[np.float64]:
        """Return the ways, shape (ways, R); the first way turns none, and turning all is the same as turning none.

        Args:
            replicates: Number R of replicates.
        """
        if replicates <= self.listed:
            return np.array([(1.0, *rest) for rest in product((1.0, -1.0), repeat=replicates - 1)])
        rng = named_stream(0, "turning", str(replicates))
        return np.vstack([np.ones(replicates), rng.choice([1.0, -1.0], size=(self.drawn, replicates))])


TURNING = Turning()


def leftover(residuals: FloatArray, rounding: float, tie: float = 1e-9, how: Turning = TURNING) -> Leftover:
    """Whether residuals have a common part.

    Args:
        residuals: Residuals of R replicates that started alike, shape (R, D, N), the part outside the space.
        rounding: Energy that is rounding alone.
        tie: Relative difference of two energies that counts as none.
        how: The ways to turn replicates around.

    Returns:
        What is left outside.
    """
    replicates = len(residuals)
    flat = residuals.reshape(replicates, -1)
    gram = flat @ flat.T / residuals.shape[-1]
    np.fill_diagonal(gram, 0.0)
    pairs = replicates * (replicates - 1)
    energy = float(gram.sum()) / pairs
    if energy <= rounding:
        return Leftover(energy, 0.0, 1.0)
    error = np.sqrt(2 * float((gram**2).sum())) / pairs
    signs = how.signs(replicates)
    turned = np.einsum("wr,rs,ws->w", signs, gram, signs)
    p_value = float(np.mean(turned >= turned[0] - tie * abs(turned[0])))
    return Leftover(energy, energy / error, p_value)
