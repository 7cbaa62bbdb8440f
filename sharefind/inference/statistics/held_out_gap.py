"""The held-out symmetry gap as a test statistic: does a model that is free to break H predict worse at g x?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, Group, Representation
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.fitted_statistic import FittedStatistic
from sharefind.inference.statistics.origin import orbit_scale
from sharefind.inference.statistics.searched_particles import UnitFactory, neuron_unit
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
from sharefind.meanfield.clouds.actions import JointAction, ParticleAction
from sharefind.meanfield.clouds.measures import symmetrise
from sharefind.meanfield.clouds.models import predict, squared_risk
from sharefind.meanfield.dynamics.sgd import gaussian_start
from sharefind.meanfield.units import Unit
from sharefind.spaces import Subspace

FREE = ParticleTraining(particles=48, steps=60)
"""Settings of the trainings of free models."""


@dataclass(frozen=True)
class HeldOutGap(SearchStatistic):
    """The mean of l(rhohat_g y, f(rho_g x)) - l(y, f(x)) over samples and g in H, with squared loss l and f not trained
    on x.

    Particles have a weakly invariant start: Gaussian particles with all their images under H (for groups larger than
    `listed`, images under Haar draws). f is therefore symmetric at first, but training may break the symmetry. One half
    of the samples trains f and the other judges it, then they are exchanged; the two gaps are averaged. If H holds, an
    asymmetry of f is noise and does not lower the loss on new samples. Each checkpoint is a component. The components
    are combined by the studentised maximum over data and copies (`combined`), so the horizon need not be chosen, and
    the test stays exact.

    Attributes:
        unit: Builds the unit from the hypothesis' representations.
        training: Settings of the trainings on each half.
        splits: Number of splits into halves over which the gap is averaged; each costs two trainings per row.
        listed: Largest order of a group whose elements are all used; larger and infinite ones give this number of Haar
            draws.
        judged: Largest number of samples of a half that are judged; more would cost more than training, and gain
            little.
        name: Name in settings and records.

    Raises:
        ConfigError: `splits` is below 1.
    """

    name: ClassVar[str] = "held-out-gap"

    unit: UnitFactory = neuron_unit
    training: ParticleTraining = field(default=FREE)
    splits: int = 3
    listed: int = 32
    judged: int = 1000

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise ConfigError(f"held-out gap: splits={self.splits}; give 1 or more")

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
            InputError: There are fewer than 4 samples.
        """
        action, settings = orthogonal_action(moves, self.name), self.training
        unit = self.unit(action.in_rep, action.out_rep)
        start = weakly_invariant_start(unit.space.action, settings, rng, self.listed)
        cuts = [halves(len(x), rng, self.name, units) for _ in range(self.splits)]
        shortest = min(cut.shape[1] for cut in cuts)
        folds = torch.cat([cut[:, :shortest] for cut in cuts])
        # Each half is judged by the particles that the other half trained.
        judged = folds.reshape(self.splits, 2, -1).flip(1).flatten(0, 1)[:, : self.judged]
        step, order = settings.rate * first_step(unit, start, rng), minibatches(folds, settings, rng)
        scale = orbit_scale(action, x, y, rng)
        elements = _elements(action, rng, self.listed)

        def read(clouds: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
            samples, labels = x[:, judged].flatten(0, 1), y[:, judged].flatten(0, 1)
            # One element at a time, because each needs the memory of all hidden values of the samples.
            images = [action.move(g, samples, labels) for g in elements]
            found = [_gap(unit, cloud.flatten(0, 1), (samples, labels), images) for cloud in clouds]
            gaps = [above_rounding(gap, settings.rounding * size) for gap, size in found]
            return torch.stack([gap.reshape(-1, len(judged)).mean(1) for gap in gaps], dim=1)

        trainer = RowTrainer(unit, settings, start, step, order, scale.moved)
        return scale.fitted(x, y, trainer.in_blocks(read), trainer.row_bytes(x, y))


def weakly_invariant_start(
    action: Representation, settings: ParticleTraining, rng: np.random.Generator, listed: int = 32
) -> Tensor:
    """Return Gaussian particles with their images under M, in whole orbits.

    Args:
        action: The action M.
        settings: Settings of the trainings.
        rng: Source of the particles, and of draws of M.
        listed: Largest order of a group whose images are all used; others give this number of images under Haar draws.

    Returns:
        Particles, shape (1, D, N), with N at least `settings.particles`.
    """
    order = _order(action.group, listed)
    count = math.ceil(settings.particles / (order or listed))
    drawn = gaussian_start(Subspace.full(action.dim), count, settings.std, rng)
    if order is not None:
        return symmetrise(drawn, ParticleAction(action))
    matrices = torch.from_numpy(action.sample_matrices(rng, listed))
    return torch.einsum("gde,ren->rdgn", matrices, drawn).flatten(2)


def _order(group: Group, listed: int) -> int | None:
    """Return the order of a group whose elements are all used, None for others."""
    return group.order if isinstance(group, FiniteGroup) and group.order <= listed else None


def _elements(action: JointAction, rng: np.random.Generator, listed: int) -> list[Any]:
    """Return all elements, or `listed` Haar draws, each of shape (1, 1) so that it moves all samples."""
    order = _order(action.group, listed)
    if order is not None:
        return list(torch.arange(order).reshape(-1, 1, 1))
    return [action.draw((1, 1), rng) for _ in range(listed)]


def _gap(
    unit: Unit, theta: Tensor, samples: tuple[Tensor, Tensor], images: Sequence[tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return the mean loss at the images of samples minus that at samples, and their sum: theta (R, D, N), x (R, m,
    d_in).
    """
    at_samples = squared_risk(predict(unit, samples[0], theta), samples[1])
    at_images = torch.stack([squared_risk(predict(unit, x, theta), y) for x, y in images]).mean(0)
    return at_images - at_samples, at_images + at_samples
