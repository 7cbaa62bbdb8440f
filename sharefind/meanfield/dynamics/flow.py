"""The Wasserstein gradient flow of a functional on clouds: the N -> infinity, eps -> 0 limit of SGD (Thm 1).

For an empirical measure the flow is an ordinary differential equation, d theta_i / dt = -alpha varsigma(t)
D_mu F(nu_t, theta_i), integrated adaptively by SciPy. Stochastic training is in `sgd`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.meanfield.clouds.measures import refuse_diverged
from sharefind.meanfield.dynamics.schedules import CONSTANT, Schedule
from sharefind.meanfield.objectives.risks import Functional
from sharefind.typing import FloatArray


class FlowConfig(BaseModel):
    """Settings of an integration.

    Attributes:
        horizon: T.
        alpha: Speed, as in SGD where a particle and step move by alpha/N.
        method: Method of scipy.integrate.solve_ivp.
        rtol: Its relative tolerance on every coordinate.
        atol: Its absolute tolerance on every coordinate.
        evaluations: Most of the velocity field, so that a stiff flow ends with an error and not never.
        fastest: Largest velocity from which a flow is started: squares of it must stay finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    horizon: float = Field(default=1.0, gt=0)
    alpha: float = Field(default=1.0, gt=0)
    method: Literal["RK45", "DOP853", "LSODA", "Radau"] = "DOP853"
    rtol: float = Field(default=1e-8, gt=0)
    atol: float = Field(default=1e-10, gt=0)
    evaluations: int = Field(default=100_000, ge=1)
    fastest: float = Field(default=1e100, gt=0)


@dataclass(frozen=True)
class FlowPath:
    """An integrated flow.

    Attributes:
        times: The times, shape (C,).
        clouds: Particles at each time, shape (R, D, N).
        passive: Passive particles at each time, shape (R, D, M), or empty.
        evaluations: Number of evaluations of the velocity field.
    """

    times: tuple[float, ...]
    clouds: tuple[Tensor, ...]
    passive: tuple[Tensor, ...]
    evaluations: int

    @property
    def final(self) -> Tensor:
        """The cloud (R, D, N) at the horizon."""
        return self.clouds[-1]

    def distance2(self, other: FlowPath) -> Tensor:
        """Return mean_i |theta_i - theta'_i|^2 at each common time, particle by particle; it is at least W2^2.

        Args:
            other: A flow with the same times and shapes.

        Returns:
            Shape (C, R).
        """
        pairs = zip(self.clouds, other.clouds, strict=True)
        return torch.stack([((a - b) ** 2).sum(1).mean(-1) for a, b in pairs])


def flow(
    functional: Functional,
    start: Tensor,
    config: FlowConfig,
    times: Sequence[float] | None = None,
    schedule: Schedule = CONSTANT,
    passive: Tensor | None = None,
) -> FlowPath:
    """Integrate WGF(F) from the cloud `start`, in float64.

    Args:
        functional: F, such as a `Risk` or a `RegularisedRisk`.
        start: theta_0, shape (R, D, N).
        config: The settings.
        times: Increasing, in [0, T]; only T by default.
        schedule: The schedule varsigma.
        passive: Particles, shape (R, D, M), that move in the velocity field of the cloud and have no weight in it:
            copies of the nonlinear process, to couple with (Sznitman 1991).

    Returns:
        The particles at the times.

    Raises:
        ConfigError: The times or the passive particles do not fit.
        SpaceError: Particles that are not finite.
        NotConvergedError: The solver did not reach the horizon; the message says why, and which horizon it reaches.
    """
    marks = _marks(times, config)
    if start.ndim != 3:
        raise ConfigError(f"a cloud has shape (R, D, N), not {tuple(start.shape)}")
    others = start[:, :, :0] if passive is None else passive
    if others.ndim != 3 or others.shape[:2] != start.shape[:2]:
        raise ConfigError(
            f"passive particles of shape {tuple(others.shape)} do not fit the cloud {tuple(start.shape)}; "
            "only the last axis may differ"
        )
    refuse_diverged(start, others)
    first, particles = torch.cat([start.double(), others.double()], dim=2), start.shape[2]

    def velocity(t: float, flat: FloatArray) -> FloatArray:
        cloud, others = torch.from_numpy(flat.reshape(first.shape)).tensor_split([particles], dim=2)
        slope = functional.derivative(cloud)
        if others.numel():
            slope = torch.cat([slope, functional.derivative(cloud, others)], dim=2)
        return np.asarray(-config.alpha * schedule.value(t) * slope.numpy(force=True)).reshape(-1)

    solved = _solved(velocity, first.numpy(force=True).reshape(-1), marks, config)
    path = [torch.from_numpy(np.ascontiguousarray(c)).reshape(first.shape) for c in solved.y.T]
    clouds = tuple(c[:, :, :particles].contiguous() for c in path)
    moved = tuple(c[:, :, particles:].contiguous() for c in path) if others.numel() else ()
    return FlowPath(tuple(marks), clouds, moved, int(solved.nfev))


def _marks(times: Sequence[float] | None, config: FlowConfig) -> list[float]:
    marks = [config.horizon] if times is None else [float(t) for t in times]
    if not marks or marks != sorted(set(marks)) or marks[0] < 0 or marks[-1] > config.horizon:
        raise ConfigError(f"times {marks} must increase within [0, {config.horizon:g}]; choose others")
    return marks


Velocity = Callable[[float, FloatArray], FloatArray]
"""(t, flat particles) -> their derivative."""


class _BudgetSpent(Exception):
    """The velocity field was evaluated as often as it may be."""


def _solved(velocity: Velocity, start: FloatArray, marks: list[float], config: FlowConfig) -> Any:
    """The solution by SciPy's solve_ivp; NotConvergedError where it did not reach the horizon."""
    from scipy.integrate import solve_ivp

    with np.errstate(over="ignore", invalid="ignore"):
        speed = float(np.abs(velocity(0.0, start)).max(initial=0.0))
    if not speed <= config.fastest:
        raise NotConvergedError(
            f"the flow starts with velocity {speed:.3g}, from which nothing is integrated; rescale the data"
        )
    accepted, evaluated = [0.0], count(1)

    def counted(t: float, flat: FloatArray) -> FloatArray:
        if next(evaluated) > config.evaluations:
            raise _BudgetSpent
        return velocity(t, flat)

    def follow(t: float, flat: FloatArray) -> float:
        accepted.append(t)
        return 1.0

    try:
        with np.errstate(over="ignore", invalid="ignore"):  # steps that are tried in vain; the outcome is checked
            solved = solve_ivp(
                counted, (0.0, config.horizon), start, method=config.method, t_eval=marks, rtol=config.rtol,
                atol=config.atol, events=follow,
            )  # fmt: skip
    except _BudgetSpent:
        why = f"it took {config.evaluations} evaluations to come there. Give more evaluations, use method Radau"
        raise NotConvergedError(_stopped(max(accepted), config, why)) from None
    if solved.status != 0 or not np.isfinite(solved.y).all():
        why = f"{solved.message} Use looser tolerances, method Radau"
        raise NotConvergedError(_stopped(max(accepted), config, why))
    return solved


def _stopped(reached: float, config: FlowConfig, why: str) -> str:
    """The message of a flow that ended at a time; nine tenths of it are reached."""
    shorter = f", or horizon={0.9 * reached:.3g}" if reached > 0 else ", or a smaller alpha"
    return f"the flow stopped at time {reached:g} of {config.horizon:g}: {why}{shorter}"
