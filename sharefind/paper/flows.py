"""Theorems 3 to 6 and Corollary 3: what Wasserstein gradient flows keep, and which of them coincide.

Flows are integrated on laws with finite support: `arbitrary` has no symmetry, `equivariant` is its symmetrisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sharefind.meanfield.clouds.entropy import KernelEntropy
from sharefind.meanfield.clouds.haar import HaarRule, haar_rule
from sharefind.meanfield.clouds.measures import rmd2, rmd2_between
from sharefind.meanfield.dynamics.flow import FlowConfig, FlowPath, flow
from sharefind.meanfield.dynamics.sgd import SGDConfig, gaussian_start, train
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.penalties import RIDGE, SMOOTH_NORM, Penalty
from sharefind.meanfield.objectives.risks import Functional, RegularisedRisk, Risk
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.objectives.sources import Source
from sharefind.meanfield.units.invariance import Invariance
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.setting import Setting, setting
from sharefind.spaces import Subspace

SAMPLES, PARTICLES = 60, 12
"""Support points of the arbitrary law; particles drawn for a start (a WI start has all their images)."""

QUICK_HORIZON, HORIZON, PAPER_HORIZON = 2.5, 5.0, 1000.0
"""Horizons alpha T at speed 1. The paper's is 50 x 20, kept for its own C2. For other groups it is short: E^G is
invariant under the flow and need not be stable, so that rounding errors grow exponentially (under B2 on the plane by
1e30 in 20 units), and nothing but the first units shows the theorem."""

START_STD = 0.25
"""The paper's spread of the start (Appendix F)."""

SGD_ALPHA, SGD_HORIZON = 5.0, 0.5
"""Step factor and horizon of the projected-noise SGD."""

TAU, BETA, BANDWIDTH = 5e-2, 1e-3, 0.2
"""Weight of the penalty, temperature, and bandwidth of the kernel entropy: large enough to be seen."""

KEPT = 1e-14
"""Largest RMD^2 of a cloud to its symmetrisation or projection that counts as kept: 1e-7 in distance, the size of the
integration error at relative tolerance 1e-8."""

COINCIDE = 1e-12
"""Largest relative squared distance between flows that count as one."""

LEFT = 1e-4
"""Least value of the controls: flows that do leave, or that do differ."""

CHECKPOINTS = 9
"""Times at which a flow is looked at, the start among them."""


@dataclass(frozen=True)
class Arena:
    """One group's setting with its laws, rule and starts."""

    context: Context
    setting: Setting
    purpose: str

    @cached_property
    def rule(self) -> HaarRule:
        """All elements of the group."""
        return haar_rule(self.setting.unit)

    @cached_property
    def arbitrary(self) -> EmpiricalLaw:
        """Samples of the arbitrary teacher."""
        return self.setting.law("arbitrary", SAMPLES, self.context.rng(self.purpose, "law"))

    @cached_property
    def equivariant(self) -> EmpiricalLaw:
        """pi^G of the arbitrary law."""
        return self.arbitrary.symmetrised(self.rule)

    @property
    def fixed(self) -> Subspace:
        """E^G."""
        return self.setting.fixed.space

    @property
    def config(self) -> FlowConfig:
        """How flows are integrated."""
        if self.context.request.quick:
            return FlowConfig(horizon=QUICK_HORIZON)
        return FlowConfig(horizon=PAPER_HORIZON if self.setting.is_paper else HORIZON)

    def times(self) -> list[float]:
        """The checkpoints."""
        return [self.config.horizon * k / (CHECKPOINTS - 1) for k in range(CHECKPOINTS)]

    def risk(self, scheme: Scheme, law: EmpiricalLaw) -> Risk:
        """The risk of a scheme under a law."""
        return Risk(self.setting.unit, law, scheme=scheme, rule=self.rule, fixed=self.setting.fixed)

    def plain_start(self) -> Tensor:
        """Gaussian particles, (1, D, n)."""
        full = Subspace.full(self.setting.unit.space.dim)
        return gaussian_start(full, PARTICLES, START_STD, self.context.rng(self.purpose, "start"))

    def wi_start(self) -> Tensor:
        """The particles and all their images, (1, D, |G| n): an invariant measure."""
        return self.rule.symmetrise(self.plain_start())

    def si_start(self) -> Tensor:
        """The particles projected on E^G, (1, D, n)."""
        return self.setting.fixed(self.plain_start())

    def integrate(self, functional: Functional, start: Tensor) -> FlowPath:
        """WGF(F) from a start, at the checkpoints."""
        return flow(functional, start, self.config, self.times())

    def wi_defect(self, theta: Tensor) -> float:
        """RMD^2 between nu and nu^G, exact transport."""
        cloud, whole = theta[0].t().numpy(), self.rule.symmetrise(theta)[0].t().numpy()
        return max(0.0, rmd2_between(cloud, whole))

    def si_defect(self, theta: Tensor) -> float:
        """RMD^2 between nu and P_{E^G}#nu."""
        return float(rmd2(theta, self.setting.fixed).max())


def _arena(context: Context, purpose: str) -> Arena:
    return Arena(context, setting(context.request), purpose)


def _four_risks(arena: Arena) -> dict[str, Risk]:
    """The invariant risks: DA, FA and EA whatever the law, the plain one under the equivariant law."""
    return {
        "R, equivariant law": arena.risk(Scheme.VANILLA, arena.equivariant),
        "R^DA, arbitrary law": arena.risk(Scheme.DA, arena.arbitrary),
        "R^FA, arbitrary law": arena.risk(Scheme.FA, arena.arbitrary),
        "R^EA, arbitrary law": arena.risk(Scheme.EA, arena.arbitrary),
    }


def thm_3(context: Context) -> Outcome:
    """The flow of an invariant functional keeps a WI start WI."""
    arena = _arena(context, "thm-3")
    flows: dict[str, Functional] = {**_four_risks(arena)}
    controls: dict[str, Functional] = {"R, arbitrary law": arena.risk(Scheme.VANILLA, arena.arbitrary)}
    return _kept(arena, flows, controls, arena.wi_start(), "wi")


def cor_3(context: Context) -> Outcome:
    """R and r invariant: WGF(R^{tau,beta}), entropy included, keeps a WI start WI."""
    arena = _arena(context, "cor-3")
    entropy = KernelEntropy(BANDWIDTH)

    def regularised(risk: Risk, penalty: Penalty) -> RegularisedRisk:
        return RegularisedRisk(risk, TAU, penalty, BETA, entropy)

    flows: dict[str, Functional] = {
        f"{name}, {penalty.name}": regularised(risk, penalty)
        for name, risk in _four_risks(arena).items()
        for penalty in (RIDGE, SMOOTH_NORM)
    }
    invariant = arena.risk(Scheme.VANILLA, arena.equivariant)
    controls: dict[str, Functional] = {
        "R, arbitrary law": regularised(arena.risk(Scheme.VANILLA, arena.arbitrary), RIDGE),
        "R, equivariant law, tilted r": RegularisedRisk(invariant, TAU, _tilted(arena), BETA, entropy),
    }
    return _kept(arena, flows, controls, arena.wi_start(), "wi")


def _tilted(arena: Arena) -> Penalty:
    """r(z) = |z - c|^2 / 2 with c off E^G: convex, and not invariant."""
    direction = arena.setting.fixed.residual(arena.plain_start()[:, :, :1])
    centre = direction / direction.norm().clamp(min=torch.finfo(torch.float64).tiny)
    return Penalty(
        "tilted",
        lambda theta: ((theta - centre) ** 2).sum(1) / 2,
        lambda theta: theta - centre,
        Invariance.ORTHOGONAL,
    )


def thm_5(context: Context) -> Outcome:
    """Invariant R and r: WGF(R_{E^G}^{tau,beta}), and SGD with projected noise, keep an SI start SI."""
    arena = _arena(context, "thm-5")
    basis = torch.tensor(arena.fixed.orthonormal())
    entropy = KernelEntropy(BANDWIDTH, basis)
    flows: dict[str, Functional] = {
        name: RegularisedRisk(risk, TAU, RIDGE, BETA, entropy) for name, risk in _four_risks(arena).items()
    }
    controls: dict[str, Functional] = {
        "R, arbitrary law": RegularisedRisk(arena.risk(Scheme.VANILLA, arena.arbitrary), TAU, RIDGE, BETA, entropy)
    }
    outcome = _kept(arena, flows, controls, arena.si_start(), "si")
    rows, checks = _projected_noise(arena)
    return Outcome(
        (*outcome.rows, *rows), (*outcome.checks, *checks), outcome.panels, outcome.figure,
        ("SGD rows are full-batch, so that SI is kept at every N and not only in the limit",),
    )  # fmt: skip


def _projected_noise(arena: Arena) -> tuple[list[Row], list[Check]]:
    """Projected-noise SGD from an SI start: the equivariant law under vanilla, the arbitrary one under FA and EA."""
    runs = {
        "SGD, projected noise, vanilla, equivariant law": (Scheme.VANILLA, arena.equivariant.full_batch(), "projected"),
        "SGD, projected noise, DA, arbitrary law": (Scheme.VANILLA, arena.equivariant.full_batch(), "projected"),
        "SGD, projected noise, FA, arbitrary law": (Scheme.FA, arena.arbitrary.full_batch(), "projected"),
        "SGD, projected noise, EA, arbitrary law": (Scheme.EA, arena.arbitrary.full_batch(), "projected"),
    }
    loose: tuple[Scheme, Source, str] = (Scheme.VANILLA, arena.equivariant.full_batch(), "gaussian")
    kept = {name: _sgd_defect(arena, *run) for name, run in runs.items()}
    left = _sgd_defect(arena, *loose)
    rows: list[Row] = [_row(name, 1.0, defect) for name, defect in kept.items()]
    rows.append(_row("control: SGD, unprojected noise, vanilla, equivariant law", 1.0, left))
    return rows, [
        Check("projected-noise SGD: largest RMD^2 to P_{E^G}", max(kept.values()), "<=", KEPT),
        Check("control: unprojected noise leaves E^G", left, ">=", LEFT),
    ]


def _sgd_defect(arena: Arena, scheme: Scheme, source: Source, noise: str) -> float:
    from sharefind.meanfield.objectives.schemes import scheme_gradient

    gradient = scheme_gradient(scheme, arena.setting.unit, arena.setting.action, arena.setting.fixed)
    start = arena.si_start()
    config = SGDConfig.model_validate(
        {
            "particles": start.shape[2], "alpha": SGD_ALPHA, "horizon": SGD_HORIZON, "tau": TAU, "beta": BETA,
            "noise": noise, "batch": SAMPLES,
        }
    )  # fmt: skip
    rng = arena.context.rng("thm-5", "noise")
    path = train(gradient, start, source, config, rng, arena.setting.fixed, must_learn=False)
    return arena.si_defect(path.final)


def thm_4(context: Context) -> Outcome:
    """From a WI start, the flows of R^DA and R^FA coincide, and that of R too where the law is equivariant."""
    arena = _arena(context, "thm-4")
    flows: dict[str, Functional] = {
        "R^DA, arbitrary law": arena.risk(Scheme.DA, arena.arbitrary),
        "R^FA, arbitrary law": arena.risk(Scheme.FA, arena.arbitrary),
        "R, equivariant law": arena.risk(Scheme.VANILLA, arena.equivariant),
        "R^DA, equivariant law": arena.risk(Scheme.DA, arena.equivariant),
        "R^FA, equivariant law": arena.risk(Scheme.FA, arena.equivariant),
    }
    wi, plain = arena.wi_start(), arena.plain_start()
    controls = {
        "R against R^DA, arbitrary law": (
            arena.risk(Scheme.VANILLA, arena.arbitrary),
            flows["R^DA, arbitrary law"],
            wi,
        ),
        "R^DA against R^FA, start not WI": (flows["R^DA, arbitrary law"], flows["R^FA, arbitrary law"], plain),
    }
    return _coincide(arena, flows, controls, wi)


def thm_6(context: Context) -> Outcome:
    """From an SI start, the flows of R^DA, R^FA and R^EA coincide, and that of R too where the law is equivariant."""
    arena = _arena(context, "thm-6")
    flows: dict[str, Functional] = {
        "R^DA, arbitrary law": arena.risk(Scheme.DA, arena.arbitrary),
        "R^FA, arbitrary law": arena.risk(Scheme.FA, arena.arbitrary),
        "R^EA, arbitrary law": arena.risk(Scheme.EA, arena.arbitrary),
        "R, equivariant law": arena.risk(Scheme.VANILLA, arena.equivariant),
    }
    si, wi = arena.si_start(), arena.wi_start()
    controls = {
        "R against R^DA, arbitrary law": (
            arena.risk(Scheme.VANILLA, arena.arbitrary),
            flows["R^DA, arbitrary law"],
            si,
        ),
        "R^FA against R^EA, start WI, not SI": (flows["R^FA, arbitrary law"], flows["R^EA, arbitrary law"], wi),
    }
    return _coincide(arena, flows, controls, si)


def _kept(
    arena: Arena, flows: Mapping[str, Functional], controls: Mapping[str, Functional], start: Tensor, kind: str
) -> Outcome:
    """Integrate and measure the defect (WI or SI) along every flow; controls must leave."""
    defect = arena.wi_defect if kind == "wi" else arena.si_defect
    what = "RMD^2 to the symmetrisation" if kind == "wi" else "RMD^2 to P_{E^G}"
    series, rows = [], list[Row]()
    runs = {**flows, **{f"control: {name}": functional for name, functional in controls.items()}}
    for place, (name, functional) in enumerate(runs.items()):
        path = arena.integrate(functional, start)
        defects = [defect(cloud) for cloud in path.clouds]
        rows += [_row(name, t, d) for t, d in zip(path.times, defects, strict=True)]
        series.append(Series(name, path.times, tuple(defects)))
        arena.context.progress(arena.purpose, place + 1, len(runs))
    worst = max(max(s.y) for s in series[: len(flows)])
    checks = [Check(f"largest {what}", worst, "<=", KEPT)]
    checks += [Check(f"{s.label}: leaves, {what}", s.y[-1], ">=", LEFT) for s in series[len(flows) :]]
    panel = Panel(f"{what} along the flow", "t", "RMD^2", tuple(series), "linear", "log")
    least = min(s.y[-1] for s in series[len(flows) :])
    return Outcome(tuple(rows), tuple(checks), (panel,), f"{worst:.1e} at most, controls {least:.1e} at least")


def _row(name: str, t: float, value: float) -> Row:
    return {"run": name, "t": t, "value": value}


def _coincide(
    arena: Arena,
    flows: Mapping[str, Functional],
    controls: Mapping[str, tuple[Functional, Functional, Tensor]],
    start: Tensor,
) -> Outcome:
    """Integrate every flow from one start and compare them, particle by particle, with the first."""
    paths = {}
    for place, (name, functional) in enumerate(flows.items()):
        paths[name] = arena.integrate(functional, start)
        arena.context.progress(arena.purpose, place + 1, len(flows) + len(controls))
    first, *others = paths
    series = [_distance_series(f"{name} against {first}", paths[name], paths[first]) for name in others]
    for place, (name, (one, other, begin)) in enumerate(controls.items()):
        apart = _distance_series(f"control: {name}", arena.integrate(one, begin), arena.integrate(other, begin))
        series.append(apart)
        arena.context.progress(arena.purpose, len(flows) + place + 1, len(flows) + len(controls))
    rows = [_row(s.label, t, v) for s in series for t, v in zip(s.x, s.y, strict=True)]
    worst = max(max(s.y) for s in series[: len(others)])
    checks = [Check("largest relative squared distance between the flows", worst, "<=", COINCIDE)]
    checks += [Check(f"{s.label}: they differ", s.y[-1], ">=", LEFT) for s in series[len(others) :]]
    panel = Panel("Distance between flows", "t", "mean |difference|^2 / second moment", tuple(series), "linear", "log")
    least = min(s.y[-1] for s in series[len(others) :])
    return Outcome(tuple(rows), tuple(checks), (panel,), f"{worst:.1e} at most, controls {least:.1e} at least")


def _distance_series(name: str, a: FlowPath, b: FlowPath) -> Series:
    moments = torch.stack([(cloud**2).sum(1).mean(-1) for cloud in b.clouds])
    relative = (a.distance2(b) / moments).max(1).values
    return Series(name, a.times, tuple(float(v) for v in relative))
