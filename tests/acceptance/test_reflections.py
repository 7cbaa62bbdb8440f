"""T-C1 and T-C1h: which cyclic symmetries of the square does a regression function have?"""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.acceptance.tasks import Labels, Samples, even_in_both, gaussian_task, least_hits, plane_family, repetitions

pytestmark = pytest.mark.usefixtures("independent_rows")

TARGET, NOISE = 0.95, 0.05


def folded(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """T-C1."""
    return np.asarray(np.exp(-np.abs(x[:, 0])))


def hard(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """T-C1h."""
    return np.asarray(np.cos(np.abs(x[:, 0])) + 0.1 * np.cos(x[:, 3] ** 2))


TASKS = [
    pytest.param(folded, 2, 50, id="T-C1-d2-n50"),
    pytest.param(folded, 4, 100, id="T-C1-d4-n100"),
    pytest.param(hard, 10, 100, id="T-C1h-d10-n100"),
]


def exact_hits(labels: Labels, dim: int, n: int, seed: int, count: int) -> int:
    """Repetitions in which the accepted set is the true one: two reflections, the half turn and what they generate."""
    family = plane_family(dim)
    truth = even_in_both(family)
    assert sorted(family.candidates[family.place(name)].order or 0 for name in truth) == [2, 2, 2, 4]

    def draw(rng: np.random.Generator) -> Samples:
        return gaussian_task(labels, dim, n, NOISE, rng)

    hits = sum(set(found.accepted) == truth for found in repetitions(family, draw, seed, count))
    print(f"{labels.__name__} d={dim} n={n}: {hits} of {count}")
    return hits


@pytest.mark.slow
@pytest.mark.parametrize(("labels", "dim", "n"), TASKS)
def test_the_accepted_set_is_the_true_one(labels: Labels, dim: int, n: int) -> None:
    assert exact_hits(labels, dim, n, seed=20261125, count=100) >= TARGET * 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "dim", "n"),
    [pytest.param(*task.values, id=task.id, marks=[pytest.mark.ci] * (task.id == "T-C1-d2-n50")) for task in TASKS],
)
def test_reduced(labels: Labels, dim: int, n: int) -> None:
    count = 30 if dim == 2 else 8
    assert exact_hits(labels, dim, n, seed=20261126, count=count) >= least_hits(TARGET, count)
