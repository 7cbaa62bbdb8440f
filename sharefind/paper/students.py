"""The students of fig-wi and fig-si: trained clouds on a grid of teachers, schemes and sizes, and their distances.

Maass & Fontbona 2024, Appendix F. What the figures claim about them is left to `figures`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.meanfield.clouds.measures import rmd2, symmetrise, w2_squared
from sharefind.meanfield.dynamics.sgd import SGDConfig, gaussian_start, train
from sharefind.meanfield.objectives.schemes import Scheme, scheme_gradient
from sharefind.meanfield.objectives.sources import AugmentedSource, FreshSource, Source
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.grid import Piece
from sharefind.paper.setting import Kind, Setting, setting
from sharefind.spaces import Subspace

Start = Literal["wi", "si"]

SCHEMES = (Scheme.VANILLA, Scheme.DA, Scheme.FA, Scheme.EA)
PAIRS = tuple(combinations(SCHEMES, 2))

REPETITIONS = 10
"""Independent starts and samples for each teacher, scheme and size: the paper's number."""

PAPER_HORIZON, OTHER_HORIZON = 20.0, 2.0
"""T of the paper, and of other groups. E^G is invariant under the flow, but it may repel: then the noise of N particles
grows exponentially in T. It does so for D4 on R^4, whose students of a WI teacher are off E^G by 7e-5 at N = 500 and
T = 2, and by 3e-2, whatever N, at T = 20."""

BLOCK_PARTICLES = 1000
"""Particles of all repetitions trained in one cell: a block that stays in a core's cache trains 3 times faster."""

MAX_TRANSPORT = 60_000_000
"""Entries of the largest cost matrix of a transport (0.5 GB); sizes above it are left out of fig-wi and said so."""

MAX_ITERATIONS = 50_000_000
"""Of the network simplex, which stops where it is done: 10,000 points take a few million."""


@dataclass(frozen=True)
class Student:
    """One cell: some repetitions of one training.

    Attributes:
        start: "si" (projected on E^G, with projected noise) or "wi" (particles and all their images).
        teacher: its kind. scheme: of the training. size: N. block: which repetitions, counted in `block_size`.
        noisy: whether with the paper's noise (beta = 1e-6) or without any.
    """

    start: Start
    teacher: Kind
    scheme: Scheme
    size: int
    block: int
    noisy: bool = True

    @property
    def noise(self) -> Literal["projected", "gaussian", "none"]:
        """Projected for an SI start."""
        if not self.noisy:
            return "none"
        return "projected" if self.start == "si" else "gaussian"


def block_size(size: int) -> int:
    """Repetitions in a block at N = size."""
    return max(1, min(REPETITIONS, BLOCK_PARTICLES // size))


def blocks_for(size: int, repetitions: int) -> int:
    """Blocks that hold this many repetitions; the last may hold more than are asked for."""
    return math.ceil(repetitions / block_size(size))


def particles_for(start: Start, size: int, order: int) -> int:
    """Particles of a cloud: N, or for a WI start the least multiple of |G| that is at least N."""
    return size if start == "si" else order * math.ceil(size / order)


def student_piece(context: Context, place: Setting, student: Student) -> Piece:
    """The cell of a student, as a piece of a grid."""
    cost = {Scheme.FA: float(place.group.order)}.get(student.scheme, 1.0)
    return Piece(
        {"piece": "student", **_identity(context, place, student), "scheme": student.scheme.value},
        train_student,
        (student,),
        cost * block_size(student.size) * student.size * max(student.size, BLOCK_PARTICLES / 10),
    )


def pair_piece(context: Context, place: Setting, student: Student, clouds: dict[Scheme, NDArray[Any]]) -> Piece:
    """The distances between the four schemes' clouds, as a piece of a grid; `student` with any scheme."""
    identity = {"piece": "pairs", **_identity(context, place, student)}
    return Piece(identity, compare_students, (clouds,), block_size(student.size) * float(student.size) ** 2)


def _identity(context: Context, place: Setting, student: Student) -> dict[str, Any]:
    unit = place.unit
    return {
        "start": student.start, "teacher": student.teacher, "N": student.size, "block": student.block,
        "repetitions": block_size(student.size), "group": place.group.name, "unit": unit.name,
        "in": unit.in_rep.name, "out": unit.out_rep.name, "x_scale": place.x_scale, "seed": context.request.seed,
        "sgd": student_config(student, student.size, horizon(context.request, place)).model_dump_json(),
    }  # fmt: skip


def student_config(student: Student, particles: int, until: float) -> SGDConfig:
    """The paper's settings, which are the defaults, but for T: alpha = 50, B = 20, tau = 1e-4, beta = 1e-6."""
    return SGDConfig(particles=particles, noise=student.noise, horizon=until)


def horizon(request: Request, place: Setting) -> float:
    """T: what was asked for, else the paper's in the paper's setting and `OTHER_HORIZON` elsewhere."""
    return request.horizon or (PAPER_HORIZON if place.is_paper else OTHER_HORIZON)


def train_student(request: Request, student: Student) -> Cell:
    """Train one block: clouds (R, D, M), and for every repetition the risk and the distance that its figure shows.

    Starts, samples and noise are the same for the four schemes, so that schemes can be compared.
    """
    context, place = Context(request), setting(request)
    start = student_start(context, place, student)
    replicates, _, particles = start.shape
    config = student_config(student, particles, horizon(request, place))
    gradient = scheme_gradient(student.scheme, place.unit, place.action, place.fixed)
    source = _source(context, place, student, config)
    rng = _stream(context, "noise", student)
    fixed = place.fixed if config.noise == "projected" else None
    # What the paper trains at N = 5 learns nothing by design: its step is made for large N.
    path = train(gradient, start, source, config, rng, fixed, must_learn=False)
    distance = distances_to_invariance(place, student.start, path.final)
    numbers = {"rmd2": distance, "risk": path.risk.tolist(), "particles": particles, "replicates": replicates}
    return Cell(numbers, {"final": path.final.numpy()})


def student_start(context: Context, place: Setting, student: Student) -> Tensor:
    """theta^0 (R, D, M): Gaussian particles projected on E^G (SI), or with all their images (WI)."""
    rng = _stream(context, "start", student)
    replicates, order = block_size(student.size), place.group.order
    std = SGDConfig().initial_std
    if student.start == "si":
        return gaussian_start(place.fixed.space, student.size, std, rng, replicates)
    drawn = particles_for("wi", student.size, order) // order
    full = Subspace.full(place.unit.space.dim)
    return symmetrise(gaussian_start(full, drawn, std, rng, replicates), place.action)


def _source(context: Context, place: Setting, student: Student, config: SGDConfig) -> Source:
    replicates = block_size(student.size)
    samples = _stream(context, "samples", student)
    fresh = FreshSource(place.sampler(student.teacher), replicates, config.batch, samples)
    if student.scheme is not Scheme.DA:
        return fresh
    return AugmentedSource(fresh, place.joint, replicates, _stream(context, "augmentation", student))


def _stream(context: Context, purpose: str, student: Student) -> np.random.Generator:
    """Named without the teacher and the scheme: these are compared on common random numbers."""
    return context.rng("students", purpose, student.start, str(student.size), str(student.block))


def distances_to_invariance(place: Setting, start: Start, clouds: Tensor) -> list[float]:
    """RMD^2 to P_{E^G}#nu in closed form (SI), or to nu^G by exact transport (WI), for each of clouds (R, D, M)."""
    if start == "si":
        return [float(value) for value in rmd2(clouds, place.fixed)]
    whole = symmetrise(clouds, place.action)
    return [relative_distance2(a.t().numpy(), b.t().numpy()) for a, b in zip(clouds, whole, strict=True)]


def relative_distance2(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """RMD^2 between clouds (N, D) and (M, D) by exact transport; not below 0, where rounding may put it.

    Raises:
        NotConvergedError: the transport solver did not reach the optimum.
    """
    scale = 2 * float((a**2).sum(1).mean()) + 2 * float((b**2).sum(1).mean())
    return max(0.0, w2_squared(a, b, MAX_ITERATIONS)) / scale if scale > 0 else 0.0


def compare_students(request: Request, clouds: dict[Scheme, NDArray[Any]]) -> Cell:
    """RMD^2 between the schemes' clouds (R, D, M) of one block, a list of R values for each of the six pairs."""
    numbers = {
        pair_name(one, other): [
            relative_distance2(np.ascontiguousarray(a.T), np.ascontiguousarray(b.T))
            for a, b in zip(clouds[one], clouds[other], strict=True)
        ]
        for one, other in PAIRS
    }
    return Cell(numbers)


def pair_name(one: Scheme, other: Scheme) -> str:
    """What a pair of schemes is called, such as "da-fa"."""
    return f"{one.value}-{other.value}"


def fitting_sizes(start: Start, sizes: Sequence[int], order: int) -> tuple[int, ...]:
    """The sizes whose distance to nu^G can be computed in memory; all of them for an SI start.

    Raises:
        ConfigError: there is none, which is so for groups of more than MAX_TRANSPORT^(1/3) elements.
    """
    if start == "si":
        return tuple(sizes)
    fitting = tuple(n for n in sizes if order * particles_for(start, n, order) ** 2 <= MAX_TRANSPORT)
    if not fitting:
        raise ConfigError(
            f"a group of {order} elements is too large: the transport to a measure symmetrised over it does not fit in "
            "memory; choose a smaller group"
        )
    return fitting
