"""E^G against Burnside's mean, closed forms, and one backend against the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational

from sharefind.errors import SpaceError
from sharefind.groups import (
    FiniteGroup,
    Representation,
    from_matrices,
    grid,
    hom,
    named_group,
    natural,
    regular,
    sign,
    trivial,
)
from sharefind.groups.group import NaturalBlock
from sharefind.spaces import Subspace, fixed_space

MAKERS = {
    "natural": natural,
    "hom": lambda g: hom(natural(g), natural(g)),
    "twisted": lambda g: natural(g) * sign(g),
    "signed hom": lambda g: hom(natural(g) * sign(g), natural(g) + trivial(g)),
    "mixed": lambda g: natural(g) + sign(g) + trivial(g, 2) + natural(g) * sign(g),
}


@st.composite
def permutation_groups(draw) -> FiniteGroup:
    degree = draw(st.integers(2, 6))
    generators = draw(st.lists(st.permutations(range(degree)), max_size=2))
    return FiniteGroup("random", degree, tuple(map(tuple, generators)))


@st.composite
def signed_groups(draw) -> FiniteGroup:
    n = draw(st.integers(1, 4))
    generators = []
    for _ in range(draw(st.integers(1, 2))):
        perm = draw(st.permutations(range(n)))
        flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
        images = [p + n * flip for p, flip in zip(perm, flips, strict=True)]
        generators.append(tuple(images + [(i + n) % (2 * n) for i in images]))
    return FiniteGroup("random", 2 * n, tuple(generators), (NaturalBlock("signed", 0, 2 * n),))


def burnside(rep: Representation) -> Rational:
    return Rational(sum(rep.character()), rep.finite_group.order)


def check(rep: Representation) -> None:
    space = fixed_space(rep)
    assert space.dim == burnside(rep)
    assert space.tying is not None
    assert space == fixed_space(rep, "nullspace")
    projection = space.projection_matrix_exact()
    assert (projection * projection - projection).is_zero_matrix
    for matrix in rep.generator_matrices:
        assert (matrix * projection - projection).is_zero_matrix


@settings(max_examples=200)
@given(permutation_groups(), st.sampled_from(sorted(MAKERS)))
def test_permutation_groups_by_burnside(group, maker):
    check(MAKERS[maker](group))


@settings(max_examples=200)
@given(signed_groups(), st.sampled_from(sorted(MAKERS)))
def test_signed_permutation_groups_by_burnside(group, maker):
    check(MAKERS[maker](group))


def power(rep: Representation, exponent: int) -> Representation:
    return rep if exponent == 1 else rep * power(rep, exponent - 1)


def test_dimensions_of_the_peers_table():
    c64, s50, s10 = (natural(named_group(name)) for name in ("C64", "S50", "S10"))
    assert fixed_space(hom(c64, c64)).dim == 64
    assert fixed_space(hom(s50, s50)).dim == 2
    assert fixed_space(hom(power(s10, 2), power(s10, 2))).dim == 15
    pixels = grid(named_group("D4"), 16)
    assert fixed_space(hom(pixels, pixels)).dim == 8256


@pytest.mark.parametrize(("order", "dim"), [(1, 1), (2, 3), (3, 15)])
def test_rotations_of_tensors(order, dim):
    tensors = power(natural(named_group("SO3")), order)
    assert fixed_space(hom(tensors, tensors)).dim == dim


@pytest.mark.parametrize("name", ["SO3", "O3"])
def test_levi_civita_is_the_tensor_that_only_rotations_fix(name):
    vector = natural(named_group(name))
    space = fixed_space(hom(vector * vector, vector))
    assert space.dim == (name == "SO3")
    if space.dim:
        epsilon = np.zeros((3, 3, 3))
        for i, j, k in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
            epsilon[i, j, k], epsilon[j, i, k] = 1, -1
        assert space == Subspace.from_basis([epsilon.ravel().astype(int)])


@pytest.mark.parametrize("name", ["SO2", "SO4", "O2", "O4"])
def test_compact_fixed_spaces_are_fixed_by_haar_draws(name):
    rep = hom(power(natural(named_group(name)), 2), power(natural(named_group(name)), 2))
    q = fixed_space(rep).orthonormal()
    for matrix in rep.sample_matrices(np.random.default_rng(0), 5):
        np.testing.assert_allclose(q @ matrix.T, q, atol=1e-12)


# dim End_G(V x V) by invariant theory. O(n), n >= 2: three contractions. SO(2): weights 2, -2, 0, 0 give
# 1 + 1 + 4. SO(4): 1 + traceless symmetric + self-dual + anti-self-dual, four different irreducibles.
@pytest.mark.parametrize(("name", "dim"), [("O2", 3), ("O3", 3), ("O4", 3), ("SO2", 6), ("SO4", 4)])
def test_invariant_theory_of_matrices(name, dim):
    square = power(natural(named_group(name)), 2)
    assert fixed_space(hom(square, square)).dim == dim


@pytest.mark.parametrize("n", [3, 5, 7, 8])
def test_rotations_of_the_plane_commute_with_complex_numbers(n):
    rep = hom(natural(named_group(f"R{n}")), natural(named_group(f"R{n}")))
    space = fixed_space(rep)
    assert space == Subspace.from_basis([[1, 0, 0, 1], [0, -1, 1, 0]])
    projection = space.projection_matrix_exact()
    for matrix in rep.generator_matrices:
        assert (matrix * projection.convert_to(matrix.domain) - projection).is_zero_matrix


def test_algebraic_fixed_vector():
    """The reflection in the line at pi/8 fixes (1, tan(pi/8)) = (1, sqrt(2) - 1)."""
    half = "sqrt(2)/2"
    rep = from_matrices(named_group("C2"), [[[half, half], [half, f"-{half}"]]], "mirror")
    space = fixed_space(rep)
    assert space == Subspace.from_basis([[1, "sqrt(2)-1"]]) and space.tying is None
    projection = space.projection_matrix_exact()
    (matrix,) = rep.generator_matrices
    assert (matrix * projection.convert_to(matrix.domain) - projection).is_zero_matrix
    assert (projection * projection - projection).is_zero_matrix


def test_regular_representation_has_commutant_of_dimension_order():
    rep = regular(named_group("D4"))
    assert fixed_space(rep).dim == 1
    assert fixed_space(hom(rep, rep)).dim == 8


def test_trivial_group_fixes_everything():
    group = FiniteGroup("C1", 3, ())
    for backend in ("orbits", "nullspace"):
        assert fixed_space(natural(group), backend) == Subspace.full(3)
    rotation = natural(named_group("R4"))
    assert fixed_space(rotation.restrict(FiniteGroup("C1", 4, ()))) == Subspace.full(2)


def test_backends_that_do_not_fit_are_refused():
    with pytest.raises(SpaceError, match="use auto"):
        fixed_space(natural(named_group("C3")), "dense")  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match="signed permutations"):
        fixed_space(natural(named_group("R3")), "orbits")
