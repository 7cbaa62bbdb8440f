"""A step of SGD beside JAX and beside the floor, single thread.

All sides train R = 10 replicates of N particles in minibatches of B = 20 fresh samples of one teacher, with Gaussian
noise, drawing samples and noise in the loop. JAX runs `lax.scan` under jit in its best layout of those tried. The floor
is one evaluation of the activations on one contiguous array and one drawing of the noise, by torch's own operators.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from sharefind.datasets import TeacherStudent, teacher_student
from sharefind.groups import named_group, natural
from sharefind.meanfield import FreshSource, SGDConfig, Unit, build_unit, train, vanilla_gradient
from sharefind.meanfield.dynamics.stepping import NUMBA
from tests.bench.measure import Row, Rows, Seconds, Target, Work, in_turn, ratio_row, spread, unit_time

TOPIC = "SGD step"
REPLICATES, BATCH, TAU, BETA, STEP = 10, 20, 1e-4, 1e-6, 0.05
TEACHERS = 5
TIMES_FASTER = Target("at least", 3)
NEAR_FLOOR = Target("at most", 2)

CASES = ((100, 2, 640), (1000, 2, 128), (5000, 2, 64), (1000, 16, 64))
"""N, d and the steps of one repetition."""

LAYOUTS = ("last", "second")
"""Where JAX keeps the particle index."""


def rows(quick: bool) -> Rows:
    """Ratios in single precision, JAX's own, and in double precision, sharefind's default."""
    torch.set_num_threads(1)
    with one_core():
        for dtype in ("float32", "float64"):
            for particles, d, steps in CASES[: 2 if quick else None]:
                yield from _case(particles, d, steps, dtype, 5 if quick or d > 2 else 11)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and the threads that it starts, on one core: JAX takes them all whatever its flags say."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _case(particles: int, d: int, steps: int, dtype: str, repeats: int) -> Rows:
    ours = {name: partial(_train, particles, d, steps, dtype, name) for name in ("compiled", "torch")}
    if not NUMBA.is_installed:
        ours["compiled"] = ours["torch"]
    floor = _floor(particles, d, steps, dtype)
    peers = jax_works(particles, d, steps, dtype)
    times = in_turn((ours["compiled"], ours["torch"], floor, *peers.values()), repeats)
    mine, plain, least = times[:3]
    case = f"N = {particles}, d = {d}, {dtype}"
    cost = f"{_a_step(mine, steps)} a step" + ("" if NUMBA.is_installed else ", without numba")
    is_asked = dtype == "float32"
    if peers:
        best = min(times[3:], key=lambda t: spread(t)[0])
        layout = list(peers)[times[3:].index(best)]
        note = f"{cost}; JAX {_a_step(best, steps)}, particle index {layout}"
        yield ratio_row(TOPIC, case, "JAX / ours", best, mine, TIMES_FASTER, note)
    else:
        yield Row(TOPIC, case, "JAX / ours", None, target=TIMES_FASTER, note="jax is not installed")
    note = f"{cost}; floor {_a_step(least, steps)}"
    yield ratio_row(TOPIC, case, "ours / floor", mine, least, NEAR_FLOOR if is_asked else None, note)
    yield ratio_row(TOPIC, case, "plain torch / ours", plain, mine, None, f"plain torch {_a_step(plain, steps)}")


def _a_step(times: Seconds, steps: int) -> str:
    return unit_time(spread(times)[0] / steps)


@cache
def _teacher(d: int) -> tuple[TeacherStudent, Unit]:
    """Where the samples come from, and what is trained."""
    rep = natural(named_group(f"C{d}"))
    teacher = teacher_student(rep, rep, "arbitrary", np.random.default_rng(0), n_particles=TEACHERS, x_scale=2.0)
    return teacher, build_unit("matrix:logistic", rep, rep)


def _train(particles: int, d: int, steps: int, dtype: str, backend: str) -> None:
    teacher, unit = _teacher(d)
    config = SGDConfig(
        particles=particles, alpha=STEP * particles, horizon=steps / particles, batch=BATCH, tau=TAU, beta=BETA,
        noise="gaussian", dtype=dtype, backend=backend,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    start = torch.from_numpy(rng.normal(0, 0.25, size=(REPLICATES, d * d, particles)))
    source = FreshSource(teacher.sample, REPLICATES, BATCH, rng)
    train(vanilla_gradient(unit), start, source, config, rng)


def _floor(particles: int, d: int, steps: int, dtype: str) -> Work:
    kind = torch.float32 if dtype == "float32" else torch.float64
    inner = torch.randn(REPLICATES * BATCH * d * particles, dtype=kind)

    def work() -> None:
        for _ in range(steps):
            torch.sigmoid(inner)
            torch.randn(REPLICATES, d * d, particles, dtype=kind)

    return work


def jax_works(particles: int, d: int, steps: int, dtype: str) -> dict[str, Work]:
    """The same training in JAX, by layout; none where JAX is not installed."""
    if find_spec("jax") is None:
        return {}

    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")
    return {layout: _jax_work(particles, d, steps, dtype, layout) for layout in LAYOUTS}


def _jax_work(particles: int, d: int, steps: int, dtype: str, layout: str) -> Work:
    import jax
    import jax.numpy as jnp

    kind = jnp.dtype(dtype)
    teacher = jnp.asarray(_teacher(d)[0].particles, dtype=kind)
    inner, pull, mean = _jax_layout(jnp, layout)

    def step(theta: Any, key: Any) -> tuple[Any, None]:
        for_x, for_noise = jax.random.split(key)
        x = 2 * jax.random.normal(for_x, (REPLICATES, BATCH, d), kind)
        y = jax.nn.sigmoid(jnp.einsum("rbi,poi->rbpo", x, teacher)).mean(2)
        a = jax.nn.sigmoid(inner(x, theta))
        gradient = pull(x, a * (1 - a), 2 * (mean(a) - y) / BATCH)
        noise = jax.random.normal(for_noise, theta.shape, kind)
        return theta * (1 - STEP * TAU) - STEP * gradient + (2 * BETA * STEP) ** 0.5 * noise, None

    shape = (REPLICATES, d, d, particles) if layout == "last" else (REPLICATES, particles, d, d)
    start = 0.25 * jax.random.normal(jax.random.key(0), shape, kind)
    keys = jax.random.split(jax.random.key(1), steps)
    run = jax.jit(lambda theta: jax.lax.scan(step, theta, keys)[0])
    return lambda: run(start).block_until_ready()


def _jax_layout(jnp: Any, layout: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """W x for all particles, the pull-back of covectors, and the mean over particles, in one of the layouts."""
    if layout == "last":
        return (
            lambda x, theta: jnp.einsum("rbi,roin->robn", x, theta),
            lambda x, slopes, c: jnp.einsum("rbi,robn->roin", x, slopes * c.transpose(0, 2, 1)[..., None]),
            lambda a: a.mean(-1).transpose(0, 2, 1),
        )
    return (
        lambda x, theta: jnp.einsum("rbi,rnoi->rbno", x, theta),
        lambda x, slopes, c: jnp.einsum("rbi,rbno->rnoi", x, slopes * c[:, :, None]),
        lambda a: a.mean(2),
    )
