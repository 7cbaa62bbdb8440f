"""Proposition 1: the operator applied to the model of a measure equals the model of the symmetrised measure."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from sharefind import meanfield as mf
from sharefind.groups import FiniteGroup
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Demonstration, Outcome, Row, at_most, column
from sharefind.paper.identities import FINITE, Tolerances, UnitCase, control, precision_panel, random_cloud, unit_cases


@dataclass(frozen=True)
class Proposition1:
    """Q_G Phi_mu = Phi_{mu^G}: the operator applied to the function, compared with the model of the symmetrised cloud.

    Attributes:
        groups: Default groups; infinite ones use Haar draws.
        draws: Number of Haar draws from an infinite group.
        points: Number of inputs at which both sides are compared.
        tolerances: Largest difference of both sides.
        control: Smallest difference without symmetrisation, relative to the size of the value.
        sigmas: Largest deviation of two independent Monte Carlo means, in standard errors of their difference, over all
            entries.
    """

    groups: tuple[str, ...] = (*FINITE, "SO2", "O2", "SO3")
    draws: int = 4000
    points: int = 9
    tolerances: Tolerances = field(default_factory=Tolerances)
    control: float = 1e-3
    sigmas: float = 6.0

    def __call__(self, context: Context) -> Outcome:
        """The verdict on every unit over every group."""
        cases, notes = unit_cases(context, self.groups)
        rows: list[Row] = []
        for case in context.steps("Prop. 1", cases):
            rows += [self._row(context, case, dtype) for dtype in self.tolerances.dtypes]
        checks = [*self.tolerances.checks("Q_G Phi_mu against Phi_{mu^G}", rows), control(rows, self.control)]
        if deviations := [value for value in column(rows, "deviation") if value > 0]:
            checks.append(at_most("independent Haar draws: largest deviation in errors", max(deviations), self.sigmas))
        worst = max(column(rows, "error", dtype="float64"))
        figure = f"largest error {worst:.1e} (float64), {len(rows) // 2} group-unit pairs"
        panel = precision_panel(rows, "Prop. 1: largest error", "absolute error")
        return Outcome(rows, checks, (panel,), figure, notes)

    def _row(self, context: Context, case: UnitCase, precision: str) -> Row:
        unit, dtype = case.unit, self.tolerances.dtypes[precision]
        rng = context.rng("prop-1", case.group.name, case.label)
        draws = None if isinstance(case.group, FiniteGroup) else self.draws
        rule, again = mf.haar_rule(unit, draws, rng), mf.haar_rule(unit, draws, rng)
        theta = random_cloud(unit, rng, dtype)
        x = random_cloud(unit, rng, dtype).new_tensor(rng.standard_normal((1, self.points, unit.d_in)))
        defined = mf.symmetrised_values(lambda points: mf.predict(unit, points, theta), rule, x)
        # rhohat_g^{-1} sigma*(rho_g x, z) = sigma*(x, M_g^{-1} z): draws match term by term through their inverses.
        through_cloud = mf.predict(unit, x, rule.inverse.symmetrise(theta))
        other = mf.symmetrised_values(lambda points: mf.predict(unit, points, theta), again, x)
        spread = (defined.standard_error**2 + other.standard_error**2).sqrt()
        deviation = torch.where(spread > 0, (defined.value - other.value).abs() / spread.clamp(min=1e-300), 0 * spread)
        plain = mf.predict(unit, x, theta)
        is_judged = not rule.is_exact and dtype is torch.float64
        return {
            "group": case.group.name, "unit": case.label, "dtype": precision, "elements": len(rule),
            "error": float((defined.value - through_cloud).abs().max()),
            "standard_error": float(defined.standard_error.max()),
            "deviation": float(deviation.max()) if is_judged else 0.0,
            "unsymmetrised": float((plain - through_cloud).abs().max()) / float(plain.abs().max()),
        }  # fmt: skip


DEMONSTRATION = Demonstration(
    "prop-1", "Proposition 1", "the symmetrised model is the model of the symmetrised measure: Q_G Phi_mu = Phi_{mu^G}",
    "meanfield.clouds", Proposition1(), Proposition1(draws=1000),
)  # fmt: skip
