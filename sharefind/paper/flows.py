"""The common parts of Theorems 3 to 6 and Corollary 3: laws, starts, and flows that are compared.

Flows are integrated on laws with finite support. `arbitrary` has no symmetry; `equivariant` is its symmetrisation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Outcome, Panel, Row, Series, at_least, at_most
from sharefind.paper.setting import Setting, setting
from sharefind.spaces import Subspace

Pair = tuple[mf.Functional, mf.Functional, Tensor]
"""Two functionals whose flows are compared, and their common start."""

SYMBOLS = {"R": mf.Scheme.VANILLA, "R^DA": mf.Scheme.DA, "R^FA": mf.Scheme.FA, "R^EA": mf.Scheme.EA}

PLAIN, DA, FA, EA = (f"{symbol}, arbitrary law" for symbol in SYMBOLS)
SYMMETRIC = "R, equivariant law"

INVARIANT = (SYMMETRIC, DA, FA, EA)
"""DA, FA and EA are invariant for every law, the plain risk for the equivariant law."""


@dataclass(frozen=True)
class Arena:
    """One group's setting with its laws, rule and starts.

    Attributes:
        context: The environment, with the request.
        setting: The group, the unit and the teachers.
        numbers: The numbers of the statement.
    """

    context: Context
    setting: Setting
    numbers: FlowStatement

    @cached_property
    def rule(self) -> mf.HaarRule:
        """All elements of the group."""
        return mf.haar_rule(self.setting.unit)

    @cached_property
    def arbitrary(self) -> mf.EmpiricalLaw:
        """Samples of the arbitrary teacher."""
        return self.setting.law("arbitrary", self.numbers.samples, self.context.rng(self.numbers.name, "law"))

    @cached_property
    def equivariant(self) -> mf.EmpiricalLaw:
        """The symmetrisation pi^G of the arbitrary law."""
        return self.arbitrary.symmetrised(self.rule)

    def risk(self, name: str) -> mf.Risk:
        """Return the risk of a scheme under a law.

        Args:
            name: Scheme and law, such as "R^DA, arbitrary law".
        """
        symbol, law = name.removesuffix(" law").split(", ")
        unit, scheme, fixed = self.setting.unit, SYMBOLS[symbol], self.setting.fixed
        return mf.Risk(unit, getattr(self, law), scheme=scheme, rule=self.rule, fixed=fixed)

    def risks(self, *names: str) -> dict[str, mf.Risk]:
        """Return risks by their names.

        Args:
            *names: Scheme and law of each.
        """
        return {name: self.risk(name) for name in names}

    def plain_start(self) -> Tensor:
        """Return Gaussian particles, shape (1, D, n), float64."""
        full, rng = Subspace.full(self.setting.unit.space.dim), self.context.rng(self.numbers.name, "start")
        return mf.gaussian_start(full, self.numbers.particles, self.numbers.start_std, rng)

    def wi_start(self) -> Tensor:
        """Return the Gaussian particles and all their images, shape (1, D, |G| n): an invariant measure."""
        return self.rule.symmetrise(self.plain_start())

    def si_start(self) -> Tensor:
        """Return the Gaussian particles projected on E^G, shape (1, D, n)."""
        return self.setting.fixed(self.plain_start())

    def integrate(self, functional: mf.Functional, start: Tensor) -> mf.FlowPath:
        """Return the Wasserstein gradient flow of a functional at the checkpoints.

        Args:
            functional: The functional.
            start: Particles, shape (1, D, N).
        """
        horizon = self.numbers.paper_horizon if self.setting.is_paper else self.numbers.horizon
        last = self.numbers.checkpoints - 1
        return mf.flow(functional, start, mf.FlowConfig(horizon=horizon), [horizon * k / last for k in range(last + 1)])

    def wi_defect(self, theta: Tensor) -> float:
        """Return RMD^2 between nu and nu^G, by exact transport.

        Args:
            theta: Particles of nu, shape (1, D, N).
        """
        cloud, whole = theta[0].t().numpy(), self.rule.symmetrise(theta)[0].t().numpy()
        return max(0.0, mf.rmd2_between(cloud, whole))

    def si_defect(self, theta: Tensor) -> float:
        """Return RMD^2 between nu and its projection on E^G.

        Args:
            theta: Particles of nu, shape (1, D, N).
        """
        return float(mf.rmd2(theta, self.setting.fixed).max())


@dataclass(frozen=True)
class FlowStatement(ABC):
    """A statement about flows, demonstrated in one group's setting.

    Attributes:
        arena: Creates laws and starts.
        samples: Number of support points of the arbitrary law.
        particles: Number of particles drawn for a start; a WI start also has all their images.
        start_std: Standard deviation of the start (Appendix F of the paper).
        horizon: alpha T at speed 1. It is short: E^G is invariant under the flow but may be unstable, so rounding
            errors grow exponentially (for B2 on the plane by 1e30 in 20 units), and only the first units show the
            theorem.
        paper_horizon: The same for the paper's own C2: 50 x 20.
        checkpoints: Number of times at which a flow is evaluated, including the start.
        tau: Weight of the penalty. Like beta and the bandwidth, it is large enough to have a visible effect.
        beta: Temperature.
        bandwidth: Bandwidth of the kernel entropy.
        kept: Largest RMD^2 of a cloud to its symmetrisation or projection that counts as kept: 1e-7 in distance, the
            size of the integration error at relative tolerance 1e-8.
        coincide: Largest relative squared distance between flows that count as equal.
        left: Smallest value of the controls: flows that leave, or that differ.
        name: Name of the demonstration.
    """

    arena: type[Arena] = Arena
    samples: int = 60
    particles: int = 12
    start_std: float = 0.25
    horizon: float = 5.0
    paper_horizon: float = 1000.0
    checkpoints: int = 9
    tau: float = 5e-2
    beta: float = 1e-3
    bandwidth: float = 0.2
    kept: float = 1e-14
    coincide: float = 1e-12
    left: float = 1e-4

    name: ClassVar[str]

    def __call__(self, context: Context) -> Outcome:
        """The verdict in the setting of a request."""
        return self.shown(self.arena(context, setting(context.request), self))

    @abstractmethod
    def shown(self, arena: Arena) -> Outcome:
        """Return the verdict from the flows and their controls.

        Args:
            arena: Laws and starts.
        """

    def regularised(
        self, risk: mf.Risk, penalty: mf.Penalty = mf.RIDGE, basis: Tensor | None = None
    ) -> mf.RegularisedRisk:
        """Return R^{tau,beta}.

        Args:
            risk: The risk R.
            penalty: The penalty r.
            basis: Basis of the subspace in which the entropy is computed; None for the whole space.
        """
        return mf.RegularisedRisk(risk, self.tau, penalty, self.beta, mf.KernelEntropy(self.bandwidth, basis))


def keep(arena: Arena, flows: Mapping[str, mf.Functional], controls: Mapping[str, mf.Functional], kind: str) -> Outcome:
    """Integrate flows from a start without defect and measure the defect along each; the controls must leave.

    Args:
        arena: Laws and starts.
        flows: Functionals whose flows must keep the symmetry.
        controls: Functionals whose flows must not.
        kind: "wi" or "si": the symmetry of the start.

    Returns:
        The verdict.
    """
    is_wi = kind == "wi"
    start, defect = (arena.wi_start(), arena.wi_defect) if is_wi else (arena.si_start(), arena.si_defect)
    what = "RMD^2 to the symmetrisation" if is_wi else "RMD^2 to P_{E^G}"
    runs = [*flows.items(), *((f"control: {name}", functional) for name, functional in controls.items())]
    series = []
    for name, functional in arena.context.steps(arena.numbers.name, runs):
        path = arena.integrate(functional, start)
        series.append(Series(name, path.times, tuple(defect(cloud) for cloud in path.clouds)))
    panel = Panel(f"{what} along the flow", "t", "RMD^2", series, "linear", "log")
    kept, left = Bound(f"largest {what}", arena.numbers.kept), Bound(f"leaves, {what}", arena.numbers.left)
    return _outcome(panel, len(flows), kept, left)


def coincide(arena: Arena, flows: Mapping[str, mf.Functional], controls: Mapping[str, Pair], start: Tensor) -> Outcome:
    """Integrate flows from one start and compare them with the first one, particle by particle; the controls must
    differ.

    Args:
        arena: Laws and starts.
        flows: Functionals whose flows must agree.
        controls: Pairs of functionals, each with a start, whose flows must differ.
        start: Particles, shape (1, D, N).

    Returns:
        The verdict.
    """
    paths: dict[str, mf.FlowPath] = {}
    series: list[Series] = []
    for name in arena.context.steps(arena.numbers.name, [*flows, *controls]):
        if name in controls:
            one, other, begin = controls[name]
            series.append(_apart(f"control: {name}", arena.integrate(one, begin), arena.integrate(other, begin)))
            continue
        paths[name] = arena.integrate(flows[name], start)
        first = next(iter(paths))
        if name != first:
            series.append(_apart(f"{name} against {first}", paths[name], paths[first]))
    panel = Panel("Distance between flows", "t", "mean |difference|^2 / second moment", series, "linear", "log")
    same = Bound("largest relative squared distance between the flows", arena.numbers.coincide)
    return _outcome(panel, len(flows) - 1, same, Bound("they differ", arena.numbers.left))


class Bound(NamedTuple):
    """A claim and its bound.

    Attributes:
        what: The compared quantity, in words.
        value: The bound.
    """

    what: str
    value: float


def _outcome(panel: Panel, count: int, kept: Bound, left: Bound) -> Outcome:
    """Build the outcome of a panel: its first `count` lines are the statement, the others are controls."""
    shown, controls = panel.series[:count], panel.series[count:]
    worst, least = max(max(s.y) for s in shown), min(s.y[-1] for s in controls)
    rows = [run_row(s.label, t, value) for s in panel.series for t, value in zip(s.x, s.y, strict=True)]
    checks = [at_most(kept.what, worst, kept.value)]
    checks += [at_least(f"{s.label}: {left.what}", s.y[-1], left.value) for s in controls]
    return Outcome(rows, checks, (panel,), f"{worst:.1e} at most, controls {least:.1e} at least")


def run_row(name: str, t: float, value: float) -> Row:
    """Return a line of the numbers of a flow or a training.

    Args:
        name: Name of the flow or training.
        t: Time.
        value: The measured value.
    """
    return {"run": name, "t": t, "value": value}


def _apart(name: str, a: mf.FlowPath, b: mf.FlowPath) -> Series:
    moments = torch.stack([(cloud**2).sum(1).mean(-1) for cloud in b.clouds])
    relative = (a.distance2(b) / moments).max(1).values
    return Series(name, a.times, tuple(float(v) for v in relative))
