"""The discovery tasks of Christie and Aston (2025), and how often the true symmetry is found in fresh repetitions."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from sharefind.groups import named_group, natural, parse_representation, subgroups, trivial
from sharefind.inference import CandidateFamily, FamilyTest, MarginalLikelihood, family_test, subgroup_family

ALPHA, COPIES = 0.01, 199
SURE = 1e-3
"""Probability with which a method that only just reaches its target may fail a reduced test."""

Labels = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Samples = tuple[torch.Tensor, torch.Tensor]


def gaussian_task(labels: Labels, dim: int, n: int, noise: float, rng: np.random.Generator) -> Samples:
    """X ~ N(0, 2 I), y = labels(X) + noise: (n, dim) and (n, 1)."""
    x = rng.normal(0, np.sqrt(2), size=(n, dim))
    y = labels(x) + noise * rng.normal(size=n)
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


def plane_family(dim: int) -> CandidateFamily:
    """What the six cyclic subgroups of the square's group generate, on the first two of `dim` coordinates."""
    group = named_group("B2")
    rep = parse_representation("natural" + (f"+trivial:{dim - 2}" if dim > 2 else ""), group)
    cyclic = [g for g in subgroups(group) if g.order == 2 or g.name == "C4"]
    assert len(cyclic) == 6
    return subgroup_family(rep, trivial(group), cyclic)


def even_in_both(family: CandidateFamily) -> set[str]:
    """Candidates whose elements are diagonal on the first two coordinates: sign changes."""
    return {
        c.name
        for c in family.candidates
        if c.group is not None
        and not np.any(np.abs(natural(named_group("B2")).restrict(c.group).float_matrices()) - np.eye(2))
    }


def repetitions(
    family: CandidateFamily, draw: Callable[[np.random.Generator], Samples], seed: int, count: int
) -> list[FamilyTest]:
    """Independent data sets, each tested at the family-wise level `ALPHA`; nothing is tuned to the task."""
    found = []
    for repetition in range(count):
        x, y = draw(np.random.default_rng([seed, repetition]))
        statistic = MarginalLikelihood()
        found.append(family_test(x, y, family, statistic, alpha=ALPHA, copies=COPIES, seed=repetition))
    return found


def least_hits(target: float, count: int) -> int:
    """The hits below which a method that reaches its target falls with probability less than `SURE`."""
    return int(stats.binom.ppf(SURE, count, target))
