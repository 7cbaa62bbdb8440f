"""Teachers on R^n -> R^n whose permutation symmetry is known, and the candidates below S_n."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from sharefind.datasets import teacher_student
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.inference import CandidateFamily, Correlogram, subgroup_family

PARTICLES, SCALE, SPREAD = 3, 1.5, 2.0
"""Particles of a teacher, the standard deviation of their entries, and that of X."""

TRUTHS: Mapping[str, FiniteGroup] = {
    "C4": FiniteGroup("C4", 4, ((1, 2, 3, 0),)),
    "D4": FiniteGroup("D4", 4, ((1, 2, 3, 0), (2, 1, 0, 3))),
    "V4": FiniteGroup("V4", 4, ((1, 0, 3, 2), (2, 3, 0, 1))),
    "C5": FiniteGroup("C5", 5, ((1, 2, 3, 4, 0),)),
    "D5": FiniteGroup("D5", 5, ((1, 2, 3, 4, 0), (0, 4, 3, 2, 1))),
}


def candidates(degree: int) -> tuple[CandidateFamily, Correlogram]:
    """All subgroups of S_n, and the statistic that compares them."""
    rep = natural(named_group(f"S{degree}"))
    family = subgroup_family(rep, rep)
    groups = tuple(c.group for c in family.candidates if c.group is not None)
    return family, Correlogram(rep, rep, groups)


def teacher_samples(truth: FiniteGroup, n: int, noise: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n samples of a weakly invariant teacher, another one for each seed: logistic units, X ~ N(0, 4 I)."""
    rep, rng = natural(truth), np.random.default_rng([20261125, seed])
    teacher = teacher_student(
        rep, rep, "wi", rng, n_particles=PARTICLES, particle_scale=SCALE, noise=noise, x_scale=SPREAD
    )
    x, y = teacher.sample(rng, n)
    return torch.from_numpy(x), torch.from_numpy(y)


def holding(family: CandidateFamily, truth: FiniteGroup) -> set[str]:
    """The candidates that hold: the subgroups of the truth."""
    return {c.name for c in family.candidates if c.group is not None and c.group.is_subgroup_of(truth)}
