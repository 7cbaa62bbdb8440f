"""Theorem 4: from a weakly invariant start the flows of data and feature averaging coincide."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.flows import DA, FA, PLAIN, SYMMETRIC, Arena, FlowStatement, Pair, coincide


@dataclass(frozen=True)
class Theorem4(FlowStatement):
    """The flows of R^DA and R^FA from a WI start coincide, and so does that of R if the law is equivariant.

    Attributes:
        name: Name of the demonstration.
    """

    name = "thm-4"

    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict: the flows coincide; under an arbitrary law, or from a start that is not WI, they differ.

        Args:
            arena: Laws and starts.
        """
        flows = arena.risks(DA, FA, SYMMETRIC, "R^DA, equivariant law", "R^FA, equivariant law")
        start = arena.wi_start()
        controls: dict[str, Pair] = {
            "R against R^DA, arbitrary law": (arena.risk(PLAIN), flows[DA], start),
            "R^DA against R^FA, start not WI": (flows[DA], flows[FA], arena.plain_start()),
        }
        return coincide(arena, flows, controls, start)


DEMONSTRATION = Demonstration(
    "thm-4", "Theorem 4", "from a WI start the flows of R^DA and R^FA coincide, and that of R if it is invariant",
    "meanfield.dynamics, meanfield.objectives", Theorem4(), Theorem4(horizon=2.5, paper_horizon=2.5),
)  # fmt: skip
