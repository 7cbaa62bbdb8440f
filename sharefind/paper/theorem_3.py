"""Theorem 3: the flow of an invariant functional keeps a weakly invariant start weakly invariant."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.flows import INVARIANT, PLAIN, Arena, FlowStatement, keep


@dataclass(frozen=True)
class Theorem3(FlowStatement):
    """The flow of an invariant functional keeps a WI start WI.

    Attributes:
        name: Name of the demonstration.
    """

    name = "thm-3"

    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict: the invariant risks keep the start WI, the risk of an arbitrary law does not.

        Args:
            arena: Laws and starts.
        """
        return keep(arena, arena.risks(*INVARIANT), arena.risks(PLAIN), "wi")


DEMONSTRATION = Demonstration(
    "thm-3", "Theorem 3", "the flow of an invariant functional keeps a WI start WI",
    "meanfield.dynamics, meanfield.objectives", Theorem3(), Theorem3(horizon=2.5, paper_horizon=2.5),
)  # fmt: skip
