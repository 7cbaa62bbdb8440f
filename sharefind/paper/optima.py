"""Theorem 2, Propositions 4 and 5: least risks over all, weakly and strongly invariant measures, with certificates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, Representation, named_group, parse_representation
from sharefind.meanfield.clouds.haar import HaarRule, haar_rule
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.flow import FlowConfig, flow
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.optimum import CertifiedOptimum, better_particles, least_risk
from sharefind.meanfield.objectives.risks import Risk
from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.meanfield.units import Unit, build_unit
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.setting import setting
from sharefind.paper.worked_example import WorkedExample, worked_example
from sharefind.spaces import fixed_space

GROUPS = ("C2", "C3", "C4", "D4", "S3", "B2")
"""Groups of the demonstrations unless one is asked for."""

SAMPLES, ORBITS, QUICK_ORBITS = 40, 100, 30
"""Support points of Theorem 2's arbitrary law, and orbits of its dictionary."""

ROUNDS, QUICK_ROUNDS, STARTS = 8, 2, 8
"""Rounds of column generation, and descents in each."""

RADIUS = 10.0
"""Bound on every coordinate of a particle: Z is a cube, invariant under signed permutations of Z."""

ROUNDING = 1e-9
"""What two values of one number may differ by besides their gaps."""

CONTROL = 1e-4
"""Least difference of the controls, which are not equal."""


def _groups(context: Context) -> tuple[str, ...]:
    return (context.request.group,) if context.request.group else GROUPS


def thm_2(context: Context) -> Outcome:
    """inf over WI measures of R = inf R^DA = inf R^FA, on a dictionary of particles closed under the group."""
    rows: list[Row] = []
    checks: list[Check] = []
    groups = _groups(context)
    for place, name in enumerate(groups):
        values = _least_risks(context, name)
        rows += [_row(name, what, optimum) for what, optimum in values.items()]
        checks += _thm_2_checks(name, values)
        context.progress("Thm 2", place + 1, len(groups))
    worst = max(check.value for check in checks if "agree" in check.name)
    gap = max(check.value for check in checks if "largest gap" in check.name)
    figure = (
        f"the three values agree to {worst:.1e} beyond their certified gaps ({gap:.1e} at most), {len(groups)} groups"
    )
    return Outcome(tuple(rows), tuple(checks), (_bars(rows, groups, "Theorem 2: least risks"),), figure, THM_2_NOTES)


WI, DA, FA = "R over WI measures", "R^DA over all measures", "R^FA over all measures"
PLAIN, SYMMETRIC, EA = "R over all measures", "R over all measures, equivariant law", "R^EA over all measures"

THM_2_NOTES = (
    "every value is certified over the mixtures of a finite dictionary that is closed under the group and P_{E^G}, on "
    "which the theorem holds as it does over Z; the dictionary is enlarged by column generation under R^DA",
    "R^EA is the least risk over strongly invariant measures of the same dictionary: no smaller than the three",
)


def _least_risks(context: Context, name: str) -> dict[str, CertifiedOptimum]:
    """Every problem solved on its own, from the definition of its risk."""
    place = setting(_with_group(context, name).request)
    rng = context.rng("thm-2", name)
    law = place.law("arbitrary", SAMPLES, rng)
    rule, unit = haar_rule(place.unit), place.unit
    orbits = _dictionary(context, unit, law, rule, rng)
    singles = orbits.permute(0, 2, 1).flatten(0, 1).unsqueeze(-1)
    plain, symmetric = Risk(unit, law), Risk(unit, law.symmetrised(rule))
    return {
        WI: least_risk(plain, orbits),
        DA: least_risk(Risk(unit, law, scheme=Scheme.DA, rule=rule), singles),
        FA: least_risk(Risk(unit, law, scheme=Scheme.FA, rule=rule), singles),
        PLAIN: least_risk(plain, singles),
        SYMMETRIC: least_risk(symmetric, singles),
        EA: least_risk(Risk(unit, law, scheme=Scheme.EA, fixed=place.fixed), singles),
    }


def _dictionary(context: Context, unit: Unit, law: EmpiricalLaw, rule: HaarRule, rng: np.random.Generator) -> Tensor:
    """Orbits (K, D, |G|) of random particles, of those that column generation finds, and of their projections."""
    quick = context.request.quick
    count = QUICK_ORBITS if quick else ORBITS
    particles = torch.from_numpy(rng.normal(0, 0.7, size=(count, unit.space.dim, 1)))
    risk = Risk(unit, law, scheme=Scheme.DA, rule=rule)
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        optimum = least_risk(risk, particles)
        starts = torch.from_numpy(rng.normal(0, 0.7, size=(STARTS, unit.space.dim, 1)))
        particles = torch.cat([particles, better_particles(risk, particles, optimum, starts, RADIUS)])
    particles = torch.cat([particles, Projector(fixed_space(unit.space.action))(particles)])
    return rule.images(particles).squeeze(-1)


def _thm_2_checks(name: str, values: dict[str, CertifiedOptimum]) -> list[Check]:
    three = [values[what] for what in (WI, DA, FA)]
    spread = max(o.value for o in three) - min(o.value for o in three)
    also = abs(values[SYMMETRIC].value - values[DA].value)
    gaps, more = sum(o.gap for o in three), values[SYMMETRIC].gap + values[DA].gap
    least = values[WI].lower_bound
    return [
        Check(f"{name}: the three agree, difference beyond their gaps", max(0.0, spread - gaps), "<=", ROUNDING),
        Check(f"{name}: so does R for the equivariant law (agree beyond gaps)", max(0.0, also - more), "<=", ROUNDING),
        Check(f"{name}: largest gap of a certificate", max(o.gap for o in values.values()), "<=", CONTROL),
        Check(f"{name}: control: R for the arbitrary law is smaller by", least - values[PLAIN].value, ">=", CONTROL),
        Check(f"{name}: R^EA is not smaller, by", least - values[EA].value, "<=", ROUNDING),
    ]


def prop_4(context: Context) -> Outcome:
    """A worked example: inf over P(Z) of R = 0 < (a - b)^2 / 4 = inf over P(E^G) of R, both attained and certified."""
    rows: list[Row] = []
    checks: list[Check] = []
    groups = _groups(context)
    for place, name in enumerate(groups):
        example = worked_example(_in_rep(context, name))
        row = _prop_4_row(context, name, example)
        rows.append(row)
        checks += _prop_4_checks(name, row)
        context.progress("Prop. 4", place + 1, len(groups))
    gaps = [float(row["certified_lower"]) for row in rows]
    figure = (
        f"strict gaps {min(gaps):.3g} to {max(gaps):.3g}, certified" if len(gaps) > 1 else f"strict gap {gaps[0]:.6g}"
    )
    labels = {"inf over P(Z)": "all_measures", "inf over P(E^G)": "si_particle", "flow from SI": "si_flow"}
    series = [Series(k, tuple(range(len(rows))), tuple(float(r[v]) for r in rows)) for k, v in labels.items()]
    panel = Panel("Proposition 4: least risks", "group", "risk", tuple(series), "linear", "linear", True, groups)
    return Outcome(tuple(rows), tuple(checks), (panel,), figure, PROP_4_NOTES)


PROP_4_NOTES = (
    "an SI model sees x through the mean of its orbit alone, and takes one value on the whole support; the labels "
    "there are a and b, each with mass 1/2",
)

FLOW_HORIZON, FLOW_PARTICLES, SI_ATOMS = 40.0, 20, 200


def _prop_4_row(context: Context, name: str, example: WorkedExample) -> Row:
    unit, law = example.unit, example.law()
    rng = context.rng("prop-4", name)
    fixed = Projector(fixed_space(unit.space.action))
    risk = Risk(unit, law)
    rule = haar_rule(unit)
    atoms = fixed(torch.from_numpy(rng.normal(0, 1, size=(SI_ATOMS, unit.space.dim, 1))))
    start = fixed(torch.from_numpy(rng.normal(0, 0.5, size=(1, unit.space.dim, FLOW_PARTICLES))))
    # R^EA, for E^G may be unstable under the flow of R; on E^G the two are one (Thm 6).
    trained = flow(
        Risk(unit, law, scheme=Scheme.EA, fixed=fixed), start, FlowConfig(horizon=FLOW_HORIZON, rtol=1e-7, atol=1e-9)
    ).final
    lower, upper = example.certified_gap()
    symmetric = Risk(unit, law.symmetrised(rule))
    probe = torch.from_numpy(rng.normal(size=(1, unit.space.dim, 5)))
    return {
        "group": name,
        "a": example.a,
        "b": example.b,
        "certified_lower": lower,
        "certified_upper": upper,
        "all_measures": float(risk.value(example.weakly_invariant())),
        "si_particle": float(risk.value(example.strongly_invariant())),
        "si_particle_off_E^G": float(fixed.residual(example.strongly_invariant()).abs().max()),
        "si_dictionary": least_risk(risk, atoms, tolerance=1.0).value,
        "si_flow": float(risk.value(trained)),
        "si_flow_off_E^G": float(fixed.residual(trained).abs().max()),
        "law_not_equivariant_by": float((symmetric.value(probe) - risk.value(probe)).abs()),
    }


def _prop_4_checks(name: str, row: Row) -> list[Check]:
    value = {key: float(v) for key, v in row.items() if key != "group"}
    lowest = min(value["si_particle"], value["si_dictionary"], value["si_flow"])
    return [
        Check(f"{name}: strict gap, lower end of its interval", value["certified_lower"], ">=", CONTROL),
        Check(f"{name}: width of the interval", value["certified_upper"] - value["certified_lower"], "<=", ROUNDING),
        Check(f"{name}: risk of the WI measure", value["all_measures"], "<=", 1e-24),
        Check(
            f"{name}: risk of the SI particle above the gap",
            value["si_particle"] - value["certified_upper"],
            "<=",
            ROUNDING,
        ),
        Check(f"{name}: an SI measure below the gap, by", value["certified_lower"] - lowest, "<=", ROUNDING),
        Check(f"{name}: the SI particle off E^G", value["si_particle_off_E^G"], "<=", 1e-12),
        Check(f"{name}: the trained cloud off E^G", value["si_flow_off_E^G"], "<=", 1e-12),
        Check(f"{name}: law under the group, change of a risk", value["law_not_equivariant_by"], "<=", 1e-12),
    ]


def _in_rep(context: Context, name: str) -> Representation:
    group = named_group(name)
    if not isinstance(group, FiniteGroup):
        raise ConfigError(f"{name} is infinite; this demonstration needs a finite group, such as one of its subgroups")
    return parse_representation(context.request.in_rep or "natural", group)


def _with_group(context: Context, name: str) -> Context:
    from dataclasses import replace

    return replace(context, request=replace(context.request, group=name))


HIDDEN = ("trivial", "natural", "regular")
"""Hidden representations of Prop. 5, from poor to universal."""

NOISE = 0.3
"""Each label of the noisy law is its mean plus or minus this in every coordinate: R_* = d_out NOISE^2."""

NOISY_ORBITS, FEATURES = 5, 400
"""Orbits in the support of the noisy law, and random particles of E^G whose span is searched."""

REACHED = 1e-8
"""How close to R_* counts as reaching it."""


@dataclass(frozen=True)
class NoisyLaw:
    """An equivariant law with irreducible error: law, its conditional means (n, d_out), and R_*."""

    law: EmpiricalLaw
    mean: Tensor
    least: float


def prop_5(context: Context) -> Outcome:
    """Squared loss, equivariant law, universal E^G (regular hidden representation): SI measures reach R_*."""
    rows: list[Row] = []
    checks: list[Check] = []
    groups = _groups(context)
    for place, name in enumerate(groups):
        found = _prop_5_rows(context, name)
        rows += found
        checks += _prop_5_checks(name, found)
        context.progress("Prop. 5", place + 1, len(groups))
    worst = max(float(r["above"]) for r in rows if r["hidden"] == "regular")
    least = min(float(r["certified_above"]) for r in rows if r["hidden"] == "trivial")
    figure = f"regular: R_* reached to {worst:.1e}; trivial stays {least:.3g} above, certified"
    noisy = [r for r in rows if r["law"] == "noisy"]
    series = [
        Series(
            f"hidden {h}",
            tuple(range(len(groups))),
            tuple(max(float(r["above"]), 1e-16) for r in noisy if r["hidden"] == h),
        )
        for h in HIDDEN
    ]
    panel = Panel(
        "Proposition 5: best SI risk above R_*", "group", "excess risk", tuple(series), "linear", "log", True, groups
    )
    return Outcome(tuple(rows), tuple(checks), (panel,), figure, PROP_5_NOTES)


PROP_5_NOTES = (
    "the output layer is linear, so the models of SI measures form a linear space; least squares in a span of random "
    "particles of E^G gives a value that explicit particles attain, an upper bound; R_* bounds every model from below",
    "hidden trivial is certified to stay above: such models see the mean of the orbit of x alone, with values in Y^G",
)


def _prop_5_rows(context: Context, name: str) -> list[Row]:
    in_rep = _in_rep(context, name)
    out_rep = parse_representation(context.request.out_rep or "natural", in_rep.group)
    rows = []
    for hidden in HIDDEN:
        hidden_rep = parse_representation(hidden, in_rep.group)
        unit = build_unit("two-layer:tanh", in_rep, out_rep, hidden_rep)
        noisy = noisy_law(unit, haar_rule(unit), context.rng("prop-5", name))
        rows.append(_prop_5_row(context, name, hidden, unit, noisy))
        example = worked_example(in_rep)
        flat = build_unit("two-layer:tanh", in_rep, parse_representation("trivial", in_rep.group), hidden_rep)
        law = example.law()
        rows.append(_prop_5_row(context, name, hidden, flat, NoisyLaw(law, law.y, 0.0), "worked example"))
    return rows


def noisy_law(unit: Unit, rule: HaarRule, rng: np.random.Generator) -> NoisyLaw:
    """Free orbits with labels that follow the group, each seen twice: mean plus and minus the noise.

    R_* = E |Y - E[Y | X]|^2 = d_out NOISE^2, whatever the model.
    """
    x = torch.from_numpy(rng.normal(size=(NOISY_ORBITS, unit.d_in)))
    y = torch.from_numpy(rng.normal(size=(NOISY_ORBITS, unit.d_out)))
    orbit = EmpiricalLaw(x, y).symmetrised(rule)
    noise = torch.from_numpy(NOISE * rng.choice([-1.0, 1.0], size=(NOISY_ORBITS, unit.d_out)))
    moved = rule.moved_labels(noise).flatten(0, 1)
    law = EmpiricalLaw(orbit.x.repeat(2, 1), torch.cat([orbit.y + moved, orbit.y - moved]))
    return NoisyLaw(law, orbit.y.repeat(2, 1), float(unit.d_out * NOISE**2))


def _prop_5_row(context: Context, name: str, hidden: str, unit: Unit, noisy: NoisyLaw, label: str = "noisy") -> Row:
    fixed = Projector(fixed_space(unit.space.action))
    rng = context.rng("prop-5", name, hidden, label)
    drawn = fixed(torch.from_numpy(rng.normal(size=(1, unit.space.dim, FEATURES))))
    cloud = attained(unit, noisy.law, drawn)
    value = float(Risk(unit, noisy.law).value(cloud))
    return {
        "group": name, "law": label, "hidden": hidden, "dim_E^G": fixed.space.dim, "least": noisy.least, "value": value,
        "above": value - noisy.least, "off_E^G": float(fixed.residual(cloud).abs().max() / cloud.abs().max()),
        "certified_above": _blind_excess(unit, noisy) if hidden == "trivial" else 0.0,
    }  # fmt: skip


def attained(unit: Unit, law: EmpiricalLaw, drawn: Tensor) -> Tensor:
    """Particles with the drawn inner layers (1, D, N) whose model is the best in their span: (1, D, N).

    The output block of particle i is multiplied by N times its least-squares coefficient, which leaves E^G invariant.
    """
    features = unit.values(law.x.unsqueeze(0), drawn)[0].permute(1, 0, 2).flatten(0, 1).numpy()
    coefficients = np.linalg.lstsq(features, law.y.flatten().numpy(), rcond=None)[0]
    outputs = unit.space.blocks[0].size
    cloud = drawn.clone()
    cloud[:, :outputs] *= torch.from_numpy(coefficients * drawn.shape[2])
    return cloud


def _blind_excess(unit: Unit, noisy: NoisyLaw) -> float:
    """A lower bound of R - R_* for every model x -> f(P x) in Y^G: the variance that it cannot follow."""
    x, y = noisy.law.x, noisy.mean
    mean_x = Projector(fixed_space(unit.in_rep))(x.t().unsqueeze(0))[0].t()
    project = Projector(fixed_space(unit.out_rep))
    keys = np.round(mean_x.numpy(), 9)
    _, places = np.unique(keys, axis=0, return_inverse=True)
    best = torch.zeros_like(y)
    for place in range(int(places.max()) + 1):
        member = torch.from_numpy(np.asarray(places).reshape(-1) == place)
        best[member] = project(y[member].mean(0).reshape(1, -1, 1)).reshape(-1)
    return float(((y - best) ** 2).sum(1).mean())


def _prop_5_checks(name: str, rows: list[Row]) -> list[Check]:
    checks = []
    for row in rows:
        where = f"{name}, {row['law']}, hidden {row['hidden']}"
        checks.append(Check(f"{where}: particles off E^G, relative", float(row["off_E^G"]), "<=", 1e-12))
        checks.append(Check(f"{where}: below R_*, by", -float(row["above"]), "<=", ROUNDING))
        if row["hidden"] == "regular":
            checks.append(Check(f"{where}: best SI risk above R_*", float(row["above"]), "<=", REACHED))
        if row["hidden"] == "trivial":
            checks.append(
                Check(f"{where}: control: certified to stay above by", float(row["certified_above"]), ">=", CONTROL)
            )
            excess = float(row["certified_above"]) - float(row["above"])
            checks.append(Check(f"{where}: below its own lower bound, by", excess, "<=", ROUNDING))
    return checks


def _row(group: str, what: str, optimum: CertifiedOptimum) -> Row:
    return {
        "group": group, "problem": what, "value": optimum.value, "lower_bound": optimum.lower_bound, "gap": optimum.gap,
        "particles_used": int((optimum.weights > 0).sum()),
    }  # fmt: skip


def _bars(rows: list[Row], groups: tuple[str, ...], title: str) -> Panel:
    series = []
    for what in (WI, DA, FA, SYMMETRIC, PLAIN, EA):
        values = tuple(float(row["value"]) for row in rows if row["problem"] == what)
        series.append(Series(what, tuple(map(float, range(len(groups)))), values))
    return Panel(title, "group", "least risk", tuple(series), "linear", "log", True, groups)
