"""Theorem 6: from a strongly invariant start the flows of all three symmetry-leveraging schemes coincide."""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.flows import DA, EA, FA, PLAIN, SYMMETRIC, Arena, FlowStatement, Pair, coincide


@dataclass(frozen=True)
class Theorem6(FlowStatement):
    """The flows of R^DA, R^FA and R^EA from an SI start coincide, and so does that of R if the law is equivariant.

    Attributes:
        name: Name of the demonstration.
    """

    name = "thm-6"

    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict: the flows coincide; under an arbitrary law, or from a start that is WI but not SI, they
        differ.

        Args:
            arena: Laws and starts.
        """
        flows = arena.risks(DA, FA, EA, SYMMETRIC)
        start = arena.si_start()
        controls: dict[str, Pair] = {
            "R against R^DA, arbitrary law": (arena.risk(PLAIN), flows[DA], start),
            "R^FA against R^EA, start WI, not SI": (flows[FA], flows[EA], arena.wi_start()),
        }
        return coincide(arena, flows, controls, start)


DEMONSTRATION = Demonstration(
    "thm-6", "Theorem 6",
    "from an SI start the flows of R^DA, R^FA and R^EA coincide, and that of R if it is invariant",
    "meanfield.dynamics, meanfield.objectives", Theorem6(), Theorem6(horizon=2.5, paper_horizon=2.5),
)  # fmt: skip
