"""Elements of a given group that keep coefficients: known stabilisers, brute force, and sympy's own search."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from sharefind.groups import FiniteGroup, Representation, named_group, natural, trivial
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.stabiliser_chain import StabiliserChain
from sharefind.proposal.coefficients import CoefficientBlock
from sharefind.proposal.monomials import pairs
from sharefind.proposal.subgroup_search import SubgroupSearch, Table, coordinate_chain, keepers
from sharefind.spaces import fixed_space, matrix_space
from sharefind.typing import FloatArray


def cyclic(n: int) -> FiniteGroup:
    return FiniteGroup(f"C{n}", n, (tuple((i + 1) % n for i in range(n)),))


def dihedral(n: int) -> FiniteGroup:
    return FiniteGroup(f"D{n}", n, (*cyclic(n).generators, tuple(-i % n for i in range(n))))


TRUTHS = {
    "C6": cyclic(6),
    "C8": cyclic(8),
    "C4xC2": FiniteGroup("C4xC2", 8, ((1, 2, 3, 0, 5, 6, 7, 4), (4, 5, 6, 7, 0, 1, 2, 3))),
    "D16": dihedral(16),
    "C24": cyclic(24),
}


def generic(group: FiniteGroup, seed: int = 0) -> FloatArray:
    """A generic weight (n, n) that a group keeps."""
    space = fixed_space(matrix_space(natural(group), natural(group)).action)
    drawn = np.random.default_rng(seed).normal(size=space.dim) @ space.orthonormal()
    return np.asarray(drawn.reshape(group.degree, group.degree))


def linear(values: FloatArray, error: float) -> CoefficientBlock:
    return CoefficientBlock("linear", np.eye(values.shape[1], dtype=np.int64), values, np.full(values.size, error**2))


def order_of(found, degree: int) -> int:
    return StabiliserChain.of(np.array([g[:degree] for g in found]).reshape(-1, degree), degree).order


@pytest.mark.parametrize("name", list(TRUTHS))
def test_stabilisers_of_exact_and_of_noisy_weights_in_the_symmetric_group(name):
    """S_24 has 6e23 elements."""
    truth = TRUTHS[name]
    rep, values = natural(named_group(f"S{truth.degree}")), generic(truth)
    points = JointPoints.of((rep, rep))
    exact = keepers(points, [Table.of(linear(np.round(values, 9), 1.0))])
    error = 0.02 * float(values.std())
    noisy = values + error * np.random.default_rng(1).normal(size=values.shape)
    search = SubgroupSearch(points, [Table.of(linear(noisy, error))], coordinate_chain(points))
    for found in (exact, search.generators()):
        assert order_of(found, truth.degree) == truth.order
        assert all(truth.contains(g[: truth.degree].tolist()) for g in found)
    assert search.is_exhaustive and search.expansions < 200


def test_signed_permutations_that_move_inputs_and_outputs():
    """Of B_6, 46,080 elements: those that keep a weight which minus one and a turn by one place keep."""
    whole = named_group("B6")
    rep = natural(whole)
    points = JointPoints.of((rep, rep))
    found = keepers(points, [Table.of(linear(np.round(generic(cyclic(6)), 9), 1.0))])
    assert order_of(found, whole.degree) == 12


def test_invariant_labels_show_in_products():
    """One output that stays: squares say nothing, products of neighbours on a ring say D_7."""
    whole = named_group("S7")
    e = pairs(7)
    ring = np.array([[float(abs(a - b) in (1, 6)) for a, b in (np.flatnonzero(row) for row in e)]])
    block = CoefficientBlock("pair", e, ring, np.ones(len(e)))
    found = keepers(JointPoints.of((trivial(whole), natural(whole))), [Table.of(block)])
    assert order_of(found, 7) == 14


def brute_force(rep: Representation, values: FloatArray) -> int:
    matrices = rep.float_matrices()
    return sum(np.array_equal(m @ values @ m.T, values) for m in matrices)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["S5", "A5", "B3", "S3xS2"]), st.integers(2, 3))
def test_random_patterns_have_the_stabiliser_that_a_list_gives(seed, name, levels):
    rep = natural(named_group(name))
    values = np.random.default_rng(seed).integers(0, levels, size=(rep.dim, rep.dim)).astype(np.float64)
    found = keepers(JointPoints.of((rep, rep)), [Table.of(linear(values, 1.0))])
    assert order_of(found, rep.finite_group.degree) == brute_force(rep, values)


def test_sympys_subgroup_search_agrees():
    whole, values = named_group("S6"), np.round(generic(dihedral(6)), 9)

    def keeps(g: Permutation) -> bool:
        images = np.array(g.array_form)
        return bool(np.array_equal(values[np.ix_(images, images)], values))

    by_sympy = whole.sympy.subgroup_search(keeps)
    rep = natural(whole)
    found = keepers(JointPoints.of((rep, rep)), [Table.of(linear(values, 1.0))])
    assert by_sympy.order() == order_of(found, 6) == 12
    assert all(by_sympy.contains(Permutation(list(map(int, g[:6])))) for g in found)


def test_a_search_that_is_cut_short_says_so():
    rep = natural(named_group("S8"))
    points = JointPoints.of((rep, rep))
    noise = np.random.default_rng(0).normal(size=(8, 8))
    search = SubgroupSearch(points, [Table.of(linear(noise, 100.0))], coordinate_chain(points))
    search.effort = type(search.effort)(most_expansions=3, expansions=2)
    search.generators()
    assert not search.is_exhaustive


def test_a_base_that_goes_through_coordinates_has_all_elements():
    group = named_group("S4xS3")
    points = JointPoints.of((trivial(group), natural(group)))
    assert coordinate_chain(points).order == math.factorial(4) * math.factorial(3)
