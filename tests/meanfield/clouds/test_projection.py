"""P_E on clouds: labels against the dense matrix, against `Subspace.project`, and against the mean of M_g."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.groups import hom, named_group, natural
from sharefind.meanfield import MatrixUnit, Projector
from sharefind.spaces import Subspace, fixed_space

DENSE_LIMIT = Projector.__init__.__defaults__[0]
AMBIENT = DENSE_LIMIT + 44
TOLERANCE = 1e-12


@st.composite
def large_tying_spaces(draw: st.DrawFn) -> Subspace:
    classes = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Subspace.from_tying(rng.integers(-classes, classes + 1, size=AMBIENT))


def cloud(dim: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(dim).normal(size=(2, dim, 3))).to(dtype)


def dense(space: Subspace, theta: torch.Tensor) -> torch.Tensor:
    basis = torch.tensor(space.orthonormal()).to(theta)
    return torch.einsum("kd,ke,ren->rdn", basis, basis, theta)


def check(space: Subspace) -> None:
    theta, projector = cloud(space.ambient), Projector(space)
    projected = projector(theta)
    torch.testing.assert_close(projected, dense(space, theta), rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(projector(projected), projected, rtol=0, atol=TOLERANCE)
    rows = theta.transpose(1, 2).numpy()
    torch.testing.assert_close(projected.transpose(1, 2), torch.tensor(space.project(rows)), rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(projector.residual(theta), theta - projected, rtol=0, atol=TOLERANCE)
    # Orthogonal: the residual has no part along the projection.
    assert float((projector.residual(theta) * projected).sum(1).abs().max()) < 1e-10


@settings(max_examples=40)
@given(large_tying_spaces())
def test_large_tying_spaces_by_their_labels(space: Subspace) -> None:
    check(space)


@pytest.mark.parametrize("ambient", [7, AMBIENT])
def test_zero_and_full(ambient: int) -> None:
    theta = cloud(ambient)
    assert torch.equal(Projector(Subspace.zero(ambient))(theta), torch.zeros_like(theta))
    torch.testing.assert_close(Projector(Subspace.full(ambient))(theta), theta, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["C20", "D18", "S17", "B17"])
def test_fixed_spaces_of_large_groups(name: str) -> None:
    rep = natural(named_group(name))
    space = fixed_space(hom(rep, rep))
    assert space.ambient > DENSE_LIMIT
    check(space)


def test_fixed_space_projections_are_the_group_average(unit: MatrixUnit) -> None:
    action = unit.space.action
    theta = cloud(action.dim)
    mean = torch.from_numpy(action.float_matrices().mean(axis=0))
    torch.testing.assert_close(Projector(fixed_space(action))(theta), mean @ theta, rtol=0, atol=TOLERANCE)


def test_numerical_and_rational_spaces() -> None:
    rng = np.random.default_rng(0)
    check(Subspace.numerical(rng.normal(size=(3, 8))))
    check(Subspace.numerical(rng.normal(size=(5, AMBIENT))))
    check(Subspace.from_basis([[1, 2, 3, 0], [0, 1, -1, 5]]))


@pytest.mark.parametrize("limit", [0, 10**9])
def test_both_paths_in_single_precision(limit: int) -> None:
    space = Subspace.from_tying([1, 1, -1, 2, 0, 2, 2])
    theta = cloud(7, torch.float32)
    projected = Projector(space, limit)(theta)
    assert projected.dtype == torch.float32
    torch.testing.assert_close(projected.double(), dense(space, theta.double()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dim", [3, 40])
def test_a_basis_and_a_matrix_project_alike(dim: int) -> None:
    """A small space is applied through its basis, others of a Z of this size through a matrix."""
    rng = np.random.default_rng(dim)
    space = Subspace.numerical(rng.normal(size=(dim, 60)))
    theta = torch.from_numpy(rng.normal(size=(2, 60, 5)))
    expected = Projector(space, dense_limit=60)(theta)
    found = Projector(space, dense_limit=10)
    assert torch.allclose(found(theta), expected, atol=1e-13)
    assert torch.allclose(found(found(theta)), expected, atol=1e-13)
    assert float(found.anchor(theta).abs().max()) == 0.0
