"""T-Y1, T-Y2, T-Y3: which entries of a mean, or which weights of a sum, are equal? Exact, in a fraction of a second."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from sharefind.inference import mean_partition, weight_partition
from tests.acceptance.tasks import least_hits

REACHED, LARGEST_ERROR, SECONDS = 0.95, 0.012, 0.1
SIZES = [(5, r) for r in range(1, 6)] + [(10, r) for r in (1, 2, 5, 10)]
SIZES += [(30, r) for r in (1, 3, 10, 30)] + [(90, r) for r in (1, 2, 5, 20, 90)]


@dataclass(frozen=True)
class Trials:
    """Share of exact partitions, mean of |refitted - true mean|^2, and the median of the seconds."""

    exact: float
    error: float
    seconds: float


def block_counts(size: int, blocks: int) -> list[list[int]]:
    """[n][k]: the number of set partitions of n elements with k blocks."""
    counts = [[int(n == k == 0) for k in range(blocks + 1)] for n in range(size + 1)]
    for n in range(1, size + 1):
        for k in range(1, min(n, blocks) + 1):
            counts[n][k] = k * counts[n - 1][k] + counts[n - 1][k - 1]
    return counts


def random_partition(size: int, blocks: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Uniform among the set partitions with so many blocks, numbered from 0 by first occurrence."""
    counts, joins, k = block_counts(size, blocks), [], blocks
    for n in range(size, 0, -1):
        alone = n == k or rng.random() < counts[n - 1][k - 1] / counts[n][k]
        joins.append(-1 if alone else int(rng.integers(k)))
        k -= int(alone)
    labels: list[int] = []
    for join in reversed(joins):
        labels.append(max(labels, default=-1) + 1 if join < 0 else join)
    return np.array(labels)


def mean_trials(size: int, blocks: int, first: int, count: int) -> Trials:
    """T-Y1 in independent data sets."""
    hits, errors, seconds = 0, [], []
    for repetition in range(first, first + count):
        rng = np.random.default_rng([size, blocks, repetition])
        labels = random_partition(size, blocks, rng)
        mean = 3.0 * labels if blocks > 1 else np.zeros(size)
        samples = rng.normal(size=(100, size)) + mean
        started = time.perf_counter()
        found = mean_partition(samples, seed=repetition)
        seconds.append(time.perf_counter() - started)
        hits += np.array_equal(found.labels, labels + 1)
        errors.append(float(((found.tied - mean) ** 2).sum()))
    trials = Trials(hits / count, float(np.mean(errors)), float(np.median(seconds)))
    print(f"K={size} r={blocks}: {trials}")
    return trials


def sum_hits(size: int, alternating: bool, first: int, count: int) -> int:
    """T-Y2 or T-Y3: data sets with the right partition by value, by absolute value, and where 0 is possible too."""
    signs = (-1) ** np.arange(size) if alternating else np.ones(size, dtype=int)
    hits = 0
    for seed in range(first, first + count):
        rng = np.random.default_rng([size, int(alternating), seed])
        x = rng.integers(1, 10, size=(250, size)).astype(float)
        y = x @ signs + rng.uniform(-0.5, 0.5, size=250)
        by_value = weight_partition(x, y, seed=seed).labels
        by_size, with_zeros = (weight_partition(x, y, signed=True, zeros=z, seed=seed).labels for z in (False, True))
        hits += (
            np.array_equal(by_value, np.where(signs > 0, 1, 2))
            and np.array_equal(by_size, signs)
            and (np.array_equal(with_zeros, signs))
        )
    print(f"K={size} alternating={alternating}: {hits} of {count}")
    return hits


def test_partitions_are_drawn_uniformly() -> None:
    rng = np.random.default_rng(0)
    drawn = [tuple(random_partition(4, 2, rng)) for _ in range(1400)]
    assert len(set(drawn)) == block_counts(4, 2)[4][2] == 7
    assert all(abs(drawn.count(labels) - 200) < 60 for labels in set(drawn))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "blocks"), SIZES)
def test_the_partition_of_a_mean(size: int, blocks: int) -> None:
    trials = mean_trials(size, blocks, 0, 1000 if size == 5 else 200)
    assert trials.exact >= REACHED and trials.seconds < SECONDS
    if (size, blocks) == (5, 1):
        assert trials.error <= LARGEST_ERROR


@pytest.mark.slow
@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("size", [2, 4, 6, 8, 10])
def test_the_partition_of_a_sum(size: int, alternating: bool) -> None:
    assert sum_hits(size, alternating, 0, 5) == 5


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(("size", "blocks"), [(5, 1), (5, 3), (30, 10), (90, 1)])
def test_reduced_mean(size: int, blocks: int) -> None:
    assert round(40 * mean_trials(size, blocks, 10_000, 40).exact) >= least_hits(REACHED, 40)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("alternating", [False, True])
def test_reduced_sum(alternating: bool) -> None:
    assert sum_hits(6, alternating, 100, 5) >= least_hits(0.99, 5)
