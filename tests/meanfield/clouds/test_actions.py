"""Tables of group elements in torch against dense matrices, the group law, and Haar draws shared by X and Y."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import GroupError
from sharefind.groups import (
    FiniteGroup,
    Representation,
    from_matrices,
    named_group,
    natural,
    parse_representation,
    regular,
    sign,
    trivial,
)
from sharefind.meanfield import JointAction, MatrixUnit, ParticleAction

TOLERANCE = 1e-12

MAKERS: dict[str, Callable[[FiniteGroup], Representation]] = {
    "natural": natural,
    "regular": regular,
    "signed": lambda g: natural(g) * sign(g) + trivial(g),
    "tensor": lambda g: natural(g) * natural(g),
}


@st.composite
def permutation_groups(draw: st.DrawFn) -> FiniteGroup:
    degree = draw(st.integers(2, 4))
    generators = draw(st.lists(st.permutations(range(degree)), min_size=1, max_size=2))
    return FiniteGroup("random", degree, tuple(map(tuple, generators)))


def cloud(dim: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, dim, 5))).to(dtype)


def check_action(rep: Representation) -> None:
    action, theta = ParticleAction(rep), cloud(rep.dim)
    images = action.images(theta)
    expected = torch.einsum("gde,ren->rdgn", torch.from_numpy(rep.float_matrices()), theta)
    assert action.order == rep.finite_group.order
    torch.testing.assert_close(images, expected, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(images[:, :, 0], theta, rtol=0, atol=0)
    back = action.pull_back(images)
    torch.testing.assert_close(back, theta.unsqueeze(2).expand_as(back), rtol=0, atol=TOLERANCE)
    norms = (images**2).sum(1)
    torch.testing.assert_close(norms, (theta**2).sum(1).unsqueeze(1).expand_as(norms), rtol=0, atol=1e-11)
    check_group_law(action, images, rep.finite_group)


def check_group_law(action: ParticleAction, images: torch.Tensor, group: FiniteGroup) -> None:
    table = torch.from_numpy(np.asarray(group.multiplication_table(), dtype=np.int64))
    for h in range(action.order):
        twice = action.images(images[:, :, h])
        torch.testing.assert_close(twice, images[:, :, table[:, h]], rtol=0, atol=TOLERANCE)


@settings(max_examples=30)
@given(permutation_groups(), st.sampled_from(sorted(MAKERS)))
def test_particle_actions_of_random_groups(group: FiniteGroup, maker: str) -> None:
    check_action(MAKERS[maker](group))


def test_particle_actions_of_units(unit: MatrixUnit) -> None:
    check_action(unit.space.action)


@pytest.mark.parametrize("name", ["R3", "R5", "R8", "B3"])
def test_particle_actions_by_matrices_and_signs(name: str) -> None:
    check_action(natural(named_group(name)))


def test_pull_back_is_the_adjoint(unit: MatrixUnit) -> None:
    action = ParticleAction(unit.space.action)
    theta = cloud(unit.space.dim)
    other = torch.from_numpy(np.random.default_rng(1).normal(size=action.images(theta).shape))
    left = (action.images(theta) * other).sum()
    right = (theta.unsqueeze(2) * action.pull_back(other)).sum()
    torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_single_precision_stays_single(unit: MatrixUnit) -> None:
    action = ParticleAction(unit.space.action)
    images = action.images(cloud(unit.space.dim, dtype=torch.float32))
    assert images.dtype == torch.float32
    assert action.pull_back(images).dtype == torch.float32


def test_particle_actions_refuse_infinite_and_oblique_groups() -> None:
    with pytest.raises(GroupError, match=r"SO3 is infinite.*finite subgroup"):
        ParticleAction(natural(named_group("SO3")))
    oblique = from_matrices(named_group("C2"), [[[1, 1], [0, -1]]], "oblique")
    with pytest.raises(GroupError, match=r"C2 on Z is not orthogonal; give orthogonal matrices"):
        ParticleAction(oblique)


def test_joint_moves_are_the_matrices(unit: MatrixUnit) -> None:
    rng = np.random.default_rng(2)
    action = JointAction(unit.in_rep, unit.out_rep)
    elements = action.draw((3, 7), rng)
    x = torch.from_numpy(rng.normal(size=(1, 7, unit.d_in)))
    y = torch.from_numpy(rng.normal(size=(3, 7, unit.d_out)))
    moved_x, moved_y = action.move(elements, x, y)
    rho, rhohat = (torch.from_numpy(r.float_matrices())[elements] for r in (unit.in_rep, unit.out_rep))
    torch.testing.assert_close(moved_x, torch.einsum("rbij,rbj->rbi", rho, x.expand(3, -1, -1)))
    torch.testing.assert_close(moved_y, torch.einsum("rbij,rbj->rbi", rhohat, y))


@pytest.mark.parametrize("name", ["SO2", "SO3", "O3"])
def test_compact_groups_move_x_and_y_by_one_element(name: str) -> None:
    rng = np.random.default_rng(3)
    group = named_group(name)
    action = JointAction(natural(group), natural(group) * natural(group))
    x = torch.from_numpy(rng.normal(size=(4, 6, natural(group).dim)))
    y = torch.einsum("rbi,rbj->rbij", x, x).flatten(2)
    moved_x, moved_y = action.move(action.draw((4, 6), rng), x, y)
    torch.testing.assert_close(moved_y, torch.einsum("rbi,rbj->rbij", moved_x, moved_x).flatten(2))
    torch.testing.assert_close((moved_x**2).sum(-1), (x**2).sum(-1))
    assert float((moved_x - x).abs().max()) > 0.1


@pytest.mark.parametrize("name", ["S3", "SO3"])
def test_the_identity_comes_first_where_asked(name: str) -> None:
    group = named_group(name)
    action = JointAction(natural(group), trivial(group))
    elements = action.with_identity_first(action.draw((5, 9), np.random.default_rng(4)))
    x, y = torch.randn(1, 9, 3, dtype=torch.float64), torch.randn(1, 9, 1, dtype=torch.float64)
    moved_x, moved_y = action.move(elements, x, y)
    assert torch.equal(moved_x[0], x[0])
    assert torch.equal(moved_y, y.expand_as(moved_y))
    assert float((moved_x[1:] - x).abs().max()) > 0.1


def test_draws_are_uniform() -> None:
    group = named_group("S3")
    drawn = JointAction(natural(group), trivial(group)).draw((40, 300), np.random.default_rng(5))
    counts = np.bincount(drawn.flatten().numpy(), minlength=6)
    # 12,000 draws: four standard deviations of a count of mean 2,000.
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(2000 * 5 / 6)


def test_one_group_for_x_and_y() -> None:
    with pytest.raises(GroupError, match=r"X is moved by C2 but Y by C3; give one group"):
        JointAction(natural(named_group("C2")), natural(named_group("C3")))


def test_equal_groups_whose_elements_are_numbered_differently_are_refused() -> None:
    one = FiniteGroup("one", 3, ((1, 2, 0), (1, 0, 2)))
    two = FiniteGroup("two", 3, ((1, 0, 2), (0, 2, 1)))
    assert one == two
    with pytest.raises(GroupError, match="different generators; build both representations from one group"):
        JointAction(natural(one), natural(two))
    JointAction(natural(one), natural(two).restrict(one))


def test_the_group_of_a_joint_action() -> None:
    group = named_group("D4")
    assert JointAction(parse_representation("grid:3", group), trivial(group)).group == group
