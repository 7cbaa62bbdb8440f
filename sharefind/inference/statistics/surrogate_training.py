"""Training of particles on the data and on every copy at once, as exact tests need it: settings, scales, batches.

`training_blocks` trains; `displacement` and `held_out_gap` evaluate the trained particles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError, NotConvergedError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.statistics.training_blocks import (
    CACHE_BYTES,
    SurrogateTraining,
    TrainingBlock,
    blocks,
    in_blocks,
)
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.meanfield.dynamics.divergence import DivergedError
from sharefind.meanfield.dynamics.sgd import Progress, SGDConfig
from sharefind.meanfield.objectives.penalties import Penalty
from sharefind.meanfield.objectives.sources import Batch
from sharefind.meanfield.units import Unit
from sharefind.meanfield.units.invariance import Invariance

Reading = Callable[[Sequence[Tensor], Tensor, Tensor], Tensor]
"""Function (clouds (R, F, D, N) at each checkpoint, x (R, n, d_in), y (R, n, d_out)) -> (R, K)."""


@dataclass(frozen=True)
class ParticleTraining:
    """Settings of the trainings: the recursion of `meanfield.sgd` without noise, in minibatches of a finite data set.

    Attributes:
        particles: Number N of particles; with images of a group, the smallest number.
        steps: Number of steps.
        batch: Number B of samples of a minibatch, at most the number of samples.
        rate: Step of a particle, in units of `first_step`. Far above 1 training may diverge, which is an error.
        std: Standard deviation of the Gaussian start, for inputs and labels of spread 1.
        checkpoints: Increasing fractions of the steps at which particles are read; the last one is 1.
        unmoved: Weight of a ridge on the input weights of coordinates that the group fixes, which keeps irrelevant
            inputs out of the model; 0 for none.
        cache_bytes: Memory in bytes of hidden values of the rows trained together.
        rounding: Share of two numbers below which their difference is a rounding error.

    Raises:
        ConfigError: A number is out of range, or checkpoints do not increase to 1.
    """

    particles: int = 32
    steps: int = 60
    batch: int = 64
    rate: float = 1.0
    std: float = 1.0
    checkpoints: tuple[float, ...] = (0.05, 0.3, 1.0)
    unmoved: float = 0.0
    cache_bytes: int = CACHE_BYTES
    rounding: float = 1e-12

    def __post_init__(self) -> None:
        positive = (self.rate, self.std, *self.checkpoints)
        if min(self.particles, self.steps, self.batch) < 1 or not all(0 < v < math.inf for v in positive):
            raise ConfigError("particle training: give positive numbers of particles, steps, samples, rate and std")
        if not 0 <= self.unmoved < math.inf:
            raise ConfigError(f"particle training: unmoved={self.unmoved}; give a weight of 0 or more")
        if list(self.checkpoints) != sorted(set(self.checkpoints)) or self.checkpoints[-1:] != (1.0,):
            raise ConfigError(f"particle training: checkpoints {self.checkpoints} must increase to 1")

    def sgd(self, particles: int, step: float) -> SGDConfig:
        """Return the same settings for `meanfield.sgd.train`.

        Args:
            particles: Number of particles of a cloud.
            step: Each particle moves by this number times its gradient.
        """
        return SGDConfig(
            particles=particles,
            alpha=step * particles,
            horizon=self.steps / particles,
            batch=self.batch,
            tau=self.unmoved,
            beta=0.0,
            noise="none",
        )


def orthogonal_action(moves: AmbientMoves, statistic: str) -> JointAction:
    """Return the moves of a hypothesis as representations, from which units are built.

    Args:
        moves: The hypothesis.
        statistic: Name of the statistic in messages.

    Raises:
        GroupError: `moves` is only a sampler, or the group does not act by orthogonal matrices.
    """
    if not isinstance(moves, JointAction):
        raise GroupError(f"{statistic}: particles need the group's representations; give a JointAction")
    if not (moves.in_rep.is_orthogonal and moves.out_rep.is_orthogonal):
        raise GroupError(f"{statistic}: {moves.group.name} must act on X and Y orthogonally; change the basis")
    return moves


def halves(n: int, rng: np.random.Generator, statistic: str, units: Tensor | None = None) -> Tensor:
    """Return two disjoint random halves of n samples of the same size; remaining rows are left out.

    Args:
        n: Number of samples.
        rng: Source of the halves.
        statistic: Name of the statistic in messages.
        units: Unit of each row, shape (n,), int64; no unit is split. None if each row is a unit.

    Returns:
        Sample numbers, shape (2, n // 2), or fewer if units differ in size.

    Raises:
        InputError: There are fewer than 4 samples, or fewer than 2 units.
    """
    if n < 4:
        raise InputError(f"{statistic}: {n} samples have no two halves; give at least 4")
    if units is None:
        return torch.from_numpy(rng.permutation(n)[: n // 2 * 2].reshape(2, -1))
    sizes = np.bincount(units.numpy())
    order = rng.permutation(len(sizes))
    if len(order) < 2:
        raise InputError(f"{statistic}: rows of one unit have no two halves; give rows of two units or more")
    # Choose the cut with the most nearly equal halves.
    cut = 1 + int(np.abs(np.cumsum(sizes[order])[:-1] - n / 2).argmin())
    first = torch.isin(units, torch.from_numpy(order[:cut]))
    both = [torch.from_numpy(rng.permutation(torch.nonzero(part).flatten().numpy())) for part in (first, ~first)]
    size = min(len(part) for part in both)
    return torch.stack([part[:size] for part in both])


def minibatches(folds: Tensor, settings: ParticleTraining, rng: np.random.Generator) -> Tensor:
    """Return the samples of each step in reshuffled epochs, shape (F, steps, B), with B <= m.

    Args:
        folds: Sample numbers, shape (F, m), int64.
        settings: Settings of the trainings.
        rng: Source of the order.
    """
    count, size = folds.shape
    batch = min(settings.batch, size)
    epochs = math.ceil(settings.steps / (size // batch))
    order = torch.from_numpy(np.argsort(rng.random((count, epochs, size)), axis=-1))[..., : size // batch * batch]
    shuffled = torch.gather(folds.unsqueeze(1).expand(-1, epochs, -1), 2, order)
    return shuffled.reshape(count, -1, batch)[:, : settings.steps]


def first_step(unit: Unit, start: Tensor, rng: np.random.Generator, probes: int = 64) -> float:
    """Return 1 / kappa, where kappa is the mean trace of the tangent kernel at the start, per output, over Gaussian
    probes.

    A step s takes 2 s lambda off residuals along an eigenvector of that kernel. For standard inputs and one output no
    eigenvalue exceeds kappa by much, so s < 1 / kappa does not overshoot. Units with many neurons get smaller steps.
    The probes replace the data, so only `rng` and the hypothesis are used. The result is 1 if the gradient vanishes.

    Args:
        unit: The unit.
        start: Particles, shape (1, D, N).
        rng: Source of the probes.
        probes: Number of probes.
    """
    x = torch.from_numpy(rng.normal(size=(probes, 1, unit.d_in)))
    _, pullback = unit.linearise(x, start.expand(probes, -1, -1))
    outputs = torch.eye(unit.d_out, dtype=start.dtype).reshape(unit.d_out, 1, unit.d_out, 1)
    squares = [(pullback(out.expand(probes, -1, -1)) ** 2).sum(1).mean() for out in outputs]
    kappa = float(torch.stack(squares).mean())
    return 1 / kappa if kappa > 0 else 1.0


def above_rounding(values: Tensor, smallest: Tensor) -> Tensor:
    """Return values with 0 in place of values not larger than `smallest`, so that copies that move nothing are ties.

    Args:
        values: Any shape.
        smallest: Largest rounding errors, same shape.
    """
    return torch.where(values.abs() > smallest, values, torch.zeros_like(values))


@dataclass(frozen=True)
class RowTrainer:
    """Vanilla training of the same particles, on the same minibatches, for every row of data.

    Attributes:
        unit: The unit.
        settings: Settings of the trainings.
        start: Particles, shape (1, D, N).
        step: Step of a particle, alpha / N in the paper.
        order: Shape (F, steps, B), int64: the samples of each step of F trainings per row.
        moved: Shape (d_in,), bool: the coordinates that the group moves.
    """

    unit: Unit
    settings: ParticleTraining
    start: Tensor
    step: float
    order: Tensor
    moved: NDArray[np.bool_]

    def in_blocks(self, read: Reading) -> Callable[[Tensor, Tensor], Tensor]:
        """Return a function of scaled samples that trains and reads rows block by block: x (R, n, d_in), y (R, n,
        d_out) -> (R, K).

        Args:
            read: Evaluates the trained particles.
        """

        def evaluate(x: Tensor, y: Tensor) -> Tensor:
            y = y.expand(len(x), -1, -1)

            def trained(block: TrainingBlock, progress: Progress | None = None) -> Tensor:
                rows = slice(block.first, block.first + block.rows)
                return read(self.clouds(x[rows], y[rows]), x[rows], y[rows])

            return torch.cat(in_blocks(trained, blocks(len(x), self._activations, self.settings.cache_bytes)))

        return evaluate

    def row_bytes(self, x: Tensor, y: Tensor) -> int:
        """Return the memory in bytes of a row of samples in double precision.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
        """
        return 8 * (x.numel() + y.numel())

    @property
    def _activations(self) -> int:
        """Number of hidden values of a row in one step."""
        folds, _, batch = self.order.shape
        return folds * batch * max(1, self.unit.space.dim // (self.unit.d_in + 1)) * self.start.shape[-1]

    def clouds(self, x: Tensor, y: Tensor) -> list[Tensor]:
        """Return the particles at each checkpoint, shape (R, F, D, N) each.

        Args:
            x: Scaled inputs, shape (R, n, d_in).
            y: Scaled labels, shape (R, n, d_out).

        Raises:
            NotConvergedError: A training diverged; the message names a rate that works.
        """
        folds, settings = len(self.order), self.settings
        training = SurrogateTraining(
            self.unit,
            self.start,
            settings.sgd(self.start.shape[-1], self.step),
            settings.checkpoints,
            penalty=_ridge_on_unmoved(self.unit, self.moved),
            must_learn=False,
        )
        no_noise = np.random.default_rng(0)
        try:
            path = training.trained(_RowBatches(x, y, self.order), len(x) * folds, no_noise)
        except DivergedError as error:
            rate = settings.rate
            advice = "rescale the data" if error.factor is None else f"try rate={rate * error.factor:.3g}"
            message = str(error).partition(";")[0]
            raise NotConvergedError(f"{message}, with ParticleTraining(rate={rate:g}); {advice}") from None
        return [cloud.reshape(len(x), folds, *cloud.shape[1:]) for cloud in path.clouds]


@dataclass(frozen=True)
class _RowBatches:
    """A source with step k of every row and fold: x (R, n, d_in), y (R, n, d_out), order (F, steps, B)."""

    x: Tensor
    y: Tensor
    order: Tensor

    def batch(self, step: int) -> Batch:
        index = self.order[:, step]
        return Batch(self.x[:, index].flatten(0, 1), self.y[:, index].flatten(0, 1))


def _ridge_on_unmoved(unit: Unit, moved: NDArray[np.bool_]) -> Penalty:
    """Return |w|^2 / 2 over the input weights w of coordinates that the group fixes; this penalty is invariant."""
    space, still = unit.space, np.zeros(unit.space.dim)
    space.split(still)["weight"][...] = ~moved
    mask = torch.from_numpy(still).unsqueeze(-1)
    return Penalty(
        "ridge-on-unmoved",
        lambda theta: (mask * theta**2).sum(1) / 2,
        lambda theta: mask * theta,
        Invariance.ORTHOGONAL,
    )
