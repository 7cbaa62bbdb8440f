"""Theorem 1, the mean-field limit: SGD with N particles approaches the Wasserstein gradient flow as N grows.

There are two comparisons: the exact W2 distance to a large reference cloud, and the coupling with copies of the
nonlinear process that share their start with the SGD's particles (propagation of chaos). A noisy run is compared with a
Langevin reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.paper.context import Cell, Context
from sharefind.paper.demonstration import Check, Demonstration, Outcome, Panel, Row, Series, at_least, at_most
from sharefind.paper.setting import Setting, setting
from sharefind.spaces import Subspace

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

Measured = Mapping[str, list[NDArray[np.float64]]]
"""The values of each quantity over repetitions, one array per N."""


@dataclass(frozen=True)
class Theorem1:
    """SGD approaches the flow: distances to it fall with N, at fitted exponents.

    With the paper's alpha of 50 the steps for the smallest N are so large that its clouds are far from any limit. A
    fifth of this alpha, over the same alpha T as 50 gives in T = 1, avoids this.

    Attributes:
        samples: Number of support points of the law.
        batch: Number of samples of a minibatch, drawn independently from the law.
        sizes: Sizes N of the compared clouds.
        reference: Size N of the reference that represents N = infinity.
        repetitions: Number of trainings for each N.
        horizon: Horizon T.
        alpha: Step factor.
        start_std: Standard deviation of the start.
        tau: Weight of the penalty in all runs.
        beta: Temperature of the noisy runs.
        coupling_exponent: Exponent of the coupling distance in theory (Sznitman 1991).
        coupling_margin: Largest distance of the fitted exponent from it.
        sampling_share: W2 to the large cloud falls at least as N^(-1/D), the rate at which N points fill D dimensions
            (Fournier & Guillin 2015). The upper end of the fitted interval must reach this share of that exponent, for
            D = 4 and above.
        untrained_ratio: Smallest ratio of the coupling distance of the untrained start to that of SGD, at the largest
            N.
        untrained_exponent: Smallest exponent of the control: the untrained start does not approach the end of the flow
            as N grows.
    """

    samples: int = 200
    batch: int = 20
    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000)
    reference: int = 4000
    repetitions: int = 10
    horizon: float = 5.0
    alpha: float = 10.0
    start_std: float = 0.25
    tau: float = 1e-4
    beta: float = 1e-4
    coupling_exponent: float = -0.5
    coupling_margin: float = 0.2
    sampling_share: float = 0.5
    untrained_ratio: float = 3.0
    untrained_exponent: float = -0.15

    def __call__(self, context: Context) -> Outcome:
        """The verdict in the setting of a request."""
        limit = Limit(context, setting(context.request), self)
        measured: dict[str, list[NDArray[np.float64]]] = {name: [] for name in QUANTITIES}
        for size in context.steps("Thm 1", self.sizes):
            cell = context.cell(limit.identity(size), lambda size=size: limit.measured(size))  # type: ignore[misc]
            for name in QUANTITIES:
                measured[name].append(np.asarray(cell.numbers[name], dtype=np.float64))
        fits = {name: mf.fit_power_law(self.sizes, np.stack(measured[name])) for name in FITTED}
        rows: list[Row] = [
            {"N": n, "quantity": name, "repetition": r, "value": float(v)}
            for name in QUANTITIES
            for n, values in zip(self.sizes, measured[name], strict=True)
            for r, v in enumerate(values)
        ]
        shown = {name: f"{fit.exponent:.2f} [{fit.low:.2f}, {fit.high:.2f}]" for name, fit in fits.items()}
        figure = f"exponents: W2 {shown[TRANSPORT]}, coupling {shown[COUPLED]}, with noise {shown[NOISY]}"
        checks = self._checks(fits, measured, limit.setting.unit.space.dim)
        return Outcome(rows, checks, (self._panel(measured, fits),), figure, NOTES)

    def _checks(self, fits: Mapping[str, mf.PowerLaw], measured: Measured, dim: int) -> tuple[Check, ...]:
        sampling = -self.sampling_share / max(dim, 4)
        off = abs(fits[COUPLED].exponent - self.coupling_exponent)
        ratio = float(measured[UNTRAINED][-1].mean() / measured[COUPLED][-1].mean())
        gain, upper = "coupling distance without training over that of SGD, largest N", "upper end of its interval"
        return (
            at_most("coupling distance: |exponent + 1/2|", off, self.coupling_margin),
            at_most(f"coupling distance: exponent, {upper}", fits[COUPLED].high, 0.0),
            at_most(f"W2 to the flow: exponent, {upper}", fits[TRANSPORT].high, sampling),
            at_most(f"W2, with noise: exponent, {upper}", fits[NOISY].high, sampling),
            at_least(f"control: {gain}", ratio, self.untrained_ratio),
            at_least("control: exponent without training", fits[UNTRAINED].exponent, self.untrained_exponent),
        )

    def _panel(self, measured: Measured, fits: Mapping[str, mf.PowerLaw]) -> Panel:
        series = []
        for name in FITTED:
            repeated = dict(zip(self.sizes, measured[name], strict=True))
            series.append(Series.of_repetitions(f"{name}: N^{fits[name].exponent:.2f}", repeated))
        return Panel("SGD against the flow", "N", "distance", series, "log", "log")


@dataclass(frozen=True)
class Limit:
    """The law, the starts and the references of the comparison.

    Attributes:
        context: The environment, with the request.
        setting: The group, the unit and the teachers.
        numbers: The numbers of the statement.
    """

    context: Context
    setting: Setting
    numbers: Theorem1

    def identity(self, size: int) -> dict[str, str | int]:
        """Return everything on which the distances at an N depend.

        Args:
            size: N.
        """
        return {
            "name": "thm-1", "numbers": repr(self.numbers), **self.setting.names, "N": size,
            "seed": self.context.request.seed,
        }  # fmt: skip

    @cached_property
    def law(self) -> mf.EmpiricalLaw:
        """Samples of the arbitrary teacher; Theorem 1 needs no symmetry."""
        return self.setting.law("arbitrary", self.numbers.samples, self.context.rng("thm-1", "law"))

    def start(self, particles: int, replicates: int, name: str) -> Tensor:
        """Return independent Gaussian particles, shape (replicates, D, particles).

        Args:
            particles: Number of particles.
            replicates: Number of replicates.
            name: Name of the random stream.
        """
        full, rng = Subspace.full(self.setting.unit.space.dim), self.context.rng("thm-1", name, str(particles))
        return mf.gaussian_start(full, particles, self.numbers.start_std, rng, replicates)

    def sgd(self, start: Tensor, beta: float, source: mf.Source | None = None) -> Tensor:
        """Return the end of SGD at the horizon, shape (R, D, N).

        Args:
            start: Particles, shape (R, D, N).
            beta: Temperature.
            source: Minibatches; None draws them from the law.
        """
        replicates, _, particles = start.shape
        numbers, rng = self.numbers, self.context.rng("thm-1", "sgd", str(particles), str(beta))
        config = mf.SGDConfig(
            particles=particles, alpha=numbers.alpha, horizon=numbers.horizon, batch=numbers.batch, tau=numbers.tau,
            beta=beta, noise="gaussian",
        )  # fmt: skip
        stream = source or self.law.source(replicates, numbers.batch, rng)
        return mf.train(mf.vanilla_gradient(self.setting.unit), start, stream, config, rng, must_learn=False).final

    @cached_property
    def flow_path(self) -> mf.FlowPath:
        """The reference flow, with a passive copy of every SGD start."""
        numbers = self.numbers
        starts = [self.start(n, numbers.repetitions, "start") for n in numbers.sizes]
        passive = torch.cat([s.transpose(0, 1).flatten(1) for s in starts], dim=1).unsqueeze(0)
        risk = mf.RegularisedRisk(mf.Risk(self.setting.unit, self.law), numbers.tau)
        config = mf.FlowConfig(horizon=numbers.horizon, alpha=numbers.alpha, rtol=1e-6, atol=1e-8, method="RK45")
        return mf.flow(risk, self.start(numbers.reference, 1, "reference"), config, passive=passive)

    def nonlinear(self, size: int) -> Tensor:
        """Return the copies of the nonlinear process with the start of the SGD of this size, shape (R, D, N).

        Args:
            size: N.
        """
        repetitions = self.numbers.repetitions
        before = repetitions * sum(n for n in self.numbers.sizes if n < size)
        block = self.flow_path.passive[-1][0, :, before : before + repetitions * size]
        return block.reshape(block.shape[0], repetitions, size).transpose(0, 1)

    @cached_property
    def langevin(self) -> Tensor:
        """The reference with noise: full-batch Langevin steps with the largest N, shape (1, D, N)."""
        return self.sgd(self.start(self.numbers.reference, 1, "langevin"), self.numbers.beta, self.law.full_batch())

    def measured(self, size: int) -> Cell:
        """Return all quantities at an N.

        Args:
            size: N.
        """
        start = self.start(size, self.numbers.repetitions, "start")
        final, noisy, nonlinear = self.sgd(start, 0.0), self.sgd(start, self.numbers.beta), self.nonlinear(size)
        numbers: dict[str, list[float]] = {
            COUPLED: mf.coupling_distance2(final, nonlinear).sqrt().tolist(),
            TRANSPORT: _w2(final, self.flow_path.final[0]),
            NOISY: _w2(noisy, self.langevin[0]),
            UNTRAINED: mf.coupling_distance2(start, nonlinear).sqrt().tolist(),
            COVARIANCE: [float(mf.pair_covariance((final**2).sum(1)))],
        }
        return Cell(numbers)


def _w2(clouds: Tensor, target: Tensor) -> list[float]:
    """Return W2 of every replicate (R, D, N) to one cloud (D, M), by exact transport."""
    reference = target.t().numpy()
    return [max(0.0, mf.w2_squared(cloud.t().numpy(), reference)) ** 0.5 for cloud in clouds]


DEMONSTRATION = Demonstration(
    "thm-1", "Theorem 1", "SGD with N particles approaches the Wasserstein gradient flow as N grows",
    "meanfield.dynamics, meanfield.clouds", Theorem1(), Theorem1(sizes=(10, 30, 100, 300), reference=1500),
)  # fmt: skip
