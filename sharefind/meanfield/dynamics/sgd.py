"""Stochastic gradient descent on a cloud of particles, replicates batched in one tensor.

The recursion of Maass & Fontbona 2024 (SGD and projected-noise SGD): with s_k = alpha eps_N varsigma(k eps_N) and
eps_N = 1/N, theta_i <- theta_i - s_k (grad_z sigma*(X_k, theta_i) . grad_1 l(Phi(X_k), Y_k) + tau grad r(theta_i))
+ sqrt(2 beta s_k) xi.
By default varsigma = 1, r(z) = |z|^2 / 2 and l(y, y') = |y - y'|^2, the paper's. `sources` has the samples.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.fresh_samples import compiled_samples
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.divergence import Watch
from sharefind.meanfield.dynamics.noise import NoiseShape
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.dynamics.settings import PACE, Pace
from sharefind.meanfield.dynamics.settings import SGDConfig as SGDConfig
from sharefind.meanfield.dynamics.stepping import Chunk, CompiledSteps, Steps, choose_steps, is_compiled
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import RIDGE, Penalty
from sharefind.meanfield.objectives.schemes import Gradient, VanillaGradient
from sharefind.meanfield.objectives.sources import Source, read_steps
from sharefind.meanfield.units import SearchedUnit
from sharefind.spaces import Subspace

Progress = Callable[[int, int], None]
"""(steps done, steps in all)."""


@dataclass(frozen=True)
class Trajectory:
    """The result of a training.

    Attributes:
        clouds: particles (R, D, N) at each checkpoint, the last one at the horizon.
        times: the checkpoints, as fractions of the horizon.
        risk: mean loss (R,) over the minibatches after the last checkpoint but one, before each update.
    """

    clouds: tuple[Tensor, ...]
    times: tuple[float, ...]
    risk: Tensor

    @property
    def final(self) -> Tensor:
        """Particles (R, D, N) at the horizon."""
        return self.clouds[-1]


def gaussian_start(
    space: Subspace, particles: int, std: float, rng: np.random.Generator, replicates: int = 1
) -> Tensor:
    """Return particles drawn from N(0, std^2 I) and projected on a subspace.

    Args:
        space: The subspace E_j on which particles start (an SI start when it is E^G).
        particles: Number N of particles.
        std: Standard deviation of every coordinate.
        rng: Source of the draws.
        replicates: Number R of clouds.

    Returns:
        Shape (R, D, N), float64.
    """
    cloud = torch.from_numpy(rng.normal(0.0, std, size=(replicates, space.ambient, particles)))
    return Projector(space)(cloud)


def train(
    gradient: Gradient,
    start: Tensor,
    source: Source,
    config: SGDConfig,
    rng: np.random.Generator,
    noise_space: Projector | None = None,
    checkpoints: Sequence[float] = (1.0,),
    progress: Progress | None = None,
    *,
    schedule: Schedule = CONSTANT,
    penalty: Penalty = RIDGE,
    loss: Loss = SQUARED,
    must_learn: bool = True,
    pace: Pace = PACE,
) -> Trajectory:
    """Run the SGD recursion for N T steps.

    Args:
        gradient: The gradient of a scheme, see `schemes.scheme_gradient`.
        start: theta^0, shape (R, D, N), N as in `config`.
        source: Minibatches for the R replicates.
        config: The settings.
        rng: Source of the Gaussian noise.
        noise_space: P_E of the projected noise; needed when `config.noise` is "projected" and beta > 0.
        checkpoints: Increasing fractions of the horizon at which the cloud is kept; the last must be 1.
        progress: Called with the steps done and the steps in all.
        schedule: The step-size schedule varsigma.
        penalty: The penalty r, descended with weight tau.
        loss: Loss of the recorded risk; the loss that is descended belongs to `gradient`.
        must_learn: Whether exploding, and predicting much worse than at the start, is a divergence; a statistic may be
            of any finite training.
        pace: How much is done at once, and how often progress is reported.

    Returns:
        The clouds at the checkpoints and the risks of the steps.

    Raises:
        ConfigError: The start, the source or the checkpoints do not fit, or `noise_space` is needed and missing.
        NotConvergedError: Particles are not finite, exploded, or predict much worse than at the start; the message
            names the replicate and a step that works.
    """
    _refuse_misfits(config, start, noise_space, checkpoints)
    theta = start.to(device=config.device, dtype=config.torch_dtype).clone(memory_format=torch.contiguous_format)
    recursion = gradient, loss, penalty, config.tau
    noise, seed = _noise(config, theta, noise_space), int(rng.integers(2**63))
    marks = [max(1, round(c * config.steps)) for c in checkpoints]
    clouds: list[Tensor] = []
    risk = torch.zeros(len(theta), dtype=torch.float64, device=theta.device)
    steps: Steps | None = None
    is_quick = is_compiled(config.backend, recursion, theta, config.run_activations, pace)
    watch = Watch(gradient, loss, penalty, start.to(theta), config, must_learn)
    first, length, last_window = 0, 1, marks[-2] if len(marks) > 1 else 0
    tell = _Teller(progress, config.steps, pace)
    while first < config.steps:
        until = min(m for m in (*marks, first + length) if m > first)
        with compiled_samples(is_quick):
            x, y = read_steps(source, first, until)
        if steps is None:
            _refuse_other_rows(x, y, theta)
            activations = float(config.steps * len(theta) * x.shape[2] * config.particles * _width(gradient, y))
            work = max(activations, config.run_activations)
            steps = choose_steps(config.backend, recursion, noise, seed, theta, work, pace)
            is_quick = isinstance(steps, CompiledSteps)
            drawn = theta.numel() if noise is not None and steps.draws_noise else 0
            length = _chunk_length(x, y, theta, drawn, pace)
        sizes = tuple(config.step_size * schedule.value(k / config.particles) for k in range(first, until))
        chunk = Chunk(x.to(theta), y.to(theta), first, sizes, config.tau, config.beta)
        theta = steps.advance(theta, chunk, risk if first >= last_window else None, tell)
        watch.follow(theta, chunk)
        if until == config.steps:
            watch.finish(theta, chunk)
        kept = sum(m == until for m in marks[len(clouds) :])
        clouds += [theta.clone()] * kept if until < config.steps else [theta] * kept
        tell(until, first)
        first = until
    return Trajectory(tuple(clouds), tuple(checkpoints), risk.cpu() / max(1, config.steps - last_window))


def _width(gradient: Gradient, y: Tensor) -> int:
    """Numbers that a particle computes for a sample; those of its outputs where the unit is not known."""
    unit = gradient.unit if isinstance(gradient, VanillaGradient) else None
    return unit.width if isinstance(unit, SearchedUnit) else y.shape[3]


def _chunk_length(x: Tensor, y: Tensor, theta: Tensor, noise: int, pace: Pace) -> int:
    """Steps that are carried out together: few enough that their samples and noise, numbers a step, stay in cache."""
    activations = theta.shape[0] * theta.shape[2] * x.shape[2] * y.shape[3]
    few = min(pace.steps, pace.activations // max(1, activations))
    return max(1, min(few, pace.numbers // ((x.numel() + y.numel()) // len(x) + noise)))


class _Teller:
    """Reports the steps done, `pace.reports` times in even parts, and after some silence."""

    def __init__(self, progress: Progress | None, total: int, pace: Pace) -> None:
        self._progress, self._total, self._silence = progress, total, pace.silence
        self._every, self._last = math.ceil(total / pace.reports), time.monotonic()

    def __call__(self, done: int, known: int | None = None) -> None:
        """Steps are done: those of a whole chunk, of which `known` were known to be, or some within one (None)."""
        is_end = known is not None and (done // self._every > known // self._every or done == self._total)
        if is_end or (time.monotonic() - self._last >= self._silence and done < self._total):
            self._last = time.monotonic()
            if self._progress is not None:
                self._progress(done, self._total)


def _noise(config: SGDConfig, theta: Tensor, space: Projector | None) -> NoiseShape | None:
    """Return the shape of xi, projected where `config` asks for it, or None without noise."""
    if config.noise == "none" or config.beta == 0:
        return None
    shape = NoiseShape(theta.shape[1], space.space if space is not None and config.noise == "projected" else None)
    return shape if shape.rank > 0 else None


def _refuse_other_rows(x: Tensor, y: Tensor, theta: Tensor) -> None:
    rows = {x.shape[1], y.shape[1]}
    if not rows <= {1, len(theta)}:
        raise ConfigError(
            f"the source gives samples for {max(rows)} replicates but the start has {len(theta)}; repeat the start "
            f"(start.expand({max(rows)}, -1, -1)) or give a source of one row"
        )


def _refuse_misfits(
    config: SGDConfig, start: Tensor, noise_space: Projector | None, checkpoints: Sequence[float]
) -> None:
    if start.shape[-1] != config.particles:
        raise ConfigError(
            f"the start has {start.shape[-1]} particles but the step size is for {config.particles}; "
            f"set particles={start.shape[-1]}"
        )
    if config.noise == "projected" and config.beta > 0 and noise_space is None:
        raise ConfigError('projected noise needs the space it is projected on; give noise_space or noise="gaussian"')
    marks = list(checkpoints)
    if marks[-1:] != [1.0] or marks[0] < 0 or marks != sorted(marks):
        raise ConfigError(f"checkpoints {marks} are not increasing fractions of the horizon; let them end in 1")
