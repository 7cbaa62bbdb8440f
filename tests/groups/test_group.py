"""Permutation groups: listings, words, tables and equality against sympy and against the axioms."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from sharefind.errors import GroupError
from sharefind.groups import CompactGroup, FiniteGroup, cycle_notation, named_group
from sharefind.groups.cycles import permutation_sign


@st.composite
def permutation_groups(draw, largest=5):
    degree = draw(st.integers(1, largest))
    generators = draw(st.lists(st.permutations(range(degree)), max_size=3))
    return FiniteGroup("G", degree, tuple(tuple(g) for g in generators))


@given(permutation_groups())
def test_the_order_is_that_of_schreier_sims(group):
    assert group.order == group.sympy.order() == len(group.elements())


@given(permutation_groups())
def test_elements_are_distinct_and_start_with_the_identity(group):
    elements = group.elements()
    assert elements.shape == (group.order, group.degree)
    assert np.array_equal(elements[0], np.arange(group.degree))
    assert len(np.unique(elements, axis=0)) == group.order


@given(permutation_groups())
def test_words_build_every_element(group):
    elements = group.elements()
    parent, generator = group.words()
    assert parent[0] == generator[0] == -1
    for k in range(1, group.order):
        assert parent[k] < k
        assert np.array_equal(elements[k], elements[parent[k]][group.generator_array[generator[k]]])
        product = np.arange(group.degree)
        for letter in group.word(k):
            product = product[group.generator_array[letter]]
        assert np.array_equal(product, elements[k])


@given(permutation_groups())
def test_the_table_is_composition(group):
    elements, table = group.elements(), group.multiplication_table()
    for a in range(0, group.order, 7):
        assert np.array_equal(elements[table[a]], elements[a][elements])


@given(permutation_groups())
def test_index_inverts_the_listing(group):
    assert [group.index(g) for g in group.elements()] == list(range(group.order))


@given(permutation_groups(), st.randoms())
def test_equality_and_hash_ignore_the_choice_of_generators(group, random):
    elements = group.elements()
    chosen = [*group.generators, tuple(int(i) for i in elements[random.randrange(group.order)])]
    random.shuffle(chosen)
    other = FiniteGroup("other name", group.degree, tuple(chosen))
    assert group == other
    assert hash(group) == hash(other)
    assert group.is_subgroup_of(other)


@given(permutation_groups(), permutation_groups())
def test_containment_agrees_with_sympy(a, b):
    expected = a.degree == b.degree and a.sympy.is_subgroup(b.sympy)
    assert a.is_subgroup_of(b) == expected
    if a.degree == b.degree:
        assert (a == b) == (a.is_subgroup_of(b) and b.is_subgroup_of(a))


@given(st.permutations(range(7)))
def test_sign_and_cycles_agree_with_sympy(permutation):
    reference = Permutation(permutation)
    assert permutation_sign(permutation) == reference.signature()
    cycles = "".join("(" + " ".join(map(str, c)) + ")" for c in reference.cyclic_form)
    assert cycle_notation(permutation) == (cycles or "()")


@given(permutation_groups())
def test_orbit_counting(group):
    """Burnside: the mean number of fixed points is the number of orbits."""
    fixed = (group.elements() == np.arange(group.degree)).sum()
    orbits = group.sympy.orbits() if group.generators else []
    moved = sum(len(orbit) for orbit in orbits)
    assert fixed == group.order * (len(orbits) + group.degree - moved)


def test_sampling_is_uniform_and_seeded():
    group = named_group("D4")
    draws = group.sample(np.random.default_rng(1), 8000)
    assert np.array_equal(draws, group.sample(np.random.default_rng(1), 8000))
    counts = np.bincount(draws, minlength=8)
    # Chi-squared with 7 degrees of freedom: above 30 with probability 1e-4.
    assert ((counts - 1000) ** 2 / 1000).sum() < 30


def test_large_groups_are_compared_without_listing():
    symmetric, alternating = named_group("S500"), named_group("A500")
    assert symmetric.order == math.factorial(500)
    assert alternating.is_subgroup_of(symmetric)
    assert not symmetric.is_subgroup_of(alternating)
    swapped = FiniteGroup("S", 12, ((*range(1, 12), 0), (1, 0, *range(2, 12))))
    assert swapped == named_group("S12")
    assert hash(swapped) == hash(named_group("S12"))


def test_limits_are_named_and_can_be_lifted():
    group = named_group("S9")
    with pytest.raises(GroupError, match="362880 elements, above the limit of 50000"):
        group.elements()
    with pytest.raises(GroupError, match="limit"):
        named_group("S6").elements(max_order=719)
    with pytest.raises(GroupError, match="entries"):
        named_group("C10000").elements()
    with pytest.raises(GroupError):
        named_group("S500").sample(np.random.default_rng(0), 3)


@pytest.mark.slow
def test_a_lifted_limit_lists_the_group():
    assert len(named_group("S9").elements(max_order=400_000)) == 362_880


@pytest.mark.parametrize("generator", [(0, 0), (0, 2), (0,), (1, 2, 0), (-1, 0)])
def test_what_is_not_a_permutation_is_refused(generator):
    with pytest.raises(GroupError, match="generator 0 of group G is not a permutation"):
        FiniteGroup("G", 2, (generator,))


def test_a_group_without_points_is_refused():
    with pytest.raises(GroupError, match="no points"):
        FiniteGroup("G", 0, ())


def test_a_wrong_order_is_noticed():
    with pytest.raises(GroupError, match="known_order"):
        FiniteGroup("G", 3, ((1, 2, 0),), known_order=2).elements()


def test_an_element_outside_is_refused():
    with pytest.raises(GroupError, match=r"\(0 1\) is not an element of C3"):
        named_group("C3").index((1, 0, 2))


@pytest.mark.parametrize("name", ["S4", "B3", "R5", "SO3", "O2"])
def test_groups_can_be_pickled(name):
    group = named_group(name)
    if isinstance(group, FiniteGroup):
        group.elements()
    assert pickle.loads(pickle.dumps(group)) == group  # noqa: S301


@pytest.mark.parametrize("name", ["SO2", "SO3", "SO4", "O2", "O3"])
def test_compact_groups_have_their_lie_algebra(name):
    group = named_group(name)
    assert isinstance(group, CompactGroup)
    assert group.order is None
    assert not group.is_finite
    n = group.n
    assert len(group.lie_algebra) == n * (n - 1) // 2
    assert all((x + x.transpose()).is_zero_matrix for x in group.lie_algebra)
    assert [m.to_Matrix().det() for m in group.discrete] == ([-1] if name.startswith("O") else [])


@pytest.mark.parametrize("name", ["SO2", "SO3", "O2", "O3"])
def test_haar_moments(name):
    """Under Haar measure E Q = 0 and E Q_ij^2 = 1 / n, and the components of O(n) have equal weight."""
    group = named_group(name)
    n, size = group.n, 20_000
    draws = group.sample(np.random.default_rng(3), size)
    assert draws.shape == (size, n, n)
    assert np.allclose(np.einsum("nij,nkj->nik", draws, draws), np.eye(n), atol=1e-12)
    error = 6 / np.sqrt(size)
    assert np.abs(draws.mean(axis=0)).max() < error
    assert np.abs((draws**2).mean(axis=0) - 1 / n).max() < error
    determinants = np.linalg.det(draws)
    expected = 0.0 if name.startswith("O") else 1.0
    assert abs(determinants.mean() - expected) < error


def test_equality_of_compact_groups():
    assert named_group("SO3") == named_group("SO3")
    assert named_group("SO3") != named_group("O3")
    assert named_group("SO2") != named_group("SO3")
    assert named_group("SO3") != named_group("S3")
    assert named_group("SO3").sample(np.random.default_rng(0), 0).shape == (0, 3, 3)
    assert named_group("SO3").sample(np.random.default_rng(0), 1).shape == (1, 3, 3)
