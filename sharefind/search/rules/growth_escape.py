"""The growth rule `escape`: the directions in which particles leave, snapped to exact spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sharefind.search.hypotheses import TestedProblem
from sharefind.search.rule_traits import GrowthTraits
from sharefind.search.rules.growth import Escape, Proposal
from sharefind.search.rules.snapping import SNAPPING, Snapping
from sharefind.search.search_lattice import SearchLattice, SearchNode


@dataclass(frozen=True)
class EscapeGrowth:
    """E_{j+1} is the smallest exact space that contains the directions of the escape within their errors.

    Exact spaces are those of the candidate, or without one those of groups that keep ties read off the escape. All that
    contain the directions are proposed: the search goes from the smallest to larger ones until particles stay.

    Attributes:
        name: Name of the rule.
        snapping: Which exact spaces are examined.
        traits: Properties that the rule declares.
    """

    name: str = "escape"
    snapping: Snapping = SNAPPING
    traits: ClassVar[GrowthTraits] = GrowthTraits(snaps=True, is_default=True)

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """Return the exact spaces outside of which nothing significant remains; none where nothing is significant.

        Args:
            problem: As in `GrowthRule`.
            node: As in `GrowthRule`.
            escape: As in `GrowthRule`.
            lattice: As in `GrowthRule`.
        """
        return self.snapping.proposals(problem, node, escape, self.name)
