"""Parameter spaces: blocks, and the action that makes z x + b jointly equivariant."""

import numpy as np
import pytest

from sharefind.errors import SpaceError
from sharefind.groups import hom, named_group, natural, trivial
from sharefind.spaces import Block, ParameterSpace, matrix_space


@pytest.fixture
def space() -> ParameterSpace:
    group = named_group("C3")
    return matrix_space(natural(group), natural(group) + trivial(group), bias=True)


def test_blocks_and_dimension(space):
    assert space.blocks == (Block("weight", (4, 3)), Block("bias", (4,)))
    assert space.dim == 16 == space.action.dim
    assert matrix_space(natural(named_group("C3")), trivial(named_group("C3"))).dim == 3


def test_split_and_join_are_inverse(space):
    v = np.random.default_rng(0).normal(size=(2, 5, space.dim))
    blocks = space.split(v)
    assert blocks["weight"].shape == (2, 5, 4, 3) and blocks["bias"].shape == (2, 5, 4)
    np.testing.assert_array_equal(blocks["weight"][1, 2].ravel(), v[1, 2, :12])
    np.testing.assert_array_equal(space.join(blocks), v)


@pytest.mark.parametrize("name", ["C3", "D4", "B3", "R5", "S3xC2"])
def test_affine_maps_are_jointly_equivariant(name):
    group = named_group(name)
    in_rep, out_rep = natural(group), natural(group) + trivial(group, 2)
    space = matrix_space(in_rep, out_rep, bias=True)
    rng = np.random.default_rng(0)
    z, x = rng.normal(size=space.dim), rng.normal(size=in_rep.dim)
    triples = zip(space.action.float_matrices(), in_rep.float_matrices(), out_rep.float_matrices(), strict=True)
    before = space.split(z)
    for m, rho, rhohat in triples:
        moved = space.split(m @ z)
        left = moved["weight"] @ (rho @ x) + moved["bias"]
        np.testing.assert_allclose(left, rhohat @ (before["weight"] @ x + before["bias"]), atol=1e-12)


def test_misfits_are_refused(space):
    group = named_group("C3")
    action = hom(natural(group), natural(group))
    with pytest.raises(SpaceError, match="do not fit"):
        ParameterSpace((Block("weight", (2, 2)),), action)
    with pytest.raises(SpaceError, match="share a name"):
        ParameterSpace((Block("w", (3,)), Block("w", (6,))), action)
    with pytest.raises(SpaceError, match="dimension 16"):
        space.split(np.zeros(15))
    with pytest.raises(SpaceError, match="needed"):
        space.join({"weight": np.zeros((4, 3))})
    with pytest.raises(SpaceError, match="must end in"):
        space.join({"weight": np.zeros((3, 4)), "bias": np.zeros(4)})
