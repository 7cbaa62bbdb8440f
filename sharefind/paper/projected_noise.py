"""SGD with projected noise: the effect of the noise alone on particles that start in E^G."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.meanfield.dynamics.schedules import power
from sharefind.paper.context import Context
from sharefind.paper.demonstration import Demonstration, Outcome, Panel, Row, at_least, at_most, column
from sharefind.paper.identities import UnitCase, unit_cases
from sharefind.spaces import Subspace, fixed_space


@dataclass(frozen=True)
class ProjectedNoise:
    """Noise sqrt(2 beta s_k) P_{E^G} xi lies in E^G and has covariance 2 beta s_k P_{E^G}, so an SI start stays SI.

    Attributes:
        alpha: Step factor.
        beta: Temperature.
        steps: Number of steps of a training.
        particles: Number of particles N.
        replicates: Number of repetitions.
        start_std: Standard deviation of the start.
        kept: Largest RMD^2 to P_{E^G} that counts as rounding error, with projected noise.
        left: Smallest RMD^2 without projection.
        sigmas: Largest deviation of an entry of a sample covariance in its standard errors, over all entries and
            groups.
    """

    alpha: float = 0.6
    beta: float = 0.3
    steps: int = 20
    particles: int = 50
    replicates: int = 1600
    start_std: float = 0.25
    kept: float = 1e-28
    left: float = 1e-4
    sigmas: float = 6.0

    def __call__(self, context: Context) -> Outcome:
        """The verdict on every unit over every group."""
        cases, notes = unit_cases(context)
        rows: list[Row] = []
        for case in context.steps("projected noise", cases):
            space = fixed_space(case.unit.space.action)
            if space.is_full or space.is_zero:
                notes = (*notes, f"{case.group.name}, {case.label}: E^G is trivial, nothing to project")
            else:
                rows += [self._row(context, case, space, schedule) for schedule in (mf.CONSTANT, power(1.0))]
        off, deviation = max(column(rows, "rmd2")), max(column(rows, "deviation"))
        spread = "covariance against 2 beta sum s_k P: largest deviation in standard errors"
        left = min(column(rows, "unprojected_rmd2"))
        checks = (
            at_most("largest RMD^2 to P_{E^G}", off, self.kept),
            at_most(spread, deviation, self.sigmas),
            at_least("control: noise not projected, least RMD^2 to P_{E^G}", left, self.left),
        )
        groups = tuple(dict.fromkeys(str(row["group"]) for row in rows))
        heights = {
            "projected, largest of all units": [max(column(rows, "rmd2", group=g)) for g in groups],
            "control: not projected, least of all units": [
                min(column(rows, "unprojected_rmd2", group=g)) for g in groups
            ],
        }
        panel = Panel.of_groups("Noise alone", "RMD^2 to P_{E^G}", groups, heights)
        figure = f"RMD^2 {off:.0e} at most; covariance within {deviation:.1f} standard errors of 2 beta sum s_k P"
        return Outcome(rows, checks, (panel,), figure, notes)

    def _row(self, context: Context, case: UnitCase, space: Subspace, schedule: mf.Schedule) -> Row:
        fixed = mf.Projector(space)
        rng = context.rng("projected-noise", case.group.name, case.label, schedule.name)
        start = mf.gaussian_start(space, self.particles, self.start_std, rng, 1).expand(self.replicates, -1, -1)
        projected, loose = (
            self._noise_alone(case, start, fixed, kind, schedule, rng) for kind in ("projected", "gaussian")
        )
        size = self.alpha / self.particles
        variance = 2 * self.beta * size * sum(schedule.value(k / self.particles) for k in range(self.steps))
        covariance = variance * fixed(torch.eye(space.ambient, dtype=start.dtype).unsqueeze(0))[0]
        return {
            "group": case.group.name, "unit": case.label, "schedule": schedule.name, "dim_Z": space.ambient,
            "dim_E^G": space.dim, "rmd2": _off(projected, fixed), "unprojected_rmd2": _off(loose, fixed),
            "variance": variance, "deviation": _deviation(projected - start, covariance),
        }  # fmt: skip

    def _noise_alone(
        self,
        case: UnitCase,
        start: Tensor,
        fixed: mf.Projector,
        kind: str,
        schedule: mf.Schedule,
        rng: np.random.Generator,
    ) -> Tensor:
        """Train with a risk and a penalty that are zero, so that only the noise acts."""

        def still(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
            return torch.zeros_like(theta), torch.zeros(len(theta), len(x[0]), case.unit.d_out, dtype=theta.dtype)

        config = mf.SGDConfig.model_validate(
            {
                "particles": self.particles, "alpha": self.alpha, "horizon": self.steps / self.particles, "tau": 0.0,
                "beta": self.beta, "noise": kind,
            }
        )  # fmt: skip
        x, y = (torch.zeros(1, d, dtype=start.dtype) for d in (case.unit.d_in, case.unit.d_out))
        source = mf.EmpiricalLaw(x, y).full_batch()
        return mf.train(still, start, source, config, rng, fixed, schedule=schedule, must_learn=False).final


def _off(theta: Tensor, fixed: mf.Projector) -> float:
    """Return RMD^2 to P#nu of all replicates together."""
    return float(mf.rmd2(theta.transpose(0, 1).flatten(1).unsqueeze(0), fixed))


def _deviation(moved: Tensor, covariance: Tensor) -> float:
    """Return the largest deviation of an entry of the sample covariance of moved (R, D, N), in Gaussian standard
    errors.
    """
    count = moved.shape[0] * moved.shape[2]
    sample = torch.einsum("rdn,ren->de", moved, moved) / count
    scale = covariance.diagonal()
    error = ((torch.outer(scale, scale) + covariance**2) / count).sqrt()
    # In directions that the projection removes, the sample covariance must be zero.
    tiny = 1e-12 * float(scale.max())
    return float(((sample - covariance).abs() / error.clamp(min=tiny)).max())


DEMONSTRATION = Demonstration(
    "projected-noise", "SGD with projected noise",
    "noise sqrt(2 beta s_k) P_{E^G} xi keeps particles in E^G and spreads them there as it should",
    "meanfield.dynamics, meanfield.clouds", ProjectedNoise(), ProjectedNoise(replicates=400),
)  # fmt: skip
