"""Propositions 1 and 2: the symmetrisation operator and the symmetrised risks, against what the paper says of them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.meanfield.clouds.haar import HaarRule, haar_rule, symmetrised_values
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.objectives.losses import Loss
from sharefind.meanfield.objectives.risks import Risk
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Outcome, Row
from sharefind.paper.identities import (
    UnitCase,
    invariant_losses,
    precision_panel,
    random_cloud,
    random_law,
    unit_cases,
)
from sharefind.spaces import fixed_space

TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Declared tolerances on absolute errors of quantities of order one to ten."""

CONTROL = 1e-3
"""What must differ without the symmetrisation does so by at least this, relative to the value's size."""

COMPACT = ("SO2", "O2", "SO3")
"""Infinite groups of Prop. 1, by Haar draws."""

DRAWS, QUICK_DRAWS = 4000, 1000

SIGMAS = 6.0
"""Largest deviation of two independent Monte Carlo means, in standard errors of their difference, over all entries."""


def prop_1(context: Context) -> Outcome:
    """Q_G Phi_mu = Phi_{mu^G}: the operator applied to the function, against the model of the symmetrised cloud."""
    default = ("C4", "D4", "S3", "B2", *COMPACT)
    cases, notes = unit_cases(context, default)
    rows: list[Row] = []
    for place, case in enumerate(cases):
        rows += [_prop_1_row(context, case, dtype) for dtype in TOLERANCES]
        context.progress("Prop. 1", place + 1, len(cases))
    checks = [*_worst("Q_G Phi_mu against Phi_{mu^G}", rows, "error"), _control(rows)]
    deviations = [float(row["deviation"]) for row in rows if float(row["deviation"]) > 0]
    if deviations:
        checks.append(Check("independent Haar draws: largest deviation in errors", max(deviations), "<=", SIGMAS))
    figure = f"largest error {_largest(rows, 'float64', 'error'):.1e} (float64), {len(rows) // 2} group-unit pairs"
    return Outcome(
        tuple(rows), tuple(checks), (precision_panel(rows, "Prop. 1: largest error", "absolute error"),), figure, notes
    )


def _prop_1_row(context: Context, case: UnitCase, dtype: torch.dtype) -> Row:
    rng = context.rng("prop-1", case.group.name, case.label)
    draws = None if isinstance(case.group, FiniteGroup) else QUICK_DRAWS if context.request.quick else DRAWS
    rule, again = haar_rule(case.unit, draws, rng), haar_rule(case.unit, draws, rng)
    theta = random_cloud(case.unit, rng, dtype)
    x = random_cloud(case.unit, rng, dtype).new_tensor(rng.standard_normal((1, 9, case.unit.d_in)))
    defined = symmetrised_values(lambda points: predict(case.unit, points, theta), rule, x)
    # rhohat_g^{-1} sigma*(rho_g x, z) = sigma*(x, M_g^{-1} z): draws match term by term through their inverses.
    through_cloud = predict(case.unit, x, rule.inverse.symmetrise(theta))
    other = symmetrised_values(lambda points: predict(case.unit, points, theta), again, x)
    spread = (defined.standard_error**2 + other.standard_error**2).sqrt()
    deviation = torch.where(spread > 0, (defined.value - other.value).abs() / spread.clamp(min=1e-300), 0 * spread)
    plain = predict(case.unit, x, theta)
    return {
        "group": case.group.name,
        "unit": case.label,
        "dtype": str(dtype).removeprefix("torch."),
        "elements": len(rule),
        "error": _max(defined.value - through_cloud),
        "standard_error": float(defined.standard_error.max()),
        "deviation": 0.0 if rule.is_exact or dtype is torch.float32 else float(deviation.max()),
        "unsymmetrised": _max(plain - through_cloud) / _max(plain),
    }


def prop_2(context: Context) -> Outcome:
    """R^DA, R^FA and R^EA are invariant and are R after an operation on mu; so is R itself when pi is equivariant."""
    cases, notes = unit_cases(context)
    rows: list[Row] = []
    for place, case in enumerate(cases):
        losses = invariant_losses(case.unit)
        rows += [row for loss in losses for dtype in TOLERANCES for row in _prop_2_rows(context, case, loss, dtype)]
        context.progress("Prop. 2", place + 1, len(cases))
    checks = [*_worst("invariance and identities", rows, "error"), _control(rows)]
    figure = f"largest error {_largest(rows, 'float64', 'error'):.1e} (float64), {len(rows)} identities"
    return Outcome(
        tuple(rows), tuple(checks), (precision_panel(rows, "Prop. 2: largest error", "absolute error"),), figure, notes
    )


def _prop_2_rows(context: Context, case: UnitCase, loss: Loss, dtype: torch.dtype) -> list[Row]:
    rng = context.rng("prop-2", case.group.name, case.label, loss.name)
    rule, fixed = haar_rule(case.unit), Projector(fixed_space(case.unit.space.action))
    theta, law = random_cloud(case.unit, rng, dtype), random_law(case.unit, loss, rng, dtype)
    risks = {scheme: Risk(case.unit, law, loss, scheme, rule, fixed) for scheme in Scheme}
    symmetric = Risk(case.unit, law.symmetrised(rule), loss)
    images = rule.images(theta)[0].permute(1, 0, 2)
    plain = risks[Scheme.VANILLA]
    control = _max(plain.value(images) - plain.value(theta)) / _max(plain.value(theta))
    errors = {
        "R^DA invariant": risks[Scheme.DA].value(images) - risks[Scheme.DA].value(theta),
        "R^FA invariant": risks[Scheme.FA].value(images) - risks[Scheme.FA].value(theta),
        "R^EA invariant": risks[Scheme.EA].value(images) - risks[Scheme.EA].value(theta),
        "R invariant, equivariant law": symmetric.value(images) - symmetric.value(theta),
        "R^DA = mean R(M_g#mu)": risks[Scheme.DA].value(theta) - plain.value(images).mean(),
        "R^FA = R(mu^G)": risks[Scheme.FA].value(theta) - plain.value(rule.symmetrise(theta)),
        "R^EA = R(P#mu)": risks[Scheme.EA].value(theta) - plain.value(_by_average(rule, theta)),
    }
    common = {"group": case.group.name, "unit": case.label, "loss": loss.name}
    name = str(dtype).removeprefix("torch.")
    return [
        {**common, "dtype": name, "identity": identity, "error": _max(error), "unsymmetrised": control}
        for identity, error in errors.items()
    ]


def _by_average(rule: HaarRule, theta: Tensor) -> Tensor:
    """P_{E^G} theta = int M_g theta dlambda_G, from the definition."""
    return rule.images(theta).mean(2)


def _max(values: Tensor) -> float:
    return float(values.abs().max())


def _largest(rows: Iterable[Row], dtype: str, key: str) -> float:
    return max(float(row[key]) for row in rows if row["dtype"] == dtype)


def _worst(name: str, rows: list[Row], key: str) -> list[Check]:
    names = {str(dtype).removeprefix("torch."): bound for dtype, bound in TOLERANCES.items()}
    return [Check(f"{name}, {dtype}", _largest(rows, dtype, key), "<=", bound) for dtype, bound in names.items()]


def _control(rows: list[Row]) -> Check:
    """The median case: a unit that happens to be invariant already differs by nothing, most differ by much."""
    differences = sorted(float(row["unsymmetrised"]) for row in rows)
    return Check("control: not symmetrised, relative difference", differences[len(differences) // 2], ">=", CONTROL)
