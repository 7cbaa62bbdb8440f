"""Data without a symmetry: the answer is the trivial group, and El Nino's months are not alike."""

import numpy as np
import pytest
import torch

from sharefind.datasets import load_task, teacher_student
from sharefind.groups import FiniteGroup, named_group, natural
from sharefind.inference import Correlogram, diagnose, family_test, subgroup_family
from sharefind.meanfield import JointAction
from tests.acceptance.tasks import least_hits
from tests.acceptance.teachers import PARTICLES, SCALE, SPREAD, candidates

pytestmark = pytest.mark.usefixtures("independent_rows")

TARGET, SAMPLES, NOISE = 0.95, 200, 0.1


def trivial_hits(first: int, count: int) -> int:
    """Arbitrary teachers on R^4 for which every subgroup of S_4 is rejected."""
    family, statistic = candidates(4)
    nothing = natural(FiniteGroup("C1", 4, ()))
    hits = 0
    for seed in range(first, first + count):
        rng = np.random.default_rng([20261126, seed])
        teacher = teacher_student(
            nothing, nothing, "arbitrary", rng, n_particles=PARTICLES, particle_scale=SCALE, noise=NOISE, x_scale=SPREAD
        )
        x, y = (torch.from_numpy(v) for v in teacher.sample(rng, SAMPLES))
        hits += not family_test(x, y, family, statistic, seed=seed).accepted
    print(f"no symmetry: trivial group in {hits} of {count}")
    return hits


@pytest.mark.slow
def test_no_symmetry_gives_the_trivial_group() -> None:
    assert trivial_hits(0, 60) >= TARGET * 60


@pytest.mark.slow
def test_reduced() -> None:
    assert trivial_hits(1000, 8) >= least_hits(TARGET, 8)


@pytest.mark.slow
def test_months_are_not_alike() -> None:
    task = load_task("elnino")
    assert task.x is not None and task.y is not None
    x, y = torch.from_numpy(task.x.copy()), torch.from_numpy(task.y.copy())
    rep = natural(named_group("C12"))
    family = subgroup_family(rep, rep)
    groups = tuple(c.group for c in family.candidates if c.group is not None)
    found = family_test(x, y, family, Correlogram(rep, rep, groups))
    assert set(found.rejected) == {"C12", "C6", "C4", "C3", "C2"}
    inputs = diagnose(x, y, JointAction(rep, rep), np.random.default_rng(0)).inputs
    assert inputs is not None and inputs.p_value <= 0.01  # the season
