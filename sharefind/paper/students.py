"""The students of fig-wi and fig-si: trained clouds on a grid of teachers, schemes and sizes, and their distances.

Maass & Fontbona 2024, Appendix F. `student_figures` has the claims of the figures about them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sharefind import meanfield as mf
from sharefind.errors import ConfigError
from sharefind.paper.context import Cell, Context, Request
from sharefind.paper.grid import Piece
from sharefind.paper.setting import Kind, Setting, setting
from sharefind.spaces import Subspace

Start = Literal["wi", "si"]

SCHEMES = (mf.Scheme.VANILLA, mf.Scheme.DA, mf.Scheme.FA, mf.Scheme.EA)
PAIRS = tuple(combinations(SCHEMES, 2))


@dataclass(frozen=True)
class Training:
    """How students are trained, beyond the paper's settings, which are the defaults of `SGDConfig`.

    Attributes:
        repetitions: Number of independent starts and samples for each teacher, scheme and size, as in the paper.
        block_particles: Number of particles of all repetitions in one cell. A block that fits into a core's cache
            trains three times faster.
        paper_horizon: Horizon T of the paper.
        other_horizon: Horizon T of other groups. E^G is invariant under the flow, but it may be repelling; the noise of
            N particles then grows exponentially in T. For D4 on R^4, students of a WI teacher are off E^G by 7e-5 at N
            = 500 and T = 2, and by 3e-2 at T = 20 for every N.
    """

    repetitions: int = 10
    block_particles: int = 1000
    paper_horizon: float = 20.0
    other_horizon: float = 2.0

    def block_size(self, size: int) -> int:
        """Return the number of repetitions in a block.

        Args:
            size: N.
        """
        return max(1, min(self.repetitions, self.block_particles // size))

    def blocks_for(self, size: int, repetitions: int) -> int:
        """Return the number of blocks for some repetitions; the last block may hold more than requested.

        Args:
            size: N.
            repetitions: Number of repetitions.
        """
        return math.ceil(repetitions / self.block_size(size))

    def horizon(self, request: Request, place: Setting) -> float:
        """Return T: the requested one, or the default of the setting.

        Args:
            request: The user's choices.
            place: The setting.
        """
        return request.horizon or (self.paper_horizon if place.is_paper else self.other_horizon)


@dataclass(frozen=True)
class Student:
    """One cell: some repetitions of one training.

    Attributes:
        start: "si" (projected on E^G, with projected noise) or "wi" (particles and all their images).
        teacher: Kind of its teacher.
        scheme: Scheme of the training.
        size: N.
        block: Number of the block of repetitions.
        noisy: Whether the training has the paper's noise (beta = 1e-6).
        training: How it is trained.
    """

    start: Start
    teacher: Kind
    scheme: mf.Scheme
    size: int
    block: int
    noisy: bool = True
    training: Training = field(default_factory=Training)

    @property
    def replicates(self) -> int:
        """Number of repetitions in the block."""
        return self.training.block_size(self.size)

    @property
    def noise(self) -> Literal["projected", "gaussian", "none"]:
        """Kind of noise; projected for an SI start."""
        if not self.noisy:
            return "none"
        return "projected" if self.start == "si" else "gaussian"


def particles_for(start: Start, size: int, order: int) -> int:
    """Return the number of particles of a cloud: N, or for a WI start the smallest multiple of |G| that is at least N.

    Args:
        start: Kind of start.
        size: N.
        order: Order |G| of the group.
    """
    return size if start == "si" else order * math.ceil(size / order)


def student_piece(context: Context, place: Setting, student: Student) -> Piece:
    """Return the cell of a student as a piece of a grid.

    Args:
        context: The environment, with the request.
        place: The setting.
        student: The student.
    """
    cost = {mf.Scheme.FA: float(place.group.order)}.get(student.scheme, 1.0)
    return Piece(
        {"piece": "student", **_identity(context, place, student), "scheme": student.scheme.value},
        train_student,
        (student,),
        cost * student.replicates * student.size * max(student.size, student.training.block_particles / 10),
    )


def pair_piece(context: Context, place: Setting, student: Student, clouds: dict[mf.Scheme, NDArray[Any]]) -> Piece:
    """Return the distances between the clouds of the four schemes as a piece of a grid.

    Args:
        context: The environment, with the request.
        place: The setting.
        student: The student, with any scheme.
        clouds: For each scheme, shape (R, D, M).
    """
    identity = {"piece": "pairs", **_identity(context, place, student)}
    return Piece(identity, compare_students, (clouds,), student.replicates * float(student.size) ** 2)


def _identity(context: Context, place: Setting, student: Student) -> dict[str, Any]:
    sgd = student_config(student, student.size, student.training.horizon(context.request, place))
    return {
        "start": student.start, "teacher": student.teacher, "N": student.size, "block": student.block,
        "repetitions": student.replicates, **place.names, "x_scale": place.x_scale, "seed": context.request.seed,
        "sgd": sgd.model_dump_json(),
    }  # fmt: skip


def student_config(student: Student, particles: int, until: float) -> mf.SGDConfig:
    """Return the paper's settings (the defaults alpha = 50, B = 20, tau = 1e-4, beta = 1e-6) with another T.

    Args:
        student: The student.
        particles: Number of particles.
        until: T.
    """
    return mf.SGDConfig(particles=particles, noise=student.noise, horizon=until)


def train_student(request: Request, student: Student) -> Cell:
    """Return the cell of one trained block: its clouds, shape (R, D, M), and per repetition the risk and the distance.

    Starts, samples and noise are the same for the four schemes, so that schemes can be compared.

    Args:
        request: The user's choices.
        student: The student.
    """
    context, place = Context(request), setting(request)
    start = student_start(context, place, student)
    replicates, _, particles = start.shape
    config = student_config(student, particles, student.training.horizon(request, place))
    gradient = mf.scheme_gradient(student.scheme, place.unit, place.action, place.fixed)
    source = _source(context, place, student, config)
    rng = _stream(context, "noise", student)
    fixed = place.fixed if config.noise == "projected" else None
    # The paper's training at N = 5 learns nothing by design: its step size suits large N.
    path = mf.train(gradient, start, source, config, rng, fixed, must_learn=False)
    distance = distances_to_invariance(place, student.start, path.final)
    numbers = {"rmd2": distance, "risk": path.risk.tolist(), "particles": particles, "replicates": replicates}
    return Cell(numbers, {"final": path.final.numpy()})


def student_start(context: Context, place: Setting, student: Student) -> Tensor:
    """Return the start theta^0, shape (R, D, M): Gaussian particles projected on E^G (SI), or with all their images
    (WI).

    Args:
        context: The environment, with the request.
        place: The setting.
        student: The student.
    """
    rng = _stream(context, "start", student)
    replicates, order = student.replicates, place.group.order
    std = mf.SGDConfig().initial_std
    if student.start == "si":
        return mf.gaussian_start(place.fixed.space, student.size, std, rng, replicates)
    drawn = particles_for("wi", student.size, order) // order
    full = Subspace.full(place.unit.space.dim)
    return mf.symmetrise(mf.gaussian_start(full, drawn, std, rng, replicates), place.action)


def _source(context: Context, place: Setting, student: Student, config: mf.SGDConfig) -> mf.Source:
    samples = _stream(context, "samples", student)
    fresh = mf.FreshSource(place.sampler(student.teacher), student.replicates, config.batch, samples)
    if student.scheme is not mf.Scheme.DA:
        return fresh
    return mf.AugmentedSource(fresh, place.joint, student.replicates, _stream(context, "augmentation", student))


def _stream(context: Context, purpose: str, student: Student) -> np.random.Generator:
    """Return a stream named without teacher and scheme, which are compared on common random numbers."""
    return context.rng("students", purpose, student.start, str(student.size), str(student.block))


def distances_to_invariance(place: Setting, start: Start, clouds: Tensor) -> list[float]:
    """Return the distance of each cloud to invariance: RMD^2 to P_{E^G}#nu in closed form (SI), or to nu^G by transport
    (WI).

    Args:
        place: The setting.
        start: Kind of start.
        clouds: Shape (R, D, M).
    """
    if start == "si":
        return [float(value) for value in mf.rmd2(clouds, place.fixed)]
    whole = mf.symmetrise(clouds, place.action)
    return [relative_distance2(a.t().numpy(), b.t().numpy()) for a, b in zip(clouds, whole, strict=True)]


def relative_distance2(a: NDArray[np.float64], b: NDArray[np.float64], iterations: int = 50_000_000) -> float:
    """Return RMD^2 between two clouds by exact transport; negative rounding errors become 0.

    Args:
        a: Shape (N, D), float64.
        b: Shape (M, D), float64.
        iterations: Largest number of iterations of the network simplex; 10,000 points need a few million.

    Raises:
        NotConvergedError: The transport solver did not reach the optimum.
    """
    scale = 2 * float((a**2).sum(1).mean()) + 2 * float((b**2).sum(1).mean())
    return max(0.0, mf.w2_squared(a, b, iterations)) / scale if scale > 0 else 0.0


def compare_students(request: Request, clouds: dict[mf.Scheme, NDArray[Any]]) -> Cell:
    """Return a cell with RMD^2 between the schemes' clouds of one block: R values for each of the six pairs.

    Args:
        request: The user's choices.
        clouds: For each scheme, shape (R, D, M).
    """
    numbers = {
        pair_name(one, other): [
            relative_distance2(np.ascontiguousarray(a.T), np.ascontiguousarray(b.T))
            for a, b in zip(clouds[one], clouds[other], strict=True)
        ]
        for one, other in PAIRS
    }
    return Cell(numbers)


def pair_name(one: mf.Scheme, other: mf.Scheme) -> str:
    """Return the name of a pair of schemes, such as "da-fa".

    Args:
        one: A scheme.
        other: Another scheme.
    """
    return f"{one.value}-{other.value}"


def fitting_sizes(start: Start, sizes: Sequence[int], order: int, most_entries: int = 60_000_000) -> tuple[int, ...]:
    """Return the sizes whose distance to nu^G can be computed in memory; for an SI start all of them.

    Args:
        start: Kind of start.
        sizes: All N.
        order: Order |G| of the group.
        most_entries: Largest number of entries of the cost matrix of a transport (0.5 GB).

    Raises:
        ConfigError: No size fits; this happens for groups of more than most_entries^(1/3) elements.
    """
    if start == "si":
        return tuple(sizes)
    fitting = tuple(n for n in sizes if order * particles_for(start, n, order) ** 2 <= most_entries)
    if not fitting:
        raise ConfigError(
            f"a group of {order} elements is too large: the transport to a measure symmetrised over it does not fit in "
            "memory; choose a smaller group"
        )
    return fitting
