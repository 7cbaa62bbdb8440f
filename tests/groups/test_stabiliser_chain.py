"""Stabiliser chains against lists of elements and against sympy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sympy.combinatorics import Permutation, PermutationGroup

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, named_group
from sharefind.groups.enumeration import enumerate_elements
from sharefind.groups.stabiliser_chain import StabiliserChain

moves = st.integers(2, 9).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=3))


def by_sympy(generators: list[list[int]]) -> PermutationGroup:
    return PermutationGroup([Permutation(g, size=len(g)) for g in generators])


@settings(max_examples=40, deadline=None)
@given(moves, st.randoms(use_true_random=False))
def test_orders_and_members_are_those_of_sympy(generators, random):
    degree = len(generators[0])
    chain = StabiliserChain.of(np.array(generators), degree, [random.randrange(degree)])
    group = by_sympy(generators)
    assert chain.order == group.order()
    others = [random.sample(range(degree), degree) for _ in range(20)]
    assert chain.contains(np.array(others)).tolist() == [group.contains(Permutation(g, size=degree)) for g in others]


@pytest.mark.parametrize("name", ["S8", "A9", "B5", "S3xS2", "D8", "S28"])
def test_named_groups(name):
    group = named_group(name)
    assert StabiliserChain.of(group.generators, group.degree).order == group.order
    assert StabiliserChain.of(group.generators, group.degree, known_order=group.order).order == group.order


def test_a_chain_of_a_list_has_its_elements_and_no_others():
    listed = enumerate_elements(np.array([[1, 2, 3, 4, 5, 0], [5, 4, 3, 2, 1, 0]]), 100)
    chain = StabiliserChain.of(listed.elements[1:3], 6)
    inside = StabiliserChain.of([[1, 2, 3, 4, 5, 0], [5, 4, 3, 2, 1, 0]], 6)
    assert inside.contains(listed.elements).all() and inside.order == len(listed.elements)
    assert not inside.contains(np.array([[1, 0, 2, 3, 4, 5]]))[0]
    assert inside.order % chain.order == 0


def test_an_element_is_found_by_the_images_of_the_base():
    chain = named_group("B4").chain
    drawn = chain.sample(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(chain.with_images(drawn[:, list(chain.base)]), drawn)
    impossible = np.array([[0] * len(chain.base)])
    assert chain.with_images(impossible) is None


def test_draws_are_uniform():
    group = FiniteGroup("G", 5, ((1, 2, 0, 3, 4), (0, 1, 2, 4, 3)))
    drawn = group.chain.sample(np.random.default_rng(0), 1200)
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and stats.chisquare(counts).pvalue > 1e-3


def test_a_wrong_order_is_refused():
    with pytest.raises(GroupError, match="known_order=7"):
        StabiliserChain.of([[1, 2, 0]], 3, known_order=7)


def test_many_points():
    """S_5 on each of ten blocks of five points, moved on by a cycle: 5!^10 10 elements on 300 points with copies."""
    degree = 300
    first = np.arange(degree)
    first[[0, 1]] = 1, 0
    second = np.arange(degree)
    second[:5] = np.roll(second[:5], -1)
    shift = (np.arange(degree) // 50 * 50) + (np.arange(degree) % 50 + 5) % 50
    chain = StabiliserChain.of(np.stack([first, second, shift]), degree)
    assert chain.order == math.factorial(5) ** 10 * 10
    assert (np.sort(chain.sample(np.random.default_rng(0), 5), axis=1) == np.arange(degree)).all()
