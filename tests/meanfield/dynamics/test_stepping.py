"""The compiled kernel against the recursion in plain torch, and which of the two carries out a training."""

import logging
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sharefind.errors import ConfigError, NotConvergedError
from sharefind.fresh_samples import are_compiled
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import (
    Batch,
    FreshSource,
    MatrixUnit,
    ParticleAction,
    Projector,
    Scheme,
    SGDConfig,
    build_loss,
    build_penalty,
    build_unit,
    gaussian_start,
    scheme_gradient,
    train,
    vanilla_gradient,
)
from sharefind.meanfield.dynamics import stepping
from sharefind.meanfield.dynamics.kernels import numbers
from sharefind.meanfield.dynamics.noise import NoiseShape, TorchNoise
from sharefind.meanfield.dynamics.settings import PACE, Backend
from sharefind.meanfield.dynamics.stepping import Chunk, CompiledSteps, CompiledUnit, TorchSteps, choose_steps
from sharefind.spaces import Subspace, fixed_space

SEED = 2**62 + 5


@dataclass(frozen=True)
class Given:
    """Noise that is known beforehand, (K, R, D, N)."""

    xi: Tensor

    def draw(self, steps: int) -> Tensor:
        return self.xi[:steps]


def plain_unit(d_in: int, d_out: int, expression: str, width: int | None = None) -> CompiledUnit:
    group = named_group("C1")
    reps = (parse_representation(f"trivial:{d}", group) for d in (d_in, d_out, width or 1))
    in_rep, out_rep, hidden_rep = reps
    return build_unit(expression, in_rep, out_rep, hidden_rep if width else None)


def random_chunk(rng: np.random.Generator, sizes: tuple[int, ...], dtype: torch.dtype) -> Chunk:
    """sizes: K, rows of x, B, d_in, d_out."""
    steps, rows, batch, d_in, d_out = sizes
    x = torch.from_numpy(rng.normal(0, 2, size=(steps, rows, batch, d_in))).to(dtype)
    y = torch.from_numpy(rng.normal(size=(steps, rows, batch, d_out))).to(dtype)
    return Chunk(x, y, 3, tuple(rng.uniform(0.1, 1, steps).tolist()), 0.05, 0.01)


def known_noise(shape: NoiseShape | None, theta: Tensor, chunk: Chunk) -> Given | None:
    """What the kernel adds at `SEED`, made outside of it."""
    if shape is None:
        return None
    zeta = torch.empty(len(chunk.sizes), len(theta), shape.rank, theta.shape[2], dtype=theta.dtype)
    numbers.gaussians(zeta.numpy(), np.uint64(SEED), chunk.first)
    return Given(shape.spread_out(zeta))


def assert_as_near(found: Tensor, expected: Tensor, exact: Tensor) -> None:
    """Assert that the kernel is as near to steps in double precision as torch is in its own; steps may enlarge both."""
    allowed = {torch.float32: 1e-4, torch.float64: 1e-11}[found.dtype] * (1 + float(exact.abs().max()))
    rounding = float((expected.double() - exact).abs().max())
    assert float((found.double() - exact.double()).abs().max()) <= allowed + 10 * rounding


def _by_torch(unit: CompiledUnit, theta: Tensor, chunk: Chunk, known: Given | None, losses: Tensor) -> Tensor:
    reference = TorchSteps(vanilla_gradient(unit), stepping.SQUARED, stepping.RIDGE, known)
    return reference.advance(theta.clone(), chunk, losses)


def both(unit: CompiledUnit, theta: Tensor, chunk: Chunk, noise: NoiseShape | None) -> None:
    """Assert that the kernel and torch agree on particles and on the loss."""
    losses = [torch.zeros(len(theta), dtype=torch.float64) for _ in range(2)]
    known = known_noise(noise, theta, chunk)
    expected = _by_torch(unit, theta, chunk, known, losses[0])
    found = CompiledSteps(unit, theta.dtype, noise, SEED).advance(theta.clone(), chunk, losses[1])
    double = replace(chunk, x=chunk.x.double(), y=chunk.y.double())
    known = None if known is None else Given(known.xi.double())
    exact = _by_torch(unit, theta.double(), double, known, torch.zeros_like(losses[0]))
    assert_as_near(found, expected, exact)
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5 if theta.dtype == torch.float32 else 1e-12, atol=1e-6)
    assert not torch.equal(found, theta)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.booleans(), st.integers(1, 9), st.integers(1, 11), st.integers(1, 4)),
    st.integers(1, 4),
    st.one_of(st.integers(1, 40), st.sampled_from([511, 512, 513, 1025, 1500])),
    st.sampled_from(["matrix:logistic", "matrix:tanh", "matrix+bias:logistic", "matrix+bias:tanh"]),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(0, 2**32 - 1),
)
def test_the_kernel_is_the_recursion(sizes, replicates, particles, expression, dtype, seed) -> None:
    """Any sizes, samples of one row or of each replicate, noise on all of Z."""
    steps, is_shared, batch, d_in, d_out = sizes
    rng = np.random.default_rng(seed)
    unit = plain_unit(d_in, d_out, expression)
    theta = torch.from_numpy(rng.normal(size=(replicates, unit.space.dim, particles))).to(dtype)
    chunk = random_chunk(rng, (steps, 1 if is_shared else replicates, batch, d_in, d_out), dtype)
    both(unit, theta, chunk, NoiseShape(unit.space.dim, None) if seed % 2 else None)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.booleans(), st.integers(1, 9), st.integers(1, 6), st.integers(1, 4)),
    st.tuples(st.integers(1, 9), st.integers(1, 3)),
    st.one_of(st.integers(1, 40), st.sampled_from([511, 512, 513, 1025, 1500])),
    st.sampled_from(["two-layer:logistic", "two-layer:tanh"]),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(0, 2**32 - 1),
)
def test_the_kernel_of_two_layers_is_the_recursion(sizes, others, particles, expression, dtype, seed) -> None:
    """Any sizes and widths, samples of one row or of each replicate, noise on all of Z."""
    (steps, is_shared, batch, d_in, d_out), (width, replicates) = sizes, others
    rng = np.random.default_rng(seed)
    unit = plain_unit(d_in, d_out, expression, width)
    theta = torch.from_numpy(rng.normal(0, 0.5, size=(replicates, unit.space.dim, particles))).to(dtype)
    chunk = random_chunk(rng, (steps, 1 if is_shared else replicates, batch, d_in, d_out), dtype)
    both(unit, theta, chunk, NoiseShape(unit.space.dim, None) if seed % 2 else None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("group", ["C3", "S3"])
def test_projected_noise_of_two_layers(group: str, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(1)
    rep, hidden = natural(named_group(group)), parse_representation("regular", named_group(group))
    unit = build_unit("two-layer:tanh", rep, rep, hidden)
    dim = unit.space.dim
    theta = torch.from_numpy(rng.normal(size=(2, dim, 37))).to(dtype)
    chunk = random_chunk(rng, (3, 2, 5, 3, 3), dtype)
    both(unit, theta, chunk, NoiseShape(dim, fixed_space(unit.space.action)))
    both(unit, theta, chunk, NoiseShape(dim, Subspace.numerical(rng.normal(size=(2, dim)))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_projected_noise_of_a_tying_space_and_of_one_without_labels(unit: MatrixUnit, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(1)
    dim = unit.space.dim
    theta = torch.from_numpy(rng.normal(size=(2, dim, 37))).to(dtype)
    chunk = random_chunk(rng, (3, 2, 5, unit.d_in, unit.d_out), dtype)
    both(unit, theta, chunk, NoiseShape(dim, fixed_space(unit.space.action)))
    both(unit, theta, chunk, NoiseShape(dim, Subspace.numerical(rng.normal(size=(2, dim)))))


def test_the_activations_over_the_whole_line() -> None:
    """One particle, one sample x = 1, y = 0: the loss is sigma(w)^2."""
    for name, exact in (("logistic", lambda w: 1 / (1 + np.exp(-np.clip(w, -700, 700)))), ("tanh", np.tanh)):
        for dtype, eps in ((torch.float32, 2e-7), (torch.float64, 1e-15)):
            w = torch.cat([torch.linspace(-90, 90, 20001), torch.tensor([0.0, 1e-30, -1e-30, 1e5, -1e5])]).to(dtype)
            loss = torch.zeros(len(w), dtype=torch.float64)
            chunk = Chunk(torch.ones(1, 1, 1, 1, dtype=dtype), torch.zeros(1, 1, 1, 1, dtype=dtype), 0, (0.1,), 0, 0)
            steps = CompiledSteps(plain_unit(1, 1, f"matrix:{name}"), dtype, None, 0)
            steps.advance(w.reshape(-1, 1, 1).clone(), chunk, loss)
            np.testing.assert_allclose(loss.sqrt().numpy(), np.abs(exact(w.double().numpy())), rtol=4 * eps, atol=eps)


def test_philox_gives_the_published_numbers() -> None:
    """Known answers of Random123 (Salmon et al. 2011), kat_vectors, philox4x32 10."""
    from numba import njit

    @njit
    def words(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
        return numbers.philox(c0, c1, c2, c3, k0, k1)

    known = {
        (0, 0, 0, 0, 0, 0): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        (0xFFFFFFFF,) * 6: (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0): (
            0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1,
        ),
    }  # fmt: skip
    for counter, answer in known.items():
        assert words(*map(np.uint64, counter)) == answer


def test_the_kernels_gaussians_are_gaussian() -> None:
    """Moments within five standard errors, Kolmogorov-Smirnov, and no correlation between neighbours of any kind."""
    out = np.empty((40, 10, 3, 1000), dtype=np.float32)
    numbers.gaussians(out, np.uint64(7), 0)
    values = out.ravel().astype(np.float64)
    count = values.size
    assert abs(values.mean()) < 5 / np.sqrt(count)
    assert abs((values**2).mean() - 1) < 5 * np.sqrt(2 / count)
    assert abs((values**4).mean() - 3) < 5 * np.sqrt(96 / count)
    assert stats.kstest(values, "norm").pvalue > 1e-3
    for axis in range(4):
        for lag in (1, 250 if axis == 3 else 1):
            first, second = (
                np.take(out, range(lag, out.shape[axis]), axis),
                np.take(out, range(out.shape[axis] - lag), axis),
            )
            assert abs((first * second).mean()) < 5 / np.sqrt(first.size)
    other = np.empty_like(out)
    numbers.gaussians(other, np.uint64(8), 0)
    assert abs((out * other).mean()) < 5 / np.sqrt(count)


def test_a_training_is_the_same_however_it_is_cut() -> None:
    """Progress, checkpoints and the length of chunks do not reach the kernel's noise or result."""
    rep = natural(named_group("C2"))
    unit = build_unit("matrix:tanh", rep, rep)
    config = SGDConfig(particles=40, horizon=5, beta=1e-3, noise="gaussian", backend="compiled")
    start = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 4, 40)))

    def source() -> FreshSource:
        return FreshSource(lambda r, n: (r.normal(size=(n, 2)), r.normal(size=(n, 2))), 2, 4, np.random.default_rng(1))

    def run(checkpoints: tuple[float, ...]) -> list[Tensor]:
        found = train(
            vanilla_gradient(unit), start, source(), config, np.random.default_rng(2), checkpoints=checkpoints
        )
        return list(found.clouds)

    whole, cut = run((1.0,)), run((0.13, 0.6, 1.0))
    assert torch.equal(whole[-1], cut[-1]) and not torch.equal(cut[0], cut[1])


def test_each_replicate_is_trained_as_if_alone() -> None:
    unit = plain_unit(3, 2, "matrix+bias:logistic")
    rng = np.random.default_rng(4)
    theta = torch.from_numpy(rng.normal(size=(5, unit.space.dim, 70)))
    chunk = random_chunk(rng, (4, 5, 6, 3, 2), torch.float64)
    together = CompiledSteps(unit, torch.float64, None, 0).advance(theta.clone(), chunk, None)
    alone = Chunk(chunk.x[:, 3:4], chunk.y[:, 3:4], chunk.first, chunk.sizes, chunk.tau, chunk.beta)
    single = CompiledSteps(unit, torch.float64, None, 0).advance(theta[3:4].clone(), alone, None)
    assert torch.equal(together[3:4], single)


def test_a_divergence_is_told_by_the_kernel_too() -> None:
    unit = plain_unit(2, 1, "matrix:logistic")
    config = SGDConfig(particles=8, alpha=1e200, horizon=8, tau=1.0, noise="none", beta=0, backend="compiled")
    start = torch.ones(1, 2, 8, dtype=torch.float64)
    source = FreshSource(lambda r, n: (r.normal(size=(n, 2)), r.normal(size=(n, 1))), 1, 4, np.random.default_rng(1))
    with pytest.raises(NotConvergedError, match="smaller step"):
        train(vanilla_gradient(unit), start, source, config, np.random.default_rng(2))


RECURSION = (vanilla_gradient(plain_unit(2, 2, "matrix:tanh")), stepping.SQUARED, stepping.RIDGE, 0.1)
THETA = torch.zeros(1, 4, 5)


def test_the_choice_depends_on_the_work_alone() -> None:
    def chosen(backend: Backend, activations: float) -> type:
        return type(choose_steps(backend, RECURSION, None, 0, THETA, activations))

    assert chosen("auto", PACE.pays_from) is CompiledSteps
    assert chosen("auto", PACE.pays_from - 1) is TorchSteps
    assert chosen("compiled", 1) is CompiledSteps
    assert chosen("torch", 1e12) is TorchSteps


@pytest.mark.parametrize("part", ["gradient", "loss", "penalty", "device"])
def test_what_the_kernel_cannot_do_is_done_in_torch_or_refused(part: str) -> None:
    gradient, loss, penalty, tau = RECURSION
    theta = torch.zeros(1, 4, 5, device="meta") if part == "device" else THETA
    if part == "gradient":
        gradient = lambda x, y, t: (t, y)  # noqa: E731
    if part == "loss":
        loss = build_loss("logistic")
    if part == "penalty":
        penalty = build_penalty("smooth-norm")
    other = gradient, loss, penalty, tau
    assert isinstance(choose_steps("auto", other, None, 0, theta, 1e12), TorchSteps)
    with pytest.raises(ConfigError, match="the kernel trains matrix and two-layer units"):
        choose_steps("compiled", other, None, 0, theta, 1.0)


def test_a_penalty_of_weight_0_is_none() -> None:
    gradient, loss, _, _ = RECURSION
    light = gradient, loss, build_penalty("smooth-norm"), 0.0
    assert isinstance(choose_steps("auto", light, None, 0, THETA, 1e12), CompiledSteps)


def test_without_numba_torch_trains_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    missing = stepping.Compiler(lambda name: None)
    with caplog.at_level(logging.INFO, logger="sharefind"):
        for _ in range(3):
            steps = choose_steps("auto", RECURSION, None, 0, THETA, 1e12, compiler=missing)
            assert isinstance(steps, TorchSteps)
    assert len(caplog.records) == 1 and "pip install numba" in caplog.text
    with pytest.raises(ConfigError, match="numba is not installed"):
        choose_steps("compiled", RECURSION, None, 0, THETA, 1.0, compiler=missing)


@pytest.mark.slow
def test_where_nothing_may_be_written_the_kernel_is_compiled_anew() -> None:
    code = """if True:
        from numba.core import caching
        def refuse(self):
            raise OSError("read-only")
        caching._CacheLocator.ensure_cache_path = refuse
        import numpy as np
        from sharefind.meanfield.dynamics.kernels import numbers
        out = np.empty((1, 1, 1, 8))
        numbers.gaussians(out, np.uint64(1), 0)
        print(np.isfinite(out).all())
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "True\n"), found.stderr


class NoTransfers(TorchDispatchMode):
    """Fails on anything that waits for a device or copies to or from it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func.name()
        assert not any(word in name for word in ("_to_copy", "item", "_local_scalar_dense", "nonzero", "equal")), name
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("noise", [None, "all"])
def test_steps_in_torch_leave_nothing_to_the_host(unit: MatrixUnit, noise: str | None) -> None:
    """In single precision, as on a GPU; samples and noise are on the device before."""
    rng = np.random.default_rng(3)
    theta = torch.from_numpy(rng.normal(size=(2, unit.space.dim, 6))).float()
    stream = TorchNoise(NoiseShape(unit.space.dim, None), theta, 0) if noise else None
    chunk = random_chunk(rng, (3, 2, 4, unit.d_in, unit.d_out), torch.float32)
    action = ParticleAction(unit.space.action) if unit.space.action.is_orthogonal else None
    fixed = Projector(fixed_space(unit.space.action))
    for scheme in Scheme if action is not None else (Scheme.VANILLA, Scheme.EA):
        gradient = scheme_gradient(scheme, unit, action, fixed)
        gradient(chunk.x[0], chunk.y[0], theta)  # what is constant is sent once
        steps = TorchSteps(gradient, stepping.SQUARED, stepping.RIDGE, stream)
        with NoTransfers():
            steps.advance(theta.clone(), chunk, torch.zeros(2, dtype=torch.float64))


class Plain:
    """Samples drawn beforehand."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def batch(self, step: int) -> Batch:
        return Batch(self.x[step], self.y[step])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_trains_the_same(unit: MatrixUnit) -> None:
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.normal(size=(40, 2, 5, unit.d_in)))
    y = torch.from_numpy(rng.normal(size=(40, 2, 5, unit.d_out)))
    start = gaussian_start(Subspace.full(unit.space.dim), 20, 0.5, rng, replicates=2)
    # With the usual step 40 steps of tanh make 1e-5 of a difference of 1e-15.
    quiet = {"particles": 20, "horizon": 2, "noise": "none", "beta": 0.0, "alpha": 5.0}

    def final(**settings: object) -> Tensor:
        config = SGDConfig(**quiet, **settings)
        return train(
            vanilla_gradient(unit), start, Plain(x, y), config, rng, Projector(fixed_space(unit.space.action))
        ).final

    torch.testing.assert_close(final(device="cuda", dtype="float64").cpu(), final(), rtol=0, atol=1e-9)
    assert final(device="cuda").dtype == torch.float32


def test_single_precision_is_the_default_away_from_the_processor() -> None:
    assert (SGDConfig().dtype, SGDConfig(device="cuda").dtype) == ("float64", "float32")
    assert SGDConfig(device="cuda", dtype="float64").dtype == "float64"


@pytest.mark.parametrize("backend", ["compiled", "torch"])
def test_a_compiled_training_asks_for_compiled_samples(backend: Backend) -> None:
    asked: list[bool] = []

    def sampler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        asked.append(are_compiled())
        return rng.standard_normal((n, 2)), rng.standard_normal((n, 2))

    source = FreshSource(sampler, 1, 2, np.random.default_rng(0), chunk=4)
    config = SGDConfig(particles=4, alpha=1.0, horizon=3.0, batch=2, beta=0.0, backend=backend)
    rng = np.random.default_rng(1)
    train(
        vanilla_gradient(plain_unit(2, 2, "matrix:tanh")),
        torch.zeros(1, 4, 4, dtype=torch.float64),
        source,
        config,
        rng,
    )
    assert asked == [backend == "compiled"] * 3
    assert not are_compiled()
