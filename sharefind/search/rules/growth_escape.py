"""The growth rule `escape`: the significant directions of the cross-fitted second moment of the residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sharefind.search.hypotheses import TestedProblem
from sharefind.search.rule_traits import GrowthTraits
from sharefind.search.rules.growth import Escape, Proposal, numerical_child
from sharefind.search.search_lattice import SearchLattice, SearchNode


@dataclass(frozen=True)
class EscapeGrowth:
    """E_{j+1} = E_j + the eigenvectors of the cross-fitted second moment that stand above the noise.

    The most negative eigenvalue is the scale of the noise, since the signal part has none below zero.

    Attributes:
        noise_margin: A direction is kept whose eigenvalue exceeds this many times the scale of the noise.
        direction_share: None is kept that carries less than this share of the largest eigenvalue: a tilt, not a signal.
    """

    name: str = "escape"
    noise_margin: float = 2.0
    direction_share: float = 0.01
    traits: ClassVar[GrowthTraits] = GrowthTraits(is_default=True)

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """One child with all significant directions, or none."""
        values, vectors = np.linalg.eigh(escape.second_moment)
        noise = max(0.0, -float(values[0]))
        kept = (values > self.noise_margin * noise) & (values > self.direction_share * values[-1])
        if values[-1] <= 0 or not kept.any():
            return []
        directions = vectors[:, kept][:, ::-1].T
        return [numerical_child(node, self.name, directions, float(values[kept].sum() / escape.energy))]
