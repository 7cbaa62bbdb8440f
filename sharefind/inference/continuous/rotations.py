"""Which rotations of a coordinate plane leave the labels alone: C_2, C_3, ... or all of SO(2)? Exact tests, one level.

Rotations of the data as a whole, with the trivial action on Y. `closed_testing` has other families, `infinitesimal`
planes that are not spanned by two coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from sympy import factorint, primerange
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.plane_rotations import Plane, PlaneRotations
from sharefind.inference.row_blocks import renumbered
from sharefind.inference.statistics.angular_harmonics import AngularHarmonics
from sharefind.inference.tests.closed_testing import Progress, TestMemory, remembered
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.parallel import Workers
from sharefind.rng import named_stream

LARGEST = 24
"""The largest N of the candidates C_N, unless another is given."""


@dataclass(frozen=True)
class PlaneVerdict:
    """The rotations of one plane that were not rejected.

    Attributes:
        plane: The two coordinates.
        name: The largest group that was not rejected: "SO2", "C7", or "C1" when all were rejected.
        order: Its order N, None for SO(2).
        accepted: The candidates that were not rejected.
        rejected: The candidates that were rejected.
        tests: The tests that were made, of SO(2) and of prime powers.
        p_adjusted: Adjusted p-values of these groups and of all rejected ones, for the level of the whole search.
        beyond: Whether N exceeds the largest candidate: its prime-power parts were not rejected, one by one. Often that
            is a lack of power.
    """

    plane: Plane
    name: str
    order: int | None
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    tests: Mapping[str, RandomisationTest]
    p_adjusted: Mapping[str, float]
    beyond: bool

    @property
    def angle(self) -> float:
        """The smallest rotation, in degrees: 360 / N; 0 for SO(2)."""
        return 0.0 if self.order is None else 360 / self.order


@dataclass(frozen=True)
class RotationSearch:
    """Rotations of coordinate planes that do not change the labels.

    Attributes:
        planes: One verdict for each plane.
        alpha: With probability at least 1 - alpha, no true symmetry was rejected in any plane.
        copies: Number m of copies in each test.
        samples: Number of samples that were read.
    """

    planes: tuple[PlaneVerdict, ...]
    alpha: float
    copies: int
    samples: int

    @property
    def found(self) -> Mapping[Plane, str]:
        """The planes with a symmetry that is not trivial, and its name."""
        return {v.plane: v.name for v in self.planes if v.order != 1}


@warns_of_rows
def rotation_test(
    x: Tensor,
    y: Tensor,
    planes: Sequence[Plane] | None = None,
    *,
    largest: int = LARGEST,
    alpha: float = 0.01,
    copies: int | None = None,
    seed: int = 0,
    most_samples: int = 3000,
    progress: Progress | None = None,
    memory: TestMemory | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    grow: bool = False,
) -> RotationSearch:
    """Test which of C_2, ..., C_largest and SO(2), turning a coordinate plane of X, leave the law of (X, Y) unchanged.

    The law of X counts: inputs whose own distribution is not invariant break the symmetry, whatever the labels do.

    C_a and C_b generate C_lcm(a, b), so these groups are not closed under joins. But C_N holds if and only if C_q does
    for each prime power q that divides N exactly. In each plane SO(2) is tested first; if it is rejected, then for each
    prime its powers, the largest first, up to one that is not rejected. Level: alpha / planes, divided by the number of
    primes for the powers. If SO(2) holds, no group is rejected unless SO(2) is. Otherwise, for each prime, the largest
    power that holds is tested before all smaller ones, and rejected with probability at most the level; these add up to
    alpha (Bonferroni over primes and planes).

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, which rotations do not change, shape (n, d_out).
        planes: Pairs of coordinates; all if None.
        largest: N of the largest candidate.
        alpha: Family-wise error rate over all planes.
        copies: Number m of copies in each test; the smallest number that can reject if None.
        seed: Seed of the streams, one for each plane and group.
        most_samples: Most samples that are read; of larger data sets this number is drawn at random.
        progress: Called before each test.
        memory: Tests that were finished before, with the same data and settings.
        workers: Share the copies of a test, with the same result; this process alone if None.
        units: The unit of each row, shape (n,), int64, see `randomisation_test`; None where each row is one.
        grow: Whether the number of copies grows near the level of a test, from `copies` to 64 times as many.

    Returns:
        One verdict a plane.

    Raises:
        ConfigError: Alpha is not in (0, 1), `copies` is too small for a rejection, or largest or most_samples is below
            2.
        InputError: The samples have one coordinate, or cannot be used.
        GroupError: A plane is no pair of coordinates, or occurs twice.
    """
    chosen = _checked_planes(x, y, planes)
    primes = _primes(largest)
    if not 0 < alpha < 1 or most_samples < 2:
        raise ConfigError(f"alpha={alpha}, most_samples={most_samples}: alpha must lie in (0, 1), samples be 2 or more")
    least = least_copies(alpha, len(chosen), largest)
    if copies is not None and copies < least:
        raise ConfigError(
            f"copies={copies} cannot reject with {len(primes)} primes in {len(chosen)} planes; give at least {least}, "
            "or fewer planes"
        )
    kept = torch.from_numpy(named_stream(0, "rotation test", "samples").permutation(len(x))[:most_samples])
    blocks, most = None if units is None else renumbered(units[kept]), least if copies is None else copies
    specs = _Specs(x[kept], y[kept], seed, most, workers, blocks)
    run = _Run(specs, largest, primes, alpha, len(chosen), grow, progress, memory)
    return RotationSearch(tuple(run.verdict(plane) for plane in chosen), alpha, most, len(kept))


@dataclass(frozen=True)
class _Specs:
    """The common arguments of all tests of one search."""

    x: Tensor
    y: Tensor
    seed: int
    copies: int
    workers: Workers | None
    units: Tensor | None


@dataclass(frozen=True)
class _Run:
    """The tests of one search; planes: their number."""

    specs: _Specs
    largest: int
    primes: list[int]
    alpha: float
    planes: int
    grow: bool
    progress: Progress | None
    memory: TestMemory | None

    @property
    def level(self) -> float:
        """The level of one plane."""
        return self.alpha / self.planes

    def verdict(self, plane: Plane) -> PlaneVerdict:
        """SO(2) first, then for each prime its powers."""
        tests = {"SO2": self._test(plane, None, self.level)}
        candidates = range(2, self.largest + 1)
        if tests["SO2"].p_value > self.level:
            accepted = (*(f"C{n}" for n in candidates), "SO2")
            adjusted = {"SO2": min(1.0, self.planes * tests["SO2"].p_value)}
            return PlaneVerdict(plane, "SO2", None, accepted, (), tests, adjusted, False)
        order = math.prod([self._largest_power(plane, prime, tests) for prime in self.primes])
        adjusted = self._adjusted(tests)
        rejected = [f"C{n}" for n in candidates if order % n]
        beyond = [order] if order > self.largest else []
        accepted = tuple(f"C{n}" for n in (*(n for n in candidates if order % n == 0), *beyond))
        shown = {name: adjusted[name] for name in (*tests, *(r for r in rejected if r not in tests))}
        return PlaneVerdict(plane, f"C{order}", order, accepted, (*rejected, "SO2"), tests, shown, bool(beyond))

    def _largest_power(self, plane: Plane, prime: int, tests: dict[str, RandomisationTest]) -> int:
        """The largest power of a prime that is not rejected, 1 if all are; the tests are added to `tests`."""
        level = self.level / len(self.primes)
        for power in self._powers(prime):
            found = tests[f"C{power}"] = self._test(plane, power, level)
            if found.p_value > level:
                return power
        return 1

    def _powers(self, prime: int) -> list[int]:
        """Return the powers of a prime, the largest candidate first."""
        powers = (prime**k for k in range(1, self.largest.bit_length()))
        return sorted((power for power in powers if power <= self.largest), reverse=True)

    def _adjusted(self, tests: Mapping[str, RandomisationTest]) -> dict[str, float]:
        """Adjusted p-values of SO(2), the prime powers tested, and the groups that have one of them as a part."""
        adjusted = {"SO2": min(1.0, self.planes * tests["SO2"].p_value)}
        for prime in self.primes:
            worst = adjusted["SO2"]
            for name in (f"C{power}" for power in self._powers(prime) if f"C{power}" in tests):
                worst = adjusted[name] = min(1.0, max(worst, self.planes * len(self.primes) * tests[name].p_value))
        for n in range(2, self.largest + 1):
            parts = [adjusted[f"C{p**k}"] for p, k in factorint(n).items() if f"C{p**k}" in tests]
            if parts:
                adjusted[f"C{n}"] = min(parts)
        return adjusted

    def _test(self, plane: Plane, order: int | None, level: float) -> RandomisationTest:
        moves, specs = PlaneRotations(plane, order), self.specs
        rows = f"{plane[0]},{plane[1]}"
        name = f"{moves.name} in plane {rows}"
        statistic = AngularHarmonics(plane, max(AngularHarmonics.harmonics, 2 * self.largest))
        rng = named_stream(specs.seed, "rotation test", rows, moves.name)

        def test() -> RandomisationTest:
            if self.progress is not None:
                self.progress(name, 0, 1)
            alpha = level if self.grow else None
            return randomisation_test(
                specs.x, specs.y, moves, statistic, rng, specs.copies, None, specs.workers, specs.units, alpha
            )

        return remembered(self.memory, name, test)


def least_copies(alpha: float, planes: int, largest: int = LARGEST) -> int:
    """Return the smallest m with which a test of `rotation_test` can reject: 1 / (m + 1) <= alpha / (planes primes).

    Args:
        alpha: The level.
        planes: Number of planes.
        largest: N of the largest candidate.
    """
    level = alpha / planes / len(_primes(largest))
    start = math.floor(1 / level) - 1
    return next(m for m in range(max(1, start), start + 4) if 1 / (m + 1) <= level)


def _primes(largest: int) -> list[int]:
    if largest < 2:
        raise ConfigError(f"largest={largest}: the smallest candidate is C_2; give 2 or more")
    return [int(p) for p in primerange(2, largest + 1)]


def _checked_planes(x: Tensor, y: Tensor, planes: Sequence[Plane] | None) -> list[Plane]:
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or x.shape[1] < 2 or 0 in (*x.shape, *y.shape):
        raise InputError(
            f"samples x {tuple(x.shape)} and y {tuple(y.shape)}: give (n, d_in) with d_in of 2 or more, and (n, d_out)"
        )
    chosen = list(combinations(range(x.shape[1]), 2)) if planes is None else [(a, b) for a, b in planes]
    if not chosen or len({frozenset(plane) for plane in chosen}) < len(chosen):
        raise GroupError("give at least one plane, and none twice")
    for plane in chosen:
        PlaneRotations(plane, None)
        if max(plane) >= x.shape[1]:
            raise GroupError(f"plane {plane}: the samples have {x.shape[1]} coordinates, counted from 0")
    return chosen
