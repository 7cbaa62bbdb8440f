"""Proposition 5: with a universal E^G, squared loss and an equivariant law, SI measures reach the least risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.groups import Representation, parse_representation
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Demonstration, Panel, Row, at_least, at_most, column
from sharefind.paper.optima import LeastRisks, finite_group
from sharefind.paper.setting import representations
from sharefind.paper.worked_example import worked_example
from sharefind.spaces import fixed_space

HIDDEN = ("trivial", "natural", "regular")
"""Hidden representations, from poor to universal."""


@dataclass(frozen=True)
class NoisyLaw:
    """An equivariant law with irreducible error.

    Attributes:
        law: The law, with n support points.
        mean: Conditional means of the labels, shape (n, d_out), float64.
        least: The least possible risk R_*.
    """

    law: mf.EmpiricalLaw
    mean: Tensor
    least: float


@dataclass(frozen=True)
class Proposition5(LeastRisks):
    """SI measures reach R_* for squared loss, an equivariant law and a universal E^G (regular hidden representation).

    Attributes:
        noise: Each label of the noisy law is its mean plus or minus this number in every coordinate: R_* = d_out
            noise^2.
        orbits: Number of orbits in the support of the noisy law.
        features: Number of random particles of E^G whose span is searched.
        reached: Largest distance from R_* that counts as reaching it.
        exact: Largest rounding error of a distance to E^G.
        title: Short name of the statement.
        notes: Remarks on the measurement.
    """

    noise: float = 0.3
    orbits: int = 5
    features: int = 400
    reached: float = 1e-8
    exact: float = 1e-12

    title = "Prop. 5"
    notes = (
        "the output layer is linear, so the models of SI measures form a linear space; least squares in a span of "
        "random particles of E^G gives a value that explicit particles attain, an upper bound; R_* bounds every model "
        "from below",
        "hidden trivial is certified to stay above: such models see the mean of the orbit of x alone, with values in "
        "Y^G",
    )

    def measured(self, context: Context, name: str) -> list[Row]:
        """Return the best SI risk for the noisy law and for the worked example, for every hidden representation.

        Args:
            context: The environment, with the request.
            name: Name of the group.
        """
        in_rep, out_rep = representations(context.request, finite_group(name))
        rows = []
        for hidden in HIDDEN:
            unit = _unit(in_rep, out_rep, hidden)
            noisy = self.noisy_law(unit, mf.haar_rule(unit), context.rng("prop-5", name))
            rows.append(self._row(context, name, hidden, unit, noisy, "noisy"))
            law = worked_example(in_rep).law()
            flat = _unit(in_rep, parse_representation("trivial", in_rep.group), hidden)
            rows.append(self._row(context, name, hidden, flat, NoisyLaw(law, law.y, 0.0), "worked example"))
        return rows

    def noisy_law(self, unit: mf.Unit, rule: mf.HaarRule, rng: np.random.Generator) -> NoisyLaw:
        """Return free orbits with labels that follow the group, each input twice: mean plus noise and mean minus noise.

        For every model, R >= R_* = E |Y - E[Y | X]|^2 = d_out noise^2.

        Args:
            unit: The unit.
            rule: All elements of the group.
            rng: Source of the samples.
        """
        x = torch.from_numpy(rng.normal(size=(self.orbits, unit.d_in)))
        y = torch.from_numpy(rng.normal(size=(self.orbits, unit.d_out)))
        orbit = mf.EmpiricalLaw(x, y).symmetrised(rule)
        noise = torch.from_numpy(self.noise * rng.choice([-1.0, 1.0], size=(self.orbits, unit.d_out)))
        moved = rule.moved_labels(noise).flatten(0, 1)
        law = mf.EmpiricalLaw(orbit.x.repeat(2, 1), torch.cat([orbit.y + moved, orbit.y - moved]))
        return NoisyLaw(law, orbit.y.repeat(2, 1), float(unit.d_out * self.noise**2))

    def _row(self, context: Context, name: str, hidden: str, unit: mf.Unit, noisy: NoisyLaw, label: str) -> Row:
        fixed = mf.Projector(fixed_space(unit.space.action))
        rng = context.rng("prop-5", name, hidden, label)
        drawn = fixed(torch.from_numpy(rng.normal(size=(1, unit.space.dim, self.features))))
        cloud = attained(unit, noisy.law, drawn)
        value = float(mf.Risk(unit, noisy.law).value(cloud))
        return {
            "group": name, "law": label, "hidden": hidden, "dim_E^G": fixed.space.dim, "least": noisy.least,
            "value": value, "above": value - noisy.least,
            "off_E^G": float(fixed.residual(cloud).abs().max() / cloud.abs().max()),
            "certified_above": _blind_excess(unit, noisy) if hidden == "trivial" else 0.0,
        }  # fmt: skip

    def checks(self, name: str, rows: Sequence[Row]) -> list[Check]:
        """Return the claims: the regular representation reaches R_*; the trivial one is certified not to.

        Args:
            name: Name of the group.
            rows: Its numbers.
        """
        checks = []
        for row in rows:
            where = f"{name}, {row['law']}, hidden {row['hidden']}"
            above, certified = float(row["above"]), float(row["certified_above"])
            checks.append(at_most(f"{where}: particles off E^G, relative", float(row["off_E^G"]), self.exact))
            checks.append(at_most(f"{where}: below R_*, by", -above, self.rounding))
            if row["hidden"] == "regular":
                checks.append(at_most(f"{where}: best SI risk above R_*", above, self.reached))
            if row["hidden"] == "trivial":
                checks.append(at_least(f"{where}: control: certified to stay above by", certified, self.control))
                checks.append(at_most(f"{where}: below its own lower bound, by", certified - above, self.rounding))
        return checks

    def panel(self, rows: Sequence[Row], groups: Sequence[str]) -> Panel:
        """Return the panel of the excess risk of the best SI measure for the noisy law.

        Args:
            rows: All numbers.
            groups: Names of the groups.
        """
        heights = {
            f"hidden {hidden}": [max(above, 1e-16) for above in column(rows, "above", law="noisy", hidden=hidden)]
            for hidden in HIDDEN
        }
        return Panel.of_groups("Proposition 5: best SI risk above R_*", "excess risk", groups, heights)

    def figure(self, rows: Sequence[Row], checks: Sequence[Check]) -> str:
        """Return how close the regular representation comes and how far the trivial one stays, in words.

        Args:
            rows: All numbers.
            checks: All checks.
        """
        worst = max(column(rows, "above", hidden="regular"))
        least = min(column(rows, "certified_above", hidden="trivial"))
        return f"regular: R_* reached to {worst:.1e}; trivial stays {least:.3g} above, certified"


def _unit(in_rep: Representation, out_rep: Representation, hidden: str) -> mf.Unit:
    return mf.build_unit("two-layer:tanh", in_rep, out_rep, parse_representation(hidden, in_rep.group))


def attained(unit: mf.Unit, law: mf.EmpiricalLaw, drawn: Tensor) -> Tensor:
    """Return particles with the drawn inner layers whose model is the best in their span.

    The output block of particle i is multiplied by N times its least-squares coefficient. The particles stay in E^G.

    Args:
        unit: The unit.
        law: The law.
        drawn: Particles, shape (1, D, N), float64.

    Returns:
        Particles, shape (1, D, N), float64.
    """
    features = unit.values(law.x.unsqueeze(0), drawn)[0].permute(1, 0, 2).flatten(0, 1).numpy()
    coefficients = np.linalg.lstsq(features, law.y.flatten().numpy(), rcond=None)[0]
    outputs = unit.space.blocks[0].size
    cloud = drawn.clone()
    cloud[:, :outputs] *= torch.from_numpy(coefficients * drawn.shape[2])
    return cloud


def _blind_excess(unit: mf.Unit, noisy: NoisyLaw) -> float:
    """Return a lower bound of R - R_* for every model x -> f(P x) in Y^G: the variance that such a model cannot
    explain.
    """
    x, y = noisy.law.x, noisy.mean
    mean_x = mf.Projector(fixed_space(unit.in_rep))(x.t().unsqueeze(0))[0].t()
    project = mf.Projector(fixed_space(unit.out_rep))
    _, classes = np.unique(np.round(mean_x.numpy(), 9), axis=0, return_inverse=True)
    best = torch.zeros_like(y)
    for k in range(int(classes.max()) + 1):
        member = torch.from_numpy(np.asarray(classes).reshape(-1) == k)
        best[member] = project(y[member].mean(0).reshape(1, -1, 1)).reshape(-1)
    return float(((y - best) ** 2).sum(1).mean())


DEMONSTRATION = Demonstration(
    "prop-5", "Proposition 5",
    "with a universal E^G, squared loss and an equivariant law, SI measures reach the least risk R_*",
    "meanfield.objectives, meanfield.units", Proposition5(),
)  # fmt: skip
