"""Orbits: patterns of signed permutations and of products, against brute force and each other."""

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.groups import FiniteGroup, grid, hom, named_group, natural, regular, trivial
from sharefind.spaces import Subspace, fixed_space, tying
from sharefind.spaces.permuted import product_orbits
from sharefind.spaces.tying import canonical, tied


def brute_orbits(perms: np.ndarray) -> list[int]:
    """The smallest index that each index reaches, by search."""
    smallest = list(range(perms.shape[1]))
    changed = True
    while changed:
        changed = False
        for perm in perms:
            for i, j in enumerate(perm):
                low = min(smallest[i], smallest[j])
                changed = changed or smallest[i] != smallest[j]
                smallest[i] = smallest[j] = low
    return smallest


@st.composite
def permutation_pairs(draw):
    m, n, k = draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(0, 3))
    make = [[draw(st.permutations(range(size))) for _ in range(k)] for size in (m, n)]
    return tuple(np.array(p, dtype=np.int64).reshape(k, size) for p, size in zip(make, (m, n), strict=True))


@given(permutation_pairs())
def test_products_agree_with_the_graph_on_all_pairs_and_with_search(pair):
    outer, inner = pair
    m, n = outer.shape[1], inner.shape[1]
    together = (outer[:, :, None] * n + inner[:, None, :]).reshape(len(outer), m * n)
    labels = product_orbits(outer, inner)
    np.testing.assert_array_equal(labels, tied(together))
    np.testing.assert_array_equal(labels, canonical(np.array(brute_orbits(together)) + 1))


@given(permutation_pairs(), st.data())
def test_signed_patterns_solve_their_equations(pair, data):
    targets = pair[0]
    k, n = targets.shape
    signs = np.array(data.draw(st.lists(st.sampled_from([-1, 1]), min_size=k * n, max_size=k * n))).reshape(k, n)
    space = Subspace.from_pattern(tied(targets, signs.astype(np.int8)))
    equations = np.concatenate(
        [np.eye(n)[target] - sign[:, None] * np.eye(n) for target, sign in zip(targets, signs, strict=True)]
        or [np.zeros((1, n))]
    )
    assert space.dim == n - np.linalg.matrix_rank(equations)
    np.testing.assert_allclose(space.orthonormal() @ equations.T, 0, atol=1e-12)


@given(permutation_pairs(), st.sampled_from([0.0, 1.0]), st.sampled_from([1, 2**16]))
def test_both_ways_to_write_rows_and_blocks_of_any_size(pair, few, block):
    outer, inner = pair
    together = (outer[:, :, None] * inner.shape[1] + inner[:, None, :]).reshape(
        len(outer), outer.shape[1] * inner.shape[1]
    )
    np.testing.assert_array_equal(product_orbits(outer, inner, few=few, block=block), tied(together))


@pytest.mark.parametrize("few", [0.0, 1 / 16, 1.0])
@pytest.mark.parametrize("name", ["S12", "A12", "D12", "C12", "S3xS9", "C4xC4xC4"])
def test_products_of_groups_by_schreier_generators(name, few):
    vector = natural(named_group(name))
    for rep in (vector, vector * vector):
        perms = rep.sparse_generators[0]
        both = hom(rep, vector).sparse_generators[0]
        np.testing.assert_array_equal(product_orbits(perms, vector.sparse_generators[0], few), tied(both))


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12))
def test_components_with_and_without_scipy(n, edges):
    heads, tails = (np.array([edge[k] % n for edge in edges], dtype=int) for k in (0, 1))
    searched = tying.connected(heads, tails, n, small=0)
    found = tying.connected(heads, tails, n)
    np.testing.assert_array_equal(found, searched)
    graph = networkx.Graph(list(zip(heads.tolist(), tails.tolist(), strict=True)))
    graph.add_nodes_from(range(n))
    assert {tuple(sorted(c)) for c in networkx.connected_components(graph)} == {
        tuple(np.flatnonzero(found == k).tolist()) for k in range(found.max() + 1)
    }
    assert [int(np.flatnonzero(found == k)[0]) for k in range(found.max() + 1)] == sorted(
        min(c) for c in networkx.connected_components(graph)
    )


@pytest.mark.parametrize("name", ["S4", "B3", "C2xC3"])
def test_direct_sums_are_tied_part_by_part(name):
    vector = natural(named_group(name))
    rep = hom(vector, vector) + 3 * vector + trivial(named_group(name))
    perms, signs = rep.sparse_generators
    assert fixed_space(rep) == Subspace.from_pattern(tied(perms, signs))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_canonical_labels(values):
    labels = canonical(np.array(values))
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(canonical(labels), labels)
    np.testing.assert_array_equal(labels == 0, np.array(values) == 0)
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            assert (abs(labels[i]) == abs(labels[j])) == (abs(a) == abs(b))
            assert (labels[i] == labels[j]) == (a == b)
    seen = [x for i, x in enumerate(labels) if x and abs(x) not in np.abs(labels[:i])]
    assert seen == list(range(1, len(seen) + 1))


@pytest.mark.parametrize(
    ("make", "dim"),
    [
        (lambda: hom(regular(named_group("C360")), regular(named_group("C360"))), 360),
        (lambda: hom(natural(named_group("S350")), natural(named_group("S350"))), 2),
        (lambda: hom(trivial(named_group("D4")), grid(named_group("D4"), 400)), (400 * 400 + 2 * 400) // 8),
        (lambda: hom(grid(named_group("D4"), 400), trivial(named_group("D4"))), (400 * 400 + 2 * 400) // 8),
        (lambda: hom(natural(FiniteGroup("C1", 400, ())), natural(FiniteGroup("C1", 400, ()))), 160_000),
    ],
)
def test_large_products(make, dim):
    """Sizes at which pairs go row by row; a k x k grid, k even, has (k^2 + 2k) / 8 orbits by Burnside."""
    rep = make()
    space = fixed_space(rep)
    assert space.dim == dim
    assert space == Subspace.from_pattern(tied(rep.sparse_generators[0]))
