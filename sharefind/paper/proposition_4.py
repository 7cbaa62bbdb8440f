"""Proposition 4: in a simple example with an equivariant law, strongly invariant (SI) measures do strictly worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sharefind import meanfield as mf
from sharefind.groups import parse_representation
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Demonstration, Panel, Row, at_least, at_most, column
from sharefind.paper.optima import LeastRisks, finite_group
from sharefind.paper.worked_example import worked_example
from sharefind.spaces import fixed_space


@dataclass(frozen=True)
class Proposition4(LeastRisks):
    """On a worked example, inf R = 0 over P(Z) and inf R = (a - b)^2 / 4 > 0 over P(E^G); both are attained and
    certified.

    Attributes:
        horizon: Time for which a strongly invariant cloud is trained.
        particles: Number of particles of that cloud.
        atoms: Number of particles of E^G whose mixtures are searched.
        exact: Largest rounding error of a distance to E^G, or of a risk under the group.
        zero: Largest rounding error of the risk of the WI measure.
        title: Short name of the statement.
        notes: Remarks on the measurement.
    """

    horizon: float = 40.0
    particles: int = 20
    atoms: int = 200
    exact: float = 1e-12
    zero: float = 1e-24

    title = "Prop. 4"
    notes = (
        "an SI model sees x through the mean of its orbit alone, and takes one value on the whole support; the labels "
        "there are a and b, each with mass 1/2",
    )

    def measured(self, context: Context, name: str) -> list[Row]:
        """Return the risks of the measures that attain the infima, and of the measures that searches find.

        Args:
            context: The environment, with the request.
            name: Name of the group.
        """
        example = worked_example(parse_representation(context.request.in_rep or "natural", finite_group(name)))
        unit, law = example.unit, example.law()
        rng = context.rng("prop-4", name)
        fixed, risk, dim = mf.Projector(fixed_space(unit.space.action)), mf.Risk(unit, law), unit.space.dim
        atoms = fixed(torch.from_numpy(rng.normal(0, 1, size=(self.atoms, dim, 1))))
        start = fixed(torch.from_numpy(rng.normal(0, 0.5, size=(1, dim, self.particles))))
        # R^EA, because E^G may be unstable under the flow of R; on E^G both flows agree (Thm 6).
        averaged = mf.Risk(unit, law, scheme=mf.Scheme.EA, fixed=fixed)
        trained = mf.flow(averaged, start, mf.FlowConfig(horizon=self.horizon, rtol=1e-7, atol=1e-9)).final
        lower, upper = example.certified_gap()
        symmetric = mf.Risk(unit, law.symmetrised(mf.haar_rule(unit)))
        probe = torch.from_numpy(rng.normal(size=(1, dim, 5)))
        row: Row = {
            "group": name, "a": example.a, "b": example.b, "certified_lower": lower, "certified_upper": upper,
            "all_measures": float(risk.value(example.weakly_invariant())),
            "si_particle": float(risk.value(example.strongly_invariant())),
            "si_particle_off_E^G": float(fixed.residual(example.strongly_invariant()).abs().max()),
            "si_dictionary": mf.least_risk(risk, atoms, tolerance=1.0).value, "si_flow": float(risk.value(trained)),
            "si_flow_off_E^G": float(fixed.residual(trained).abs().max()),
            "law_not_equivariant_by": float((symmetric.value(probe) - risk.value(probe)).abs()),
        }  # fmt: skip
        return [row]

    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """Return the claims: the gap is strict and certified, and both of its ends are attained.

        Args:
            name: Name of the group.
            rows: Its numbers.
        """
        value = {key: float(v) for key, v in rows[0].items() if key != "group"}
        lower, upper = value["certified_lower"], value["certified_upper"]
        lowest = min(value["si_particle"], value["si_dictionary"], value["si_flow"])
        return [
            at_least(f"{name}: strict gap, lower end of its interval", lower, self.control),
            at_most(f"{name}: width of the interval", upper - lower, self.rounding),
            at_most(f"{name}: risk of the WI measure", value["all_measures"], self.zero),
            at_most(f"{name}: risk of the SI particle above the gap", value["si_particle"] - upper, self.rounding),
            at_most(f"{name}: an SI measure below the gap, by", lower - lowest, self.rounding),
            at_most(f"{name}: the SI particle off E^G", value["si_particle_off_E^G"], self.exact),
            at_most(f"{name}: the trained cloud off E^G", value["si_flow_off_E^G"], self.exact),
            at_most(f"{name}: law under the group, change of a risk", value["law_not_equivariant_by"], self.exact),
        ]

    def panel(self, rows: Sequence[Row], groups: Sequence[str]) -> Panel:
        """Return the panel of both infima and of the trained cloud.

        Args:
            rows: All numbers.
            groups: Names of the groups.
        """
        labels = {"inf over P(Z)": "all_measures", "inf over P(E^G)": "si_particle", "flow from SI": "si_flow"}
        heights = {label: column(rows, key) for label, key in labels.items()}
        return Panel.of_groups("Proposition 4: least risks", "risk", groups, heights, y_scale="linear")

    def figure(self, rows: Sequence[Row], checks: Sequence[Check]) -> str:
        """Return the gaps, in words.

        Args:
            rows: All numbers.
            checks: All checks.
        """
        gaps = column(rows, "certified_lower")
        return f"strict gaps {min(gaps):.3g} to {max(gaps):.3g}, certified" if gaps[1:] else f"strict gap {gaps[0]:.6g}"


DEMONSTRATION = Demonstration(
    "prop-4", "Proposition 4",
    "for simple examples with an equivariant law, SI measures do strictly worse than all measures",
    "meanfield.objectives, paper.worked_example", Proposition4(),
)  # fmt: skip
