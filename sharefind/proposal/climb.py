"""The climb from candidate permutations to the group with the largest evidence, and to others that the data allow.

The evidence of a group is that of its fixed space. Groups are joined as long as that gains; what comes near is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from sharefind.proposal.log_evidence import LogEvidence
from sharefind.proposal.posterior import TiedSpace
from sharefind.typing import IntArray

Generators = tuple[IntArray, ...]
"""Permutations of the points of a layout that generate a group."""


@dataclass(frozen=True, eq=False)
class Climb:
    """The spaces that were examined.

    Attributes:
        evidence: For the fixed space of any group.
        visited: For every space of weights, the largest evidence of a group that fixes it, and what generates it.
        starts: Candidates from which a climb begins.
        most_candidates: Best candidates that are joined.
        first_candidates: Candidates that are joined whatever their evidence is: the nearest. Alone, a reflection shares
            too little.
        paired: Best candidates whose joins in pairs are looked at.
    """

    evidence: LogEvidence
    visited: dict[bytes, tuple[float, Generators]] = field(default_factory=dict)
    starts: int = 8
    most_candidates: int = 100
    first_candidates: int = 40
    paired: int = 20

    def run(self, candidates: list[IntArray]) -> None:
        """Join candidates, from the best ones on, and take them away again, as long as the evidence grows.

        Args:
            candidates: The nearest first.
        """
        self.look(())
        ordered = sorted(candidates, key=lambda g: (-self.look((g,)), g.tolist()))
        first = {g.tobytes() for g in candidates[: self.first_candidates]}
        ranked = [g for k, g in enumerate(ordered) if k < self.most_candidates or g.tobytes() in first]
        for pair in combinations(ranked[: self.paired], 2):
            if self._space(pair) not in self.visited:
                self.look(pair)
        spaces: dict[bytes, IntArray] = {}
        for g in ranked:
            spaces.setdefault(self._space((g,)), g)
        for start in list(spaces.values())[: self.starts]:
            joined: Generators = (start,)
            best = self.look(joined)
            for g in ranked:
                if not self._keeps(joined, g) and (log := self.look((*joined, g))) >= best:
                    joined, best = (*joined, g), log
            self._thin(joined, best)

    def _log(self, generators: Generators) -> float:
        return self.evidence.log(generators)

    def _space(self, generators: Generators) -> bytes:
        return self.evidence.weights(generators).tobytes()

    def _keeps(self, generators: Generators, g: IntArray) -> bool:
        """Whether g fixes every point of the space that the others fix, so that joining it changes nothing."""
        labels = self.evidence.weights(generators)
        targets, signs = self.evidence.coefficients.layout.parameter_move(g)
        return bool(np.array_equal(labels[targets], signs * labels))

    def spaces(self) -> list[TiedSpace]:
        """Return every space of weights that was examined."""
        return [TiedSpace("", self.evidence.weights(found), log, found) for log, found in self.visited.values()]

    def look(self, generators: Generators, trust: float = 0.0) -> float:
        """Return the log evidence of the fixed space of the group that some permutations generate.

        Args:
            generators: The permutations.
            trust: Log evidence from other sources, which is added.
        """
        log = self._log(generators) + trust
        key = self._space(generators)
        if key not in self.visited or log > self.visited[key][0]:
            self.visited[key] = (log, generators)
        return log

    def _thin(self, generators: Generators, best: float) -> None:
        """Leave out generators without which the evidence is larger."""
        for g in generators:
            rest = tuple(other for other in generators if other is not g)
            if rest and (log := self.look(rest)) > best:
                generators, best = rest, log
