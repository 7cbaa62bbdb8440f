"""A step of SGD beside JAX and beside the floor, single thread.

All sides train R = 10 replicates of N particles in minibatches of B = 20 fresh samples of one teacher, with Gaussian
noise, drawing samples and noise in the loop. JAX runs `lax.scan` under jit in its best layout of those tried. The floor
is one evaluation of the activations on one contiguous array and one drawing of the noise, by torch's own operators.
Times are those of the processor, all threads together: other work on the machine does not count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
import torch

from sharefind.datasets import TeacherStudent, teacher_student
from sharefind.groups import named_group, natural, parse_representation
from sharefind.meanfield import FreshSource, SGDConfig, Unit, build_unit, train, vanilla_gradient
from sharefind.meanfield.dynamics.stepping import NUMBA
from tests.bench.measure import Row, Rows, Seconds, Target, Work, in_turn, ratio_row, spread, unit_time

TOPIC = "SGD step"
REPLICATES, BATCH, TAU, BETA, STEP = 10, 20, 1e-4, 1e-6, 0.05
TEACHERS = 5
TIMES_FASTER = Target("at least", 3)
NEAR_FLOOR = Target("at most", 2)


@dataclass(frozen=True)
class Case:
    """A training: N particles of a unit on R^d -> R^d for some steps, in one precision.

    Attributes:
        particles: N.
        d: Width of X and of Y.
        steps: Steps of one repetition.
        width: Of the hidden space of a two-layer unit; 0 for the matrix unit.
        dtype: Of the particles.
    """

    particles: int
    d: int
    steps: int
    width: int = 0
    dtype: str = "float32"

    def __str__(self) -> str:
        unit = f"two layers of {self.width}, " if self.width else ""
        return f"{unit}N = {self.particles}, d = {self.d}, {self.dtype}"


CASES = (Case(100, 2, 640), Case(1000, 2, 128), Case(5000, 2, 64), Case(1000, 16, 64))

TWO_LAYERS = (Case(100, 4, 128, 8), Case(1000, 4, 64, 8))

LAYOUTS = ("last", "second")
"""Where JAX keeps the particle index."""


def rows(quick: bool) -> Rows:
    """Ratios in single precision, JAX's own, and in double precision, sharefind's default."""
    torch.set_num_threads(1)
    with one_core():
        for dtype in ("float32", "float64"):
            for case in (*CASES[: 2 if quick else None], *TWO_LAYERS):
                repeats = 5 if quick or case.d > 2 else 11
                yield from _rows(replace(case, dtype=dtype), repeats)


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


def _rows(case: Case, repeats: int) -> Rows:
    ours = {name: partial(_train, case, name) for name in ("compiled", "torch")}
    if not NUMBA.is_installed:
        ours["compiled"] = ours["torch"]
    floor = _floor(case)
    peers = jax_works(case)
    times = in_turn((ours["compiled"], ours["torch"], floor, *peers.values()), repeats, process_time)
    mine, plain, least = times[:3]
    cost = f"{_a_step(mine, case)} a step" + ("" if NUMBA.is_installed else ", without numba")
    is_asked = case.dtype == "float32" and not case.width
    if peers:
        best = min(times[3:], key=lambda t: spread(t)[0])
        layout = list(peers)[times[3:].index(best)]
        note = f"{cost}; JAX {_a_step(best, case)}, particle index {layout}"
        yield ratio_row(TOPIC, str(case), "JAX / ours", best, mine, TIMES_FASTER, note)
    else:
        yield Row(TOPIC, str(case), "JAX / ours", None, target=TIMES_FASTER, note="jax is not installed")
    note = f"{cost}; floor {_a_step(least, case)}"
    yield ratio_row(TOPIC, str(case), "ours / floor", mine, least, NEAR_FLOOR if is_asked else None, note)
    yield ratio_row(TOPIC, str(case), "plain torch / ours", plain, mine, None, f"plain torch {_a_step(plain, case)}")


def _a_step(times: Seconds, case: Case) -> str:
    return unit_time(spread(times)[0] / case.steps)


@cache
def _teacher(d: int) -> TeacherStudent:
    """Where the samples come from."""
    rep = natural(named_group(f"C{d}"))
    return teacher_student(rep, rep, "arbitrary", np.random.default_rng(0), n_particles=TEACHERS, x_scale=2.0)


@cache
def _unit(d: int, width: int) -> Unit:
    """What is trained."""
    group = named_group(f"C{d}")
    rep = natural(group)
    if not width:
        return build_unit("matrix:logistic", rep, rep)
    return build_unit("two-layer:logistic", rep, rep, parse_representation(f"{width // d}*natural", group))


def _train(case: Case, backend: str) -> None:
    particles, unit = case.particles, _unit(case.d, case.width)
    config = SGDConfig(
        particles=particles, alpha=STEP * particles, horizon=case.steps / particles, batch=BATCH, tau=TAU, beta=BETA,
        noise="gaussian", dtype=case.dtype, backend=backend,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    start = torch.from_numpy(rng.normal(0, 0.25, size=(REPLICATES, unit.space.dim, particles)))
    source = FreshSource(_teacher(case.d).sample, REPLICATES, BATCH, rng)
    train(vanilla_gradient(unit), start, source, config, rng)


def _floor(case: Case) -> Work:
    kind = torch.float32 if case.dtype == "float32" else torch.float64
    inner = torch.randn(REPLICATES * BATCH * (case.width or case.d) * case.particles, dtype=kind)
    dim = _unit(case.d, case.width).space.dim

    def work() -> None:
        for _ in range(case.steps):
            torch.sigmoid(inner)
            torch.randn(REPLICATES, dim, case.particles, dtype=kind)

    return work


def jax_works(case: Case) -> dict[str, Work]:
    """The same training in JAX, by layout; none where JAX is not installed."""
    if find_spec("jax") is None:
        return {}

    import jax

    jax.config.update("jax_enable_x64", case.dtype == "float64")
    return {layout: _jax_work(case, layout) for layout in LAYOUTS}


def _jax_work(case: Case, layout: str) -> Work:
    import jax
    import jax.numpy as jnp

    kind, d = jnp.dtype(case.dtype), case.d
    teacher = jnp.asarray(_teacher(d).particles, dtype=kind)
    gradient = (_jax_two_layers if case.width else _jax_matrix)(jnp, jax.nn.sigmoid, layout)

    def step(theta: Any, key: Any) -> tuple[Any, None]:
        for_x, *for_noise = jax.random.split(key, 1 + len(theta))
        x = 2 * jax.random.normal(for_x, (REPLICATES, BATCH, d), kind)
        y = jax.nn.sigmoid(jnp.einsum("rbi,poi->rbpo", x, teacher)).mean(2)

        def moved(part: Any, slope: Any, key: Any) -> Any:
            noise = jax.random.normal(key, part.shape, kind)
            return part * (1 - STEP * TAU) - STEP * slope + (2 * BETA * STEP) ** 0.5 * noise

        return tuple(map(moved, theta, gradient(x, y, theta), for_noise)), None

    start = tuple(
        0.25 * jax.random.normal(jax.random.key(number), shape, kind)
        for number, shape in enumerate(_shapes(case, layout))
    )
    keys = jax.random.split(jax.random.key(100), case.steps)
    run = jax.jit(lambda theta: jax.lax.scan(step, theta, keys)[0])
    return lambda: jax.block_until_ready(run(start))


def _shapes(case: Case, layout: str) -> list[tuple[int, ...]]:
    """Of the parts of the particles, in a layout: W, or A, W and b."""
    d, width = case.d, case.width
    parts = [(d, width), (width, d), (width,)] if width else [(d, d)]
    n = case.particles
    return [(REPLICATES, *part, n) if layout == "last" else (REPLICATES, n, *part) for part in parts]


def _jax_matrix(jnp: Any, sigmoid: Any, layout: str) -> Callable[..., Any]:
    inner, pull, mean = _jax_layout(jnp, layout)

    def gradient(x: Any, y: Any, theta: Any) -> Any:
        a = sigmoid(inner(x, theta[0]))
        return (pull(x, a * (1 - a), 2 * (mean(a) - y) / BATCH),)

    return gradient


def _jax_two_layers(jnp: Any, sigmoid: Any, layout: str) -> Callable[..., Any]:
    """The gradient of A sigma(W x + b) in closed form."""
    at_last = layout == "last"
    rohn, rhin, rhbn, rhn = ("rohn", "rhin", "rhbn", "rhn") if at_last else ("rnoh", "rnhi", "rnhb", "rnh")

    def gradient(x: Any, y: Any, theta: Any) -> Any:
        output, weight, bias = theta
        shift = bias[:, :, None] if at_last else bias[..., None]
        s = sigmoid(jnp.einsum(f"rbi,{rhin}->{rhbn}", x, weight) + shift)
        predicted = jnp.einsum(f"{rohn},{rhbn}->rbo", output, s) / s.shape[-1 if at_last else 1]
        c = 2 * (predicted - y) / BATCH
        t = jnp.einsum(f"{rohn},rbo->{rhbn}", output, c) * s * (1 - s)
        on_output = jnp.einsum(f"rbo,{rhbn}->{rohn}", c, s)
        return on_output, jnp.einsum(f"rbi,{rhbn}->{rhin}", x, t), jnp.einsum(f"{rhbn}->{rhn}", t)

    return gradient


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
