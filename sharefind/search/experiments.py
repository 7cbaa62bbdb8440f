"""Trainings at one node: observed data against randomised copies, replicates of a scheme, and free models.

Every experiment derives its random numbers from the node's identity and its own name, never from the order in which
nodes are visited or from the number of workers. The rules draw conclusions from the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import Group
from sharefind.inference.statistics.training_blocks import SurrogateTraining, TrainingBlock, blocks, in_blocks
from sharefind.meanfield.clouds import measures
from sharefind.meanfield.clouds.actions import ParticleAction
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.dynamics.sgd import Progress, SGDConfig, Trajectory, gaussian_start, train
from sharefind.meanfield.objectives.schemes import Scheme, scheme_gradient
from sharefind.meanfield.objectives.sources import AugmentedSource, PermutedCopies, RandomisedCopies, Source
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.problem import Problem
from sharefind.spaces import Subspace


@dataclass(frozen=True)
class Training:
    """Clouds of one experiment, in the user's coordinates.

    Attributes:
        start: Particles at the start, shape (1 or R, D, N).
        final: Particles at the end, shape (R, D, N).
        risk: Risk of each replicate, shape (R,).
        time: When `final` was read, as a fraction of the horizon.
    """

    start: Tensor
    final: Tensor
    risk: Tensor
    time: float = 1.0

    def dist2(self, space: Subspace) -> NDArray[np.float64]:
        """Return dist^2 of every replicate's cloud to its projection, shape (R,).

        Args:
            space: The space of the projection.
        """
        return _floats(measures.dist2(self.final, Projector(space)))

    def rmd2(self, space: Subspace) -> NDArray[np.float64]:
        """Return RMD^2 of every replicate's cloud to its projection, shape (R,).

        Args:
            space: The space of the projection.
        """
        return _floats(measures.rmd2(self.final, Projector(space)))

    def relative_escape(self, space: Subspace) -> NDArray[np.float64]:
        """Return the root of dist^2 over the mean squared distance travelled, shape (R,); 0 for a cloud that did not
        move.

        Args:
            space: The space of the projection.
        """
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
        dist2: (m + 1, C), dist^2 to the node in the user's coordinates.
        observed: row 0 at each checkpoint; empty for a block of copies alone.
    """

    components: NDArray[np.float64]
    dist2: NDArray[np.float64]
    observed: tuple[Training, ...]

    def clearest_checkpoint(self) -> int:
        """Return the checkpoint at which the observed displacement stands out most from the copies."""
        spread = self.components.std(axis=0)
        centred = self.components[0] - self.components.mean(axis=0)
        scores = np.divide(centred, spread, out=np.zeros_like(spread), where=spread > 0)
        return int(scores.max(axis=1).argmax())


def on_space_start(problem: Problem, space: Subspace, key: str, replicates: int = 1) -> Tensor:
    """Return particles on a subspace: the strongly invariant start when the space is E^H.

    Args:
        problem: The problem.
        space: The subspace.
        key: Key of the node, which names the random stream.
        replicates: Number R of clouds.

    Returns:
        Shape (R, D, N).
    """
    sgd = problem.settings.sgd
    rng = named_stream(problem.settings.seed, key, "start")
    return gaussian_start(space, sgd.particles, sgd.initial_std, rng, replicates=replicates)


def escape_training(problem: Problem, space: Subspace, key: str, progress: Progress | None = None) -> Training:
    """Train R replicates from the same particles on a space with independent samples (disjoint folds of finite data).

    Args:
        problem: The problem.
        space: The space.
        key: Key of the node.
        progress: Called with the steps done and the steps in all.

    Returns:
        The clouds.
    """
    start = on_space_start(problem, space, key).expand(problem.settings.replicates, -1, -1)
    source = _scheme_source(problem, key, problem.settings.config.scheme, "escape", None)
    return _trained(problem, space, (key, "escape"), problem.settings.config.scheme, start, source, progress)


def scheme_training(
    problem: Problem,
    space: Subspace,
    key: str,
    scheme: Scheme,
    progress: Progress | None = None,
    group: Group | None = None,
) -> Training:
    """Train R replicates on a space under a scheme, each with its own start and samples.

    Args:
        problem: The problem.
        space: The space.
        key: Key of the node.
        scheme: The scheme.
        progress: Called with the steps done and the steps in all.
        group: The group that moves samples under DA.

    Returns:
        The clouds.
    """
    start = on_space_start(problem, space, key, problem.settings.replicates)
    source = _scheme_source(problem, key, scheme, scheme.value, group)
    return _trained(problem, space, (key, scheme.value), scheme, start, source, progress)


def effect_training(
    problem: Problem, space: Subspace, key: str, progress: Progress | None = None, linear_std: float = 0.03
) -> Training:
    """One vanilla training on `space`, for the size of the escape rather than its significance.

    An epoch is cut into few minibatches, so that the noise of small ones does not pass for an escape, and particles
    start close to 0, so that the way travelled is what was learned, where 0 is no saddle.

    Args:
        problem: The problem of the search.
        space: E_j.
        key: Names the random streams.
        progress: Called with the steps done and the steps in all.
        linear_std: Standard deviation of the start, on whitened inputs, for units that learn near 0.

    Returns:
        The training.
    """
    settings = problem.settings
    batch = max(settings.sgd.batch, -(-(problem.samples or 0) // settings.presets.steps_per_epoch))
    std = linear_std if problem.unit.hidden_rep is None else settings.sgd.initial_std
    sgd = settings.sgd.model_copy(update={"batch": batch, "initial_std": std})
    source = problem.common_source(named_stream(settings.seed, key, "effect", "samples"), sgd.batch)
    start = gaussian_start(space, sgd.particles, sgd.initial_std, named_stream(settings.seed, key, "effect", "start"))
    return _trained(problem, space, (key, "effect"), Scheme.VANILLA, start, source, progress, sgd)


def _scheme_source(problem: Problem, key: str, scheme: Scheme, purpose: str, group: Group | None) -> Source:
    settings = problem.settings
    plain = problem.independent_source(named_stream(settings.seed, key, purpose, "samples"))
    if scheme is not Scheme.DA:
        return plain
    action = problem.joint_action(group or problem.candidate.group)
    return AugmentedSource(plain, action, settings.replicates, named_stream(settings.seed, key, purpose, "group"))


def _trained(
    problem: Problem,
    space: Subspace,
    identity: tuple[str, ...],
    scheme: Scheme,
    start: Tensor,
    source: Source,
    progress: Progress | None,
    sgd: SGDConfig | None = None,
) -> Training:
    action = ParticleAction(problem.space.action) if scheme is Scheme.FA else None
    fixed = Projector(problem.fixed_space) if scheme is Scheme.EA else None
    loss = problem.loss
    gradient = scheme_gradient(scheme, problem.unit, action, fixed, loss)
    rng = named_stream(problem.settings.seed, *identity, "noise")
    sgd = sgd or problem.settings.sgd
    path = train(gradient, start, source, sgd, rng, Projector(space), progress=progress, loss=loss)
    return Training(problem.to_user_coordinates(start), problem.to_user_coordinates(path.final), path.risk)


@dataclass(frozen=True)
class CopiesPlan:
    """One randomisation experiment: what is trained, and how its displacement is read.

    Attributes:
        problem: The problem.
        space: The space of the node.
        key: Key of the node.
        null: The group that moves the samples; None permutes the labels.
        directions: Spaces above along which the displacement is read, Z last.
        identity: Names the random streams.
        schedule: Schedule of the step size, the same for the data and for every copy.
    """

    problem: Problem
    space: Subspace
    key: str
    null: Group | None
    directions: tuple[Subspace, ...]
    identity: str
    schedule: Schedule = CONSTANT

    @property
    def checkpoints(self) -> tuple[float, ...]:
        """Fractions of the horizon at which particles are read."""
        return self.problem.settings.presets.checkpoints

    def blocks(self, rows: int) -> list[TrainingBlock]:
        """Return the first rows, the observed data among them, in blocks that are trained together.

        Args:
            rows: Number of rows.
        """
        sgd = self.problem.settings.sgd
        return blocks(rows, sgd.particles * sgd.batch * self.problem.unit.width)

    def __call__(self, block: TrainingBlock, progress: Progress | None = None) -> CopiesResult:
        """Train a block of rows on its own random streams, and read it."""
        problem, settings = self.problem, self.problem.settings
        start, home = on_space_start(problem, self.space, self.key), Projector(self.space)
        training = SurrogateTraining(
            problem.unit, start, settings.sgd, self.checkpoints, home, self.schedule, loss=problem.loss
        )
        rng = named_stream(settings.seed, self.key, self.identity, "noise", str(block.number))
        path = training.trained(self._source(block), block.rows, rng, progress)
        clouds = [problem.to_user_coordinates(cloud) for cloud in path.clouds]
        dist2 = np.stack([_floats(measures.dist2(cloud, home)) for cloud in clouds], axis=1)
        began, read = problem.to_user_coordinates(start), zip(clouds, path.times, strict=True)
        observed = (Training(began, cloud[:1].clone(), path.risk[:1], time) for cloud, time in read)
        components = displacements(path, self.space, self.directions)
        return CopiesResult(components, dist2, tuple(observed) if block.number == 0 else ())

    def _source(self, block: TrainingBlock) -> Source:
        problem, seed = self.problem, self.problem.settings.seed
        base = problem.common_source(named_stream(seed, self.key, self.identity, "samples"))
        moves = named_stream(seed, self.key, self.identity, "moves", str(block.number))
        first = block.number == 0
        copies = block.rows - int(first)
        if self.null is None:
            return PermutedCopies(base, problem.y, copies, moves, observed_first=first, units=problem.units)
        action = problem.joint_action(self.null)
        return RandomisedCopies(base, action, copies, problem.samples, moves, observed_first=first, units=problem.units)


def copies_experiment(plan: CopiesPlan, progress: Progress | None = None) -> CopiesResult:
    """Train on the observed data and on m randomised copies, from one start with common minibatches.

    Blocks of copies are independent: the workers of the settings share them, with the same result.

    Args:
        plan: The experiment.
        progress: Called with the steps done and the steps in all.

    Returns:
        The displacements of the data and of the copies.
    """
    settings = plan.problem.settings
    parts = in_blocks(plan, plan.blocks(settings.training_copies + 1), settings.workers, progress)
    components, dist2 = (np.concatenate(each) for each in zip(*((p.components, p.dist2) for p in parts), strict=True))
    return CopiesResult(components, dist2, parts[0].observed)


def observed_experiment(plan: CopiesPlan, progress: Progress | None = None) -> Training:
    """Train as row 0 of `copies_experiment` alone: the same start, minibatches and schedule, without copies.

    Args:
        plan: The experiment.
        progress: Called with the steps done and the steps in all.

    Returns:
        The clouds.
    """
    return plan(plan.blocks(1)[0], progress).observed[-1]


def displacements(path: Trajectory, space: Subspace, directions: tuple[Subspace, ...]) -> NDArray[np.float64]:
    """Return the mean squared normal displacement from a space along each direction at each checkpoint.

    Args:
        path: A training with C checkpoints.
        space: The space.
        directions: K spaces above it.

    Returns:
        Shape (R, C, K).
    """
    home, onto = Projector(space), [Projector(d) for d in directions]
    columns = []
    for cloud in path.clouds:
        residual = home.residual(cloud)
        along = [(project(residual) ** 2).sum(1).mean(-1) for project in onto]
        columns.append(torch.stack(along, dim=1))
    return _floats(torch.stack(columns, dim=1))


def staged(progress: StageProgress, stage: str) -> Progress:
    """Return the progress of one stage of a node.

    Args:
        progress: Progress of the node.
        stage: Name of the stage.
    """
    return lambda done, total: progress(stage, done, total)
