"""Models trained from all over Z, on part of the data, to be judged on the rest.

They see what particles started on E_j cannot: signals at a saddle, and nonlinear ones that a short training from a
small start leaves out. The training is vanilla and knows no group, so the same models serve every node.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.meanfield.models import predict
from sharefind.meanfield.schemes import Scheme, scheme_gradient
from sharefind.meanfield.sgd import SGDConfig, gaussian_start, train
from sharefind.meanfield.sources import EpochSource, FreshSource
from sharefind.search.problem import Problem
from sharefind.spaces import Subspace
from sharefind.streams import named_stream

FOLDS = 8
"""Prequential folds of finite data: fold k is judged by a model trained on all samples before it."""

STD = 1.0
"""Standard deviation of the start on standardised inputs: wide enough to reach the unit's bends."""

RATE = 1.0
"""Share of a linear signal that one step learns."""

STEPS = 300
"""Steps of one model: fewer miss the nonlinear part of a signal, more fit noise."""

PARTICLES = 64
"""Particles of one model."""

LARGEST_BATCH = 512
"""Samples in one step; smaller data sets are used whole."""

JUDGED = 4096
"""Most samples on which one model is judged; further ones would cost time and add little power."""


@dataclass(frozen=True)
class Judged:
    """A trained cloud theta (1, D, N), samples x (n, d_in), y (n, d_out) it has not seen, and the fold's weight."""

    theta: Tensor
    x: Tensor
    y: Tensor
    weight: float

    def predict(self, problem: Problem, x: Tensor) -> Tensor:
        """Phi(x): (n, d_in) -> (n, d_out)."""
        return predict(problem.unit, x.unsqueeze(0), self.theta)[0]


class FreeModels:
    """Trains the free models of a problem when they are first asked for, and keeps them: one object a search."""

    def __init__(self) -> None:
        self._kept: tuple[Problem, tuple[Judged, ...]] | None = None

    def of(self, problem: Problem) -> tuple[Judged, ...]:
        """The models of `problem`."""
        if self._kept is None or self._kept[0] is not problem:
            self._kept = (problem, free_models(problem))
        return self._kept[1]


def free_models(problem: Problem) -> tuple[Judged, ...]:
    """The free models of a problem: one a fold for finite data, one for fresh samples."""
    if problem.x is None or problem.y is None:
        return (_fresh_model(problem),)
    order = named_stream(problem.settings.seed, "free models", "order").permutation(len(problem.x))
    blocks = np.array_split(order, FOLDS + 1)
    models = []
    for k in range(FOLDS):
        seen, judged = np.concatenate(blocks[: k + 1]), blocks[k + 1][:JUDGED]
        if len(judged) == 0:
            continue
        theta = _train_finite(problem, torch.from_numpy(seen), k)
        rows = torch.from_numpy(judged)
        models.append(Judged(theta, problem.x[rows], problem.y[rows], math.sqrt(k + 1)))
    return tuple(models)


def _train_finite(problem: Problem, rows: Tensor, fold: int) -> Tensor:
    if problem.x is None or problem.y is None:
        raise ValueError("finite data are needed")
    slope = problem.unit.activation.slope(problem.unit.activation.value(torch.zeros(1))).item()
    batch = min(len(rows), LARGEST_BATCH)
    sgd = SGDConfig(
        particles=PARTICLES,
        alpha=PARTICLES * RATE / (2 * slope**2),
        horizon=STEPS / PARTICLES,
        batch=batch,
        tau=0.0,
        beta=0.0,
        noise="none",
        initial_std=STD,
        device=problem.settings.sgd.device,
    )
    source = EpochSource(problem.x[rows], problem.y[rows], batch, _rng(problem, fold, "samples"))
    return _run(problem, sgd, source, fold)


def _fresh_model(problem: Problem) -> Judged:
    sgd = problem.settings.sgd
    source = FreshSource(problem.task.sample, 1, sgd.batch, _rng(problem, 0, "samples"))
    theta = _run(problem, sgd, source, 0)
    x, y = problem.task.sample(_rng(problem, 0, "judged"), JUDGED)
    return Judged(theta, torch.from_numpy(x), torch.from_numpy(y), 1.0)


def _run(problem: Problem, sgd: SGDConfig, source: EpochSource | FreshSource, fold: int) -> Tensor:
    full = Subspace.full(problem.space.dim)
    start = gaussian_start(full, sgd.particles, sgd.initial_std, _rng(problem, fold, "start"))
    no_noise = sgd.model_copy(update={"noise": "none"})
    return train(
        scheme_gradient(Scheme.VANILLA, problem.unit), start, source, no_noise, _rng(problem, fold, "noise")
    ).final


def _rng(problem: Problem, fold: int, purpose: str) -> np.random.Generator:
    return named_stream(problem.settings.seed, "free models", str(fold), purpose)
