"""Theorem 1, the mean-field limit: SGD with N particles against the Wasserstein gradient flow, over growing N.

Two comparisons: the exact W2 to a large reference cloud, and the coupling with copies of the nonlinear process that
share their start with the SGD's particles (propagation of chaos). A noisy run is compared with a Langevin reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.meanfield.clouds.chaos import PowerLaw, coupling_distance2, fit_power_law, pair_covariance
from sharefind.meanfield.clouds.measures import w2_squared
from sharefind.meanfield.dynamics.flow import FlowConfig, FlowPath, flow
from sharefind.meanfield.dynamics.sgd import SGDConfig, gaussian_start, train
from sharefind.meanfield.objectives.laws import EmpiricalLaw
from sharefind.meanfield.objectives.risks import RegularisedRisk, Risk
from sharefind.meanfield.objectives.schemes import vanilla_gradient
from sharefind.meanfield.objectives.sources import Source
from sharefind.paper.context import Cell, Context
from sharefind.paper.demonstration import Check, Outcome, Panel, Row, Series
from sharefind.paper.setting import Setting, setting
from sharefind.spaces import Subspace

SAMPLES, BATCH = 200, 20
"""Support points of the law, and samples of a minibatch, drawn from it independently."""

SIZES, QUICK_SIZES = (10, 30, 100, 300, 1000), (10, 30, 100, 300)
REFERENCE, QUICK_REFERENCE = 4000, 1500
"""N of the clouds compared, and of the reference that stands for N = infinity."""

REPETITIONS = 10

HORIZON, ALPHA, START_STD = 5.0, 10.0, 0.25
"""T, the step factor and the spread of the start. With the paper's alpha of 50 the steps of the smallest N are so large
that its clouds are far from any limit; a fifth of it, for as many units of alpha T as 50 gives in T = 1, is not."""

TAU, BETA = 1e-4, 1e-4
"""Penalty of all runs, and temperature of the noisy ones."""

COUPLING_EXPONENT, COUPLING_MARGIN = -0.5, 0.2
"""Theory's exponent of the coupling distance (Sznitman 1991), and how far the fitted one may lie from it."""

SAMPLING_SHARE = 0.5
"""W2 to the large cloud falls at least like N^(-1/D), the rate at which N points fill D dimensions (Fournier & Guillin
2015). The upper end of its interval must reach this share of that exponent, D = 4 and above."""

UNTRAINED_RATIO = 3.0
"""Least ratio of the coupling distance of the untrained start to that of SGD, at the largest N."""

UNTRAINED_EXPONENT = -0.15
"""Least exponent of the control: the untrained start does not approach the flow's end as N grows."""


@dataclass(frozen=True)
class Limit:
    """The law, the starts and the references of the comparison."""

    context: Context
    setting: Setting

    @cached_property
    def law(self) -> EmpiricalLaw:
        """Samples of the arbitrary teacher: Thm 1 asks for no symmetry."""
        return self.setting.law("arbitrary", SAMPLES, self.context.rng("thm-1", "law"))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The N."""
        return QUICK_SIZES if self.context.request.quick else SIZES

    @property
    def reference_size(self) -> int:
        """N of the reference."""
        return QUICK_REFERENCE if self.context.request.quick else REFERENCE

    def start(self, particles: int, replicates: int, name: str) -> Tensor:
        """Independent Gaussian particles, (replicates, D, particles)."""
        full = Subspace.full(self.setting.unit.space.dim)
        return gaussian_start(full, particles, START_STD, self.context.rng("thm-1", name, str(particles)), replicates)

    def sgd(self, start: Tensor, beta: float, source: Source | None = None) -> Tensor:
        """SGD at the cloud's own N up to the horizon, (R, D, N)."""
        replicates, _, particles = start.shape
        rng = self.context.rng("thm-1", "sgd", str(particles), str(beta))
        config = SGDConfig(
            particles=particles, alpha=ALPHA, horizon=HORIZON, batch=BATCH, tau=TAU, beta=beta, noise="gaussian"
        )
        stream = source or self.law.source(replicates, BATCH, rng)
        return train(vanilla_gradient(self.setting.unit), start, stream, config, rng, must_learn=False).final

    @cached_property
    def flow_path(self) -> FlowPath:
        """The reference flow, with a passive copy of every SGD start."""
        starts = [self.start(n, REPETITIONS, "start") for n in self.sizes]
        passive = torch.cat([s.transpose(0, 1).flatten(1) for s in starts], dim=1).unsqueeze(0)
        risk = RegularisedRisk(Risk(self.setting.unit, self.law), TAU)
        config = FlowConfig(horizon=HORIZON, alpha=ALPHA, rtol=1e-6, atol=1e-8, method="RK45")
        return flow(risk, self.start(self.reference_size, 1, "reference"), config, passive=passive)

    def nonlinear(self, size: int) -> Tensor:
        """The copies of the nonlinear process that started where the SGD of this size did, (R, D, N)."""
        before = REPETITIONS * sum(n for n in self.sizes if n < size)
        block = self.flow_path.passive[-1][0, :, before : before + REPETITIONS * size]
        return block.reshape(block.shape[0], REPETITIONS, size).transpose(0, 1)

    @cached_property
    def langevin(self) -> Tensor:
        """The reference with noise: full-batch Langevin steps with the largest N, (1, D, N)."""
        return self.sgd(self.start(self.reference_size, 1, "langevin"), BETA, self.law.full_batch())


def thm_1(context: Context) -> Outcome:
    """SGD approaches the flow: distances to it fall with N, at fitted exponents."""
    limit = Limit(context, setting(context.request))
    measured: dict[str, list[NDArray[np.float64]]] = {name: [] for name in QUANTITIES}
    for place, size in enumerate(limit.sizes):
        cell = context.cell(_identity(limit, size), lambda size=size: _measure(limit, size))  # type: ignore[misc]
        for name in QUANTITIES:
            measured[name].append(np.asarray(cell.numbers[name], dtype=np.float64))
        context.progress("Thm 1", place + 1, len(limit.sizes))
    fits = {name: fit_power_law(limit.sizes, np.stack(measured[name])) for name in FITTED}
    rows: list[Row] = [
        {"N": n, "quantity": name, "repetition": r, "value": float(v)}
        for name in QUANTITIES
        for n, values in zip(limit.sizes, measured[name], strict=True)
        for r, v in enumerate(values)
    ]
    dim = limit.setting.unit.space.dim
    return Outcome(
        tuple(rows), _checks(fits, measured, dim), (_panel(limit.sizes, measured, fits),), _figure(fits), NOTES
    )


COUPLED, TRANSPORT, NOISY, UNTRAINED, COVARIANCE = (
    "coupling distance", "W2 to the flow", "W2 to the Langevin reference, beta > 0",
    "control: coupling distance of the start", "pair covariance of |theta|^2",
)  # fmt: skip
FITTED = (COUPLED, TRANSPORT, NOISY, UNTRAINED)
QUANTITIES = (*FITTED, COVARIANCE)

NOTES = (
    "the law has finite support, so that the flow's expectation is exact",
    "the coupling distance bounds W2 between SGD and the flow's own particles; W2 to the large cloud also holds the "
    "sampling error of N points, which falls like N^(-1/D) in dimension D > 4",
    "pair covariance: of |theta_i|^2 and |theta_j|^2 over repetitions; chaos means that it vanishes",
)


def _identity(limit: Limit, size: int) -> dict[str, str | int]:
    unit = limit.setting.unit
    return {
        "name": "thm-1", "control": UNTRAINED, "group": limit.setting.group.name, "unit": unit.name,
        "in": unit.in_rep.name, "out": unit.out_rep.name, "N": size, "sizes": str(limit.sizes),
        "reference": limit.reference_size, "seed": limit.context.request.seed,
    }  # fmt: skip


def _measure(limit: Limit, size: int) -> Cell:
    start = limit.start(size, REPETITIONS, "start")
    final, noisy = limit.sgd(start, 0.0), limit.sgd(start, BETA)
    target = limit.flow_path.final[0]
    coupled = coupling_distance2(final, limit.nonlinear(size)).sqrt()
    covariance = pair_covariance((final**2).sum(1))
    numbers: dict[str, list[float]] = {
        COUPLED: coupled.tolist(),
        TRANSPORT: _w2(final, target),
        NOISY: _w2(noisy, limit.langevin[0]),
        UNTRAINED: coupling_distance2(start, limit.nonlinear(size)).sqrt().tolist(),
        COVARIANCE: [float(covariance)],
    }
    return Cell(numbers)


def _w2(clouds: Tensor, target: Tensor) -> list[float]:
    """W2 of every replicate (R, D, N) to one cloud (D, M), by exact transport."""
    reference = target.t().numpy()
    return [max(0.0, w2_squared(cloud.t().numpy(), reference)) ** 0.5 for cloud in clouds]


def _checks(fits: dict[str, PowerLaw], measured: dict[str, list[NDArray[np.float64]]], dim: int) -> tuple[Check, ...]:
    sampling = -SAMPLING_SHARE / max(dim, 4)
    off = abs(fits[COUPLED].exponent - COUPLING_EXPONENT)
    ratio = float(measured[UNTRAINED][-1].mean() / measured[COUPLED][-1].mean())
    return (
        Check("coupling distance: |exponent + 1/2|", off, "<=", COUPLING_MARGIN),
        Check("coupling distance: exponent, upper end of its interval", fits[COUPLED].high, "<=", 0.0),
        Check("W2 to the flow: exponent, upper end of its interval", fits[TRANSPORT].high, "<=", sampling),
        Check("W2, with noise: exponent, upper end of its interval", fits[NOISY].high, "<=", sampling),
        Check("control: coupling distance without training over that of SGD, largest N", ratio, ">=", UNTRAINED_RATIO),
        Check("control: exponent without training", fits[UNTRAINED].exponent, ">=", UNTRAINED_EXPONENT),
    )


def _figure(fits: dict[str, PowerLaw]) -> str:
    shown: Callable[[str], str] = lambda n: f"{fits[n].exponent:.2f} [{fits[n].low:.2f}, {fits[n].high:.2f}]"  # noqa: E731
    return f"exponents: W2 {shown(TRANSPORT)}, coupling {shown(COUPLED)}, with noise {shown(NOISY)}"


def _panel(sizes: Sequence[int], measured: dict[str, list[NDArray[np.float64]]], fits: dict[str, PowerLaw]) -> Panel:
    series = []
    for name in FITTED:
        mean = [float(v.mean()) for v in measured[name]]
        error = [float(v.std(ddof=1) / len(v) ** 0.5) for v in measured[name]]
        low, high = [m - e for m, e in zip(mean, error, strict=True)], [m + e for m, e in zip(mean, error, strict=True)]
        label = f"{name}: N^{fits[name].exponent:.2f}"
        series.append(Series(label, tuple(map(float, sizes)), tuple(mean), tuple(low), tuple(high)))
    return Panel("SGD against the flow", "N", "distance", tuple(series), "log", "log")
