"""Corollary 3: the flow of an invariant risk with an invariant penalty and entropy keeps weak invariance."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sharefind import meanfield as mf
from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.flows import INVARIANT, PLAIN, SYMMETRIC, Arena, FlowStatement, keep


@dataclass(frozen=True)
class Corollary3(FlowStatement):
    """If R and r are invariant, the flow of R^{tau,beta} that starts at a weakly invariant (WI) measure stays WI.

    R is the risk of a measure mu, r a penalty on parameters, and R^{tau,beta}(mu) = R(mu) + tau int r dmu + beta H(mu)
    with the entropy H; tau and beta are weights.

    Attributes:
        name: Name of the demonstration.
    """

    name = "cor-3"

    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict: invariant risks and penalties keep the start WI; an arbitrary law or a non-invariant
        penalty does not.

        Args:
            arena: Laws and starts.
        """
        flows = {
            f"{name}, {penalty.name}": self.regularised(risk, penalty)
            for name, risk in arena.risks(*INVARIANT).items()
            for penalty in (mf.RIDGE, mf.SMOOTH_NORM)
        }
        controls = {
            PLAIN: self.regularised(arena.risk(PLAIN)),
            f"{SYMMETRIC}, tilted r": self.regularised(arena.risk(SYMMETRIC), _tilted(arena)),
        }
        return keep(arena, flows, controls, "wi")


def _tilted(arena: Arena) -> mf.Penalty:
    """Return r(z) = |z - c|^2 / 2 with c outside E^G: convex, but not invariant."""
    direction = arena.setting.fixed.residual(arena.plain_start()[:, :, :1])
    centre = direction / direction.norm().clamp(min=torch.finfo(torch.float64).tiny)
    return mf.Penalty(
        "tilted",
        lambda theta: ((theta - centre) ** 2).sum(1) / 2,
        lambda theta: theta - centre,
        mf.Invariance.ORTHOGONAL,
    )


DEMONSTRATION = Demonstration(
    "cor-3", "Corollary 3", "R and r invariant: the flow of R^{tau,beta}, entropy included, keeps a WI start WI",
    "meanfield.dynamics, meanfield.objectives, meanfield.clouds",
    Corollary3(), Corollary3(horizon=2.5, paper_horizon=2.5),
)  # fmt: skip
