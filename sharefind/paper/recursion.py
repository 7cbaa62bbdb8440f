"""The SGD recursion and its variant with projected noise, step by step, against the poster's displays written out.

The display is evaluated by autograd on the risk of a minibatch; `train` uses closed forms, and no autograd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.meanfield.clouds.measures import rmd2
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule, cosine, power
from sharefind.meanfield.dynamics.sgd import SGDConfig, gaussian_start, train
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.losses import SQUARED, Loss, huber
from sharefind.meanfield.objectives.penalties import RIDGE, SMOOTH_NORM, Penalty, smooth_l1
from sharefind.meanfield.objectives.schemes import vanilla_gradient
from sharefind.meanfield.objectives.sources import Batch
from sharefind.meanfield.units import Unit
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.identities import UnitCase, precision_panel, random_cloud, unit_cases
from sharefind.spaces import Subspace, fixed_space

STEPS, BATCH, ALPHA, TAU = 12, 5, 0.6, 0.3
"""Steps of a comparison, samples of a minibatch, step factor, and a penalty that is large enough to be seen."""

TOLERANCES = {"float64": 1e-10, "float32": 1e-4}
"""Declared tolerances on particles of order one after `STEPS` steps."""

CONTROL = 1e-2
"""By how much at least the recursion with the penalty ascended (the sign of the poster's first display) differs."""

SETTINGS: tuple[tuple[Loss, Penalty, Schedule], ...] = (
    (SQUARED, RIDGE, CONSTANT),
    (huber(0.5), SMOOTH_NORM, power(0.5)),
    (SQUARED, smooth_l1(0.3), cosine(1.0)),
)
"""Loss, penalty and schedule of each comparison: every one at least once."""

BETA, NOISE_STEPS, NOISE_PARTICLES, REPLICATES, QUICK_REPLICATES = 0.3, 20, 50, 1600, 400
"""Temperature, steps, N and repetitions of the noise alone."""

SIGMAS = 6.0
"""Largest deviation of an entry of a sample covariance, in its standard errors, over all entries and groups."""

KEPT, LEFT = 1e-28, 1e-4
"""Largest RMD^2 to P_{E^G} that is rounding where noise is projected; least one where it is not."""


@dataclass(frozen=True)
class GivenBatches:
    """Minibatches x (steps, B, d_in), y (steps, B, d_out), one a step, common to all replicates."""

    x: Tensor
    y: Tensor

    def batch(self, step: int) -> Batch:
        """The samples of a step."""
        return Batch(self.x[step : step + 1], self.y[step : step + 1])


def sgd(context: Context) -> Outcome:
    """The recursion that `train` runs is the one of the poster, for every unit, loss, penalty and schedule."""
    cases, notes = unit_cases(context)
    rows: list[Row] = []
    for place, case in enumerate(cases):
        rows += [_sgd_row(context, case, dtype, *chosen) for chosen in SETTINGS for dtype in TOLERANCES]
        context.progress("SGD recursion", place + 1, len(cases))
    worst = {dtype: max(float(r["error"]) for r in rows if r["dtype"] == dtype) for dtype in TOLERANCES}
    least = min(float(r["ascended"]) for r in rows)
    checks = [Check(f"largest difference of a particle, {d}", worst[d], "<=", bound) for d, bound in TOLERANCES.items()]
    checks.append(Check("control: the penalty ascended, least difference", least, ">=", CONTROL))
    figure = f"largest difference {worst['float64']:.1e} (float64) after {STEPS} steps, {len(rows) // 2} cases"
    return Outcome(
        tuple(rows),
        tuple(checks),
        (precision_panel(rows, "`train` against the display", "largest difference of a particle"),),
        figure,
        (*notes, SIGN),
    )


SIGN = "the penalty is descended: the poster's first display adds s tau grad r, its second one subtracts it"


def _sgd_row(context: Context, case: UnitCase, dtype: str, loss: Loss, penalty: Penalty, schedule: Schedule) -> Row:
    rng = context.rng("sgd", case.group.name, case.label, loss.name, penalty.name)
    unit = case.unit
    batches = GivenBatches(
        torch.from_numpy(rng.standard_normal((STEPS, BATCH, unit.d_in))),
        torch.from_numpy(rng.standard_normal((STEPS, BATCH, unit.d_out))),
    )
    start = 0.5 * random_cloud(unit, rng, torch.float64)
    config = SGDConfig.model_validate(
        {
            "particles": start.shape[2], "alpha": ALPHA, "horizon": STEPS / start.shape[2], "tau": TAU, "beta": 0,
            "noise": "none", "dtype": dtype,
        }
    )  # fmt: skip
    gradient = vanilla_gradient(unit, loss)
    found = train(
        gradient, start, batches, config, rng, schedule=schedule, penalty=penalty, loss=loss, must_learn=False
    ).final.double()
    descended, ascended = (as_displayed(unit, batches, start, loss, penalty, schedule, sign) for sign in (1, -1))
    return {
        "group": case.group.name, "unit": case.label, "loss": loss.name, "penalty": penalty.name,
        "schedule": schedule.name, "dtype": dtype, "error": float((found - descended).abs().max()),
        "ascended": float((found - ascended).abs().max()),
    }  # fmt: skip


def as_displayed(
    unit: Unit, batches: GivenBatches, theta: Tensor, loss: Loss, penalty: Penalty, schedule: Schedule, sign: int = 1
) -> Tensor:
    """The poster's recursion without noise, each step through autograd: theta (1, D, N) -> (1, D, N).

    Args:
        sign: 1 descends the penalty, -1 ascends it.
    """
    n = theta.shape[2]
    for k in range(len(batches.x)):
        batch, size = batches.batch(k), ALPHA / n * schedule.value(k / n)
        leaf = theta.clone().requires_grad_()
        risk = loss.value(predict(unit, batch.x, leaf), batch.y).mean()
        # A particle's drift is N times the gradient of a mean over N particles.
        (slope,) = torch.autograd.grad(n * (risk + sign * TAU * penalty.value(leaf).mean()), leaf)
        theta = theta - size * slope
    return theta


def projected_noise(context: Context) -> Outcome:
    """Noise sqrt(2 beta s_k) P_{E^G} xi lies in E^G with covariance 2 beta s_k P_{E^G}, so an SI start stays SI."""
    cases, notes = unit_cases(context)
    rows: list[Row] = []
    for place, case in enumerate(cases):
        space = fixed_space(case.unit.space.action)
        if space.is_full or space.is_zero:
            notes = (*notes, f"{case.group.name}, {case.label}: E^G is trivial, nothing to project")
            continue
        rows += [_noise_row(context, case, space, schedule) for schedule in (CONSTANT, power(1.0))]
        context.progress("projected noise", place + 1, len(cases))
    off = max(float(r["rmd2"]) for r in rows)
    deviation = max(float(r["deviation"]) for r in rows)
    left = min(float(r["unprojected_rmd2"]) for r in rows)
    checks = (
        Check("largest RMD^2 to P_{E^G}", off, "<=", KEPT),
        Check("covariance against 2 beta sum s_k P: largest deviation in standard errors", deviation, "<=", SIGMAS),
        Check("control: noise not projected, least RMD^2 to P_{E^G}", left, ">=", LEFT),
    )
    names = tuple(dict.fromkeys(str(r["group"]) for r in rows))
    series = [
        Series(label, tuple(range(len(names))), tuple(
            extreme(float(r[key]) for r in rows if r["group"] == name) for name in names
        ))
        for label, key, extreme in (
            ("projected, largest of all units", "rmd2", max),
            ("control: not projected, least of all units", "unprojected_rmd2", min),
        )
    ]  # fmt: skip
    panel = Panel("Noise alone", "group", "RMD^2 to P_{E^G}", tuple(series), "linear", "log", True, names)
    figure = f"RMD^2 {off:.0e} at most; covariance within {deviation:.1f} standard errors of 2 beta sum s_k P"
    return Outcome(tuple(rows), checks, (panel,), figure, notes)


def _noise_row(context: Context, case: UnitCase, space: Subspace, schedule: Schedule) -> Row:
    fixed = Projector(space)
    replicates = QUICK_REPLICATES if context.request.quick else REPLICATES
    rng = context.rng("projected-noise", case.group.name, case.label, schedule.name)
    start = gaussian_start(space, NOISE_PARTICLES, 0.25, rng, 1).expand(replicates, -1, -1)
    ends = {kind: _noise_alone(case.unit, start, fixed, kind, schedule, rng) for kind in ("projected", "gaussian")}
    moved = ends["projected"] - start
    size = ALPHA / NOISE_PARTICLES
    variance = 2 * BETA * size * sum(schedule.value(k / NOISE_PARTICLES) for k in range(NOISE_STEPS))
    return {
        "group": case.group.name, "unit": case.label, "schedule": schedule.name, "dim_Z": space.ambient,
        "dim_E^G": space.dim, "rmd2": _off(ends["projected"], fixed),
        "unprojected_rmd2": _off(ends["gaussian"], fixed), "variance": variance,
        "deviation": _deviation(moved, variance * fixed(torch.eye(space.ambient, dtype=moved.dtype).unsqueeze(0))[0]),
    }  # fmt: skip


def _noise_alone(
    unit: Unit, start: Tensor, fixed: Projector, kind: str, schedule: Schedule, rng: np.random.Generator
) -> Tensor:
    """Training under a risk and a penalty that are zero: what is left is the noise."""

    def still(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(theta), torch.zeros(len(theta), len(x[0]), unit.d_out, dtype=theta.dtype)

    config = SGDConfig.model_validate(
        {
            "particles": NOISE_PARTICLES, "alpha": ALPHA, "horizon": NOISE_STEPS / NOISE_PARTICLES, "tau": 0.0,
            "beta": BETA, "noise": kind,
        }
    )  # fmt: skip
    law = EmpiricalLaw(torch.zeros(1, unit.d_in, dtype=start.dtype), torch.zeros(1, unit.d_out, dtype=start.dtype))
    return train(still, start, law.full_batch(), config, rng, fixed, schedule=schedule, must_learn=False).final


def _off(theta: Tensor, fixed: Projector) -> float:
    """RMD^2 to P#nu of all replicates together."""
    return float(rmd2(theta.transpose(0, 1).flatten(1).unsqueeze(0), fixed))


def _deviation(moved: Tensor, covariance: Tensor) -> float:
    """Largest deviation of an entry of the sample covariance of moved (R, D, N), in Gaussian standard errors."""
    count = moved.shape[0] * moved.shape[2]
    sample = torch.einsum("rdn,ren->de", moved, moved) / count
    scale = covariance.diagonal()
    error = ((torch.outer(scale, scale) + covariance**2) / count).sqrt()
    # Where the projection leaves nothing, nothing may be found.
    tiny = 1e-12 * float(scale.max())
    return float(((sample - covariance).abs() / error.clamp(min=tiny)).max())
