"""Trainings at one node: observed data against randomised copies, replicates of a scheme, and free models.

Every experiment derives its random numbers from the node's identity and its own name, never from the order in which
nodes are visited or from the number of workers. What follows from the numbers is left to `stopping` and `growth`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import Group
from sharefind.meanfield.clouds import measures
from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.dynamics.sgd import Progress, Trajectory, gaussian_start, train
from sharefind.meanfield.objectives.schemes import Gradient, Scheme, scheme_gradient
from sharefind.meanfield.objectives.sources import AugmentedSource, PermutedCopies, RandomisedCopies, Source
from sharefind.parallel import Workers
from sharefind.rng import named_stream
from sharefind.search.config import CHECKPOINTS, STEPS_PER_EPOCH
from sharefind.search.problem import Problem
from sharefind.spaces import Subspace

EFFECT_STD = 0.03
"""Standard deviation of the start of `effect_training`, on whitened inputs, for units that learn near 0."""

TASKS_PER_WORKER = 2
"""Tasks that an experiment is cut into for each worker: few, because each carries the whole problem with it."""

BLOCK_BYTES = 2**20
"""Bytes of activations that one block of copies holds: what stays in a core's cache trains 2 to 4 times faster."""


@dataclass(frozen=True)
class Training:
    """One experiment's clouds in the user's coordinates.

    start (1 or R, D, N), final (R, D, N), risk (R,); time: when `final` was read, as a fraction of the horizon.
    """

    start: Tensor
    final: Tensor
    risk: Tensor
    time: float = 1.0

    def dist2(self, space: Subspace) -> NDArray[np.float64]:
        """dist^2 of every replicate's cloud to its projection, (R,)."""
        return _floats(measures.dist2(self.final, Projector(space)))

    def rmd2(self, space: Subspace) -> NDArray[np.float64]:
        """RMD^2 of every replicate's cloud to its projection, (R,)."""
        return _floats(measures.rmd2(self.final, Projector(space)))

    def relative_escape(self, space: Subspace) -> NDArray[np.float64]:
        """Root of dist^2 over the mean squared distance travelled, (R,); 0 for a cloud that did not move."""
        travelled = _floats(((self.final - self.start.to(self.final)) ** 2).sum(1).mean(-1))
        d2 = self.dist2(space)
        return np.sqrt(np.divide(d2, travelled, out=np.zeros_like(d2), where=travelled > 0))


def _floats(values: Tensor) -> NDArray[np.float64]:
    return np.asarray(values.double().cpu().numpy(), dtype=np.float64)


@dataclass(frozen=True)
class CopiesResult:
    """Observed data (row 0) against m copies.

    Attributes:
        components: (m + 1, C, K), the squared normal displacement at C checkpoints along K directions.
        dist2: (m + 1, C), dist^2 to the node in the user's coordinates. observed: row 0 at each checkpoint.
    """

    components: NDArray[np.float64]
    dist2: NDArray[np.float64]
    observed: tuple[Training, ...]

    def clearest_checkpoint(self) -> int:
        """The checkpoint at which the observed displacement stands out most from the copies."""
        spread = self.components.std(axis=0)
        centred = self.components[0] - self.components.mean(axis=0)
        scores = np.divide(centred, spread, out=np.zeros_like(spread), where=spread > 0)
        return int(scores.max(axis=1).argmax())


def on_space_start(problem: Problem, space: Subspace, key: str, replicates: int = 1) -> Tensor:
    """Particles on `space`, (replicates, D, N): the strongly invariant start when the space is E^H."""
    sgd = problem.settings.sgd
    rng = named_stream(problem.settings.seed, key, "start")
    return gaussian_start(space, sgd.particles, sgd.initial_std, rng, replicates=replicates)


def escape_training(problem: Problem, space: Subspace, key: str, progress: Progress | None = None) -> Training:
    """R replicates from the SAME particles on `space` with independent samples (disjoint folds of finite data)."""
    start = on_space_start(problem, space, key).expand(problem.settings.replicates, -1, -1)
    source = _scheme_source(problem, key, problem.settings.config.scheme, "escape", None)
    return _replicates(problem, space, (key, "escape"), problem.settings.config.scheme, start, source, progress)


def scheme_training(
    problem: Problem,
    space: Subspace,
    key: str,
    scheme: Scheme,
    progress: Progress | None = None,
    group: Group | None = None,
) -> Training:
    """R replicates on `space` under a scheme, each with its own start and samples; DA moves by `group`."""
    start = on_space_start(problem, space, key, problem.settings.replicates)
    source = _scheme_source(problem, key, scheme, scheme.value, group)
    return _replicates(problem, space, (key, scheme.value), scheme, start, source, progress)


def effect_training(problem: Problem, space: Subspace, key: str, progress: Progress | None = None) -> Training:
    """One vanilla training on `space`, for the size of the escape rather than its significance.

    An epoch is cut into at most `STEPS_PER_EPOCH` minibatches, so that the noise of small ones does not pass for an
    escape, and particles start close to 0, so that the way travelled is what was learned, where 0 is no saddle.
    """
    settings = problem.settings
    samples = problem.samples or 0
    batch = max(settings.sgd.batch, -(-samples // STEPS_PER_EPOCH))
    std = EFFECT_STD if problem.unit.hidden_rep is None else settings.sgd.initial_std
    sgd = settings.sgd.model_copy(update={"batch": batch, "initial_std": std})
    source = problem.common_source(named_stream(settings.seed, key, "effect", "samples"), sgd.batch)
    start = gaussian_start(space, sgd.particles, sgd.initial_std, named_stream(settings.seed, key, "effect", "start"))
    rng = named_stream(settings.seed, key, "effect", "noise")
    path = train(_gradient(problem, Scheme.VANILLA), start, source, sgd, rng, Projector(space), progress=progress)
    return Training(problem.carry_back(start), problem.carry_back(path.final), path.risk)


def _scheme_source(problem: Problem, key: str, scheme: Scheme, purpose: str, group: Group | None) -> Source:
    settings = problem.settings
    plain = problem.independent_source(named_stream(settings.seed, key, purpose, "samples"))
    if scheme is not Scheme.DA:
        return plain
    action = problem.joint_action(group or problem.candidate.group)
    return AugmentedSource(plain, action, settings.replicates, named_stream(settings.seed, key, purpose, "group"))


def _gradient(problem: Problem, scheme: Scheme) -> Gradient:
    action = ParticleAction(problem.space.action) if scheme is Scheme.FA else None
    fixed = Projector(problem.fixed_space) if scheme is Scheme.EA else None
    return scheme_gradient(scheme, problem.unit, action, fixed)


def _replicates(
    problem: Problem,
    space: Subspace,
    identity: tuple[str, ...],
    scheme: Scheme,
    start: Tensor,
    source: Source,
    progress: Progress | None,
) -> Training:
    settings = problem.settings
    rng = named_stream(settings.seed, *identity, "noise")
    path = train(_gradient(problem, scheme), start, source, settings.sgd, rng, Projector(space), progress=progress)
    return Training(problem.carry_back(start), problem.carry_back(path.final), path.risk)


@dataclass(frozen=True)
class CopiesPlan:
    """One randomisation experiment: what is trained, and how its displacement is read.

    Attributes:
        problem, space, key: the node. null: the group that moves the samples; None permutes the labels.
        directions: spaces above along which the displacement is read, Z last. identity: names the random streams.
        schedule: of the step size, the same for the data and for every copy.
    """

    problem: Problem
    space: Subspace
    key: str
    null: Group | None
    directions: tuple[Subspace, ...]
    identity: str
    schedule: Schedule = CONSTANT


@dataclass(frozen=True)
class _Block:
    components: NDArray[np.float64]
    dist2: NDArray[np.float64]
    observed: tuple[Training, ...]


def copies_experiment(plan: CopiesPlan, progress: Progress | None = None) -> CopiesResult:
    """Train on the observed data and on m randomised copies, from one start with common minibatches.

    Blocks of copies are independent: the workers of the settings share them, with the same result.
    """
    settings = plan.problem.settings
    rows = settings.copies + 1
    size = block_size(plan.problem)
    cuts = [(first, min(size, rows - first)) for first in range(0, rows, size)]
    if settings.workers.is_here:
        parts = [_train_block(plan, n, c, _scaled(progress, n, len(cuts))) for n, (_, c) in enumerate(cuts)]
    else:
        parts = _in_workers(plan, [c for _, c in cuts], settings.workers, progress)
    return CopiesResult(
        np.concatenate([p.components for p in parts]),
        np.concatenate([p.dist2 for p in parts]),
        parts[0].observed,
    )


def observed_experiment(plan: CopiesPlan, progress: Progress | None = None) -> Training:
    """Row 0 of `copies_experiment` alone: the same start, minibatches and schedule, without copies."""
    return _train_block(plan, 0, 1, progress).observed[-1]


@dataclass(frozen=True)
class _Run:
    """Neighbouring blocks of an experiment, (number, rows) each."""

    plan: CopiesPlan
    blocks: list[tuple[int, int]]


def _in_workers(plan: CopiesPlan, counts: list[int], workers: Workers, progress: Progress | None) -> list[_Block]:
    """Blocks in worker processes, `TASKS_PER_WORKER` runs of neighbouring blocks each."""
    blocks = list(enumerate(counts))
    cuts = np.linspace(0, len(blocks), min(len(blocks), workers.count() * TASKS_PER_WORKER) + 1).round().astype(int)
    runs = [_Run(plan, blocks[a:b]) for a, b in pairwise(cuts)]
    parts: dict[int, list[_Block]] = {}
    with closing(workers.map(_train_run, runs)) as results:
        for number, part in results:
            parts[number] = part
            if progress is not None:
                progress(sum(map(len, parts.values())), len(counts))
    return [block for number in range(len(runs)) for block in parts[number]]


def _train_run(run: _Run) -> list[_Block]:
    """In a worker: nobody there is told how far it is, but the deadline is kept."""
    workers = run.plan.problem.settings.workers
    return [_train_block(run.plan, number, rows, lambda _, __: workers.refuse_late()) for number, rows in run.blocks]


def _train_block(plan: CopiesPlan, number: int, rows: int, progress: Progress | None) -> _Block:
    """One block of rows; block 0 holds the observed data in its row 0."""
    problem, settings = plan.problem, plan.problem.settings
    start = on_space_start(problem, plan.space, plan.key)
    source = _copies_source(plan, rows, number)
    rng = named_stream(settings.seed, plan.key, plan.identity, "noise", str(number))
    path = train(
        _gradient(problem, Scheme.VANILLA),
        start.expand(rows, -1, -1),
        source,
        settings.sgd,
        rng,
        Projector(plan.space),
        CHECKPOINTS,
        progress,
        schedule=plan.schedule,
    )
    home = problem.carry_back(start)
    clouds = [problem.carry_back(cloud) for cloud in path.clouds]
    observed = (
        tuple(
            Training(home, cloud[:1].clone(), path.risk[:1], time)
            for cloud, time in zip(clouds, path.times, strict=True)
        )
        if number == 0
        else ()
    )
    dist2 = np.stack([_floats(measures.dist2(cloud, Projector(plan.space))) for cloud in clouds], axis=1)
    return _Block(displacements(path, plan.space, plan.directions), dist2, observed)


def displacements(path: Trajectory, space: Subspace, directions: tuple[Subspace, ...]) -> NDArray[np.float64]:
    """Mean squared normal displacement from `space` along each direction at each checkpoint: (R, C, K)."""
    home = Projector(space)
    bases = [torch.tensor(d.orthonormal()) for d in directions]
    columns = []
    for cloud in path.clouds:
        residual = home.residual(cloud)
        along = [(torch.matmul(b.to(residual), residual) ** 2).sum(1).mean(-1) for b in bases]
        columns.append(torch.stack(along, dim=1))
    return _floats(torch.stack(columns, dim=1))


def _scaled(progress: Progress | None, number: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, steps: progress(number * steps + done, total * steps)


def block_size(problem: Problem) -> int:
    """Rows trained at once: activations of one block stay near `BLOCK_BYTES`, whatever the number of copies."""
    settings = problem.settings
    row = 8 * settings.sgd.particles * settings.sgd.batch * problem.unit.width
    return max(1, min(settings.copies + 1, BLOCK_BYTES // row))


def _copies_source(plan: CopiesPlan, rows: int, block: int) -> Source:
    problem, seed = plan.problem, plan.problem.settings.seed
    base = problem.common_source(named_stream(seed, plan.key, plan.identity, "samples"))
    moves = named_stream(seed, plan.key, plan.identity, "moves", str(block))
    first = block == 0
    if plan.null is None:
        return PermutedCopies(base, problem.y, rows - int(first), moves, observed_first=first, units=problem.units)
    action = problem.joint_action(plan.null)
    return RandomisedCopies(
        base, action, rows - int(first), problem.samples, moves, observed_first=first, units=problem.units
    )


StageProgress = Callable[[str, int, int], None]
"""(stage, steps done, steps in all)."""


def staged(progress: StageProgress, stage: str) -> Progress:
    """The progress of one stage of a node."""
    return lambda done, total: progress(stage, done, total)
