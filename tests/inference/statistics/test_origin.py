"""No test depends on where zero is, or on the unit of measurement: origins, scales, ties and lost digits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import linalg
from torch import Tensor

from sharefind.errors import DataError
from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, subgroups, trivial
from sharefind.inference import (
    AmbientMoves,
    Correlogram,
    CrossDisplacement,
    Displacement,
    HeldOutGap,
    InputLaw,
    MarginalLikelihood,
    ParticleTraining,
    PlaneRotations,
    Statistic,
    SymmetricEvidence,
    axis_rotations,
    independence_test,
    orbit_scale,
    randomisation_test,
    rotation_test,
)
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.spaces import fixed_space
from sharefind.testing import IN_TEXTS, OUT_TEXTS, random_groups

pytestmark = pytest.mark.usefixtures("independent_rows")

Array = NDArray[np.float64]
SMALL = ParticleTraining(particles=4, steps=6, batch=8)
N, COPIES = 14, 12
COARSE = 1e-4
"""Largest change of a statistic, in its own spread, at offsets of 10^6 spreads."""


def correlogram(moves: JointAction) -> Correlogram:
    group = moves.in_rep.finite_group
    return Correlogram(moves.in_rep, moves.out_rep, (group,))


STATISTICS: dict[str, Callable[[JointAction], Statistic]] = {
    "correlogram": correlogram,
    "marginal likelihood": lambda _: MarginalLikelihood(),
    "symmetric evidence": lambda moves: SymmetricEvidence(moves.in_rep, moves.out_rep, (moves.in_rep.finite_group,)),
    "input law": lambda _: InputLaw(),
    "displacement": lambda _: Displacement(training=SMALL),
    "cross-displacement": lambda _: CrossDisplacement(training=SMALL),
    "held-out gap": lambda _: HeldOutGap(training=SMALL, splits=1),
}


def fixed_vector(rep: Representation, rng: np.random.Generator, size: float) -> Array:
    """A random vector that the group fixes, of this size or 0."""
    vector = fixed_space(rep).project(rng.normal(size=rep.dim))
    length = float(np.abs(vector).max())
    return np.asarray(vector * (size / length if length > 1e-9 else 0.0))


def samples(moves: JointAction, rng: np.random.Generator) -> tuple[Array, Array]:
    x = rng.normal(size=(N, moves.in_rep.dim)) * rng.uniform(0.5, 2, size=moves.in_rep.dim)
    y = np.tanh(x @ rng.normal(size=(moves.in_rep.dim, moves.out_rep.dim))) + 0.3 * rng.normal(
        size=(N, moves.out_rep.dim)
    )
    return x, y


def values(statistic: Statistic, moves: AmbientMoves, x: Array, y: Array, seed: int) -> Tensor:
    """Of the data and of `COPIES` copies, (1 + COPIES, K)."""
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    bound = statistic.bind(moves, *tensors, np.random.default_rng(seed))
    elements = moves.draw((COPIES, len(x)), np.random.default_rng(seed + 1))
    return torch.cat([bound.observed(tensors[0]), bound.of_copies(tensors[0], moves, elements)])


@pytest.mark.parametrize("kind", STATISTICS)
@settings(max_examples=12, deadline=None)
@given(
    random_groups(),
    st.sampled_from(IN_TEXTS),
    st.sampled_from(OUT_TEXTS),
    st.integers(0, 2**16),
    st.floats(0, 6),
    st.floats(-6, 6),
    st.floats(-6, 6),
)
def test_no_statistic_depends_on_a_fixed_vector_or_a_scale(
    kind: str, group: FiniteGroup, in_text: str, out_text: str, seed: int, offset: float, a: float, b: float
) -> None:
    moves = JointAction(parse_representation(in_text, group), parse_representation(out_text, group))
    rng = np.random.default_rng(seed)
    x, y = samples(moves, rng)
    c, d = (fixed_vector(rep, rng, 10**offset) for rep in (moves.in_rep, moves.out_rep))
    statistic = STATISTICS[kind](moves)
    first = values(statistic, moves, x, y, seed)
    second = values(statistic, moves, 10**a * (x + c), 10**b * (y + d), seed)
    spread = first.std(0).clamp_min(1e-3 * first.abs().amax(0)).clamp_min(1e-12)
    assert float(((first - second).abs() / spread).max()) < COARSE


@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_data_that_the_group_fixes_give_p_1(kind: str, offset: float) -> None:
    """Every copy is the data, and rounding must not tell them apart."""
    rep, rng = natural(named_group("S4")), np.random.default_rng(3)
    x, y = (torch.from_numpy(np.repeat(o + rng.normal(size=(30, 1)), 4, 1)) for o in (offset, 0.3 * offset))
    moves = JointAction(rep, rep)
    found = randomisation_test(x, y, moves, STATISTICS[kind](moves), np.random.default_rng(0), COPIES)
    assert found.p_value == 1.0


@pytest.mark.parametrize("kind", ["correlogram", "marginal likelihood"])
def test_power_does_not_vanish_with_an_offset(kind: str) -> None:
    rep, rng = natural(named_group("C4")), np.random.default_rng(5)
    z = rng.normal(size=(120, 4))
    y = torch.from_numpy(np.tanh(z) * [1.0, 0.2, 1.0, 0.2] + 0.2 * rng.normal(size=z.shape))
    moves = JointAction(rep, rep)
    statistic = (
        Correlogram(rep, rep, tuple(g for g in subgroups(named_group("C4")) if g.order > 1))
        if kind == "correlogram"
        else MarginalLikelihood()
    )
    for offset in (0.0, 300.0, 1e5):
        x = torch.from_numpy(z + offset)
        assert randomisation_test(x, y, moves, statistic, np.random.default_rng(0), 39).p_value == 1 / 40


@pytest.mark.parametrize("kind", ["correlogram", "marginal likelihood"])
def test_a_huge_column_beside_small_ones_hides_nothing(kind: str) -> None:
    """S_3 moves three columns; the scale and the origin of the fourth, which it leaves alone, are nobody's business."""
    whole = named_group("S4")
    group = FiniteGroup("S3", 4, ((1, 0, 2, 3), (1, 2, 0, 3)))
    moves = JointAction(natural(whole).restrict(group), trivial(whole, 1).restrict(group))
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(60, 4)), rng.normal(size=(60, 1))
    y += np.tanh(x[:, :1]) + np.tanh(x[:, 3:])
    statistic = (
        Correlogram(natural(whole), trivial(whole, 1), (group,)) if kind == "correlogram" else MarginalLikelihood()
    )
    first = values(statistic, moves, x, y, 0)
    second = values(statistic, moves, x * [1, 1, 1, 1e6] + [0, 0, 0, 1e9], y, 0)
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)


def test_independence_has_no_origin_and_no_unit() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    y[:, 0] += 0.5 * x[:, 0]

    def p(x: Array, y: Array) -> float:
        return independence_test(torch.from_numpy(x), torch.from_numpy(y), np.random.default_rng(0), 99).p_value

    moved = p(1e-3 * (x + np.array([1e6, -300, 0])), 1e4 * (y * [1.0, 1e-5] + np.array([300, 1e2])))
    assert p(x, y) == moved < 0.2


def test_rotations_have_no_origin_but_that_of_their_plane() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(60, 3))
    y = (x[:, :1] ** 2 + x[:, 1:2] ** 2 > 1) + x[:, 2:] + 0.2 * rng.normal(size=(60, 1))

    def found(x: Array, y: Array) -> dict[str, float]:
        (verdict,) = rotation_test(torch.from_numpy(x), torch.from_numpy(y), [(0, 1)], largest=3, alpha=0.05).planes
        return {name: test.p_value for name, test in verdict.tests.items()}

    assert found(x, y) == found(x * [1, 1, 1e4] + [0, 0, 1e8], 1e3 * (y + 1e5))


@settings(max_examples=30, deadline=None)
@given(random_groups(), st.sampled_from(IN_TEXTS), st.sampled_from(OUT_TEXTS), st.integers(0, 2**16))
def test_origin_and_scale_are_read_from_orbits(group: FiniteGroup, in_text: str, out_text: str, seed: int) -> None:
    """Moved data have the same ones, which commute with the group."""
    moves = JointAction(parse_representation(in_text, group), parse_representation(out_text, group))
    rng = np.random.default_rng(seed)
    x, y = (torch.from_numpy(v + 3) for v in samples(moves, rng))
    elements = moves.draw((1, N), rng)
    moved = [v.expand(1, N, -1)[0] for v in moves.move(elements, x.unsqueeze(0), y.unsqueeze(0))]
    first, second = (orbit_scale(moves, *data, np.random.default_rng(0)) for data in ((x, y), moved))
    for name in ("x_shift", "x_matrix", "y_shift", "y_scale"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name), rtol=1e-9, atol=1e-9)
    inside = [v[0] for v in moves.move(elements, *(v.unsqueeze(0) for v in first(x, y)))]
    for a, b in zip(inside, first(*moved), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_moved_coordinates_are_whitened_with_a_little_of_the_sphere() -> None:
    """Against the covariance of the data and their mirror images, by SciPy."""
    rep = natural(named_group("C2"))
    rng = np.random.default_rng(9)
    x = rng.normal(size=(20, 2)) @ np.array([[2.0, 0.0], [1.5, 0.5]]) + 40
    scale = orbit_scale(JointAction(rep, trivial(rep.group)), torch.from_numpy(x), torch.ones(20, 1), rng)
    both = np.vstack([x, x[:, ::-1]])
    covariance = np.cov(both.T, bias=True) / np.cov(both.T, bias=True)[0, 0]
    expected = np.linalg.inv(linalg.sqrtm((20 * covariance + 2 * np.eye(2)) / 22)) / both.std(0)
    np.testing.assert_allclose(scale.x_matrix.numpy(), expected, rtol=1e-9)
    np.testing.assert_allclose(scale.x_shift.numpy(), [x.mean()] * 2)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        (axis_rotations((0, 0, 1)), [0.0, 0.0, 5.0]),
        (axis_rotations((0, 2, 0)), [0.0, 5.0, 0.0]),
        (PlaneRotations((0, 1), None), [0.0, 0.0, 5.0]),
        (PlaneRotations((1, 2), 7), [5.0, 0.0, 0.0]),
    ],
)
def test_what_a_sampler_fixes_is_found_from_its_elements(moves: AmbientMoves, expected: list[float]) -> None:
    x = torch.full((8, 3), 5.0, dtype=torch.float64) + torch.tensor([1.0, -1.0] * 4).unsqueeze(1)
    scale = orbit_scale(moves, x, torch.ones(8, 1), np.random.default_rng(0))
    np.testing.assert_allclose(scale.x_shift.numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("side", ["x", "y"])
def test_an_offset_that_hides_the_spread_is_refused_by_its_column(side: str) -> None:
    rng = np.random.default_rng(1)
    data = {"x": rng.normal(size=(20, 3)), "y": rng.normal(size=(20, 3))}
    data[side][:, 2] += 1e11
    rep = natural(named_group("C3"))
    moves = JointAction(rep, rep)
    tensors = [torch.from_numpy(v) for v in data.values()]
    with pytest.raises(DataError, match=rf"column 2 of {side} .*keeps 4 digits.*subtract a constant"):
        randomisation_test(*tensors, moves, MarginalLikelihood(), rng, 9)


def test_a_column_that_varies_by_rounding_is_constant() -> None:
    x = np.random.default_rng(1).normal(size=(20, 3))
    x[:, 1] = 0.1 + np.arange(20) % 2 * 1e-17 + 1e3
    y = torch.from_numpy(x[:, :1])
    assert independence_test(torch.from_numpy(x), y, np.random.default_rng(0), 19).p_value == 1 / 20
