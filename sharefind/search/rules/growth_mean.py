"""The growth rule `mean`: the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sharefind.search.hypotheses import TestedProblem
from sharefind.search.rule_traits import GrowthTraits
from sharefind.search.rules.growth import Escape, Proposal, numerical_child
from sharefind.search.search_lattice import SearchLattice, SearchNode


@dataclass(frozen=True)
class MeanGrowth:
    """The paper's rule: E_{j+1} = E_j + span(v_j), v_j = mean_i (theta_i - P_{E_j} theta_i).

    v_j cancels when particles leave on both sides, so the rule needs many particles; see docs/theory. At N = 1000 it
    finds its second direction at T = 2: before it is noise, then it cancels. Its delta_j lies between the tilt of a
    grown direction (1e-4 to 1e-3) and an escape (1e-2).

    Attributes:
        name: Name of the rule.
        traits: Properties that the rule declares.
    """

    name: str = "mean"
    traits: ClassVar[GrowthTraits] = GrowthTraits(paper_horizon=2.0, paper_delta=3e-3)

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """Return one child with v_j added.

        Args:
            problem: As in `GrowthRule`.
            node: As in `GrowthRule`.
            escape: As in `GrowthRule`.
            lattice: As in `GrowthRule`.
        """
        length = float(np.linalg.norm(escape.mean))
        if length == 0:
            return []
        direction = (escape.mean / length)[None, :]
        along = float((direction @ escape.second_moment @ direction.T)[0, 0])
        return [numerical_child(node, self.name, direction, along / escape.energy if escape.energy > 0 else 0.0)]
