"""Numerical subspaces: rank decisions, tolerances, and where they turn exact."""

import numpy as np
import pytest

from sharefind.errors import SpaceError
from sharefind.spaces import Subspace


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_spans_up_to_the_tolerance(rng):
    basis = rng.normal(size=(2, 5))
    noisy = np.concatenate([basis, basis[:1] + 1e-6 * rng.normal(size=(1, 5))])
    assert Subspace.numerical(noisy).dim == 3
    space = Subspace.numerical(noisy, tolerance=1e-4)
    assert (space.dim, space.is_exact, space.tying) == (2, False, None)
    assert Subspace.numerical(basis, tolerance=1e-4) <= space


def test_extremes_are_exact(rng):
    assert Subspace.numerical(rng.normal(size=(4, 4))) == Subspace.full(4)
    assert Subspace.numerical(np.zeros((3, 4))) == Subspace.zero(4)
    assert Subspace.numerical(np.zeros((0, 4))) == Subspace.zero(4)


def test_projection_is_orthogonal(rng):
    basis = rng.normal(size=(2, 5))
    v = rng.normal(size=(7, 5))
    space = Subspace.numerical(basis)
    p = basis.T @ np.linalg.solve(basis @ basis.T, basis)
    np.testing.assert_allclose(space.project(v), v @ p, atol=1e-12)
    np.testing.assert_allclose(space.distance2(space.project(v)), 0, atol=1e-24)


def test_sums_and_intersections_mix_with_exact_spaces(rng):
    exact = Subspace.from_tying([1, 1, 2, 2, 3])
    inside = rng.normal(size=(1, 3)) @ exact.orthonormal()
    outside = rng.normal(size=(1, 5))
    grown = Subspace.numerical(np.concatenate([inside, outside]))
    assert grown.meet(exact).dim == 1 and not grown.meet(exact).is_exact
    assert grown.join(exact).dim == 4
    assert grown.meet(exact) <= exact
    assert Subspace.numerical(inside).join(exact) == exact
    assert not exact.contains(grown)


def test_equality_is_bitwise_and_never_with_an_exact_space(rng):
    basis = rng.normal(size=(2, 4))
    a, b = Subspace.numerical(basis), Subspace.numerical(basis)
    assert a == b and hash(a) == hash(b)
    assert Subspace.numerical([[1.0, 1.0]]) != Subspace.from_tying([1, 1])


def test_exact_questions_are_refused(rng):
    space = Subspace.numerical(rng.normal(size=(1, 3)))
    for ask in (space.basis, space.basis_strings, space.projection_matrix_exact, space.exact_rows):
        with pytest.raises(SpaceError, match="numerical"):
            ask()


@pytest.mark.parametrize("array", [[1.0, 2.0], [[np.nan, 1.0]], [[np.inf, 1.0]], np.zeros((2, 0))])
def test_bad_arrays_are_refused(array):
    with pytest.raises(SpaceError):
        Subspace.numerical(array)
