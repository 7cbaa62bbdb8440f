"""Closed forms of W2^2 and RMD^2 against an exact transport solver, and the moments that they are made of."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sharefind.errors import NotConvergedError, SpaceError
from sharefind.groups import hom, named_group, natural, trivial
from sharefind.meanfield import (
    MatrixUnit,
    ParticleAction,
    Projector,
    dist2,
    rmd2,
    rmd2_between,
    second_moment,
    symmetrise,
    w2_squared,
)
from sharefind.spaces import Subspace, fixed_space

TOLERANCE = 1e-10


def check_against_transport(space: Subspace, theta: torch.Tensor) -> None:
    """theta (R, D, N): the closed forms of every replicate equal POT's."""
    projector = Projector(space)
    projected = projector(theta)
    closed, relative = dist2(theta, projector), rmd2(theta, projector)
    for r in range(len(theta)):
        a, b = theta[r].t().numpy(), projected[r].t().numpy()
        assert abs(float(closed[r]) - w2_squared(a, b)) < TOLERANCE
        assert abs(float(relative[r]) - rmd2_between(a, b)) < TOLERANCE


def cloud(dim: int, particles: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(rng.normal(), 1.5, size=(2, dim, particles)))


@st.composite
def tying_spaces(draw: st.DrawFn) -> Subspace:
    return Subspace.from_tying(draw(st.lists(st.integers(-3, 3), min_size=2, max_size=9)))


@st.composite
def rational_spaces(draw: st.DrawFn) -> Subspace:
    ambient = draw(st.integers(2, 6))
    entries = st.lists(st.integers(-3, 3), min_size=ambient, max_size=ambient)
    return Subspace.from_basis(draw(st.lists(entries.filter(any), min_size=1, max_size=ambient)))


@settings(max_examples=60)
@given(st.one_of(tying_spaces(), rational_spaces()), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_the_distance_to_a_projection_needs_no_solver(space: Subspace, particles: int, seed: int) -> None:
    check_against_transport(space, cloud(space.ambient, particles, seed))


@pytest.mark.parametrize("name", ["R3", "R5", "R7"])
def test_the_same_over_an_algebraic_field(name: str) -> None:
    rep = natural(named_group(name)) + trivial(named_group(name))
    space = fixed_space(hom(rep, rep))
    assert space.is_exact
    check_against_transport(space, cloud(space.ambient, 30, 0))


def test_the_same_for_fixed_spaces_of_units(unit: MatrixUnit) -> None:
    check_against_transport(fixed_space(unit.space.action), cloud(unit.space.dim, 20, 1))


def test_the_same_above_the_dense_limit() -> None:
    space = Subspace.from_tying(np.random.default_rng(2).integers(-9, 10, size=400))
    check_against_transport(space, cloud(400, 15, 3) / 20)


def test_moments_by_hand() -> None:
    theta = torch.tensor([[[3.0, 0.0], [4.0, 1.0]]], dtype=torch.float64)
    tied = Projector(Subspace.from_tying([1, 1]))
    assert float(second_moment(theta)) == 13.0
    # Particles (3, 4) and (0, 1) are each 1/2 away, squared, from the diagonal.
    assert float(dist2(theta, tied)) == pytest.approx(0.5)
    assert float(rmd2(theta, tied)) == pytest.approx(0.5 / (2 * 13 + 2 * 12.5))


def test_a_cloud_at_zero_has_rmd_zero() -> None:
    theta = torch.zeros(2, 4, 3, dtype=torch.float64)
    assert rmd2(theta, Projector(Subspace.zero(4))).tolist() == [0.0, 0.0]
    assert rmd2_between(np.zeros((3, 2)), np.zeros((2, 2))) == 0.0


def test_rmd_lies_between_zero_and_one() -> None:
    theta = cloud(6, 20, 4)
    assert float(rmd2(theta, Projector(Subspace.zero(6))).sub(0.5).abs().max()) < 1e-14
    assert rmd2(theta, Projector(Subspace.full(6))).tolist() == [0.0, 0.0]
    one = theta[0].t().numpy()
    assert rmd2_between(one, -one) <= 1.0


def test_symmetrised_clouds_are_weakly_invariant(unit: MatrixUnit) -> None:
    action = ParticleAction(unit.space.action)
    wi = symmetrise(cloud(unit.space.dim, 3, 5)[:1], action)
    assert wi.shape == (1, unit.space.dim, 3 * action.order)
    here = wi[0].t().numpy()
    for image in action.images(wi)[0].transpose(0, 1)[:4]:
        assert w2_squared(here, image.t().numpy()) < TOLERANCE


def test_symmetrising_moves_no_mean_off_the_fixed_space(unit: MatrixUnit) -> None:
    theta = cloud(unit.space.dim, 4, 6)
    mean = symmetrise(theta, ParticleAction(unit.space.action)).mean(-1, keepdim=True)
    expected = Projector(fixed_space(unit.space.action))(theta.mean(-1, keepdim=True))
    torch.testing.assert_close(mean, expected, rtol=0, atol=1e-12)


def test_transport_between_general_clouds() -> None:
    rng = np.random.default_rng(7)
    a = rng.normal(size=(40, 3))
    shift = np.array([1.0, -2.0, 0.5])
    # A translation is an optimal coupling, and so is the monotone one on a line.
    assert w2_squared(a, a[::-1] + shift) == pytest.approx(float(shift @ shift), abs=TOLERANCE)
    u, v = rng.normal(size=(50, 1)), rng.exponential(size=(50, 1))
    sorted_cost = float(((np.sort(u, 0) - np.sort(v, 0)) ** 2).mean())
    assert w2_squared(u, v) == pytest.approx(sorted_cost, abs=TOLERANCE)
    # Every particle twice is the same measure.
    assert w2_squared(a, np.concatenate([a, a])) < TOLERANCE


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), r"shapes \(N, D\) and \(M, D\)"),
        (np.zeros(3), np.zeros(3), r"shapes \(N, D\) and \(M, D\)"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "not finite.*smaller step"),
        (np.zeros((3, 2)), np.full((3, 2), np.inf), "not finite.*smaller step"),
        (np.zeros((0, 2)), np.zeros((3, 2)), "clouds of 0 and 3 particles"),
    ],
)
def test_transport_refuses_what_is_no_pair_of_clouds(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        w2_squared(a, b)


def test_an_unfinished_solver_is_an_error() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(NotConvergedError, match="raise max_iterations"):
        w2_squared(rng.normal(size=(200, 3)), rng.normal(size=(200, 3)), max_iterations=2)


def assigned(a: np.ndarray, b: np.ndarray) -> Fraction:
    """W2^2 by an assignment solver on repeated particles, in rationals: (N, D), (M, D)."""
    n, m = len(a), len(b)
    whole = math.lcm(n, m)
    exact_a, exact_b = ([[Fraction(float(v)) for v in row] for row in cloud] for cloud in (a, b))
    cost = [[sum(((u - v) ** 2 for u, v in zip(p, q, strict=True)), Fraction(0)) for q in exact_b] for p in exact_a]
    repeated = [[cost[i][j] for j in range(m) for _ in range(whole // m)] for i in range(n) for _ in range(whole // n)]
    return _least(repeated) / whole


def _least(cost: list[list[Fraction]]) -> Fraction:
    """The least cost of an assignment, from scipy's solution improved along negative cycles in exact arithmetic."""
    chosen = linear_sum_assignment(np.array([[float(c) for c in row] for row in cost]))[1].tolist()
    n = len(cost)
    while True:
        # Row i may take the column of row j: Bellman-Ford on the rows finds a cycle of negative cost.
        length, before = [Fraction(0)] * n, [-1] * n
        last = -1
        for _ in range(n):
            last = -1
            for i in range(n):
                for j in range(n):
                    through = length[i] + cost[i][chosen[j]] - cost[j][chosen[j]]
                    if through < length[j]:
                        length[j], before[j], last = through, i, j
            if last < 0:
                return sum((cost[i][chosen[i]] for i in range(n)), Fraction(0))
        for _ in range(n):
            last = before[last]
        cycle, at = [last], before[last]
        while at != last:
            cycle.append(at)
            at = before[at]
        columns = [chosen[j] for j in cycle]
        for j, i in zip(columns, [*cycle[1:], cycle[0]], strict=True):
            chosen[i] = j


SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))


@settings(max_examples=30, deadline=None)
@given(SIZES, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1.0, 300.0, 1e6, 1e9, 1e12]), st.booleans())
def test_transport_is_right_far_from_zero(sizes: tuple[int, int, int], seed: int, offset: float, apart: bool) -> None:
    rng = np.random.default_rng(seed)
    n, m, d = sizes
    a, b = (rng.normal(size=(k, d)) * 10 ** rng.uniform(-2, 2, d) + offset * rng.normal(size=d) for k in (n, m))
    b = b if apart else b - np.rint(b.mean(0) - a.mean(0))
    assert w2_squared(a, b) == pytest.approx(float(assigned(a, b)), rel=1e-12, abs=1e-300)


@settings(max_examples=40, deadline=None)
@given(SIZES, st.integers(0, 2**32 - 1))
def test_transport_is_right_for_entries_of_very_different_size(sizes: tuple[int, int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m, d = sizes
    shared = 10.0 ** rng.integers(-12, 17, size=(max(n, m), d))
    a, b = (np.where(rng.random((k, d)) < 0.3, shared[:k], rng.normal(size=(k, d))) for k in (n, m))
    assert w2_squared(a, b) == pytest.approx(float(assigned(a, b)), rel=1e-12, abs=1e-300)


def test_one_particle_far_away_hides_nothing() -> None:
    a = np.array([[2.23201301, 2.30992361], [2.79212053, 3.53268734], [0.942383758, 4.08248747], [0.522799989, 1e16]])
    b = np.array([[5.72533791, 18.1300169], [3.67182222, 21.6658844], [14.9374957, 51.4375875], [2.81675603, 1e16]])
    assert w2_squared(a, b) == pytest.approx(float(assigned(a, b)), rel=1e-14)
    assert w2_squared(a, a[::-1]) == 0.0
    # Uneven weights are repeated particles.
    assert w2_squared(a[[0, 0, 0, 3]], b[[0, 3]]) == pytest.approx(
        float(assigned(a[[0, 0, 0, 3]], b[[0, 3]])), rel=1e-14
    )


@pytest.mark.parametrize("size", [2.0**-200, 1.0, 2.0**200])
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12])
def test_larger_clouds_agree_with_an_assignment_solver(size: float, offset: float) -> None:
    rng = np.random.default_rng(9)
    a, b = (size * (rng.normal(size=(150, 3)) + offset) for _ in range(2))
    cost = sum((u[:, None] / size - v / size) ** 2 for u, v in zip(a.T, b.T, strict=True))
    rows, columns = linear_sum_assignment(cost)
    assert w2_squared(a, b) / size**2 == pytest.approx(cost[rows, columns].mean(), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(tying_spaces(), st.integers(1, 6), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 300.0, 1e6, 1e12]))
def test_distances_to_a_projection_are_right_far_from_zero(
    space: Subspace, count: int, seed: int, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    labels = space.tying
    assert labels is not None
    theta = rng.normal(size=(space.ambient, count)) + offset * np.sign(labels)[:, None]
    exact = _exact_distance(theta, labels)
    projector, cloud = Projector(space), torch.from_numpy(theta)[None]
    assert float(dist2(cloud, projector)) == pytest.approx(float(exact), rel=1e-10, abs=1e-300)
    moment = sum(Fraction(float(v)) ** 2 for v in theta.ravel()) / count
    expected = exact / (2 * moment + 2 * (moment - exact))
    assert float(rmd2(cloud, projector)) == pytest.approx(float(expected), rel=1e-10, abs=1e-300)


def _exact_distance(theta: np.ndarray, labels: np.ndarray) -> Fraction:
    """mean_i |theta_i - P theta_i|^2 in rationals: theta (D, N), labels (D,)."""
    total = Fraction(0)
    for particle in theta.T:
        signed = [Fraction(float(v)) * int(np.sign(k)) for v, k in zip(particle, labels, strict=True)]
        for label in set(np.abs(labels).tolist()):
            where = np.flatnonzero(np.abs(labels) == label)
            mean = sum(signed[k] for k in where) / len(where) if label else Fraction(0)
            own = [signed[k] if label else Fraction(float(particle[k])) for k in where]
            total += sum((v - mean) ** 2 for v in own)
    return total / theta.shape[1]
