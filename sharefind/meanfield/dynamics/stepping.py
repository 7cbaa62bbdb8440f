"""How steps of SGD are carried out: in plain torch, on any device, or by the compiled kernel, on a processor.

Both follow the one recursion that `sgd` states; `tests/meanfield/dynamics/test_stepping.py` holds them against each
other. Kernels are for the matrix unit and the two-layer unit under vanilla training; torch does everything else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield.dynamics.noise import NoiseShape, TorchNoise
from sharefind.meanfield.dynamics.settings import PACE, Backend, Pace
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import RIDGE, Penalty
from sharefind.meanfield.objectives.schemes import Gradient, VanillaGradient
from sharefind.meanfield.units import MatrixUnit, TwoLayerUnit
from sharefind.meanfield.units.activations import ACTIVATIONS, TANH

logger = logging.getLogger("sharefind")


@dataclass(frozen=True)
class Chunk:
    """K steps of training.

    Attributes:
        x: Inputs, shape (K, R or 1, B, d_in).
        y: Outputs, shape (K, R or 1, B, d_out).
        first: Number of the first step.
        sizes: Size s of each step.
        tau: Weight of the penalty.
        beta: Temperature of the noise.
    """

    x: Tensor
    y: Tensor
    first: int
    sizes: tuple[float, ...]
    tau: float
    beta: float

    @property
    def shrinks(self) -> tuple[float, ...]:
        """1 - s tau, what the ridge leaves of a particle."""
        return tuple(1 - size * self.tau for size in self.sizes)

    @property
    def spreads(self) -> tuple[float, ...]:
        """sqrt(2 beta s), the factor of the noise."""
        return tuple((2 * self.beta * size) ** 0.5 for size in self.sizes)


CompiledUnit = MatrixUnit | TwoLayerUnit
"""Units that have a kernel."""

OnStep = Callable[[int], None]
"""Called with the number of steps done, all chunks together."""


@dataclass(frozen=True)
class TorchSteps:
    """The reference implementation: any gradient, loss and penalty, on any device; nothing leaves the device.

    Attributes:
        gradient: The gradient of a scheme.
        loss: The loss of the recorded risk.
        penalty: The penalty.
        noise: The stream of noise; None without noise.
        draws_noise: Whether the noise of all steps of a chunk is held at once.
    """

    draws_noise: ClassVar[bool] = True

    gradient: Gradient
    loss: Loss
    penalty: Penalty
    noise: TorchNoise | None

    def advance(self, theta: Tensor, chunk: Chunk, loss: Tensor | None, on_step: OnStep | None = None) -> Tensor:
        """Return the particles after the steps of a chunk.

        Args:
            theta: Particles, shape (R, D, N); they may be written.
            chunk: Samples and noise of the steps.
            loss: Shape (R,), float64, to which the mean loss of each minibatch before its update is added; None to
                leave it out.
            on_step: Called after each step.
        """
        spreads = chunk.spreads
        xi = None if self.noise is None else self.noise.draw(len(spreads))
        for k, size in enumerate(chunk.sizes):
            slope, prediction = self.gradient(chunk.x[k], chunk.y[k], theta)
            if loss is not None:
                loss += self.loss.value(prediction, chunk.y[k]).mean(-1)
            theta = _descend(theta, slope, size, chunk.tau, self.penalty)
            if xi is not None:
                theta.add_(xi[k], alpha=spreads[k])
            if on_step is not None:
                on_step(chunk.first + k + 1)
        return theta


def _descend(theta: Tensor, slope: Tensor, size: float, tau: float, penalty: Penalty) -> Tensor:
    """theta - size (slope + tau grad r(theta)), in one pass less for the ridge."""
    if penalty is RIDGE:
        return theta.mul(1 - size * tau).sub_(slope, alpha=size)
    return theta.sub(penalty.slope(theta), alpha=size * tau).sub_(slope, alpha=size)


class CompiledSteps:
    """A kernel of `kernels`: its unit under the squared loss, with the ridge or without a penalty.

    Its noise has the law of `TorchNoise` and other numbers: each is a function of the seed and of its place (step,
    replicate, coordinate, particle), made where it is used.

    Args:
        unit: The unit that is trained, a matrix unit or a two-layer unit.
        dtype: Type of the particles.
        noise: Its shape, None for none.
        seed: Seed of the noise.
        stretch_bytes: See `Pace`.

    Attributes:
        draws_noise: Never: each number is made where it is used.
    """

    draws_noise: ClassVar[bool] = False

    def __init__(
        self, unit: CompiledUnit, dtype: torch.dtype, noise: NoiseShape | None, seed: int, stretch_bytes: int = 4096
    ) -> None:
        self._kernel, self._shape = _kernel(unit)
        self._is_odd = unit.activation is TANH
        self._dtype: Any = np.float32 if dtype == torch.float32 else np.float64
        self._stretch = stretch_bytes // np.dtype(self._dtype).itemsize
        self._seed, self._rank = np.uint64(seed), 0 if noise is None else noise.rank
        places = (np.empty(0, np.int64), np.empty(0)) if noise is None or noise.places is None else noise.places
        self._place, self._length = places[0], self._numbers(places[1])
        self._basis = self._numbers(np.empty((0, 0)) if noise is None else noise.basis)

    def advance(self, theta: Tensor, chunk: Chunk, loss: Tensor | None, on_step: OnStep | None = None) -> Tensor:
        """Return the particles after the steps of a chunk; the steps are one call, without reports within.

        Args:
            theta: As in `TorchSteps.advance`.
            chunk: As in `TorchSteps.advance`.
            loss: As in `TorchSteps.advance`.
            on_step: Not called.
        """
        self._kernel(
            theta.numpy(), chunk.x.contiguous().numpy(), chunk.y.contiguous().numpy(), chunk.first,
            self._numbers(chunk.sizes), self._numbers(chunk.shrinks), self._numbers(chunk.spreads),
            self._is_odd, self._shape, self._seed, self._rank, self._place, self._length, self._basis,
            self._stretch, np.zeros(len(theta)) if loss is None else loss.numpy(),
        )  # fmt: skip
        return theta

    def _numbers(self, values: Any) -> NDArray[Any]:
        return np.asarray(values, dtype=self._dtype)


def _kernel(unit: CompiledUnit) -> tuple[Any, bool | int]:
    """The kernel that trains a unit, and what it must know of the unit's shape: compiled when it is first called."""
    if isinstance(unit, TwoLayerUnit):
        from sharefind.meanfield.dynamics.kernels import two_layer

        return two_layer.advance, unit.d_hidden
    from sharefind.meanfield.dynamics.kernels import matrix

    return matrix.advance, unit.bias


Steps = TorchSteps | CompiledSteps
"""Carries out steps of the recursion."""


class Compiler:
    """numba, looked for once.

    Args:
        find: Finds a module by name, None where it is not installed.
    """

    def __init__(self, find: Callable[[str], object | None] = find_spec) -> None:
        self._find = find

    @cached_property
    def is_installed(self) -> bool:
        """Whether it is there; says so once where it is not."""
        found = self._find("numba") is not None
        if not found:
            logger.info("numba is not installed: training in plain torch, several times slower; pip install numba")
        return found


NUMBA = Compiler()


def choose_steps(
    backend: Backend,
    recursion: tuple[Gradient, Loss, Penalty, float],
    noise: NoiseShape | None,
    seed: int,
    theta: Tensor,
    activations: float,
    pace: Pace = PACE,
    compiler: Compiler = NUMBA,
) -> Steps:
    """Return what carries out the steps of a training. The choice depends on nothing that changes from run to run.

    Args:
        backend: The configured backend.
        recursion: Gradient, loss, penalty and tau.
        noise: Shape of the noise, None for none.
        seed: Seed of the noise.
        theta: Particles, shape (R, D, N).
        activations: Number of activations that are computed in all.
        pace: Has the number of activations from which the kernel is compiled.
        compiler: Function that compiles the kernel.

    Raises:
        ConfigError: The configuration names the kernel, and the kernel cannot do this or is not installed.
    """
    gradient, loss, penalty, _ = recursion
    unit = _kernel_unit(recursion, theta)
    if unit is not None and is_compiled(backend, recursion, theta, activations, pace, compiler):
        return CompiledSteps(unit, theta.dtype, noise, seed, pace.stretch_bytes)
    if backend == "compiled":
        why = "numba is not installed; pip install numba"
        if unit is None:
            why = (
                "the kernel trains matrix and two-layer units under the squared loss, by vanilla training or DA, with "
                'the ridge, on a processor; use backend="auto"'
            )
        raise ConfigError(f'backend "compiled": {why}')
    return TorchSteps(gradient, loss, penalty, None if noise is None else TorchNoise(noise, theta, seed))


def is_compiled(
    backend: Backend,
    recursion: tuple[Gradient, Loss, Penalty, float],
    theta: Tensor,
    activations: float,
    pace: Pace = PACE,
    compiler: Compiler = NUMBA,
) -> bool:
    """Return whether the kernel carries out the steps of a training.

    Args:
        backend: As in `choose_steps`.
        recursion: As in `choose_steps`.
        theta: As in `choose_steps`.
        activations: As in `choose_steps`.
        pace: As in `choose_steps`.
        compiler: As in `choose_steps`.
    """
    pays = backend == "compiled" or (backend == "auto" and activations >= pace.pays_from)
    return pays and _kernel_unit(recursion, theta) is not None and compiler.is_installed


def _kernel_unit(recursion: tuple[Gradient, Loss, Penalty, float], theta: Tensor) -> CompiledUnit | None:
    """The unit, where a kernel can train it."""
    gradient, loss, penalty, tau = recursion
    if not isinstance(gradient, VanillaGradient):
        return None
    unit = gradient.unit
    # A subclass that overrides `linearise` computes something else.
    ours = MatrixUnit.linearise, TwoLayerUnit.linearise
    if not isinstance(unit, (MatrixUnit, TwoLayerUnit)) or type(unit).linearise not in ours:
        return None
    plain = gradient.loss is SQUARED and loss is SQUARED and (penalty is RIDGE or tau == 0)
    return unit if unit.activation in ACTIVATIONS and plain and theta.device.type == "cpu" else None
