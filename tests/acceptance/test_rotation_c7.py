"""LieGAN's task: by which angles may a plane be turned without changing the labels? C_7 is named, and others are."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from sharefind.inference import rotation_test
from tests.acceptance.tasks import Samples, least_hits

pytestmark = pytest.mark.usefixtures("independent_rows")

MOST_SECONDS = 60.0
"""Processor time of one search of all planes."""

Draw = Callable[[int, np.random.Generator], Samples]


def samples(x: np.ndarray, y: np.ndarray) -> Samples:
    return torch.from_numpy(x), torch.from_numpy(y[:, None])


def sectors(order: int, noise: float = 0.0) -> Draw:
    """x ~ N(0, I_3), y = x_3 / (1 + angle mod 2 pi / order) + noise."""

    def draw(n: int, rng: np.random.Generator) -> Samples:
        x = rng.normal(size=(n, 3))
        angle = np.mod(np.arctan2(x[:, 1], x[:, 0]), 2 * np.pi / order)
        return samples(x, x[:, 2] / (1 + angle) + noise * rng.normal(size=n))

    return draw


def round_about(n: int, rng: np.random.Generator) -> Samples:
    """All rotations of the first plane."""
    x = rng.normal(size=(n, 3))
    return samples(x, np.sin(np.hypot(x[:, 0], x[:, 1])) * x[:, 2])


def lopsided(n: int, rng: np.random.Generator) -> Samples:
    """No rotation of any coordinate plane."""
    x = rng.normal(size=(n, 3))
    return samples(x, np.tanh(x[:, 0] + 2 * x[:, 1] * x[:, 2] + x[:, 2]) + 0.1 * rng.normal(size=n))


def right_searches(draw: Draw, n: int, right: str, seed: int, count: int) -> int:
    """Searches over all three planes whose answer is right: one group in the first plane, nothing in the others."""
    hits, longest = 0, 0.0
    for repetition in range(count):
        x, y = draw(n, np.random.default_rng([seed, repetition]))
        start = time.process_time()
        found = rotation_test(x, y, seed=repetition)
        longest = max(longest, time.process_time() - start)
        hits += [v.name for v in found.planes] == [right, "C1", "C1"]
    print(f"{right} n={n}: {hits} of {count}, {longest:.1f} s at most")
    assert longest < MOST_SECONDS
    return hits


# Each search rejects what holds with probability .01 at most.
ALWAYS = 0.99


@pytest.mark.slow
@pytest.mark.parametrize("n", [500, 1000, 2000, 10_000])
def test_c7_is_named(n: int) -> None:
    assert right_searches(sectors(7), n, "C7", seed=20261125, count=10) >= least_hits(ALWAYS, 10)


@pytest.mark.slow
@pytest.mark.parametrize("order", [3, 5, 8, 12])
def test_other_orders_are_named_in_noise(order: int) -> None:
    hits = right_searches(sectors(order, 0.1), 1000, f"C{order}", seed=20261125, count=10)
    assert hits >= least_hits(ALWAYS, 10)


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "right"), [(round_about, "SO2"), (lopsided, "C1")], ids=["SO2", "C1"])
def test_all_rotations_and_none(draw: Draw, right: str) -> None:
    assert right_searches(draw, 500, right, seed=20261125, count=20) >= 0.95 * 20


@pytest.mark.slow
def test_reduced() -> None:
    hits = [right_searches(draw, 500, right, 20261126, 1) for draw, right in ((sectors(7), "C7"), (lopsided, "C1"))]
    assert hits == [1, 1]
