"""Trains the same start on the observed data and on every surrogate, in blocks that fit a cache, optionally on workers.

`surrogate_training` supplies rows and evaluates particles for exact tests; the search does so for its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor

from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.dynamics.sgd import Progress, SGDConfig, Trajectory, train
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import RIDGE, Penalty
from sharefind.meanfield.objectives.schemes import vanilla_gradient
from sharefind.meanfield.objectives.sources import Source
from sharefind.meanfield.units import Unit
from sharefind.parallel import Workers

CACHE_BYTES = 2**20
"""Memory in bytes of activations of the rows trained together; data that stay in a core's cache train 2 to 4 times
faster.
"""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class SurrogateTraining:
    """Vanilla training of the same particles for every row: the observed data and its surrogates.

    Attributes:
        unit: The unit.
        start: Particles, shape (1, D, N).
        config: Settings of one training.
        checkpoints: Increasing fractions of the horizon at which particles are kept; the last one is 1.
        noise_space: The space on which the noise is projected; None without noise.
        schedule: Schedule of the step size.
        penalty: The penalty, with the weight in the settings.
        must_learn: Whether a training that predicts much worse than at the start is an error.
        loss: The loss that is descended.
    """

    unit: Unit
    start: Tensor
    config: SGDConfig
    checkpoints: Sequence[float]
    noise_space: Projector | None = None
    schedule: Schedule = CONSTANT
    penalty: Penalty = RIDGE
    must_learn: bool = True
    loss: Loss = SQUARED

    def trained(
        self, source: Source, rows: int, rng: np.random.Generator, progress: Progress | None = None
    ) -> Trajectory:
        """Return the trained particles of each row, shape (R, D, N), at each checkpoint.

        Args:
            source: Minibatches of each row, or common ones.
            rows: Number R of rows.
            rng: Source of the noise.
            progress: Called with the steps done and the number of steps.
        """
        start, gradient = self.start.expand(rows, -1, -1), vanilla_gradient(self.unit, self.loss)
        return train(
            gradient, start, source, self.config, rng, self.noise_space, self.checkpoints, progress,
            schedule=self.schedule, loss=self.loss, penalty=self.penalty, must_learn=self.must_learn,
        )  # fmt: skip


@dataclass(frozen=True)
class TrainingBlock:
    """Neighbouring rows that are trained together; row 0 of block 0 is the observed data.

    Attributes:
        number: Number of the block, which names its random streams.
        first: Its first row.
        rows: Number of rows.
    """

    number: int
    first: int
    rows: int


class BlockTask(Protocol[T_co]):
    """Trains a block and evaluates its clouds; it is pickled for workers."""

    def __call__(self, block: TrainingBlock, progress: Progress | None = None) -> T_co:
        """The part of the block's rows that is read."""
        ...


def blocks(rows: int, row_activations: int, cache_bytes: int = CACHE_BYTES) -> list[TrainingBlock]:
    """Return rows split into blocks whose activations fit a cache.

    Args:
        rows: Number of rows.
        row_activations: Number of double-precision values that one step of a row computes.
        cache_bytes: Memory in bytes of the activations of a block; a block has at least one row.
    """
    size = max(1, cache_bytes // (8 * row_activations))
    return [TrainingBlock(n, first, min(size, rows - first)) for n, first in enumerate(range(0, rows, size))]


def in_blocks(
    task: BlockTask[T],
    cut: Sequence[TrainingBlock],
    workers: Workers | None = None,
    progress: Progress | None = None,
    tasks_per_worker: int = 2,
) -> list[T]:
    """Return the results of all blocks, in order; they depend neither on the workers nor on their number.

    Args:
        task: Trains and evaluates a block.
        cut: The blocks.
        workers: Processes that do the work; None uses this process.
        progress: Called with the work done and the total work.
        tasks_per_worker: Number of runs of neighbouring blocks per worker; it is small, because each run carries all
            the data.
    """
    workers = workers or Workers()
    if workers.is_here:
        return [task(block, _part(progress, block.number, len(cut))) for block in cut]
    edges = np.linspace(0, len(cut), min(len(cut), workers.count() * tasks_per_worker) + 1).round().astype(int)
    runs = [_Run(task, cut[a:b], workers) for a, b in pairwise(edges)]
    parts: dict[int, list[T]] = {}
    with closing(workers.map(_Run.do, runs)) as results:
        for number, part in results:
            parts[number] = part
            if progress is not None:
                progress(sum(map(len, parts.values())), len(cut))
    return [found for number in range(len(runs)) for found in parts[number]]


def _part(progress: Progress | None, number: int, total: int) -> Progress | None:
    return progress and (lambda done, steps: progress(number * steps + done, total * steps))


@dataclass(frozen=True)
class _Run:
    """Neighbouring blocks, run in a worker without progress reports; the deadline is honoured."""

    task: BlockTask[Any]
    cut: Sequence[TrainingBlock]
    workers: Workers

    def do(self) -> list[Any]:
        return [self.task(block, lambda _, __: self.workers.refuse_late()) for block in self.cut]
