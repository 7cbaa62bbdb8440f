"""Proposition 2: the properties of the symmetrised risks."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from sharefind import meanfield as mf
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Demonstration, Outcome, Row, column
from sharefind.paper.identities import (
    Tolerances,
    UnitCase,
    control,
    invariant_losses,
    precision_panel,
    random_cloud,
    random_law,
    unit_cases,
)
from sharefind.spaces import fixed_space


@dataclass(frozen=True)
class Proposition2:
    """R^DA, R^FA and R^EA are invariant and equal R after an operation on mu; so does R itself for an equivariant law
    pi.

    Attributes:
        tolerances: Largest difference of the two sides of an identity.
        control: Smallest difference without symmetrisation, relative to the size of the value.
    """

    tolerances: Tolerances = field(default_factory=Tolerances)
    control: float = 1e-3

    def __call__(self, context: Context) -> Outcome:
        """The verdict on every unit and loss over every group."""
        cases, notes = unit_cases(context)
        rows: list[Row] = []
        for case in context.steps("Prop. 2", cases):
            for loss in invariant_losses(case.unit):
                for dtype in self.tolerances.dtypes:
                    rows += self._rows(context, case, loss, dtype)
        checks = [*self.tolerances.checks("invariance and identities", rows), control(rows, self.control)]
        worst = max(column(rows, "error", dtype="float64"))
        figure = f"largest error {worst:.1e} (float64), {len(rows)} identities"
        panel = precision_panel(rows, "Prop. 2: largest error", "absolute error")
        return Outcome(rows, checks, (panel,), figure, notes)

    def _rows(self, context: Context, case: UnitCase, loss: mf.Loss, precision: str) -> list[Row]:
        unit, dtype = case.unit, self.tolerances.dtypes[precision]
        rng = context.rng("prop-2", case.group.name, case.label, loss.name)
        rule, fixed = mf.haar_rule(unit), mf.Projector(fixed_space(unit.space.action))
        theta, law = random_cloud(unit, rng, dtype), random_law(unit, loss, rng, dtype)
        risks = {scheme: mf.Risk(unit, law, loss, scheme, rule, fixed) for scheme in mf.Scheme}
        symmetric = mf.Risk(unit, law.symmetrised(rule), loss)
        images = rule.images(theta)[0].permute(1, 0, 2)
        plain = risks[mf.Scheme.VANILLA]
        moved = plain.value(images)
        common = {"group": case.group.name, "unit": case.label, "loss": loss.name, "dtype": precision}
        unsymmetrised = _largest(moved - plain.value(theta)) / _largest(plain.value(theta))
        errors = {
            "R^DA invariant": risks[mf.Scheme.DA].value(images) - risks[mf.Scheme.DA].value(theta),
            "R^FA invariant": risks[mf.Scheme.FA].value(images) - risks[mf.Scheme.FA].value(theta),
            "R^EA invariant": risks[mf.Scheme.EA].value(images) - risks[mf.Scheme.EA].value(theta),
            "R invariant, equivariant law": symmetric.value(images) - symmetric.value(theta),
            "R^DA = mean R(M_g#mu)": risks[mf.Scheme.DA].value(theta) - moved.mean(),
            "R^FA = R(mu^G)": risks[mf.Scheme.FA].value(theta) - plain.value(rule.symmetrise(theta)),
            # P_{E^G} theta = int M_g theta dlambda_G, from the definition.
            "R^EA = R(P#mu)": risks[mf.Scheme.EA].value(theta) - plain.value(rule.images(theta).mean(2)),
        }
        return [
            {**common, "identity": identity, "error": _largest(error), "unsymmetrised": unsymmetrised}
            for identity, error in errors.items()
        ]


def _largest(values: Tensor) -> float:
    return float(values.abs().max())


DEMONSTRATION = Demonstration(
    "prop-2", "Proposition 2",
    "R^DA, R^FA and R^EA are invariant and are R after an operation; so is R for an equivariant law",
    "meanfield.objectives", Proposition2(),
)  # fmt: skip
