"""From candidate moves to the group with the largest evidence, and the others that the data leave standing.

The evidence of a group is that of its fixed space. Groups are joined as long as that gains; what comes near is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from sharefind.proposal.log_evidence import Evidence
from sharefind.proposal.posterior import Hypothesis
from sharefind.recognition.layout import IntArray

STARTS = 8
"""Candidates from which a climb begins."""

MOST_CANDIDATES = 100
"""Best candidates that are joined."""

FIRST_CANDIDATES = 40
"""Candidates that are joined whatever their evidence is: the nearest moves. Alone, a reflection shares too little."""

PAIRED = 20
"""Best candidates whose joins in pairs are looked at."""

Moves = tuple[IntArray, ...]


@dataclass(frozen=True, eq=False)
class Climb:
    """What was looked at.

    visited: for every space of weights, the largest evidence of a group that fixes it, and moves that generate it.
    """

    evidence: Evidence
    visited: dict[bytes, tuple[float, Moves]] = field(default_factory=dict)

    def run(self, candidates: list[IntArray]) -> None:
        """Join candidates, from the best ones on, and take them away again, as long as the evidence grows.

        candidates: the nearest moves first.
        """
        self.look(())
        ordered = sorted(candidates, key=lambda g: (-self.look((g,)), g.tolist()))
        first = {g.tobytes() for g in candidates[:FIRST_CANDIDATES]}
        ranked = [g for k, g in enumerate(ordered) if k < MOST_CANDIDATES or g.tobytes() in first]
        for pair in combinations(ranked[:PAIRED], 2):
            if self.evidence.weights(pair).tobytes() not in self.visited:
                self.look(pair)
        for start in self._starts(ranked):
            moves: Moves = (start,)
            best = self.look(moves)
            for g in ranked:
                if not self._keeps(moves, g) and (joined := self.look((*moves, g))) >= best:
                    moves, best = (*moves, g), joined
            self._thin(moves, best)

    def _starts(self, ranked: list[IntArray]) -> list[IntArray]:
        """The first candidates, one for each space."""
        spaces: dict[bytes, IntArray] = {}
        for g in ranked:
            if len(spaces) < STARTS:
                spaces.setdefault(self.evidence.weights((g,)).tobytes(), g)
        return list(spaces.values())

    def _keeps(self, moves: Moves, g: IntArray) -> bool:
        """Whether g fixes every point of the space that the others fix, so that joining it changes nothing."""
        labels = self.evidence.weights(moves)
        targets, signs = self.evidence.coefficients.layout.parameter_move(g)
        return bool(np.array_equal(labels[targets], signs * labels))

    def hypotheses(self) -> list[Hypothesis]:
        """Every space of weights that was looked at."""
        return [Hypothesis("", self.evidence.weights(moves), log, moves) for log, moves in self.visited.values()]

    def look(self, moves: Moves, trust: float = 0.0) -> float:
        """The log evidence of the fixed space of the group that these generate; `trust` is what else speaks for it."""
        log = self.evidence.log(moves) + trust
        key = self.evidence.weights(moves).tobytes()
        if key not in self.visited or log > self.visited[key][0]:
            self.visited[key] = (log, moves)
        return log

    def _thin(self, moves: Moves, best: float) -> None:
        """Leave out moves without which the evidence is larger."""
        for g in moves:
            rest = tuple(m for m in moves if m is not g)
            if rest and self.look(rest) > best:
                moves, best = rest, self.look(rest)
