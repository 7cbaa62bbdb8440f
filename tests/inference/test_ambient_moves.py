"""Moves of samples: rotations about axes against scipy, and which coordinates a group moves against its matrices."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.transform import Rotation

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, Representation, named_group, natural, parse_representation, sign, trivial
from sharefind.inference import AmbientMoves, SampledMoves, axis_rotations, moved_coordinates
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.testing import IN_TEXTS, random_groups

AXES = st.tuples(*[st.floats(-5, 5)] * 3).filter(lambda axis: np.linalg.norm(axis) > 1e-3)


def joint(rep: Representation) -> JointAction:
    return JointAction(rep, trivial(rep.group))


def moved(moves: AmbientMoves, d_in: int) -> list[bool]:
    return [bool(m) for m in moved_coordinates(moves, d_in, 1, np.random.default_rng(0))]


@settings(max_examples=50)
@given(AXES, st.integers(1, 3), st.integers(0, 2**32))
def test_axis_rotations_are_rotations_about_the_axis(axis: tuple[float, ...], d_out: int, seed: int) -> None:
    on_x, on_y = axis_rotations(axis, d_out).draw((2, 7), np.random.default_rng(seed))
    assert on_x.shape == (2, 7, 3, 3)
    torch.testing.assert_close(on_y, torch.eye(d_out, dtype=torch.float64).expand(2, 7, -1, -1))
    matrices, unit = on_x.reshape(-1, 3, 3).numpy(), np.asarray(axis) / np.linalg.norm(axis)
    vectors = Rotation.from_matrix(matrices).as_rotvec()
    np.testing.assert_allclose(np.cross(vectors, unit), 0, atol=1e-7)
    np.testing.assert_allclose(matrices @ unit, np.broadcast_to(unit, (14, 3)), atol=1e-12)
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (14, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1)


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, -1, 0), (1, 2, -2)])
def test_angles_are_uniform_and_independent(axis: tuple[int, int, int]) -> None:
    on_x, _ = axis_rotations(axis).draw((2, 2000), np.random.default_rng(1))
    vectors = Rotation.from_matrix(on_x.reshape(-1, 3, 3).numpy()).as_rotvec()
    angles = (vectors @ np.asarray(axis) / np.linalg.norm(axis) / (2 * np.pi)) % 1
    assert stats.kstest(angles, "uniform").pvalue > 1e-3
    assert stats.kstest((angles[:2000] - angles[2000:]) % 1, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("axis", [(0, 0, 0), (1, 0), (1, 0, 0, 0), (float("nan"), 0, 1), (float("inf"), 0, 1)], ids=str)
def test_no_axis(axis: Sequence[float]) -> None:
    with pytest.raises(GroupError, match=r"no axis of R\^3"):
        axis_rotations(axis)


@settings(max_examples=20)
@given(AXES, st.integers(0, 2**32), st.sampled_from([torch.float64, torch.float32]))
def test_moves_are_matrix_products(axis: tuple[float, ...], seed: int, dtype: torch.dtype) -> None:
    rng = np.random.default_rng(seed)
    moves = axis_rotations(axis, d_out=2)
    x, y = (torch.from_numpy(rng.normal(size=(1, 6, d))).to(dtype) for d in (3, 2))
    elements = moves.draw((4, 6), rng)
    on_x, on_y = moves.move(elements, x, y)
    assert (on_x.dtype, on_y.dtype) == (dtype, dtype)
    torch.testing.assert_close(on_x, torch.einsum("rnij,nj->rni", elements[0].to(dtype), x[0]))
    torch.testing.assert_close(on_y, y.expand(4, 6, 2))
    torch.testing.assert_close(on_x.norm(dim=-1), x.norm(dim=-1).expand(4, 6))


def test_a_sampler_moves_labels_too() -> None:
    flips = SampledMoves(lambda rng, size: (np.ones((size, 1, 1)), rng.choice([-1.0, 1.0], size=(size, 1, 1))))
    ones = torch.ones(1, 500, 1, dtype=torch.float64)
    x, y = flips.move(flips.draw((1, 500), np.random.default_rng(0)), ones, ones)
    assert x.eq(1).all()
    assert 200 < int(y.eq(1).sum()) < 300


@pytest.mark.parametrize(
    ("group", "text", "expected"),
    [
        ("C3", "natural+trivial:2", [True] * 3 + [False] * 2),
        ("C3", "sign+natural", [False] + [True] * 3),
        ("C2", "sign+trivial+sign", [True, False, True]),
        ("S3", "trivial+2*natural", [False] + [True] * 6),
        ("B2", "natural+trivial:8", [True] * 2 + [False] * 8),
        ("R5", "trivial+natural", [False, True, True]),
        ("C1", "natural+trivial", [False, False]),
    ],
)
def test_moved_coordinates_of_blocks(group: str, text: str, expected: list[bool]) -> None:
    acting = FiniteGroup("C1", 1, ()) if group == "C1" else named_group(group)
    assert moved(joint(parse_representation(text, acting)), len(expected)) == expected


@pytest.mark.parametrize(
    ("axis", "expected"), [((0, 0, 2), [True, True, False]), ((1, 0, 0), [False, True, True]), ((1, 1, 0), [True] * 3)]
)
def test_moved_coordinates_of_axes(axis: tuple[int, int, int], expected: list[bool]) -> None:
    assert moved(axis_rotations(axis), 3) == expected


def test_moved_coordinates_of_compact_groups() -> None:
    group = named_group("O3")
    assert moved(joint(natural(group)), 3) == [True] * 3


@settings(max_examples=50)
@given(random_groups(), st.sampled_from(IN_TEXTS))
def test_moved_coordinates_are_columns_that_differ_from_the_identity(group: FiniteGroup, text: str) -> None:
    rep = parse_representation(text, group)
    difference = np.abs(rep.float_matrices() - np.eye(rep.dim))
    assert moved(joint(rep), rep.dim) == list(difference.max((0, 1)) > 0)


def test_what_the_group_does_to_labels_is_no_move_of_x() -> None:
    group = named_group("C2")
    moves = JointAction(trivial(group, 2), sign(group))
    assert moved(moves, 2) == [False, False]
