"""C_n or S_n: which permutations does a teacher commute with? The subgroups of S_4 and S_5, 200 samples, noise .1."""

import pytest

from sharefind.groups import FiniteGroup
from sharefind.inference import family_test
from tests.acceptance.tasks import least_hits
from tests.acceptance.teachers import TRUTHS, candidates, holding, teacher_samples

pytestmark = pytest.mark.usefixtures("independent_rows")

ALPHA, COPIES, SAMPLES, NOISE = 0.01, 199, 200, 0.1
REACHED = 0.9
"""Share of teachers whose group is found exactly: some teachers hardly break what they break."""


def exact_hits(name: str, first: int, count: int) -> int:
    """Teachers for which the accepted groups are those that hold and no others."""
    truth: FiniteGroup = TRUTHS[name]
    family, statistic = candidates(truth.degree)
    hits = 0
    for seed in range(first, first + count):
        data = teacher_samples(truth, SAMPLES, NOISE, seed)
        found = family_test(*data, family, statistic, alpha=ALPHA, copies=COPIES, seed=seed)
        hits += set(found.accepted) == holding(family, truth)
    print(f"{name} in S_{truth.degree}: {hits} of {count}")
    return hits


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TRUTHS))
def test_the_group_of_a_teacher_is_found(name: str) -> None:
    assert exact_hits(name, 0, 10) >= least_hits(REACHED, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["C4", "D4", pytest.param("V4", marks=pytest.mark.ci)])
def test_reduced(name: str) -> None:
    assert exact_hits(name, 100, 4) >= least_hits(REACHED, 4)
