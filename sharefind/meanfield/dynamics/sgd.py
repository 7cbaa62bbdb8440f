"""Stochastic gradient descent on a cloud of particles, replicates batched in one tensor.

The recursion of Maass & Fontbona 2024 (SGD and projected-noise SGD): with s_k = alpha eps_N varsigma(k eps_N) and
eps_N = 1/N, theta_i <- theta_i - s_k (grad_z sigma*(X_k, theta_i) . grad_1 l(Phi(X_k), Y_k) + tau grad r(theta_i))
+ sqrt(2 beta s_k) xi.
By default varsigma = 1, r(z) = |z|^2 / 2 and l(y, y') = |y - y'|^2, the paper's. Where the samples come from is left to
`sources`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.divergence import Watch
from sharefind.meanfield.dynamics.noise import NoiseShape
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.dynamics.stepping import Backend, Chunk, Steps, choose_steps
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import RIDGE, Penalty
from sharefind.meanfield.objectives.schemes import Gradient
from sharefind.meanfield.objectives.sources import Source, read_steps
from sharefind.spaces import Subspace

Progress = Callable[[int, int], None]
"""(steps done, steps in all)."""

PROGRESS_CALLS = 50
"""How often a training reports its progress."""

PROGRESS_SECONDS = 0.5
"""How long at most it is silent, but for the `MOST_STEPS` under way: whoever listens may want to end it."""

CHUNK_NUMBERS = 2**18
"""Numbers of samples and noise that are drawn at once: they stay in a core's cache."""

MOST_STEPS = 64
"""Steps that are carried out at once, so that progress is seen and an interrupt heard."""

MOST_ACTIVATIONS = 2**26
"""Activations that are computed at once, for the same reason: the kernel takes about half a second over them."""


class SGDConfig(BaseModel):
    """Settings of one training. The defaults are those of Maass & Fontbona 2024, Appendix F, at N = 100.

    Attributes:
        particles: N. alpha: step factor, a particle moves by alpha/N times its gradient. horizon: T, so N T steps.
        batch: B. tau: weight of the penalty |z|^2 / 2. beta: noise temperature. initial_std: of the Gaussian start.
        noise: "projected" uses P_E xi with the E that training starts on, "gaussian" uses xi, "none" no noise.
        dtype: of the particles, double precision by default on "cpu" and single elsewhere. device: where they live,
            "cpu" or a torch device such as "cuda". backend: who carries out the steps, see `stepping`.
        run_activations: computed by all trainings of a run together, where known: they share what compiling costs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    particles: int = Field(default=100, ge=1)
    alpha: float = Field(default=50.0, gt=0)
    horizon: float = Field(default=20.0, gt=0)
    batch: int = Field(default=20, ge=1)
    tau: float = Field(default=1e-4, ge=0)
    beta: float = Field(default=1e-6, ge=0)
    initial_std: float = Field(default=0.25, gt=0)
    noise: Literal["projected", "gaussian", "none"] = "projected"
    dtype: Literal["float32", "float64"] = "float64"
    device: str = "cpu"
    backend: Backend = "auto"
    run_activations: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _single_precision_on_accelerators(cls, given: Any) -> Any:
        if isinstance(given, dict) and "dtype" not in given and str(given.get("device", "cpu")) != "cpu":
            return {**given, "dtype": "float32"}
        return given

    @property
    def steps(self) -> int:
        """N_e = N T, at least one."""
        return max(1, round(self.particles * self.horizon))

    @property
    def step_size(self) -> float:
        """alpha / N."""
        return self.alpha / self.particles

    @property
    def torch_dtype(self) -> torch.dtype:
        """The torch dtype that `dtype` names."""
        return torch.float32 if self.dtype == "float32" else torch.float64


@dataclass(frozen=True)
class Trajectory:
    """What a training leaves behind.

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
    """Particles drawn from N(0, std^2 I) and projected on `space`: (replicates, D, N) float64.

    Args:
        space: E_j; particles start on it (SI start when it is E^G). particles: N. std: of every coordinate.
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
) -> Trajectory:
    """Run the SGD recursion for N T steps.

    Args:
        gradient: of a scheme, see `schemes.scheme_gradient`. start: theta^0 (R, D, N), N as in `config`.
        source: minibatches for the R replicates. config: the settings. rng: of the Gaussian noise.
        noise_space: P_E of the projected noise; needed when `config.noise` is "projected" and beta > 0.
        checkpoints: increasing fractions of the horizon at which the cloud is kept; the last must be 1.
        progress: told the steps done. schedule: varsigma. penalty: r, descended with weight tau.
        loss: l of the recorded risk; the one that is descended belongs to `gradient`. must_learn: whether exploding,
            and predicting much worse than at the start, is a divergence; a statistic may be of any finite training.

    Raises:
        ConfigError: the start, the source or the checkpoints do not fit, or `noise_space` is needed and missing.
        NotConvergedError: particles are not finite, exploded, or predict much worse than at the start; the message
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
    watch = Watch(gradient, loss, penalty, start.to(theta), config, must_learn)
    first, length, last_window = 0, 1, marks[-2] if len(marks) > 1 else 0
    tell = _Teller(progress, config.steps)
    while first < config.steps:
        until = min(m for m in (*marks, first + length) if m > first)
        x, y = read_steps(source, first, until)
        if steps is None:
            _refuse_other_rows(x, y, theta)
            length = _chunk_length(x, y, theta, config)
            activations = float(config.steps * len(theta) * x.shape[2] * config.particles * y.shape[3])
            work = max(activations, config.run_activations)
            steps = choose_steps(config.backend, recursion, noise, seed, theta, work)
        sizes = tuple(config.step_size * schedule.value(k / config.particles) for k in range(first, until))
        chunk = Chunk(x.to(theta), y.to(theta), first, sizes, config.tau, config.beta)
        theta = steps.advance(theta, chunk, risk if first >= last_window else None, tell.within)
        watch.follow(theta, chunk)
        if until == config.steps:
            watch.finish(theta, chunk)
        kept = sum(m == until for m in marks[len(clouds) :])
        clouds += [theta.clone()] * kept if until < config.steps else [theta] * kept
        tell(first, until)
        first = until
    return Trajectory(tuple(clouds), tuple(checkpoints), risk.cpu() / max(1, config.steps - last_window))


def _chunk_length(x: Tensor, y: Tensor, theta: Tensor, config: SGDConfig) -> int:
    """Steps whose samples and noise are drawn together: few enough that they stay in cache."""
    noise = 0 if config.noise == "none" else theta.numel()
    activations = len(theta) * x.shape[2] * config.particles * y.shape[3]
    few = min(MOST_STEPS, MOST_ACTIVATIONS // max(1, activations))
    return max(1, min(few, CHUNK_NUMBERS // ((x.numel() + y.numel()) // len(x) + noise)))


class _Teller:
    """Reports the steps done: whenever another `PROGRESS_CALLS`-th of them is, and after some silence.

    progress: told; None for nobody. total: steps in all.
    """

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total = progress, total
        self._every, self._told = math.ceil(total / PROGRESS_CALLS), time.monotonic()

    def __call__(self, first: int, until: int) -> None:
        """Steps up to `until` are done; those up to `first` were known to be."""
        if until // self._every > first // self._every or until == self._total:
            self._tell(until)
        else:
            self.within(until)

    def within(self, done: int) -> None:
        """So many steps are done, somewhere in a chunk: told after some silence alone."""
        if time.monotonic() - self._told >= PROGRESS_SECONDS and done < self._total:
            self._tell(done)

    def _tell(self, done: int) -> None:
        self._told = time.monotonic()
        if self._progress is not None:
            self._progress(done, self._total)


def _noise(config: SGDConfig, theta: Tensor, space: Projector | None) -> NoiseShape | None:
    """Of xi, projected where asked, or None without noise."""
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
