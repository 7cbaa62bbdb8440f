"""Small problems with a known answer, shared by the tests of the search."""

import numpy as np

from sharefind.datasets import Task, finite_task, teacher_student
from sharefind.groups import FiniteGroup, Representation, named_group, natural
from sharefind.search import Problem, build_problem, search_config


def teacher_task(truth: str, degree: int, n: int, seed: int, kind: str = "wi", noise: float = 0.1) -> Task:
    """n samples of a teacher on R^degree -> R^degree whose symmetry is `truth` ("C1" for none)."""
    rep = representation(truth, degree)
    rng = np.random.default_rng([seed, n])
    teacher = teacher_student(rep, rep, kind, rng, n_particles=3, particle_scale=1.5, noise=noise)
    x, y = teacher.sample(rng, n)
    return finite_task(f"{truth}-{seed}", x, y)


def one_sided_task(n: int, share: float, broken: float = 0.0, seed: int = 0, degree: int = 3) -> Task:
    """Rows of an equivariant map under cyclic shifts, a share of which begins with its largest entry.

    broken: weight of a term that shifts do not leave alone.
    """
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(n, degree)) + np.arange(degree) / degree
    turned = np.stack([np.roll(row, -int(row.argmax())) for row in x])
    x = np.where(rng.random((n, 1)) < share, turned, x)
    y = np.tanh(x - 0.5 * np.roll(x, 1, axis=1)) + 0.1 * rng.normal(size=x.shape)
    y[:, 0] += broken * x[:, 0]
    return finite_task("one-sided", x, y)


def representation(truth: str, degree: int) -> Representation:
    """The natural permutation representation of a named group, or of the trivial one, on `degree` points."""
    group = FiniteGroup("C1", degree, ()) if truth == "C1" else named_group(truth)
    return natural(group)


def problem(task: Task, group: str = "C2", **settings: object) -> Problem:
    """A search of `task` among the subgroups of `group`, of the unit `matrix` where `settings` names no other."""
    return build_problem(search_config(**{"group": group, "unit": "matrix", **settings}), task, named_group(group))
