"""The SGD recursion by hand, its noise, its checkpoints, and its independence of how replicates are batched."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.meanfield import (
    Batch,
    FreshSource,
    MatrixUnit,
    Projector,
    Scheme,
    SGDConfig,
    gaussian_start,
    scheme_gradient,
    train,
)
from sharefind.meanfield.dynamics.settings import Pace
from sharefind.spaces import Subspace, fixed_space

Build = Callable[..., MatrixUnit]
QUIET = {"noise": "none", "beta": 0.0}


class Prepared:
    """Minibatches drawn beforehand: x (steps, R, B, d_in), y (steps, R, B, d_out)."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def batch(self, step: int) -> Batch:
        return Batch(self.x[step], self.y[step])

    def replicate(self, r: int) -> "Prepared":
        return Prepared(self.x[:, r : r + 1], self.y[:, r : r + 1])


def prepared(unit: MatrixUnit, steps: int, replicates: int = 1, batch: int = 4) -> Prepared:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(0, 2, size=(steps, replicates, batch, unit.d_in)))
    return Prepared(x, torch.from_numpy(rng.uniform(size=(steps, replicates, batch, unit.d_out))))


def pull_to_zero(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of |z|^2 in place of a model's."""
    return 2 * theta, torch.zeros_like(y)


def no_pull(x: Tensor, y: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(theta), torch.zeros_like(y)


def empty(steps: int) -> Prepared:
    return Prepared(torch.zeros(steps, 1, 1, 1), torch.zeros(steps, 1, 1, 1))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_two_steps_by_hand(build: Build) -> None:
    """One particle, one sample: theta - s (2 (Phi - y) sigma' x + tau theta), written out in numpy."""
    unit = build("C2", "natural", "natural", "matrix+bias:logistic")
    config = SGDConfig(particles=1, alpha=0.7, horizon=2, tau=0.1, **QUIET)
    source = prepared(unit, 2, batch=1)
    start = torch.from_numpy(rng(1).normal(size=(1, 6, 1)))
    weight, bias = start[0, :4, 0].numpy().reshape(2, 2).copy(), start[0, 4:, 0].numpy().copy()
    for step in range(2):
        x, y = source.x[step, 0, 0].numpy(), source.y[step, 0, 0].numpy()
        value = 1 / (1 + np.exp(-(weight @ x + bias)))
        pull = 2 * (value - y) * value * (1 - value)
        weight = weight - 0.7 * (np.outer(pull, x) + 0.1 * weight)
        bias = bias - 0.7 * (pull + 0.1 * bias)
    final = train(scheme_gradient(Scheme.VANILLA, unit), start, source, config, rng()).final
    np.testing.assert_allclose(final.flatten().numpy(), np.concatenate([weight.ravel(), bias]), atol=1e-14)


def test_a_quadratic_shrinks_geometrically() -> None:
    """theta^k = (1 - s (2 + tau))^k theta^0 with s = alpha / N, and N T steps."""
    config = SGDConfig(particles=10, alpha=0.5, horizon=3, tau=0.2, **QUIET)
    start = torch.from_numpy(rng().normal(size=(2, 5, 10)))
    final = train(pull_to_zero, start, empty(30), config, rng()).final
    assert (config.steps, config.step_size) == (30, 0.05)
    torch.testing.assert_close(final, start * (1 - 0.05 * 2.2) ** 30, rtol=1e-12, atol=0)


def test_the_penalty_alone() -> None:
    config = SGDConfig(particles=4, alpha=2.0, horizon=5, tau=0.3, **QUIET)
    start = torch.ones(1, 3, 4, dtype=torch.float64)
    final = train(no_pull, start, empty(20), config, rng()).final
    torch.testing.assert_close(final, start * (1 - 0.5 * 0.3) ** 20, rtol=1e-12, atol=0)


def test_a_step_is_alpha_over_n_times_n_gradients(build: Build) -> None:
    """Doubling the cloud (every particle twice) and T N steps: the same gradient, half the step."""
    unit = build("S3", "natural", "natural", "matrix+bias:tanh")
    start = torch.from_numpy(rng(2).normal(size=(1, 12, 5)))
    source = prepared(unit, 1)
    gradient = scheme_gradient(Scheme.VANILLA, unit)
    once = train(gradient, start, source, SGDConfig(particles=5, horizon=0.1, tau=0, **QUIET), rng()).final
    doubled = torch.cat([start, start], dim=2)
    twice = train(gradient, doubled, source, SGDConfig(particles=10, horizon=0.1, tau=0, **QUIET), rng()).final
    torch.testing.assert_close(2 * (twice - doubled)[..., :5], once - start, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_noise_has_variance_two_beta_s_a_step(dtype: str) -> None:
    particles, steps = 5000, 10
    config = SGDConfig(particles=particles, horizon=steps / particles, tau=0, beta=3e-2, noise="gaussian", dtype=dtype)
    assert config.steps == steps
    final = train(no_pull, torch.zeros(2, 4, particles), empty(steps), config, rng()).final
    variance = 2 * config.beta * config.step_size * steps
    count = final.numel()
    assert final.dtype == config.torch_dtype
    # Five standard errors of a mean and of a variance of `count` independent Gaussians.
    assert float(final.mean().abs()) < 5 * np.sqrt(variance / count)
    assert float(final.var()) == pytest.approx(variance, rel=5 * np.sqrt(2 / count))
    correlation = torch.corrcoef(final.flatten(1))[0, 1]
    assert float(correlation.abs()) < 5 / np.sqrt(count / 2)


def test_projected_noise_stays_in_the_space_with_its_variance(unit: MatrixUnit) -> None:
    space = fixed_space(unit.space.action)
    projector, particles = Projector(space), 4000
    config = SGDConfig(particles=particles, horizon=5 / particles, tau=0, beta=0.1, noise="projected")
    start = gaussian_start(space, particles, 1.0, rng())
    moved = train(no_pull, start, empty(5), config, rng(), projector).final - start
    assert float(projector.residual(moved).abs().max()) < 1e-13
    variance = 2 * config.beta * config.step_size * 5
    in_all = float((moved**2).sum(1).mean())
    assert in_all == pytest.approx(space.dim * variance, rel=6 * np.sqrt(2 / (particles * space.dim)))


def test_gaussian_noise_leaves_the_space() -> None:
    projector = Projector(Subspace.from_tying([1, 1, 0]))
    config = SGDConfig(particles=50, horizon=1, tau=0, beta=0.1, noise="gaussian")
    final = train(no_pull, torch.zeros(1, 3, 50), empty(50), config, rng(), projector).final
    assert float(projector.residual(final).abs().min()) > 0


@pytest.mark.parametrize("settings", [{"noise": "none", "beta": 0.5}, {"noise": "gaussian", "beta": 0.0}])
def test_without_noise_nothing_moves(settings: dict[str, object]) -> None:
    config = SGDConfig(particles=3, tau=0, **settings)
    start = torch.ones(1, 2, 3, dtype=torch.float64)
    assert torch.equal(train(no_pull, start, empty(60), config, rng()).final, start)


def fresh_training(unit: MatrixUnit, seed: int, replicates: int = 2, **settings: object) -> Tensor:
    generator = rng(seed)
    space = fixed_space(unit.space.action)

    def sampler(r: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return r.normal(size=(n, unit.d_in)), r.uniform(size=(n, unit.d_out))

    config = SGDConfig(particles=20, horizon=3, beta=1e-3, **settings)
    start = gaussian_start(space, 20, 0.5, generator, replicates)
    source = FreshSource(sampler, replicates, 5, generator)
    return train(scheme_gradient(Scheme.VANILLA, unit), start, source, config, generator, Projector(space)).final


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bytes(unit: MatrixUnit, dtype: str) -> None:
    first, again, other = (fresh_training(unit, seed, dtype=dtype) for seed in (0, 0, 1))
    assert first.numpy().tobytes() == again.numpy().tobytes()
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


@pytest.mark.parametrize("shared", [False, True], ids=["own samples", "shared samples"])
def test_replicates_together_are_replicates_alone(unit: MatrixUnit, shared: bool) -> None:
    config = SGDConfig(particles=6, alpha=5, horizon=5, **QUIET)
    source = prepared(unit, 30, 1 if shared else 3)
    start = torch.from_numpy(rng(3).normal(size=(3, unit.space.dim, 6)))
    gradient = scheme_gradient(Scheme.VANILLA, unit)
    together = train(gradient, start, source, config, rng())
    for r in range(3):
        own = source if shared else source.replicate(r)
        alone = train(gradient, start[r : r + 1], own, config, rng())
        torch.testing.assert_close(together.final[r : r + 1], alone.final, rtol=0, atol=1e-11)
        assert float(together.risk[r]) == pytest.approx(float(alone.risk[0]), rel=1e-11)


def test_training_leaves_its_start_alone(build: Build) -> None:
    unit = build("C2", "natural", "natural", "matrix")
    start = torch.from_numpy(rng(4).normal(size=(1, 4, 10)))
    copy = start.clone()
    config = SGDConfig(particles=10, horizon=1, **QUIET)
    source = prepared(unit, 10, 3)
    train(scheme_gradient(Scheme.VANILLA, unit), start.expand(3, -1, -1), source, config, rng())
    assert torch.equal(start, copy)


def test_checkpoints_are_shorter_trainings(build: Build) -> None:
    unit = build("S3", "natural", "natural", "matrix+bias:tanh")
    source, gradient = prepared(unit, 40), scheme_gradient(Scheme.VANILLA, unit)
    start = torch.from_numpy(rng(5).normal(size=(1, 12, 10)))
    config = SGDConfig(particles=10, alpha=3, horizon=4, **QUIET)
    path = train(gradient, start, source, config, rng(), checkpoints=(0.25, 0.5, 1.0))
    assert path.times == (0.25, 0.5, 1.0)
    assert torch.equal(path.final, path.clouds[-1])
    for cloud, horizon in zip(path.clouds, (1, 2, 4), strict=True):
        short = train(gradient, start, source, config.model_copy(update={"horizon": float(horizon)}), rng())
        assert torch.equal(cloud, short.final)


def test_the_risk_is_that_of_the_last_stretch() -> None:
    steps = 8
    y = torch.arange(steps, dtype=torch.float64).reshape(steps, 1, 1, 1).expand(steps, 2, 3, 2)
    source = Prepared(torch.zeros(steps, 2, 3, 1), y)
    config = SGDConfig(particles=4, horizon=2, tau=0, **QUIET)
    path = train(no_pull, torch.zeros(2, 1, 4), source, config, rng(), checkpoints=(0.25, 0.5, 1.0))
    # Steps 4 to 7, two outputs each of squared loss k^2.
    assert path.risk.tolist() == [2 * (16 + 25 + 36 + 49) / 4] * 2


@pytest.mark.parametrize("steps", [1, 49, 50, 99, 101, 240])
def test_progress_is_bounded_and_ends_at_the_end(steps: int) -> None:
    calls: list[tuple[int, int]] = []
    config = SGDConfig(particles=1, horizon=steps, tau=0, **QUIET)
    start = torch.zeros(1, 1, 1)
    train(no_pull, start, empty(steps), config, rng(), progress=lambda done, total: calls.append((done, total)))
    assert 1 <= len(calls) <= Pace().reports
    assert calls[-1] == (steps, steps)
    assert calls == sorted(set(calls))


@pytest.mark.slow
def test_a_long_training_is_not_silent() -> None:
    """After so many seconds it tells how far it is, however little that is of the whole."""
    pace = Pace(silence=0.0)
    calls: list[int] = []
    config, steps = SGDConfig(particles=1, horizon=64 * 500, tau=0, **QUIET), 64 * 500
    train(
        no_pull,
        torch.zeros(1, 1, 1),
        empty(steps),
        config,
        rng(),
        progress=lambda done, _: calls.append(done),
        pace=pace,
    )
    assert calls[-1] == steps and max(b - a for a, b in itertools.pairwise([0, *calls])) <= pace.steps


def test_divergence_names_a_step_to_try() -> None:
    config = SGDConfig(particles=2, alpha=4000, horizon=200, tau=1.0, **QUIET)
    start = torch.ones(1, 3, 2, dtype=torch.float64)
    with pytest.raises(NotConvergedError, match=r"diverged.*65 steps of size 2000; use a smaller step.*alpha=0\.4\)"):
        train(pull_to_zero, start, empty(400), config, rng())


def test_infinite_inputs_are_divergence_too(build: Build) -> None:
    unit = build("C2", "natural", "natural", "matrix")
    source = prepared(unit, 5)
    source.x[2, 0, 0, 0] = torch.inf
    config = SGDConfig(particles=5, horizon=1, **QUIET)
    with pytest.raises(NotConvergedError, match="rescale the inputs"):
        train(scheme_gradient(Scheme.VANILLA, unit), torch.ones(1, 4, 5), source, config, rng())


@pytest.mark.parametrize(
    ("settings", "keywords", "message"),
    [
        ({"particles": 6, **QUIET}, {}, "the start has 5 particles but the step size is for 6; set particles=5"),
        ({"particles": 5}, {}, "projected noise needs the space"),
        ({"particles": 5, **QUIET}, {"checkpoints": (0.5,)}, r"checkpoints \[0.5\].*let them end in 1"),
        ({"particles": 5, **QUIET}, {"checkpoints": (0.7, 0.2, 1.0)}, "not increasing"),
        ({"particles": 5, **QUIET}, {"checkpoints": ()}, "let them end in 1"),
    ],
)
def test_settings_that_do_not_fit(settings: dict, keywords: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train(no_pull, torch.zeros(1, 2, 5), empty(200), SGDConfig(**settings), rng(), **keywords)


@pytest.mark.parametrize(
    "settings",
    [{"particles": 0}, {"alpha": 0}, {"horizon": -1}, {"tau": -1e-3}, {"beta": -1}, {"noise": "loud"}, {"steps": 3}],
)
def test_settings_that_are_no_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SGDConfig(**settings)


def test_the_defaults_are_the_papers() -> None:
    config = SGDConfig()
    assert (config.alpha, config.tau, config.beta, config.batch) == (50, 1e-4, 1e-6, 20)
    assert (config.steps, config.step_size, config.initial_std) == (2000, 0.5, 0.25)


def test_gaussian_starts_lie_on_their_space(unit: MatrixUnit) -> None:
    space = fixed_space(unit.space.action)
    start = gaussian_start(space, 4000, 0.25, rng(), replicates=2)
    assert start.shape == (2, unit.space.dim, 4000)
    assert float(Projector(space).residual(start).abs().max()) < 1e-14
    second = float((start**2).sum(1).mean())
    assert second == pytest.approx(space.dim / 16, rel=6 * np.sqrt(2 / (8000 * space.dim)))
    assert not torch.equal(start[0], start[1])
