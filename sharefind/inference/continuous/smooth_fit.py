"""Smooth networks fitted to data, many side by side: what the velocities of rotations are read from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.rng import named_stream

Model = Callable[[Tensor], Tensor]
"""x (..., d_in) -> predictions (..., d_out)."""


@dataclass(frozen=True)
class SmoothFit:
    """How smooth networks are fitted: two hidden layers of SiLU units, Adam, one cycle of learning rates.

    Attributes:
        width: Width of the layers.
        networks: Averaged on each half of the data.
        steps: Steps of the training.
        batch: Samples of a step.
        rate: The largest learning rate.
        largest_rate: Largest rate of Adam; above it a step changes every weight by more than its own size.
        unfitted: Mean squared error on both halves, of labels of spread 1, from which on a fit has diverged; that of
            noise is 2.

    Raises:
        ConfigError: A number is not positive, or the rate too large.
    """

    width: int = 128
    networks: int = 1
    steps: int = 4000
    batch: int = 200
    rate: float = 4e-3
    largest_rate: float = field(default=1.0, repr=False)
    unfitted: float = field(default=10.0, repr=False)

    def __post_init__(self) -> None:
        if min(self.width, self.networks, self.steps, self.batch) < 1 or not 0 < self.rate <= self.largest_rate:
            raise ConfigError(f"{self}: give positive numbers, and a rate of {self.largest_rate:g} at most")

    def converged(self, x: Tensor, y: Tensor, seed: int, half: str, seen: tuple[Tensor, Tensor]) -> Model:
        """A model of one half of the data, of labels of spread 1.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            seed: Seed of the training.
            half: Names the half.
            seen: Samples of both halves.

        Returns:
            The model.

        Raises:
            NotConvergedError: It is far worse than a constant on `seen`; the message names a rate that works.
        """
        model = self.model(x, y, seed, half)
        if self._is_fit(model, *seen):
            return model
        tried = (min(self.rate / 10, SmoothFit.rate) / 10**k for k in range(3))
        slower = (replace(self, rate=rate) for rate in tried)
        rate = next((fit.rate for fit in slower if fit._is_fit(fit.model(x, y, seed, half), *seen)), None)
        advice = "give more data, or fewer steps" if rate is None else f"try rate={rate:g}"
        raise NotConvergedError(f"the fit of the {half} half diverged with SmoothFit(rate={self.rate:g}); {advice}")

    def _is_fit(self, model: Model, x: Tensor, y: Tensor) -> bool:
        return float((model(x) - y).square().mean()) <= self.unfitted

    def model(self, x: Tensor, y: Tensor, seed: int, half: str) -> Model:
        """Return the mean of `networks` networks trained side by side.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            seed: Seed of the streams.
            half: Name of the half of the data, which names its stream.
        """
        stream = named_stream(seed, "lie algebra", "fit", half)
        generator = torch.Generator().manual_seed(int(stream.integers(2**62)))
        sizes = (x.shape[1], self.width, self.width, y.shape[1])
        weights = [_layer(self.networks, a, b, generator) for a, b in pairwise(sizes)]
        points, labels = x.float(), y.float()
        parameters = [w.requires_grad_() for w in weights]
        optimiser = torch.optim.Adam(parameters)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.rate, total_steps=self.steps + 1)
        for _ in range(self.steps):
            index = torch.randint(len(points), (self.networks, self.batch), generator=generator)
            loss = (_forward(parameters, points[index]) - labels[index]).square().mean((1, 2)).sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        final = [w.detach().double() for w in parameters]

        def predict(rows: Tensor) -> Tensor:
            flat = rows.reshape(1, -1, rows.shape[-1]).expand(self.networks, -1, -1)
            return _forward(final, flat).mean(0).reshape(*rows.shape[:-1], -1)

        return predict


def _layer(networks: int, fan_in: int, fan_out: int, generator: torch.Generator) -> Tensor:
    """Weights and, in the last row, biases, (networks, fan_in + 1, fan_out), uniform as in torch.nn.Linear."""
    uniform = torch.rand(networks, fan_in + 1, fan_out, generator=generator)
    return (2 * uniform - 1) / math.sqrt(fan_in)


def _forward(weights: list[Tensor], x: Tensor) -> Tensor:
    """x (networks, n, d_in) -> (networks, n, d_out)."""
    for place, layer in enumerate(weights):
        x = torch.baddbmm(layer[:, -1:], x if place == 0 else torch.nn.functional.silu(x), layer[:, :-1])
    return x
