"""The displacement of particles from E^H as a test statistic: do particles that start on E^H leave it?

If the law has the symmetry H, large clouds started on E^H stay near it (Maass & Fontbona 2024, Thm 5). The copies say
how far sampling noise alone takes them, so no threshold is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.ambient_moves import Moves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.searched_particles import UnitFactory, richest_unit
from sharefind.inference.statistics.surrogate_training import (
    ParticleTraining,
    RowTrainer,
    above_rounding,
    first_step,
    halves,
    minibatches,
    orthogonal_action,
)
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.sgd import gaussian_start
from sharefind.spaces import fixed_space

ESCAPE = ParticleTraining(particles=24, steps=100)
"""Settings of the trainings on E^H."""


@dataclass(frozen=True)
class Displacement(SearchStatistic):
    """mean_i |theta_i - P theta_i|^2 at each checkpoint, P the projection on E^H: the paper's dist^2.

    Particles are drawn on E^H and trained vanilla on all samples, from the same start and with the same minibatches for
    the data and for every copy. A checkpoint is a component, and the components are combined by the studentised
    maximum over data and copies alike (`combined`): so the horizon need not be chosen, and the test stays exact.

    Where E^H is all of Z, or every start is stationary (the origin of Z, without a linear signal), all values are 0 and
    the p-value is 1. With `neuron_unit`, the default for infinite groups, E^H holds no function of the moved inputs,
    and little but a linear signal leads away from it: there `HeldOutGap` sees more.

    Attributes:
        unit: made from the hypothesis' representations. training: the settings.
    """

    name: ClassVar[str] = "displacement"

    unit: UnitFactory = richest_unit
    training: ParticleTraining = field(default=ESCAPE)

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """With the unit of the problem."""
        return cls(problem.unit)

    def bind(
        self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The statistic for one hypothesis: (R, checkpoints).

        Raises:
            GroupError: `moves` is no `JointAction`, or not orthogonal. UnitError: the unit cannot be built for it.
        """
        return _from_fixed_space(self, moves, x, y, torch.arange(len(x)).unsqueeze(0), rng)


@dataclass(frozen=True)
class CrossDisplacement(SearchStatistic):
    """mean_i <r_i^A, r_i^B> at each checkpoint: r = theta - P theta after training on two disjoint halves of the data.

    The same particles on E^H see both halves. Displacements by noise are independent given the start and average to
    zero, those by a broken symmetry agree. Otherwise as `Displacement`.

    Attributes:
        unit: made from the hypothesis' representations. training: the settings, for each half.
    """

    name: ClassVar[str] = "cross-displacement"

    unit: UnitFactory = richest_unit
    training: ParticleTraining = field(default=ESCAPE)

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """With the unit of the problem."""
        return cls(problem.unit)

    def bind(
        self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """The statistic for one hypothesis: (R, checkpoints).

        Raises:
            GroupError: `moves` is no `JointAction`, or not orthogonal. UnitError: the unit cannot be built for it.
            InputError: fewer than 4 samples.
        """
        return _from_fixed_space(self, moves, x, y, halves(len(x), rng, self.name, units), rng)


def _from_fixed_space(
    statistic: Displacement | CrossDisplacement,
    moves: Moves,
    x: Tensor,
    y: Tensor,
    folds: Tensor,
    rng: np.random.Generator,
) -> FittedStatistic:
    """mean_i <r_i, r'_i> of the first and the last of the folds (F, m), on which particles drawn on E^H are trained."""
    action, settings = orthogonal_action(moves, statistic.name), statistic.training
    unit = statistic.unit(action.in_rep, action.out_rep)
    space = fixed_space(unit.space.action)
    start, home = gaussian_start(space, settings.particles, settings.std, rng), Projector(space)
    step, order = settings.rate * first_step(unit, start, rng), minibatches(folds, settings, rng)
    scale = orbit_scale(action, x, y, rng)

    def product(first: Tensor, last: Tensor) -> Tensor:
        products = (home.residual(first) * home.residual(last)).sum(1).mean(-1)
        return above_rounding(products, settings.rounding**2 * (first.abs() * last.abs()).sum(1).mean(-1))

    def read(clouds: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([product(cloud[:, 0], cloud[:, -1]) for cloud in clouds], dim=1)

    trainer = RowTrainer(unit, settings, start, step, order, scale.moved)
    return scale.fitted(x, y, trainer.in_blocks(read), trainer.row_bytes(x, y))
