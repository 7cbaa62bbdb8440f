"""The SGD recursion with every loss, penalty, schedule and unit, against an autograd loop written from the poster."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.groups import named_group, natural
from sharefind.meanfield import (
    CONSTANT,
    RIDGE,
    SMOOTH_NORM,
    SQUARED,
    EmpiricalLaw,
    Loss,
    Penalty,
    Projector,
    Schedule,
    SGDConfig,
    Unit,
    build_schedule,
    build_unit,
    huber,
    predict,
    smooth_l1,
    train,
    vanilla_gradient,
)
from sharefind.spaces import Subspace
from sharefind.testing import random_units

TOLERANCE = {"float64": 1e-10, "float32": 2e-3}
"""Absolute errors after five steps of particles of order one, beside what steps make of rounded inputs."""
FAR = 20.0
"""Entries of particles beyond which a training may count as diverged, which other tests look at."""
SCHEDULES = (CONSTANT, build_schedule("power:0.5"), build_schedule("cosine:0.5:0.2"))
PARTICLES, BATCH, STEPS, ALPHA, TAU = 4, 3, 5, 0.8, 0.3


def plain_sgd(
    unit: Unit, x: Tensor, y: Tensor, theta: Tensor, loss: Loss, penalty: Penalty, schedule: Schedule
) -> Tensor:
    """Each particle on its own; risk and penalty through autograd: theta (1, D, N), x (steps, B, d_in)."""
    for k in range(STEPS):
        size = ALPHA / PARTICLES * schedule.value(k / PARTICLES)
        leaf = theta.clone().requires_grad_()
        risk = loss.value(predict(unit, x[k : k + 1], leaf), y[k : k + 1]).mean()
        penalties = penalty.value(leaf).mean()
        # D_mu of a mean over N particles is N times the gradient.
        (slope,) = torch.autograd.grad(PARTICLES * (risk + TAU * penalties), leaf)
        theta = theta - size * slope
    return theta


class Steps:
    """Given minibatches, one a step."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def batch(self, step: int) -> object:
        from sharefind.meanfield import Batch

        return Batch(self.x[step : step + 1], self.y[step : step + 1])


@settings(max_examples=60)
@given(
    random_units(),
    st.sampled_from([SQUARED, huber(0.5)]),
    st.sampled_from([RIDGE, SMOOTH_NORM, smooth_l1(0.3)]),
    st.sampled_from(SCHEDULES),
    st.sampled_from(["float64", "float32"]),
    st.integers(0, 2**16),
)
def test_the_recursion(unit: Unit, loss: Loss, penalty: Penalty, schedule: Schedule, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.normal(size=(STEPS, BATCH, unit.d_in)))
    y = torch.from_numpy(rng.normal(size=(STEPS, BATCH, unit.d_out)))
    start = torch.from_numpy(rng.normal(0, 0.5, size=(1, unit.space.dim, PARTICLES)))
    expected = plain_sgd(unit, x, y, start, loss, penalty, schedule)
    assume(float(expected.abs().max()) < FAR)
    inputs = [part.to(getattr(torch, dtype)).double() for part in (x, y, start)]
    rounded = plain_sgd(unit, *inputs, loss, penalty, schedule)
    enlarged = 10 * float((rounded - expected).abs().max())
    config = SGDConfig.model_validate(
        {
            "particles": PARTICLES, "alpha": ALPHA, "horizon": STEPS / PARTICLES, "tau": TAU, "beta": 0,
            "noise": "none", "dtype": dtype,
        }
    )  # fmt: skip
    path = train(
        vanilla_gradient(unit, loss), start, Steps(x, y), config, rng, schedule=schedule, penalty=penalty, loss=loss,
        must_learn=False,
    )  # type: ignore[arg-type]  # fmt: skip
    allowed = TOLERANCE[dtype] + enlarged
    torch.testing.assert_close(path.final.double(), expected, rtol=TOLERANCE[dtype], atol=allowed)


def test_the_noise_follows_the_schedule() -> None:
    """Without gradient and penalty, theta_k is a sum of independent N(0, 2 beta s_j P): its variance is the sum."""
    group = named_group("C2")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    schedule = build_schedule("power:1")
    space = Projector(Subspace.from_tying([1, 2, 2, 1]))
    config = SGDConfig(particles=50, alpha=0.5, horizon=2.0, tau=0.0, beta=0.3)
    law = EmpiricalLaw(torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64))

    def still(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(theta), torch.zeros(len(theta), 1, unit.d_out, dtype=theta.dtype)

    start = torch.zeros(400, 4, 50, dtype=torch.float64)
    rng = np.random.default_rng(0)
    end = train(still, start, law.full_batch(), config, rng, space, schedule=schedule).final
    expected = sum(2 * 0.3 * 0.5 / 50 / (1 + k / 50) for k in range(100))
    covariance = torch.einsum("rdn,ren->de", end, end).numpy() / (400 * 50)
    projection = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]]) / 2
    # 20,000 samples: five standard deviations of a variance estimate are 5 sqrt(2 / 20,000) = 5 %.
    np.testing.assert_allclose(covariance, expected * projection, atol=0.05 * expected)


def test_sources_of_other_replicates_are_refused() -> None:
    group = named_group("C2")
    unit = build_unit("matrix:tanh", natural(group), natural(group))
    law = EmpiricalLaw(torch.ones(4, 2, dtype=torch.float64), torch.ones(4, 2, dtype=torch.float64))
    config = SGDConfig(particles=3, beta=0.0)
    with pytest.raises(ConfigError, match="samples for 5 replicates but the start has 2"):
        train(
            vanilla_gradient(unit), torch.zeros(2, 4, 3, dtype=torch.float64),
            law.source(5, 2, np.random.default_rng(0)), config, np.random.default_rng(0),
        )  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
def test_schedules_are_positive_and_rebuild_from_their_names(schedule: Schedule) -> None:
    again = build_schedule(schedule.name)
    for t in (0.0, 0.1, 0.5, 3.0, 100.0):
        assert schedule.value(t) > 0
        assert again.value(t) == schedule.value(t)
    assert schedule.value(0.0) == 1.0


@pytest.mark.parametrize(
    "text", ["linear", "power", "power:x", "power:-1", "cosine:0", "cosine:1:2", "constant:1", "power:inf"]
)
def test_wrong_schedules(text: str) -> None:
    with pytest.raises(ConfigError):
        build_schedule(text)
