"""Which rotations of a coordinate plane leave the labels alone: C_2, C_3, ... or all of SO(2)? Exact tests, one level.

Rotations of the data as a whole, with the trivial action on Y. Other families are left to `closed_testing`, planes that
are not spanned by two coordinates to `infinitesimal`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sympy import factorint, primerange
from torch import Tensor

from sharefind.errors import ConfigError, GroupError, InputError
from sharefind.inference.ambient_moves import Moves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.row_blocks import renumbered
from sharefind.inference.tests.closed_testing import Progress, TestMemory
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.randomisation import Bound, randomisation_test
from sharefind.meanfield.clouds.standardise import varies
from sharefind.parallel import Workers
from sharefind.rng import named_stream

LARGEST = 24
"""The largest N of the candidates C_N, unless another is given."""

HARMONICS = 48
"""The highest harmonic of the angle that is looked at: twice `LARGEST`, so that each candidate shows at least two."""

BINS = 8
"""Bins of the angle for each harmonic: the highest one loses 3 % of its size."""

BIN_OFFSET = 1 / math.pi
"""Where bins begin, in bins: angles that are fractions of a turn lie on no edge, where rounding would decide."""

RIDGES = tuple(10.0**k for k in range(-8, 3))
"""Ridge penalties of the symmetric model, relative to the mean square of a feature; the one of least GCV is used."""

MOST_SAMPLES = 3000
"""Samples that `rotation_test` reads; of larger data sets it draws so many at random."""

ROUNDING = 1e-12
"""Share of the labels' size below which what the symmetric model leaves over is rounding."""

Plane = tuple[int, int]
"""Two coordinates of X, the first turning towards the second."""


@dataclass(frozen=True)
class PlaneRotations:
    """The rotations of X by multiples of 360 / order degrees in a coordinate plane; the labels stay as they are.

    Attributes:
        plane: two coordinates. order: N for C_N, None for SO(2).

    Raises:
        GroupError: the plane is no pair of coordinates, or the order is below 1.
    """

    plane: Plane
    order: int | None

    def __post_init__(self) -> None:
        if len(set(self.plane)) != 2 or min(self.plane) < 0:
            raise GroupError(f"plane {self.plane} is no pair of coordinates; give two different ones, counted from 0")
        if self.order is not None and self.order < 1:
            raise GroupError(f"C_{self.order} does not exist; give an order of 1 or more, or None for SO(2)")

    @property
    def name(self) -> str:
        """C7 or SO2."""
        return "SO2" if self.order is None else f"C{self.order}"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
        """Angles (*shape), in radians."""
        turns = rng.random(shape) if self.order is None else rng.integers(self.order, size=shape) / self.order
        return torch.from_numpy(2 * np.pi * turns)

    def move(self, elements: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """x turned: elements (R, n), x (R or 1, n, d_in) -> (R, n, d_in); y as it is."""
        a, b = self.plane
        cos, sin = elements.cos().to(x.dtype), elements.sin().to(x.dtype)
        moved = x.expand(len(elements), -1, -1).clone()
        moved[..., a] = cos * x[..., a] - sin * x[..., b]
        moved[..., b] = sin * x[..., a] + cos * x[..., b]
        return moved, y


@dataclass(frozen=True)
class AngularHarmonics:
    """Harmonics of the polar angle that the labels have and a rotation by 360 / N degrees forbids.

    Under C_N labels may depend on the angle t through harmonics e^{ijt} with N | j only. A ridge model of these, times
    radial features phi (1, the radius r and r^2, each other coordinate z, r z and z^2), is fitted; with its residuals e
    the statistic is

        M_j = sum_i e_i phi_i e^{-ij t_i},   S_k = sum of |M_j|^2 / j over j with k | j, not N | j;

    the components are S_k^{1/3}; the root makes them nearly normal, so that none outweighs the others when they are
    looked at together. Model and features depend on orbits alone, so the test is exact. A copy costs O(n) operations a
    feature.

    Attributes:
        plane: two coordinates of X. harmonics: the highest j, at least 1.

    Raises:
        GroupError: the plane is no pair of coordinates. ConfigError: no harmonics.
    """

    plane: Plane = (0, 1)
    harmonics: int = HARMONICS

    def __post_init__(self) -> None:
        PlaneRotations(self.plane, None)
        if self.harmonics < 1:
            raise ConfigError(f"angular harmonics: harmonics={self.harmonics}; give 1 or more")

    @property
    def name(self) -> str:
        """angular-harmonics."""
        return "angular-harmonics"

    def bind(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> Bound:
        """The statistic for the rotations of this plane.

        Raises:
            GroupError: `moves` turns another plane, or is no `PlaneRotations`; or X lacks a coordinate of the plane.
        """
        if not isinstance(moves, PlaneRotations) or set(moves.plane) != set(self.plane):
            raise GroupError(f"angular harmonics of plane {self.plane} test PlaneRotations of that plane only")
        if max(self.plane) >= x.shape[1]:
            raise GroupError(f"plane {self.plane}: the samples have {x.shape[1]} coordinates, counted from 0")
        radial = _radial_features(x.double(), self.plane)
        residuals = _residuals(_symmetric_features(x, radial, moves, self.harmonics), y.double())
        weighted = (residuals.unsqueeze(2) * radial.unsqueeze(1)).flatten(1)
        groups = torch.from_numpy(_groups_of_harmonics(self.harmonics, moves.order))

        def components(rows_x: Tensor, labels: Tensor) -> Tensor:
            return (_powers(self._angles(rows_x), labels[0], self.harmonics) @ groups) ** (1 / 3)

        binned = BINS * self.harmonics * weighted.shape[1]
        return Bound(weighted, components, row_bytes=8 * (6 * len(x) + 3 * binned))

    def _angles(self, x: Tensor) -> Tensor:
        a, b = self.plane
        # Contiguous arrays are several times faster here.
        return torch.atan2(x[..., b].double().contiguous(), x[..., a].double().contiguous())


def _radial_features(x: Tensor, plane: Plane) -> Tensor:
    """Orthonormal functions of what rotations leave alone, x (n, d_in) -> (n, features); the first is constant."""
    rest = [i for i in range(x.shape[1]) if i not in plane]
    z = _standardised(x[:, rest])
    r = _standardised(x[:, list(plane)].norm(dim=1, keepdim=True))
    columns = torch.cat([torch.ones_like(r), r, r**2, z, r * z, z**2], dim=1)
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    kept: Tensor = left[:, sizes > ROUNDING * sizes[0]] * math.sqrt(len(x))
    return kept


def _standardised(values: Tensor) -> Tensor:
    centred = values - values.mean(0)
    spread = centred.square().mean(0).sqrt()
    still = torch.from_numpy(~varies(values.numpy())) | (spread == 0)
    return torch.where(still, 0.0, centred / torch.where(still, 1.0, spread))


def _symmetric_features(x: Tensor, radial: Tensor, moves: PlaneRotations, harmonics: int) -> Tensor:
    """Radial features times the harmonics that the hypothesis allows, higher ones with less weight, (n, columns)."""
    a, b = moves.plane
    angle = torch.atan2(x[:, b].double(), x[:, a].double()).unsqueeze(1)
    blocks = [radial]
    for j in range(moves.order or harmonics + 1, harmonics + 1, moves.order or 1):
        blocks += [radial * wave / j for wave in ((j * angle).cos(), (j * angle).sin())]
    return torch.cat(blocks, dim=1)


def _residuals(features: Tensor, y: Tensor) -> Tensor:
    """What ridge regression of least generalised cross-validation leaves over of each label, (n, d_out)."""
    n = len(y)
    centred = _standardised(y)
    left, sizes, _ = torch.linalg.svd(features, full_matrices=False)
    coefficients, squares = left.t() @ centred, sizes**2
    outside = (centred - left @ coefficients).square().sum(0)
    best, residuals = torch.full((y.shape[1],), torch.inf, dtype=torch.float64), centred.clone()
    for ridge in RIDGES:
        lost = ridge * n / (squares + ridge * n)
        loss = (outside + (lost.unsqueeze(1) * coefficients).square().sum(0)) / (n - len(sizes) + lost.sum()) ** 2
        better = loss < best
        residuals[:, better] = (centred - left @ ((1 - lost).unsqueeze(1) * coefficients))[:, better]
        best = torch.where(better, loss, best)
    return torch.where(residuals.abs().amax(0) > ROUNDING, residuals, torch.zeros_like(residuals))


def _groups_of_harmonics(harmonics: int, order: int | None) -> NDArray[np.float64]:
    """(harmonics, components): column k sums |M_j|^2 / j over the multiples j of k that C_order forbids."""
    j = np.arange(1, harmonics + 1)
    forbidden = np.ones_like(j, dtype=bool) if order is None else j % order != 0
    columns = [np.where(forbidden & (j % k == 0), 1 / j, 0.0) for k in j]
    return np.stack([c for c in columns if c.any()] or [np.zeros(harmonics)], axis=1)


def _powers(angles: Tensor, weighted: Tensor, harmonics: int) -> Tensor:
    """|M_j|^2 summed over columns: angles (R, n), weighted (n, columns) -> (R, harmonics), by FFT of binned angles."""
    (rows, n), bins = angles.shape, BINS * harmonics
    place = (angles * (bins / (2 * math.pi)) + BIN_OFFSET).floor().long() % bins
    place += torch.arange(rows).unsqueeze(1) * bins
    # A sparse product adds all columns of a sample at once: several times faster than a histogram for each column.
    starts = np.arange(0, rows * n + 1, rows)
    ones = np.ones(rows * n)
    chosen = sparse.csc_array((ones, place.t().flatten().numpy(), starts), shape=(rows * bins, n))
    binned = torch.from_numpy(chosen @ weighted.numpy()).reshape(rows, bins, -1)
    moments = torch.fft.rfft(binned, dim=1)[:, 1 : harmonics + 1]
    powers: Tensor = moments.abs().square().sum(2)
    return powers


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
    most_samples: int = MOST_SAMPLES,
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
        statistic = AngularHarmonics(plane, max(HARMONICS, 2 * self.largest))
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
