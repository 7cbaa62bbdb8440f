"""Whether a training diverged, in which replicate, and which smaller step does not: found by trying it.

A step that is too large makes particles infinite, or large without end, or so large that units saturate and the model
predicts worse than it did at the start. What the recursion is stands in `sgd`, who carries it out in `stepping`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import cycle

import torch
from torch import Tensor

from sharefind.errors import NotConvergedError
from sharefind.meanfield.dynamics.settings import SGDConfig
from sharefind.meanfield.dynamics.stepping import Chunk, TorchSteps
from sharefind.meanfield.objectives.losses import SQUARED, Loss
from sharefind.meanfield.objectives.penalties import Penalty
from sharefind.meanfield.objectives.schemes import Gradient


@dataclass(frozen=True)
class DivergenceRule:
    """When a training counts as diverged, and how a smaller step is looked for.

    Attributes:
        exploded: Growth factor beyond the expected radius (of the start, the data and the noise) at which training
            counts as diverged.
        grown: Growth factor, beyond what the data ask for, from which on losses are compared.
        far_out: The same for clouds whose units are saturated.
        worse: Loss of grown clouds, over that without training (at the start, or of the best constant), where they
            diverged.
        little: The same for clouds far out, which must have gained something.
        judged: Minibatches, the last ones, on which the losses are compared.
        smaller: Factor between steps that are tried after a divergence.
        trials: Largest number of steps that are tried; a step that is far too large shows it at once.
        margin: A step is recommended when a step larger by this factor works on the samples that are tried.
        trial_steps: Most steps of such a trial.
        most_particles: Largest number of particles that is recommended.
    """

    exploded: float = 1e6
    grown: float = 10.0
    far_out: float = 100.0
    worse: float = 2.0
    little: float = 0.5
    judged: int = 8
    smaller: float = 10.0
    trials: int = 320
    margin: float = 2.0
    trial_steps: int = 5000
    most_particles: int = 1_000_000


class DivergedError(NotConvergedError):
    """A training diverged.

    Attributes:
        factor: Size of a smaller step that was tried and did not diverge, relative to the step; None if no such step
            was found.

    Args:
        message: The fault, its place and the remedy.
    """

    def __init__(self, message: str, factor: float | None = None) -> None:
        super().__init__(message)
        self.factor = factor


@dataclass
class Watch:
    """Follows one training.

    Args:
        gradient: Gradient of the recursion.
        loss: Loss of the recursion.
        penalty: Penalty of the recursion.
        start: theta^0, shape (R, D, N).
        config: Its settings.
        must_learn: Whether anything but particles that are not finite is a divergence.
        rule: Criterion of divergence.
    """

    gradient: Gradient
    loss: Loss
    penalty: Penalty
    start: Tensor
    config: SGDConfig
    must_learn: bool = True
    rule: DivergenceRule = DivergenceRule()
    _seen: Chunk | None = None
    _size: float = 0.0
    _asked: float = 1.0

    def follow(self, theta: Tensor, chunk: Chunk) -> None:
        """Check the particles after the steps of a chunk.

        Args:
            theta: Particles, shape (R, D, N).
            chunk: The steps that were taken.

        Raises:
            NotConvergedError: Particles are not finite, or exploded; the message names a step that works.
        """
        if self._seen is None:
            self._asked = _asked(chunk)
            self._size = self._asked * _first_size(self.start, self.config)
        if self._seen is None or len(chunk.sizes) > len(self._seen.sizes):
            self._seen = chunk
        largest = torch.maximum(theta.amax((1, 2)), -theta.amin((1, 2)))
        # Not so where it is no number.
        inside = largest <= (self.rule.exploded * self._size if self.must_learn else torch.finfo(theta.dtype).max)
        if not bool(inside.all()):
            row = int(inside.int().argmin())
            reached = f"particles reached {float(largest[row]):.3g}"
            if not bool(torch.isfinite(largest[row])):
                reached = "particles are not finite"
            raise self._error(row, reached, chunk.first + len(chunk.sizes))

    def finish(self, theta: Tensor, chunk: Chunk) -> None:
        """Check the particles at the horizon.

        Args:
            theta: Particles, shape (R, D, N).
            chunk: The last steps.

        Raises:
            NotConvergedError: The model is much worse than at the start; the message names a step that works.
        """
        if not self.must_learn:
            return
        growth = self._growth(theta, self.start)
        if not bool((growth > self.rule.grown).any()) or chunk.y.numel() == 0:
            return
        usual, after = self._compared(self.start, theta, chunk)
        excess = torch.where(growth > self.rule.far_out, self.rule.little, self.rule.worse)
        worse = (growth > self.rule.grown) & ~(after <= excess * usual)
        if 2 * int(worse.sum()) >= len(theta):  # one of many may have been unlucky in its last minibatches
            row = int((after / usual).nan_to_num(torch.inf).argmax())
            what = f"the loss is {float(after[row]):.3g}, and was {float(usual[row]):.3g} without training"
            raise self._error(row, what, chunk.first + len(chunk.sizes))

    def _growth(self, theta: Tensor, start: Tensor) -> Tensor:
        """How many times farther out than the start and the data explain the particles of each replicate are, (R,)."""
        return _rms(theta) / _rms(start).clamp_min(self.config.initial_std) / self._asked

    def _compared(self, start: Tensor, theta: Tensor, chunk: Chunk) -> tuple[Tensor, Tensor]:
        """Loss of each replicate without training, at its start or by the best constant, and after it: (R,) each."""
        x, y = chunk.x[-self.rule.judged :], chunk.y[-self.rule.judged :]
        before, after = (self._losses(v.to(theta), x, y) for v in (start, theta))
        return torch.maximum(before, _constant_loss(y)) if self.loss is SQUARED else before, after

    def _losses(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Mean loss of each replicate on minibatches x (K, R or 1, B, d_in), y (K, R or 1, B, d_out): (R,)."""
        values = [self.loss.value(self.gradient(a, b, theta)[1], b).mean(-1) for a, b in zip(x, y, strict=True)]
        return torch.stack(values).mean(0)

    def _error(self, row: int, what: str, steps: int) -> DivergedError:
        where = f" in replicate {row} of {len(self.start)}" if len(self.start) > 1 else ""
        message = f"training diverged{where}: {what} after {steps} steps of size {self.config.step_size:g}"
        samples = self._seen
        if samples is None or not bool(torch.isfinite(samples.x).all() and torch.isfinite(samples.y).all()):
            advice = "and samples are not finite; rescale the inputs and labels, or remove such rows"
            return DivergedError(f"{message}, {advice}")
        factor = self._working_factor(row, samples)
        if factor is None:
            return DivergedError(f"{message}, and no smaller step does better; rescale the inputs and labels")
        enough = math.ceil(self.config.particles / factor * (1 - 1e-12))  # a ratio of steps has rounding errors
        more = f", or {enough} particles" if enough <= self.rule.most_particles else ""
        alpha = f"SGDConfig(alpha={self.config.alpha * factor:.3g})"
        advice = f"use a smaller step, which learned the first samples: {alpha}{more}"
        return DivergedError(f"{message}; {advice}", factor)

    def _working_factor(self, row: int, samples: Chunk) -> float | None:
        """Return the relative size of a smaller step with which one replicate learns the first samples, repeated."""
        tried = (self.rule.smaller**-k for k in range(1, self.rule.trials + 1))
        return next((factor for factor in tried if self._works(row, samples, self.rule.margin * factor)), None)

    def _works(self, row: int, samples: Chunk, factor: float) -> bool:
        """Whether one replicate stays near its start, and predicts no worse, with steps smaller by a factor."""
        start = self.start[row : row + 1].to(samples.x)
        theta = start.clone()
        x, y = (v[:, min(row, v.shape[1] - 1)].unsqueeze(1) for v in (samples.x, samples.y))
        sizes = tuple(size * factor for size in samples.sizes)
        steps = TorchSteps(self.gradient, self.loss, self.penalty, None)
        chunks = [Chunk(a[None], b[None], 0, (s,), samples.tau, 0.0) for a, b, s in zip(x, y, sizes, strict=True)]
        for done, chunk in enumerate(cycle(chunks)):
            if done >= min(self.config.steps, self.rule.trial_steps):
                break
            theta = steps.advance(theta, chunk, None)
            if done % self.rule.judged == 0 and not bool(theta.abs().amax() <= self.rule.exploded * self._size):
                return False
        is_bounded = bool(theta.abs().amax() <= self.rule.exploded * self._size)
        if not is_bounded or samples.y.numel() == 0:
            return is_bounded
        usual, after = self._compared(start, theta, Chunk(x, y, 0, sizes, samples.tau, 0.0))
        return bool((after <= usual).all()) and bool((self._growth(theta, start) <= self.rule.grown).all())


def _first_size(start: Tensor, config: SGDConfig) -> float:
    """How far out the start and the noise bring particles."""
    noise = math.sqrt(2 * config.beta * config.alpha * config.horizon)
    return max(float(start.abs().nan_to_num(0, 0).max()), config.initial_std, noise)


def _asked(chunk: Chunk) -> float:
    """How many times farther out small inputs or large labels ask particles to go."""
    lengths = [float(v.double().square().mean().sqrt()) if v.numel() else 1.0 for v in (chunk.x, chunk.y)]
    inputs = 1 / lengths[0] if lengths[0] > 0 else 1.0
    return max(v for v in (1.0, inputs, lengths[1]) if math.isfinite(v))


def _rms(theta: Tensor) -> Tensor:
    """Root mean square of every replicate, (R, D, N) -> (R,); of numbers whose squares overflow too."""
    largest = theta.double().abs().amax((1, 2)).clamp_min(torch.finfo(torch.float64).tiny)
    rms: Tensor = largest * (theta.double() / largest[:, None, None]).square().mean((1, 2)).sqrt()
    return rms


def _constant_loss(y: Tensor) -> Tensor:
    """Squared loss of the best constant on y (K, R or 1, B, d_out): (R or 1,)."""
    labels = y.transpose(0, 1).flatten(1, 2).double()
    return (labels - labels.mean(1, keepdim=True)).square().sum(-1).mean(1)
