"""Closed subgroups of O(n): frames, inclusions, Haar draws and the point groups with their subgroups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sharefind.errors import GroupError
from sharefind.exact.matrices import identity_matrix, to_float
from sharefind.groups import hom, named_group, natural, parse_representation
from sharefind.groups.compact_product import compact_product
from sharefind.groups.orthogonal_subgroups import (
    block_subgroups,
    closed_under_products,
    frame_near,
    is_compact_subgroup,
)
from sharefind.groups.point_groups import plane_groups, point_group, point_subgroups, schoenflies, space_groups
from sharefind.spaces import fixed_space

ORDERS = {
    **{"Ci": 2, "Cs": 2, "T": 12, "Td": 24, "Th": 24, "O": 24, "Oh": 48, "I": 60, "Ih": 120},
    **{f"C{n}": n for n in range(2, 7)},
    **{f"{c}": 2 * n for n in range(2, 7) for c in (f"C{n}v", f"C{n}h", f"S{2 * n}", f"D{n}")},
    **{f"{c}": 4 * n for n in range(2, 7) for c in (f"D{n}h", f"D{n}d")},
}


def turn(seed: int, n: int = 3) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    q = q * np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    return q


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_rational_frames_are_rotations_near_what_was_asked(n: int, seed: int) -> None:
    wanted = turn(seed, n)
    frame = frame_near(wanted, 1e-3)
    assert (frame.matrix.transpose() * frame.matrix).to_sparse() == identity_matrix(n)
    assert abs(np.linalg.det(frame.columns) - 1) < 1e-9
    assert np.abs(frame.columns - wanted).max() < 2e-2


def test_simple_frames_stay_simple() -> None:
    axis = np.array([1, 2, 2]) / 3
    other = np.array([2, 1, -2]) / 3
    wanted = np.stack([other, np.cross(axis, other), axis], 1)
    near = wanted @ Rotation.from_rotvec([2e-4, -1e-4, 1e-4]).as_matrix()
    assert np.allclose(frame_near(near, 1e-3).columns, wanted)


def test_a_reflection_is_no_frame() -> None:
    with pytest.raises(GroupError, match="determinant 1"):
        frame_near(np.diag([1.0, 1.0, -1.0]))


def test_all_point_groups_have_their_orders_and_names() -> None:
    found = space_groups(6)
    assert set(found) == set(ORDERS)
    frame = frame_near(turn(7))
    for name, generators in found.items():
        group = point_group(name, generators, frame)
        assert (group.order, schoenflies(group.elements)) == (ORDERS[name], name)


def test_point_groups_of_the_plane() -> None:
    for name, generators in plane_groups(8).items():
        group = point_group(name, generators)
        assert group.order == int(name[1:]) * (2 if name[0] == "D" else 1)
        assert schoenflies(group.elements) == name


@pytest.mark.parametrize(("name", "count"), [("Td", 29), ("D6", 15), ("D3d", 15), ("C6", 3)])
def test_subgroups_are_all_there_and_exact(name: str, count: int) -> None:
    group = point_group(name, space_groups(6)[name], frame_near(turn(1)))
    found = point_subgroups(group)
    assert len(found) == count
    assert found[-1] is group
    assert len({one.name for one in found}) == count
    for one in found:
        assert is_compact_subgroup(one, group)
        generated = closed_under_products([to_float(m) for m in one.discrete], 3)
        assert len(generated) == one.order and one.contains(generated)


def test_of_large_point_groups_the_normal_subgroups_remain() -> None:
    group = point_group("Ih", space_groups(3)["Ih"])
    assert [one.name for one in point_subgroups(group)] == ["Ci", "I", "Ih"]


def test_groups_of_an_axis_and_their_inclusions() -> None:
    found = {g.name: g for g in block_subgroups(frame_near(turn(2)), (2, 1))}
    assert list(found) == ["SO2", "SO2xO1", "O2", "O2xO1", "S(O2xO1)"]
    assert all(g.order is None for g in found.values())
    inside = {(a, b) for a in found for b in found if a != b and is_compact_subgroup(found[a], found[b])}
    middle = {"SO2xO1", "O2", "S(O2xO1)"}
    assert inside == {("SO2", b) for b in found if b != "SO2"} | {(a, "O2xO1") for a in middle}
    rotations, whole = named_group("SO3"), named_group("O3")
    assert [n for n, g in found.items() if is_compact_subgroup(g, rotations)] == ["SO2", "S(O2xO1)"]
    assert all(is_compact_subgroup(g, whole) and not is_compact_subgroup(whole, g) for g in found.values())


def test_other_axes_are_other_groups() -> None:
    one, other = (block_subgroups(frame_near(turn(seed)), (2, 1))[2] for seed in (1, 2))
    assert one != other
    assert one == block_subgroups(frame_near(turn(1)), (2, 1))[2]


@pytest.mark.parametrize(
    ("sizes", "dims"),
    [
        # dim Hom(V, V) = sum of squares of multiplicities, with 2 for a complex irreducible of SO(2).
        ((2, 1), {"SO2": 3, "O2": 2, "SO2xO1": 3, "S(O2xO1)": 2, "O2xO1": 2}),
        ((3, 2), {"SO3xSO2": 3, "O3xO2": 2, "SO3xO2": 2, "O3xSO2": 3, "S(O3xO2)": 2}),
    ],
)
def test_fixed_spaces_agree_with_haar_moments(sizes: tuple[int, ...], dims: dict[str, int]) -> None:
    n = sum(sizes)
    whole = natural(named_group(f"O{n}"))
    for group in block_subgroups(frame_near(turn(3, n)), sizes):
        rep = whole.rebuilt(group)
        assert fixed_space(hom(rep, rep)).dim == dims[group.name]
        draws = rep.sample_matrices(np.random.default_rng(0), 4000)
        squares = np.trace(draws, axis1=1, axis2=2) ** 2
        assert abs(squares.mean() - dims[group.name]) < 5 * squares.std() / 63
        assert group.contains(draws[:20])


def test_products_with_subgroups_restrict_composed_actions() -> None:
    whole = named_group("S4xO3")
    on_x = parse_representation("S4.natural*O3.natural", whole)
    swap = named_group("S4")
    axial = block_subgroups(frame_near(turn(5)), (2, 1))[2]
    group = compact_product("S4xO2", [swap, axial])
    rep = on_x.rebuilt(group)
    assert is_compact_subgroup(group, whole) and not is_compact_subgroup(whole, group)
    space = fixed_space(rep)  # all points alike, along the axis
    assert space.dim == 1
    fixed = space.orthonormal()[0].reshape(4, 3)
    assert np.allclose(np.abs(fixed @ axial.blocks[0]), 0) and np.allclose(fixed, fixed[0])
    finite = compact_product("S4xTd", [swap, point_group("Td", space_groups(3)["Td"])])
    assert finite.order == 24 * 24
    assert fixed_space(hom(on_x.rebuilt(finite), on_x.rebuilt(finite))).dim == 2
