"""How a search ended; `result` has the record of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sharefind.inference import Diagnosis
from sharefind.inference.maps.map_explanation import MapExplanation
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.search_lattice import SearchLattice, SearchNode


@dataclass(frozen=True)
class SearchOutcome:
    """How a search ended.

    Attributes:
        problem: The problem of the search, with its exact tests.
        lattice: Every node visited, with its evidence.
        chain: E_0 -> ... -> E_*, or as far as the search came.
        finished: Whether E_* holds (False: the search was stopped before a space held, or left a space from which no
            direction of the escape is significant, and is undecided).
        diagnoses: Why the rejected groups nearest to E_* fail, and by how much.
        stopped: Why the search ended before all was done, or None.
        warnings: Warnings for the user, a sentence each.
        maps: Faults of the user's maps of columns that were not accepted.
    """

    problem: TestedProblem
    lattice: SearchLattice
    chain: tuple[SearchNode, ...]
    finished: bool
    diagnoses: Mapping[str, Diagnosis] = field(default_factory=dict)
    stopped: str | None = None
    warnings: tuple[str, ...] = ()
    maps: tuple[MapExplanation, ...] = ()

    @property
    def e_star(self) -> SearchNode:
        """The last node of the chain: the smallest space that holds, when the search is finished."""
        return self.chain[-1]
