"""Gradient flows: closed forms, the energy identity, gradient descent in the limit, passive particles."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.groups import named_group, natural
from sharefind.meanfield import (
    EmpiricalLaw,
    FlowConfig,
    Risk,
    SGDConfig,
    Unit,
    build_schedule,
    build_unit,
    flow,
    haar_rule,
    train,
    vanilla_gradient,
)

ACCURACY = 1e-6
"""Absolute errors of integrated particles of order one at the default tolerances."""


class Quadratic:
    """F(mu) = int |z - m|^2 / 2 dmu + |mean(mu)|^2 / 2: the flow has a closed form."""

    def __init__(self, centre: Tensor) -> None:
        self.centre = centre

    def value(self, theta: Tensor) -> Tensor:
        return ((theta - self.centre) ** 2).sum(1).mean(-1) / 2 + (theta.mean(-1) ** 2).sum(-1) / 2

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        points = theta if at is None else at
        return points - self.centre + theta.mean(-1, keepdim=True)


class Explosive:
    """z' = |z|^2 z, which leaves every ball in finite time."""

    def value(self, theta: Tensor) -> Tensor:
        return -(theta**4).sum((1, 2))

    def derivative(self, theta: Tensor, at: Tensor | None = None) -> Tensor:
        points = theta if at is None else at
        return -(points**3)


def network() -> tuple[Unit, EmpiricalLaw, Tensor]:
    group = named_group("C2")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    rng = np.random.default_rng(0)
    law = EmpiricalLaw(torch.from_numpy(rng.normal(size=(20, 2))), torch.from_numpy(rng.uniform(-0.5, 0.5, (20, 2))))
    return unit, law, torch.from_numpy(rng.normal(size=(2, 4, 5)))


def test_a_closed_form() -> None:
    """mean' = -(2 mean - m) and (z - mean)' = -(z - mean)."""
    rng = np.random.default_rng(1)
    start, centre = torch.from_numpy(rng.normal(size=(2, 3, 6))), torch.from_numpy(rng.normal(size=(1, 3, 1)))
    path = flow(Quadratic(centre), start, FlowConfig(horizon=1.5), times=[0.0, 0.4, 1.5])
    mean = start.mean(-1, keepdim=True)
    for t, cloud in zip(path.times, path.clouds, strict=True):
        expected = centre / 2 + (mean - centre / 2) * np.exp(-2 * t) + (start - mean) * np.exp(-t)
        torch.testing.assert_close(cloud, expected, rtol=0, atol=ACCURACY)


def test_schedules_and_speeds_change_time() -> None:
    """With varsigma(t) = (1 + t)^{-1/2} and speed alpha, time runs as 2 alpha (sqrt(1 + t) - 1)."""
    start = torch.from_numpy(np.random.default_rng(2).normal(size=(1, 2, 4)))
    functional = Quadratic(torch.zeros(1, 2, 1, dtype=torch.float64))
    slowed = flow(functional, start, FlowConfig(horizon=3.0, alpha=0.5), schedule=build_schedule("power:0.5")).final
    plain = flow(functional, start, FlowConfig(horizon=2 * 0.5 * (2.0 - 1.0))).final
    torch.testing.assert_close(slowed, plain, rtol=0, atol=ACCURACY)


def test_the_energy_identity() -> None:
    """dF/dt = -int |D_mu F|^2 dmu along the flow: the integral of the dissipation is the drop of the risk."""
    unit, law, start = network()
    risk = Risk(unit, law)
    times = list(np.linspace(0, 2, 401))
    path = flow(risk, start, FlowConfig(horizon=2.0), times=times)
    values = torch.stack([risk.value(c) for c in path.clouds])
    dissipation = torch.stack([(risk.derivative(c) ** 2).sum(1).mean(-1) for c in path.clouds])
    assert bool((values[1:] < values[:-1]).all())
    torch.testing.assert_close(
        values[0] - values[-1], torch.trapezoid(dissipation, dx=2 / 400, dim=0), rtol=1e-4, atol=0
    )


def test_full_batch_descent_approaches_the_flow_at_first_order() -> None:
    """Steps of size alpha / N: Euler's method, whose error halves with the step."""
    unit, law, start = network()
    target = flow(Risk(unit, law), start, FlowConfig(horizon=1.0, alpha=2.0)).final
    errors = []
    for copies in (4, 8, 16):  # copies of every particle change neither measure nor flow, and make the step smaller
        cloud = start.repeat(1, 1, copies)
        config = SGDConfig(particles=cloud.shape[2], alpha=2.0, horizon=1.0, tau=0.0, beta=0.0, noise="none")
        end = train(vanilla_gradient(unit), cloud, law.full_batch(), config, np.random.default_rng(0)).final
        errors.append(float((end[:, :, :5] - target).abs().max()))
    ratios = [a / b for a, b in pairwise(errors)]
    assert all(1.8 < ratio < 2.2 for ratio in ratios), errors


def test_passive_particles_move_and_do_not_push() -> None:
    unit, law, start = network()
    risk, config = Risk(unit, law), FlowConfig(horizon=1.0)
    alone = flow(risk, start, config)
    both = flow(risk, start, config, passive=torch.cat([start, torch.ones(2, 4, 3, dtype=torch.float64)], dim=2))
    torch.testing.assert_close(both.final, alone.final, rtol=0, atol=ACCURACY)
    torch.testing.assert_close(both.passive[-1][:, :, :5], alone.final, rtol=0, atol=ACCURACY)
    assert float((both.passive[-1][:, :, 5:] - 1).abs().max()) > 1e-3


def test_flows_commute_with_the_group() -> None:
    """WGF of an invariant risk from M_g#mu is M_g# of the flow from mu: what Thm 3 rests on."""
    unit, law, start = network()
    rule = haar_rule(unit)
    risk, config = Risk(unit, law.symmetrised(rule)), FlowConfig(horizon=1.0)
    moved = flow(risk, rule.images(start)[:, :, 1], config).final
    torch.testing.assert_close(moved, rule.images(flow(risk, start, config).final)[:, :, 1], rtol=0, atol=ACCURACY)
    plain = Risk(unit, law)
    other = flow(plain, rule.images(start)[:, :, 1], config).final
    assert float((other - rule.images(flow(plain, start, config).final)[:, :, 1]).abs().max()) > 1e-3


def test_flows_that_explode_are_errors() -> None:
    with pytest.raises(NotConvergedError, match="the flow stopped at time"):
        flow(Explosive(), torch.ones(1, 2, 3, dtype=torch.float64), FlowConfig(horizon=5.0))


def test_misfits() -> None:
    unit, law, start = network()
    risk = Risk(unit, law)
    with pytest.raises(ConfigError, match=r"must increase within \[0, 1\]"):
        flow(risk, start, FlowConfig(), times=[0.5, 2.0])
    with pytest.raises(ConfigError, match="only the last axis may differ"):
        flow(risk, start, FlowConfig(), passive=start[:1])
    with pytest.raises(ConfigError, match=r"shape \(R, D, N\)"):
        flow(risk, start[0], FlowConfig())
