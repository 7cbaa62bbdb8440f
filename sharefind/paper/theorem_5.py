"""Theorem 5: with noise projected on E^G, a strongly invariant start stays strongly invariant."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sharefind import meanfield as mf
from sharefind.paper.demonstration import Demonstration, Outcome, at_least, at_most
from sharefind.paper.flows import INVARIANT, PLAIN, Arena, FlowStatement, keep, run_row


@dataclass(frozen=True)
class Theorem5(FlowStatement):
    """If R and r are invariant, the flow of R_{E^G}^{tau,beta} and SGD with projected noise keep an SI start SI.

    Attributes:
        sgd_alpha: Step factor of the SGD.
        sgd_horizon: Horizon of the SGD.
        name: Name of the demonstration.
    """

    sgd_alpha: float = 5.0
    sgd_horizon: float = 0.5

    name = "thm-5"

    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict on flows and trainings; under an arbitrary law, or with noise that is not projected, they
        leave E^G.

        Args:
            arena: Laws and starts.
        """
        basis = torch.tensor(arena.setting.fixed.space.orthonormal())
        flows = {name: self.regularised(risk, basis=basis) for name, risk in arena.risks(*INVARIANT).items()}
        controls = {PLAIN: self.regularised(arena.risk(PLAIN), basis=basis)}
        outcome = keep(arena, flows, controls, "si")
        runs = {
            "vanilla, equivariant law": (mf.Scheme.VANILLA, arena.equivariant),
            "DA, arbitrary law": (mf.Scheme.VANILLA, arena.equivariant),
            "FA, arbitrary law": (mf.Scheme.FA, arena.arbitrary),
            "EA, arbitrary law": (mf.Scheme.EA, arena.arbitrary),
        }
        kept = {
            f"SGD, projected noise, {name}": self._trained(arena, scheme, law, "projected")
            for name, (scheme, law) in runs.items()
        }
        left = self._trained(arena, mf.Scheme.VANILLA, arena.equivariant, "gaussian")
        trained = {**kept, "control: SGD, unprojected noise, vanilla, equivariant law": left}
        checks = (
            at_most("projected-noise SGD: largest RMD^2 to P_{E^G}", max(kept.values()), self.kept),
            at_least("control: unprojected noise leaves E^G", left, self.left),
        )
        notes = ("SGD rows are full-batch, so that SI is kept at every N and not only in the limit",)
        rows = [run_row(name, 1.0, defect) for name, defect in trained.items()]
        return Outcome((*outcome.rows, *rows), (*outcome.checks, *checks), outcome.panels, outcome.figure, notes)

    def _trained(self, arena: Arena, scheme: mf.Scheme, law: mf.EmpiricalLaw, noise: str) -> float:
        """Return the distance from E^G at the end of full-batch SGD from an SI start."""
        gradient = mf.scheme_gradient(scheme, arena.setting.unit, arena.setting.action, arena.setting.fixed)
        start = arena.si_start()
        config = mf.SGDConfig.model_validate(
            {
                "particles": start.shape[2], "alpha": self.sgd_alpha, "horizon": self.sgd_horizon, "tau": self.tau,
                "beta": self.beta, "noise": noise, "batch": self.samples,
            }
        )  # fmt: skip
        rng = arena.context.rng(self.name, "noise")
        path = mf.train(gradient, start, law.full_batch(), config, rng, arena.setting.fixed, must_learn=False)
        return arena.si_defect(path.final)


DEMONSTRATION = Demonstration(
    "thm-5", "Theorem 5", "R and r invariant, noise projected on E^G: an SI start stays SI",
    "meanfield.dynamics, meanfield.clouds", Theorem5(), Theorem5(horizon=2.5, paper_horizon=2.5),
)  # fmt: skip
