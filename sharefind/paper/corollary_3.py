"""Corollary 3: so does the flow of an invariant risk with an invariant penalty and entropy."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sharefind import meanfield as mf
from sharefind.paper.demonstration import Demonstration, Outcome
from sharefind.paper.flows import INVARIANT, PLAIN, SYMMETRIC, Arena, FlowStatement, keep


@dataclass(frozen=True)
class Corollary3(FlowStatement):
    """R and r invariant: WGF(R^{tau,beta}), entropy included, keeps a WI start WI."""

    name = "cor-3"

    def shown(self, arena: Arena) -> Outcome:
        """Invariant risks and penalties keep it; an arbitrary law, or a penalty that is not invariant, does not."""
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
    """r(z) = |z - c|^2 / 2 with c off E^G: convex, and not invariant."""
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
