"""The displacement of particles from E^H as a test statistic: do particles that start on E^H leave it?

If the law has the symmetry H, large clouds that start on E^H stay near it (Maass & Fontbona 2024, Thm 5). The copies
show the displacement by sampling noise alone, so no threshold is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sharefind.inference.ambient_moves import AmbientMoves
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
    """The mean of |theta_i - P theta_i|^2 over particles at each checkpoint, P the projection on E^H: the paper's
    dist^2.

    Particles are drawn on E^H and trained vanilla on all samples, with the same start and the same minibatches for the
    data and for every copy. Each checkpoint is a component. The components are combined by the studentised maximum over
    data and copies (`combined`), so the horizon need not be chosen, and the test stays exact.

    If E^H is all of Z, or every start is stationary (the origin of Z, without a linear signal), all values are 0 and
    the p-value is 1. With `neuron_unit`, the default for infinite groups, E^H contains no function of the moved inputs,
    and almost only a linear signal leads away from it. In this case `HeldOutGap` has more power.

    Attributes:
        unit: Builds the unit from the hypothesis' representations.
        training: Settings of the trainings.
        name: Name in settings and records.
    """

    name: ClassVar[str] = "displacement"

    unit: UnitFactory = richest_unit
    training: ParticleTraining = field(default=ESCAPE)

    @classmethod
    def of_problem(cls, problem: ProblemTraits) -> Self:
        """Return the statistic with the unit of the problem."""
        return cls(problem.unit)

    def bind(
        self, moves: AmbientMoves, x: Tensor, y: Tensor, rng: np.random.Generator, units: Tensor | None = None
    ) -> FittedStatistic:
        """Return the statistic for one hypothesis, with values of shape (R, checkpoints).

        Raises:
            GroupError: `moves` is not a `JointAction`, or not orthogonal.
            UnitError: The unit cannot be built for the hypothesis.
            InputError: There are fewer samples than the folds need.
        """
        action, settings = orthogonal_action(moves, self.name), self.training
        folds, unit = self._folds(len(x), rng, units), self.unit(action.in_rep, action.out_rep)
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

    def _folds(self, n: int, rng: np.random.Generator, units: Tensor | None) -> Tensor:
        """Return the sample numbers of each training, (F, m)."""
        return torch.arange(n).unsqueeze(0)


@dataclass(frozen=True)
class CrossDisplacement(Displacement):
    """The mean of <r_i^A, r_i^B> at each checkpoint, with r = theta - P theta after training on two disjoint halves of
    the data.

    The same particles on E^H see both halves. Displacements by noise are independent given the start and average to
    zero; those by a broken symmetry agree. Everything else is as in `Displacement`.

    Attributes:
        name: Name in settings and records.
    """

    name: ClassVar[str] = "cross-displacement"

    def _folds(self, n: int, rng: np.random.Generator, units: Tensor | None) -> Tensor:
        return halves(n, rng, self.name, units)
