"""Representations: the homomorphism property, characters, and the algebra of sums, products and duals."""

import pickle
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag

from sharefind.errors import RepresentationError
from sharefind.exact.matrices import identity_matrix, to_float
from sharefind.groups import (
    FiniteGroup,
    from_matrices,
    hom,
    named_group,
    natural,
    regular,
    sign,
    subgroups,
    trivial,
)
from sharefind.groups.images import dense_from_sparse

NAMES = [
    "C1",
    "C4",
    "D3",
    "S4",
    "A4",
    "V4",
    "B2",
    "B3",
    "R1",
    "R3",
    "R4",
    "R5",
    "R7",
    "R8",
    "C2xC3",
    "R5xC2",
    "B2xC3",
]


@st.composite
def permutation_groups(draw, largest=4):
    degree = draw(st.integers(1, largest))
    generators = draw(st.lists(st.permutations(range(degree)), max_size=2))
    return FiniteGroup("G", degree, tuple(tuple(g) for g in generators))


@st.composite
def representations(draw, groups):
    """A random composed representation of a random group, of dimension at most a few hundred."""
    group = draw(groups)
    leaves = [natural, regular, sign, trivial]
    rep = draw(st.sampled_from(leaves))(group)
    for _ in range(draw(st.integers(0, 2))):
        other = draw(st.sampled_from(leaves))(group)
        choice = draw(st.sampled_from("+*2d"))
        if choice == "*" and rep.dim * other.dim <= 200:
            rep = rep * other
        elif choice == "2":
            rep = 2 * rep
        elif choice == "d":
            rep = rep.dual
        else:
            rep = rep + other
    return rep


finite_representations = representations(st.one_of(permutation_groups(), st.sampled_from(NAMES).map(named_group)))


@given(finite_representations)
def test_every_representation_is_a_homomorphism(rep):
    table = rep.group.multiplication_table()
    matrices = rep.float_matrices()
    assert np.allclose(matrices[0], np.eye(rep.dim))
    rows = range(0, rep.group.order, max(1, rep.group.order // 6))
    for a, b in product(rows, rows):
        assert np.allclose(matrices[a] @ matrices[b], matrices[table[a, b]], atol=1e-12)


@given(finite_representations)
def test_images_generators_and_floats_agree(rep):
    images = rep.images()
    dense = dense_from_sparse(*images) if rep.is_sparse else np.array([to_float(m) for m in images])
    assert np.allclose(dense, rep.float_matrices(), atol=1e-12)
    for generator, matrix in zip(rep.group.generators, rep.generator_matrices, strict=True):
        assert np.allclose(to_float(matrix), dense[rep.group.index(generator)], atol=1e-12)


@given(finite_representations, st.integers(0, 2**32 - 1))
def test_act_float_is_the_matrix_product(rep, seed):
    rng = np.random.default_rng(seed)
    indices = rep.group.sample(rng, 5)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-4)):
        x = rng.normal(size=(5, rep.dim)).astype(dtype)
        moved = rep.act_float(indices, x)
        expected = np.einsum("nij,nj->ni", rep.float_matrices()[indices], x)
        assert moved.dtype == dtype
        assert np.allclose(moved, expected, atol=tolerance)


@given(finite_representations)
def test_characters_count(rep):
    """<chi, 1> is the dimension of the fixed space, and tr rho(1) the dimension."""
    character = np.array([float(value) for value in rep.character()])
    assert character[0] == rep.dim
    matrices = rep.float_matrices()
    assert np.allclose(character, np.trace(matrices, axis1=1, axis2=2), atol=1e-10)
    fixed = np.linalg.matrix_rank(matrices.mean(axis=0), tol=1e-8)
    assert character.mean() == pytest.approx(fixed, abs=1e-10)


@pytest.mark.parametrize("name", ["S3", "S4", "S5", "A5"])
def test_natural_is_trivial_plus_an_irreducible(name):
    """2-transitive groups: <chi, chi> = 2 (Serre 1977, Exercise 2.6)."""
    character = natural(named_group(name)).character()
    assert sum(value**2 for value in character) == 2 * len(character)


@pytest.mark.parametrize("name", ["C5", "D4", "S4", "B2"])
def test_the_regular_character(name):
    group = named_group(name)
    character = regular(group).character()
    assert character[0] == group.order
    assert set(character[1:]) == {0}


@pytest.mark.parametrize("name", ["B2", "B3", "B4"])
def test_the_natural_representation_of_signed_permutations_is_irreducible(name):
    rep = natural(named_group(name))
    assert rep.kind == "signed"
    assert sum(value**2 for value in rep.character()) == rep.group.order


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 30])
def test_rotations_are_exact(n):
    """rho(g)^n = 1 exactly and not earlier, tr rho(g) = 2 cos(2 pi / n), and the turn is anticlockwise."""
    rep = natural(named_group(f"R{n}"))
    (matrix,) = rep.generator_matrices
    one = identity_matrix(2, matrix.domain)
    powers = [matrix**k for k in range(1, n + 1)]
    assert [power == one for power in powers] == [False] * (n - 1) + [True]
    assert rep.is_orthogonal
    angle = 2 * np.pi / n
    expected = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert np.allclose(to_float(matrix), expected, atol=1e-15)
    assert sympy.N(sum(rep.character()), 30) == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize("n", [5, 7, 8])
def test_rotation_characters_are_orthonormal_exactly(n):
    """Over C the plane is the sum of two characters: <chi, chi> = 2."""
    rep = natural(named_group(f"R{n}"))
    domain = rep.generator_matrices[0].domain
    values = [domain.from_sympy(value) for value in rep.character()]
    total = domain.zero
    for value in values:
        total = total + value * value
    assert total == domain.one * (2 * n)


@given(finite_representations)
def test_dual_is_the_inverse_transpose(rep):
    matrices, dual = rep.float_matrices(), rep.dual.float_matrices()
    assert np.allclose(np.einsum("gij,gik->gjk", matrices, dual), np.eye(rep.dim), atol=1e-12)
    assert rep.is_orthogonal


@given(representations(st.just(named_group("R5"))), representations(st.just(named_group("R5"))))
def test_sums_and_products_of_matrices(a, b):
    for k, (x, y) in enumerate(zip(a.float_matrices(), b.float_matrices(), strict=True)):
        assert np.allclose((a + b).float_matrices()[k], block_diag(x, y), atol=1e-12)
        if a.dim * b.dim < 200:
            assert np.allclose((a * b).float_matrices()[k], np.kron(x, y), atol=1e-12)


def test_sums_products_and_copies_of_permutations():
    group = named_group("S4")
    a, b = natural(group), sign(group) + trivial(group, 2)
    pairs = list(zip(a.float_matrices(), b.float_matrices(), strict=True))
    assert np.array_equal((a + b).float_matrices(), [block_diag(x, y) for x, y in pairs])
    assert np.array_equal((a * b).float_matrices(), [np.kron(x, y) for x, y in pairs])
    assert np.array_equal((3 * b).float_matrices(), [block_diag(y, y, y) for _, y in pairs])
    assert np.array_equal((b * 3).float_matrices(), (3 * b).float_matrices())
    assert (a * a).kind == "permutation"
    assert (a * b).kind == "signed"
    assert (2 * a + b).name == "2*natural+sign+trivial:2"
    assert (2 * (a + b)).name == "2*(natural+sign+trivial:2)"


def test_a_matrix_representation_that_is_not_orthogonal():
    group = named_group("C2")
    rep = from_matrices(group, [[[1, 1], [0, -1]]], "shear")
    assert not rep.is_orthogonal
    assert rep.dual.name == "dual(shear)"
    for x, y in zip(rep.images(), rep.dual.images(), strict=True):
        assert x.transpose() * y == identity_matrix(2)
    double = rep.dual.dual
    assert double.generator_matrices == rep.generator_matrices
    assert (2 * rep).float_matrices().shape == (2, 4, 4)


@pytest.mark.parametrize("names", [("R5", "natural"), ("S4", "natural"), ("B3", "natural")])
def test_hom_moves_matrices_by_conjugation(names):
    rep = natural(named_group(names[0]))
    out = rep + trivial(rep.group)
    action, rng = hom(out, rep), np.random.default_rng(0)
    z = rng.normal(size=(out.dim, rep.dim))
    for k, (left, right) in enumerate(zip(out.float_matrices(), rep.float_matrices(), strict=True)):
        moved = action.act_float(np.array([k]), z.reshape(1, -1))
        assert np.allclose(moved.reshape(z.shape), left @ z @ np.linalg.inv(right), atol=1e-12)


@pytest.mark.parametrize("name", ["S4", "D4xC2", "B2", "B3", "R6", "R8", "R5xC2"])
def test_restriction_agrees_with_the_whole(name):
    group = named_group(name)
    rep = natural(group) * natural(group) + sign(group) + 2 * trivial(group) + natural(group).dual
    whole = rep.float_matrices()
    for subgroup in subgroups(group)[:12]:
        restricted = rep.restrict(subgroup)
        assert (restricted.kind, restricted.name, restricted.group) == (rep.kind, rep.name, subgroup)
        rows = [group.index(g) for g in subgroup.elements()]
        assert np.allclose(restricted.float_matrices(), whole[rows], atol=1e-12)


@pytest.mark.parametrize("name", ["S4", "R6"])
def test_restriction_without_a_recipe_goes_along_words(name):
    group = named_group(name)
    given_rep = from_matrices(group, natural(group).generator_matrices, "given")
    for rep in (given_rep, regular(group)):
        whole = rep.float_matrices()
        for subgroup in subgroups(group):
            rows = [group.index(g) for g in subgroup.elements()]
            assert np.allclose(rep.restrict(subgroup).float_matrices(), whole[rows], atol=1e-12)


def test_restriction_of_a_group_too_large_to_list():
    group = named_group("S60")
    cyclic = named_group("C60")
    rep = (natural(group) * natural(group)).restrict(cyclic)
    assert rep.group == cyclic
    assert np.array_equal(rep.perms, (natural(cyclic) * natural(cyclic)).perms)


def test_restriction_to_a_stranger_is_refused():
    with pytest.raises(RepresentationError, match="not a subgroup"):
        natural(named_group("C4")).restrict(named_group("S4"))
    with pytest.raises(RepresentationError, match="infinite"):
        natural(named_group("SO3")).restrict(named_group("C3"))


def test_different_groups_do_not_mix():
    with pytest.raises(RepresentationError, match="same group"):
        natural(named_group("C4")) + natural(named_group("D4"))
    again = natural(named_group("D4")) * natural(named_group("D4"))
    assert again.dim == 16


def test_large_permutation_representations_stay_small():
    rep = natural(named_group("S500"))
    action = hom(rep, rep)
    assert action.dim == 250_000
    assert action.perms.nbytes == 2 * 250_000 * 4
    assert action.signs.strides == (0, 0)
    with pytest.raises(RepresentationError, match="smaller group"):
        action.images()
    with pytest.raises(RepresentationError, match="above the limit"):
        action * action


def test_tensor_products_make_no_index_arrays_before_they_are_asked_for():
    vector = natural(named_group("B3"))
    action = hom(vector, vector)
    again = pickle.loads(pickle.dumps(action))  # noqa: S301
    for rep in (action, again):
        assert rep.is_sparse and not {"perms", "signs"} & set(vars(rep))
        p, s = vector.sparse_generators
        for g in range(len(p)):
            matrix = np.zeros((3, 3))
            matrix[p[g], np.arange(3)] = s[g]
            product = np.zeros((9, 9))
            product[rep.perms[g], np.arange(9)] = rep.signs[g]
            assert np.array_equal(product, np.kron(matrix, matrix))
    renamed = replace(action, name="maps")
    assert renamed.name == "maps" and np.array_equal(renamed.perms, action.perms)


def test_dense_listings_have_a_limit():
    rep = natural(named_group("S6"))
    with pytest.raises(RepresentationError, match="use act_float"):
        (rep * rep * rep * rep).float_matrices()


def test_shapes_are_checked():
    rep = natural(named_group("C3"))
    for shape in ((2, 4), (3, 3), (3,)):
        with pytest.raises(RepresentationError, match="reshape"):
            rep.act_float(np.array([0, 1]), np.zeros(shape))


@pytest.mark.parametrize("name", ["S4", "B2", "R5"])
def test_representations_can_be_pickled_after_use(name):
    group = named_group(name)
    rep = 2 * natural(group) + sign(group)
    floats = rep.float_matrices()
    rep.character()
    again = pickle.loads(pickle.dumps(rep))  # noqa: S301
    assert np.array_equal(again.float_matrices(), floats)
    assert again.group == group
    assert again.restrict(group).dim == rep.dim


@given(finite_representations, st.integers(0, 2**32 - 1))
def test_sampled_matrices_are_images(rep, seed):
    draws = rep.sample_matrices(np.random.default_rng(seed), 3)
    everything = rep.float_matrices()
    assert draws.shape == (3, rep.dim, rep.dim)
    assert all(np.abs(everything - draw).reshape(rep.group.order, -1).max(axis=1).min() == 0 for draw in draws)
