"""The growth rule `invariant`: the candidate's exact invariant subspaces that lie next above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sharefind.search.hypotheses import TestedProblem
from sharefind.search.node_evidence import Decision
from sharefind.search.rule_traits import GrowthTraits
from sharefind.search.rules.growth import Escape, Proposal, candidate_node
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode
from sharefind.spaces import LatticeNode


@dataclass(frozen=True)
class InvariantGrowth:
    """E_{j+1} is one of the candidate's exact invariant subspaces next above what has been rejected.

    Where exact tests have decided which groups hold, those are the spaces next above E_j in the lattice, and the search
    climbs inside the space of the group that was accepted. Otherwise, and where a tolerance may keep what was rejected,
    a space is open once every candidate space strictly inside it was visited and left. Among open spaces the one that
    explains most of the escape is visited first; the search goes back to the others when it fails.

    Attributes:
        name: Name of the rule.
        traits: Properties that the rule declares.
    """

    name: str = "invariant"
    traits: ClassVar[GrowthTraits] = GrowthTraits(
        keeps_to_candidates=True, is_default=True, default_stop="randomisation"
    )

    def propose(
        self, problem: TestedProblem, node: SearchNode, escape: Escape, lattice: SearchLattice
    ) -> list[Proposal]:
        """Return all open spaces above the node, each with the share of the escape that it explains.

        Args:
            problem: As in `GrowthRule`.
            node: As in `GrowthRule`.
            escape: As in `GrowthRule`.
            lattice: As in `GrowthRule`.
        """
        here = problem.lattice_node(node)
        if problem.lattice is None or here is None:
            return []
        proposals = []
        for place in self._open(problem, here, lattice):
            child = candidate_node(place)
            growth = Growth(node.key, child.key, self.name, escape.explained_by(place.space))
            proposals.append(Proposal(child, growth))
        return proposals

    def _open(self, problem: TestedProblem, here: LatticeNode, lattice: SearchLattice) -> list[LatticeNode]:
        if problem.lattice is None:
            return []
        tested = problem.symmetries is not None and problem.symmetries.family is not None
        if tested and problem.settings.stopping.decides_by_tests and problem.settings.tolerance == 0:
            return list(problem.lattice.covers(here))
        left = {n.candidate for n in lattice.visited() if n.evidence and n.evidence.decision is Decision.GROW}
        below = problem.lattice.below
        return [p for p in problem.lattice.above(here) if left.issuperset(np.flatnonzero(below[:, p.index]).tolist())]
