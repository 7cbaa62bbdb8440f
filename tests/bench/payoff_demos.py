"""The demos of `payoff`: where their rows come from, which group is the candidate, and which subgroup is the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets import Task, finite_task, load_task, teacher_student
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.search import ActingGroup

FloatArray = NDArray[np.float64]
Rows = tuple[FloatArray, FloatArray]

NOBODY = "C1"


@dataclass(frozen=True)
class Demo:
    """A learning problem whose answer is known.

    Attributes:
        name: in the table. sizes: numbers of training rows. is_exact: whether the true group holds exactly.
        rows: a seed and a number to training rows and rows that score, of one law.
        task: what a data set recommends (unit, tolerance), with any rows.
        candidate: its group as it acts. truth: the subgroup that holds. unit: None where the task's is taken.
    """

    name: str
    sizes: tuple[int, ...]
    is_exact: bool
    rows: Callable[[int, int], tuple[Rows, Rows]]
    task: Callable[[], Task]
    candidate: Callable[[], ActingGroup]
    truth: Callable[[], FiniteGroup]
    unit: str | None = None


TEST_ROWS = 2000
"""Rows that score a network, at most."""

SYNTHETIC_SIZES = (25, 50, 100, 200, 400)


def _teacher_rows(truth: FiniteGroup, noise: float, particles: int = 3) -> Callable[[int, int], tuple[Rows, Rows]]:
    """A new teacher for each seed, the same for each n."""

    def rows(seed: int, n: int) -> tuple[Rows, Rows]:
        rep, rng = natural(truth), np.random.default_rng([seed, 7])
        teacher = teacher_student(rep, rep, "wi", rng, n_particles=particles, particle_scale=1.5, noise=noise)
        test = teacher.sample(rng, TEST_ROWS)
        return teacher.sample(np.random.default_rng([seed, n]), n), test

    return rows


def _synthetic(name: str, candidate: str, truth: FiniteGroup, noise: float = 0.1) -> Demo:
    group = named_group(candidate)
    rows = _teacher_rows(truth, noise)

    def task() -> Task:
        return finite_task(name, *rows(0, 25)[0], unit="matrix:logistic")

    def acting() -> ActingGroup:
        return ActingGroup(group, natural(group), natural(group))

    return Demo(name, SYNTHETIC_SIZES, truth.order > 1, rows, task, acting, lambda: truth)


@cache
def _loaded(name: str) -> Task:
    return load_task(name)


def _real_rows(name: str) -> Callable[[int, int], tuple[Rows, Rows]]:
    """Rows of a data set without replacement; those that are left score, `TEST_ROWS` at most."""

    def rows(seed: int, n: int) -> tuple[Rows, Rows]:
        x, y = _loaded(name).arrays()
        order = np.random.default_rng([seed, n]).permutation(len(x))
        return (x[order[:n]], y[order[:n]]), (x[order[n : n + TEST_ROWS]], y[order[n : n + TEST_ROWS]])

    return rows


def _candidate_of(task: Task) -> ActingGroup:
    if task.action is not None:
        return ActingGroup(task.action.group, task.action.in_rep, task.action.out_rep)
    from sharefind.groups import parse_representation

    group = named_group(task.group or NOBODY)
    reps = (parse_representation(text or "natural", group) for text in (task.in_rep, task.out_rep))
    return ActingGroup(group, *reps)


def _real(
    name: str, sizes: tuple[int, ...], is_exact: bool, *generators: tuple[int, ...], unit: str | None = None
) -> Demo:
    """A data set; its truth is the whole candidate, or the subgroup with these generators on the candidate's points."""

    def truth() -> FiniteGroup:
        group = _candidate_of(_loaded(name)).group
        if not isinstance(group, FiniteGroup):
            raise TypeError(f"{name}: the candidate is infinite")
        return FiniteGroup("true", group.degree, generators) if generators else group

    def candidate() -> ActingGroup:
        return _candidate_of(_loaded(name))

    return Demo(name, sizes, is_exact, _real_rows(name), lambda: _loaded(name), candidate, truth, unit)


MIRRORS = ((1, 0, 3, 2), (3, 2, 1, 0))
"""The mirrors of a square that swap left and right, top and bottom, on its corners in turn."""

KIMURA_1980 = ((2, 1, 0, 3), (1, 0, 3, 2))
"""Of D_4 on A, C, G, T: A and G may be swapped, and the purines with the pyrimidines."""

IDENTITY_12 = tuple(range(12))

DEMOS: dict[str, Demo] = {
    demo.name: demo
    for demo in (
        _synthetic("teacher C6", "D6", named_group("C6")),
        _synthetic("teacher S5", "S5", named_group("S5")),
        _synthetic("teacher without symmetry", "S4", FiniteGroup(NOBODY, 4, ())),
        _real("methane", (8, 15, 30, 60, 150), True),
        _real("elasticity:Cu", (6, 12, 25, 50, 150), True),
        _real("tic-tac-toe", (50, 100, 200, 400), True, unit="matrix+bias:logistic"),
        _real("texture:gravel", (50, 100, 200, 400), False),
        _real("texture:brick", (50, 100, 200, 400), False, *MIRRORS),
        _real("texture:grass", (50, 100, 200, 400), False, (2, 3, 0, 1)),
        _real("dna:brca1-exchangeabilities", (12, 24, 48, 96), False, *KIMURA_1980),
        _real("elnino", (15, 25, 40), False, IDENTITY_12),
    )
}
