"""Laws with dependent rows that have the symmetry C_4, and how often a check warns of them or a test rejects it.

    python -m tests.acceptance.dependent_rows 2000

prints the share of rejections at level .05 for every cell, with the units that belong to it, over so many data sets.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from sharefind.groups import named_group, natural
from sharefind.inference import Correlogram, independence_test, randomisation_test
from sharefind.inference.dependence import check_rows
from sharefind.meanfield import JointAction

FloatArray = NDArray[np.float64]
Law = Callable[[np.random.Generator], tuple[FloatArray, FloatArray]]

WIDTH, NOISE, COPIES, LEVEL = 4, 0.3, 19, 0.05


def labels(x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A C_4-equivariant function of x (n, 4), with noise."""
    return np.asarray(np.tanh(x) + 0.5 * np.roll(np.tanh(x), 1, axis=1) + NOISE * rng.normal(size=x.shape))


def autoregressive(n: int, coefficient: float) -> Law:
    """Inputs that follow a stationary AR(1) series in each coordinate."""

    def draw(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        steps, x = rng.normal(size=(n, WIDTH)), np.empty((n, WIDTH))
        x[0] = steps[0]
        for row in range(1, n):
            x[row] = coefficient * x[row - 1] + np.sqrt(1 - coefficient**2) * steps[row]
        return x, labels(x, rng)

    return draw


def clustered(n: int, correlation: float, size: int = 5) -> Law:
    """Clusters of inputs next to each other, with a correlation within them."""

    def draw(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        common = np.repeat(rng.normal(size=(-(-n // size), WIDTH)), size, axis=0)[:n]
        x = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=(n, WIDTH))
        return x, labels(x, rng)

    return draw


def repeated(n: int, jitter: float, size: int = 5) -> Law:
    """Rows that are measured `size` times, with an error of `jitter`."""

    def draw(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        x = rng.normal(size=(-(-n // size), WIDTH))
        x, y = (np.repeat(v, size, axis=0)[:n] for v in (x, labels(x, rng)))
        return x + jitter * rng.normal(size=x.shape), y + jitter * rng.normal(size=y.shape)

    return draw


def shuffled(law: Law) -> Law:
    """The same rows in a random order."""

    def draw(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        x, y = law(rng)
        order = rng.permutation(len(x))
        return x[order], y[order]

    return draw


def tabulated(law: Law) -> Law:
    """The same inputs, rounded to whole numbers, so that rows that repeat differ in their labels alone."""

    def draw(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        x, y = law(rng)
        return np.round(2 * x), y

    return draw


def warned(law: Law, sets: int) -> float:
    """Share of data sets of which the check warns."""
    found = [check_rows(*law(np.random.default_rng([5, k])), seed=k) for k in range(sets)]
    return sum(bool(check.warnings) for check in found) / sets


def rejected(law: Law, units: NDArray[np.int64] | None, sets: int) -> float:
    """Share of data sets in which C_4, which holds, is rejected at level .05 with these units (n,)."""
    group = named_group("C4")
    rep = natural(group)
    moves, statistic, hits = JointAction(rep, rep), Correlogram(rep, rep, (group,)), 0
    named = None if units is None else torch.from_numpy(np.asarray(units))
    for k in range(sets):
        rng = np.random.default_rng([22, k])
        x, y = map(torch.from_numpy, law(rng))
        hits += randomisation_test(x, y, moves, statistic, rng, COPIES, units=named).p_value <= LEVEL
    return hits / sets


def rejected_independence(law: Law, units: NDArray[np.int64], sets: int) -> float:
    """Share of data sets in which independence is rejected where the labels are those of other, independent rows."""
    hits = 0
    for k in range(sets):
        rng = np.random.default_rng([23, k])
        x, y = law(rng)[0], law(rng)[1]
        found = independence_test(torch.from_numpy(x), torch.from_numpy(y), rng, COPIES, units=torch.from_numpy(units))
        hits += found.p_value <= LEVEL
    return hits / sets


def cells() -> Iterator[tuple[str, Law, NDArray[np.int64], float]]:
    """Name, law, units and the largest level that is allowed beside the binomial error."""
    for correlation in (0.3, 0.7):
        yield f"clusters of 5, correlation {correlation}", clustered(60, correlation), np.arange(60) // 5, 0.05
    for jitter in (1e-6, 1e-2):
        yield f"repeats of 5, jitter {jitter:g}", repeated(60, jitter), np.arange(60) // 5, 0.05
    for coefficient in (0.5, 0.8, 0.95):
        length = round(10 / (1 - coefficient))
        rows = 12 * length
        yield (
            f"AR(1) {coefficient}, blocks of {length}",
            autoregressive(rows, coefficient),
            np.arange(rows) // length,
            0.08,
        )


if __name__ == "__main__":
    count = int(sys.argv[1])
    torch.set_num_threads(1)
    for name, law, units, most in cells():
        first, second = rejected(law, units, count), rejected_independence(law, units, count)
        print(f"{name:32s} C4 {first:.3f}, independence {second:.3f} (at most {most:g} beside the error)", flush=True)
