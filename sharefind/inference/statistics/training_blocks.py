"""One start, trained alike on the observed data and on every surrogate: in blocks that fit a cache, on workers if any.

Where the rows come from and what is read from the trained particles is left to `surrogate_training` for exact tests,
and to the search for its nodes.
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
"""Bytes of activations of the rows trained together: what stays in a core's cache trains 2 to 4 times faster."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True)
class SurrogateTraining:
    """Vanilla training of the same particles for every row: the observed data and its surrogates.

    Attributes:
        unit: What is trained.
        start: Particles, shape (1, D, N).
        config: Settings of one training.
        checkpoints: Increasing fractions of the horizon at which particles are kept, the last one 1.
        noise_space: The space that the noise is projected on, None without noise.
        schedule: Of the step size.
        penalty: The penalty, descended with the weight of the settings.
        must_learn: Whether a training that predicts much worse than at the start is an error.
        loss: What is descended.
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
        """Train rows.

        Args:
            source: Minibatches of each row, or one for all.
            rows: How many are trained, R.
            rng: Of the noise.
            progress: Called with the steps done and the steps in all.

        Returns:
            The particles of each row, shape (R, D, N), at each checkpoint.
        """
        start, gradient = self.start.expand(rows, -1, -1), vanilla_gradient(self.unit, self.loss)
        return train(
            gradient, start, source, self.config, rng, self.noise_space, self.checkpoints, progress,
            schedule=self.schedule, loss=self.loss, penalty=self.penalty, must_learn=self.must_learn,
        )  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Neighbouring rows that are trained together; row 0 of block 0 is the observed data.

    Attributes:
        number: Which block it is; random streams are named by it.
        first: Its first row.
        rows: Number of rows.
    """

    number: int
    first: int
    rows: int


class BlockTask(Protocol[T_co]):
    """Trains a block and reads its clouds; it is pickled where workers do it."""

    def __call__(self, block: Block, progress: Progress | None = None) -> T_co:
        """What is read of the block's rows."""
        ...


def blocks(rows: int, row_activations: int, cache_bytes: int = CACHE_BYTES) -> list[Block]:
    """Cut rows into blocks whose activations fit a cache, whatever the number of rows.

    Args:
        rows: Number of rows.
        row_activations: Numbers of double precision that one step of a row computes.
        cache_bytes: Bytes of the activations of a block; at least one row is in a block.

    Returns:
        The blocks, in order.
    """
    size = max(1, cache_bytes // (8 * row_activations))
    return [Block(n, first, min(size, rows - first)) for n, first in enumerate(range(0, rows, size))]


def in_blocks(
    task: BlockTask[T],
    cut: Sequence[Block],
    workers: Workers | None = None,
    progress: Progress | None = None,
    tasks_per_worker: int = 2,
) -> list[T]:
    """Do every block, with a result that depends neither on the workers nor on their number.

    Args:
        task: Trains and reads a block.
        cut: The blocks.
        workers: Who does them; this process alone if None.
        progress: Called with what is done and what there is in all.
        tasks_per_worker: Runs of neighbouring blocks for each worker: few, because each carries all the data with it.

    Returns:
        What was read of each block, in order.
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
    """Neighbouring blocks, done in a worker without progress reports; the deadline is honoured there, too."""

    task: BlockTask[Any]
    cut: Sequence[Block]
    workers: Workers

    def do(self) -> list[Any]:
        return [self.task(block, lambda _, __: self.workers.refuse_late()) for block in self.cut]
