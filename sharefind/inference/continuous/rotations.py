"""Which rotations of a coordinate plane leave the labels alone: C_2, C_3, ... or all of SO(2)? Exact tests, one level.

Rotations of the data as a whole, with the trivial action on Y. Other families are left to `closed_testing`, planes that
are not spanned by two coordinates to `infinitesimal`.
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
from sharefind.inference.tests.closed_testing import Progress, TestMemory
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import randomisation_test
from sharefind.parallel import Workers
from sharefind.rng import named_stream

LARGEST = 24
"""The largest N of the candidates C_N, unless another is given."""


@dataclass(frozen=True)
class PlaneVerdict:
    """Which rotations of one plane were not rejected.

    Attributes:
        plane: two coordinates. name: the largest group that was not rejected: "SO2", "C7", or "C1" when all were.
        order: its N, None for SO(2). accepted, rejected: the candidates. tests: those that were made, of SO(2) and of
            prime powers. p_adjusted: of the same and of all that was rejected, for the level of the whole search.
        beyond: N exceeds the largest candidate: its prime-power parts were not rejected, one by one. Often that is a
            lack of power.
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
    """Rotations of coordinate planes that leave the labels alone.

    Attributes:
        planes: one verdict each. alpha: with probability at least 1 - alpha, nothing that holds was rejected in any.
        copies: m of each test. samples: how many were read.
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
    """Which of C_2, ..., C_largest and SO(2), turning a coordinate plane of X, leave the law of (X, Y) as it is?

    The law of X counts: inputs whose own distribution is not invariant break the symmetry, whatever the labels do.

    C_a and C_b generate C_lcm(a, b), so these groups are not closed under joins. But C_N holds if and only if C_q does
    for each prime power q that divides N exactly. In each plane SO(2) is tested first; if it is rejected, then for each
    prime its powers, the largest first, up to one that is not rejected. Level: alpha / planes, divided by the number of
    primes for the powers. If SO(2) holds, nothing is rejected unless it is. Else, for each prime, the largest power
    that holds is tested before all smaller ones, and rejected with probability at most the level; these add up to
    alpha (Bonferroni over primes and planes).

    Args:
        x: (n, d_in). y: (n, d_out), which rotations leave alone. planes: pairs of coordinates; all if None.
        largest: N of the largest candidate. alpha: family-wise error rate over all planes. copies: m of each test; so
            few as can reject if None. seed: of the streams, one for each plane and group. most_samples: that are read.
        progress: told before each test. memory: tests that were finished before, with the same data and settings.
        workers: share the copies of a test, with the same result; this process alone if None.
        units: (n,), int64, the unit of each row, see `randomisation_test`; None where each row is one.
        grow: whether the number of copies grows near the level of a test, from `copies` to 64 times as many.

    Raises:
        ConfigError: alpha is not in (0, 1), so few copies cannot reject, or largest or most_samples is below 2.
        InputError: the samples have one coordinate, or cannot be used. GroupError: a plane is none, or twice.
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
    most = least if copies is None else copies
    blocks, level = None if units is None else renumbered(units[kept]), alpha / len(chosen)
    run = _Run(x[kept], y[kept], largest, level, most, seed, progress, memory, workers, blocks, grow)
    verdicts = tuple(_plane_verdict(run, plane, len(chosen)) for plane in chosen)
    return RotationSearch(verdicts, alpha, run.copies, len(kept))


@dataclass(frozen=True)
class _Run:
    """What the tests of one search share; level: of one plane."""

    x: Tensor
    y: Tensor
    largest: int
    level: float
    copies: int
    seed: int
    progress: Progress | None
    memory: TestMemory | None
    workers: Workers | None
    units: Tensor | None
    grow: bool

    def test(self, plane: Plane, order: int | None) -> RandomisationTest:
        moves = PlaneRotations(plane, order)
        name = f"{moves.name} in plane {plane[0]},{plane[1]}"
        known = None if self.memory is None else self.memory.recall_test(name)
        if known is not None:
            return known
        if self.progress is not None:
            self.progress(name, 0, 1)
        statistic = AngularHarmonics(plane, max(AngularHarmonics.harmonics, 2 * self.largest))
        rng = named_stream(self.seed, "rotation test", f"{plane[0]},{plane[1]}", moves.name)
        test = randomisation_test(
            self.x,
            self.y,
            moves,
            statistic,
            rng,
            self.copies,
            workers=self.workers,
            units=self.units,
            alpha=(self.level if order is None else self.level / len(_primes(self.largest))) if self.grow else None,
        )
        if self.memory is not None:
            self.memory.keep_test(name, test)
        return test


def least_copies(alpha: float, planes: int, largest: int = LARGEST) -> int:
    """The smallest m with which a test of `rotation_test` can reject: 1 / (m + 1) <= alpha / (planes primes)."""
    level = alpha / planes / len(_primes(largest))
    start = math.floor(1 / level) - 1
    return next(m for m in range(max(1, start), start + 4) if 1 / (m + 1) <= level)


def _primes(largest: int) -> list[int]:
    if largest < 2:
        raise ConfigError(f"largest={largest}: the smallest candidate is C_2; give 2 or more")
    return [int(p) for p in primerange(2, largest + 1)]


def _top_power(prime: int, largest: int) -> int:
    power = prime
    while power * prime <= largest:
        power *= prime
    return power


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


def _plane_verdict(run: _Run, plane: Plane, planes: int) -> PlaneVerdict:
    tests = {"SO2": run.test(plane, None)}
    adjusted = {"SO2": min(1.0, planes * tests["SO2"].p_value)}
    if tests["SO2"].p_value > run.level:
        accepted = (*(f"C{n}" for n in range(2, run.largest + 1)), "SO2")
        return PlaneVerdict(plane, "SO2", None, accepted, (), tests, adjusted, False)
    primes, order = _primes(run.largest), 1
    for prime in primes:
        order *= _largest_power(run, plane, prime, len(primes), tests)
    _adjust(tests, adjusted, planes, len(primes), run.largest)
    names = [f"C{n}" for n in range(2, run.largest + 1) if order % n == 0]
    rejected = [f"C{n}" for n in range(2, run.largest + 1) if order % n]
    beyond = order > run.largest
    accepted = (*names, f"C{order}") if beyond else tuple(names)
    shown = {name: adjusted[name] for name in (*tests, *(r for r in rejected if r not in tests))}
    return PlaneVerdict(plane, f"C{order}", order, accepted, (*rejected, "SO2"), tests, shown, beyond)


def _largest_power(run: _Run, plane: Plane, prime: int, primes: int, tests: dict[str, RandomisationTest]) -> int:
    """The largest power of a prime that is not rejected, 1 if all are; the tests are added to `tests`."""
    power = _top_power(prime, run.largest)
    while power > 1:
        found = tests[f"C{power}"] = run.test(plane, power)
        if found.p_value > run.level / primes:
            break
        power //= prime
    return power


def _adjust(
    tests: Mapping[str, RandomisationTest], adjusted: dict[str, float], planes: int, primes: int, largest: int
) -> None:
    """Adjusted p-values of the prime powers tested, and of the groups that have one of them as a part."""
    for prime in _primes(largest):
        worst, power = adjusted["SO2"], _top_power(prime, largest)
        while f"C{power}" in tests:
            worst = adjusted[f"C{power}"] = min(1.0, max(worst, planes * primes * tests[f"C{power}"].p_value))
            power //= prime
    for n in range(2, largest + 1):
        parts = [adjusted[f"C{p**k}"] for p, k in factorint(n).items() if f"C{p**k}" in tests]
        if parts:
            adjusted[f"C{n}"] = min(parts)
