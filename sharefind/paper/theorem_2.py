"""Theorem 2: least risks over all and over weakly invariant measures, on a dictionary closed under the group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Demonstration, Panel, Row, at_least, at_most, column
from sharefind.paper.optima import LeastRisks
from sharefind.paper.setting import setting
from sharefind.spaces import fixed_space

WI, DA, FA = "R over WI measures", "R^DA over all measures", "R^FA over all measures"
PLAIN, SYMMETRIC, EA = "R over all measures", "R over all measures, equivariant law", "R^EA over all measures"


@dataclass(frozen=True)
class Theorem2(LeastRisks):
    """inf R over WI measures = inf R^DA = inf R^FA, on a dictionary of particles closed under the group.

    Attributes:
        samples: Number of support points of the arbitrary law.
        orbits: Number of orbits of the dictionary before column generation.
        rounds: Number of rounds of column generation.
        starts: Number of descents in each round.
        particle_std: Standard deviation of random particles.
        radius: Bound on every coordinate of a particle: Z is restricted to a cube, invariant under signed permutations.
        title: Short name of the statement.
        notes: Remarks on the measurement.
    """

    samples: int = 40
    orbits: int = 100
    rounds: int = 8
    starts: int = 8
    particle_std: float = 0.7
    radius: float = 10.0

    title = "Thm 2"
    notes = (
        "every value is certified over the mixtures of a finite dictionary that is closed under the group and P_{E^G}, "
        "on which the theorem holds as it does over Z; the dictionary is enlarged by column generation under R^DA",
        "R^EA is the least risk over strongly invariant measures of the same dictionary: no smaller than the three",
    )

    def measured(self, context: Context, name: str) -> list[Row]:
        """Return the solution of every problem, each solved separately from the definition of its risk.

        Args:
            context: The environment, with the request.
            name: Name of the group.
        """
        place = setting(replace(context.request, group=name))
        rng = context.rng("thm-2", name)
        law = place.law("arbitrary", self.samples, rng)
        rule, unit = mf.haar_rule(place.unit), place.unit
        orbits = self._dictionary(unit, law, rule, rng)
        singles = orbits.permute(0, 2, 1).flatten(0, 1).unsqueeze(-1)
        plain = mf.Risk(unit, law)
        problems = {
            WI: (plain, orbits),
            DA: (mf.Risk(unit, law, scheme=mf.Scheme.DA, rule=rule), singles),
            FA: (mf.Risk(unit, law, scheme=mf.Scheme.FA, rule=rule), singles),
            PLAIN: (plain, singles),
            SYMMETRIC: (mf.Risk(unit, law.symmetrised(rule)), singles),
            EA: (mf.Risk(unit, law, scheme=mf.Scheme.EA, fixed=place.fixed), singles),
        }
        optima = {what: mf.least_risk(*problem) for what, problem in problems.items()}
        return [
            {
                "group": name, "problem": what, "value": o.value, "lower_bound": o.lower_bound, "gap": o.gap,
                "particles_used": int((o.weights > 0).sum()),
            }
            for what, o in optima.items()
        ]  # fmt: skip

    def _dictionary(self, unit: mf.Unit, law: mf.EmpiricalLaw, rule: mf.HaarRule, rng: np.random.Generator) -> Tensor:
        """Return orbits (K, D, |G|) of random particles, of particles found by column generation, and of their
        projections.
        """

        def drawn(count: int) -> Tensor:
            return torch.from_numpy(rng.normal(0, self.particle_std, size=(count, unit.space.dim, 1)))

        particles = drawn(self.orbits)
        risk = mf.Risk(unit, law, scheme=mf.Scheme.DA, rule=rule)
        for _ in range(self.rounds):
            optimum = mf.least_risk(risk, particles)
            better = mf.better_particles(risk, particles, optimum, drawn(self.starts), self.radius)
            particles = torch.cat([particles, better])
        particles = torch.cat([particles, mf.Projector(fixed_space(unit.space.action))(particles)])
        return rule.images(particles).squeeze(-1)

    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """Return the claims: the three values agree, as does the value for the equivariant law; the controls differ.

        Args:
            name: Name of the group.
            rows: Its numbers.
        """
        value, gap, least = (
            {str(row["problem"]): float(row[key]) for row in rows} for key in ("value", "gap", "lower_bound")
        )
        three = [value[WI], value[DA], value[FA]]
        spread = max(three) - min(three) - sum(gap[what] for what in (WI, DA, FA))
        also = abs(value[SYMMETRIC] - value[DA]) - (gap[SYMMETRIC] + gap[DA])
        return [
            at_most(f"{name}: the three agree, difference beyond their gaps", max(0.0, spread), self.rounding),
            at_most(f"{name}: so does R for the equivariant law (agree beyond gaps)", max(0.0, also), self.rounding),
            at_most(f"{name}: largest gap of a certificate", max(gap.values()), self.control),
            at_least(f"{name}: control: R for the arbitrary law is smaller by", least[WI] - value[PLAIN], self.control),
            at_most(f"{name}: R^EA is not smaller, by", least[WI] - value[EA], self.rounding),
        ]

    def panel(self, rows: Sequence[Row], groups: Sequence[str]) -> Panel:
        """Return the panel of all least risks.

        Args:
            rows: All numbers.
            groups: Names of the groups.
        """
        heights = {what: column(rows, "value", problem=what) for what in (WI, DA, FA, SYMMETRIC, PLAIN, EA)}
        return Panel.of_groups("Theorem 2: least risks", "least risk", groups, heights)

    def figure(self, rows: Sequence[Row], checks: Sequence[Check]) -> str:
        """Return how well the three values agree, in words.

        Args:
            rows: All numbers.
            checks: All checks.
        """
        worst = max(check.value for check in checks if "agree" in check.name)
        gap = max(check.value for check in checks if "largest gap" in check.name)
        groups = len({row["group"] for row in rows})
        return f"the three values agree to {worst:.1e} beyond their certified gaps ({gap:.1e} at most), {groups} groups"


DEMONSTRATION = Demonstration(
    "thm-2", "Theorem 2", "the least R over WI measures, the least R^DA and the least R^FA are the same",
    "meanfield.objectives", Theorem2(), Theorem2(orbits=30, rounds=2),
)  # fmt: skip
