"""Names against the catalogue, and the refinement search against sympy on graphs that are hard for refinement."""

import numpy as np
import pytest

from sharefind.groups import FiniteGroup, named_group
from sharefind.recognition.automorphisms import automorphisms
from sharefind.recognition.naming import action_order, as_group, group_name, permutation_group_name


def name_of(group: FiniteGroup, engine: str = "refinement") -> str:
    """The name of the automorphisms of the orbits on pairs: those of the 2-closure of the group."""
    n = group.degree
    pairs = [tuple(i * n + j for i in range(n) for j in range(n))]
    pairs += [tuple(g[i] * n + g[j] for i in range(n) for j in range(n)) for g in group.generators]
    root = np.arange(n * n)
    for _ in range(n * n):
        before = root.copy()
        for g in pairs:
            np.minimum.at(root, np.array(g), before)
            root = np.minimum(root, root[np.array(g)])
        if np.array_equal(root, before):
            break
    colours = np.unique(root, return_inverse=True)[1].reshape(n, n)
    return group_name(colours, automorphisms(colours, engine)[0], np.arange(n), engine)


@pytest.mark.parametrize(
    "name", ["C1", "C5", "D5", "S4", "V4", "C3xC4", "D4xS3", "S3xS3", "S3xS2", "C2xC2", "D4", "C12", "S9", "S2xS8xS2"]
)
def test_catalogue_names_come_back(name):
    expected = {"C2xC2": "C2xC2"}.get(name, name)
    assert name_of(named_group(name)) == expected


def test_a_part_may_need_two_orbits():
    """C_2 on three pairs with an even number of swaps: no orbit is faithful, and orbits are pairwise independent."""
    even = FiniteGroup("even", 6, ((1, 0, 3, 2, 4, 5), (0, 1, 3, 2, 5, 4)))
    assert action_order([np.array(g) for g in even.generators]) == 4
    # Pairwise colours do not see the parity: the stabiliser is the whole product.
    assert name_of(even) == "C2xC2xC2"


def test_linked_orbits_are_one_factor():
    """S_4 on points and on pairs of points at once."""
    twice = FiniteGroup("twice", 8, tuple((*g, *(4 + i for i in g)) for g in named_group("S4").generators))
    assert name_of(twice) == "S4"


@pytest.mark.parametrize(("name", "degree"), [("S30", 30), ("A30", 30), ("S7", 7), ("A7", 7), ("C30", 30)])
def test_orders_of_large_actions(name, degree):
    group = named_group(name)
    assert action_order([np.array(g) for g in group.generators]) == group.order
    assert as_group([np.array(g) for g in group.generators]).degree == degree


def rook_graph(n: int) -> np.ndarray:
    cells = list(np.ndindex(n, n))
    return np.array([[0 if a == b else 1 if a[0] == b[0] or a[1] == b[1] else 2 for b in cells] for a in cells])


def shrikhande_graph() -> np.ndarray:
    steps = {(0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3)}
    cells = list(np.ndindex(4, 4))
    return np.array(
        [[0 if a == b else 1 if ((a[0] - b[0]) % 4, (a[1] - b[1]) % 4) in steps else 2 for b in cells] for a in cells]
    )


@pytest.mark.parametrize("engine", ["igraph", "refinement"])
@pytest.mark.parametrize(
    ("colours", "order"), [(rook_graph(4), 1152), (shrikhande_graph(), 192), (rook_graph(6), 2 * 720**2)]
)
def test_strongly_regular_graphs(colours, order, engine):
    """Refinement alone tells no two points of these apart."""
    generators, found = automorphisms(colours, engine)
    assert found == order
    assert all(np.array_equal(colours[np.ix_(g, g)], colours) for g in generators)
    assert int(as_group(generators).sympy.order()) == order


@pytest.mark.parametrize("engine", ["igraph", "refinement"])
def test_disjoint_strongly_regular_graphs_with_the_same_parameters(engine):
    """The rook's graph and the Shrikhande graph side by side must not be swapped; two copies must be."""
    rook, other = rook_graph(4), shrikhande_graph()
    for second, order in ((other, 1152 * 192), (rook, 2 * 1152**2)):
        colours = np.full((32, 32), 3)
        colours[:16, :16], colours[16:, 16:] = rook, second
        assert automorphisms(colours, engine)[1] == order


@pytest.mark.parametrize("engine", ["igraph", "refinement"])
def test_a_point_that_fails_does_not_hide_others(engine):
    """Rook, Shrikhande, rook: the first goes to the third, not to the second."""
    parts = [rook_graph(4), shrikhande_graph(), rook_graph(4)]
    colours = np.full((48, 48), 3)
    for k, part in enumerate(parts):
        colours[16 * k : 16 * k + 16, 16 * k : 16 * k + 16] = part
    assert automorphisms(colours, engine)[1] == 2 * 1152**2 * 192


def test_blocks_alone_make_no_wreath_product():
    """Rows and columns of a 3 x 3 table, told apart: S_3 x S_3 is transitive with blocks of three."""
    cells = list(np.ndindex(3, 3))
    colours = np.array([[2 * (a[0] == b[0]) + (a[1] == b[1]) for b in cells] for a in cells])
    generators, order = automorphisms(colours)
    assert (order, group_name(colours, generators, np.arange(9), "auto")) == (36, "S3xS3")


def test_directed_colours():
    """Arcs i -> i + 1 alone: rotations, no reflections."""
    n = 7
    colours = np.zeros((n, n), dtype=int)
    colours[np.arange(n), (np.arange(n) + 1) % n] = 1
    for engine in ("igraph", "refinement"):
        assert automorphisms(colours, engine)[1] == n


def test_alternating_groups_of_more_points_than_are_listed_have_their_name():
    three = tuple((1, 2, 0, *range(3, 8)))
    seven, whole = ((0, 2, 3, 4, 5, 6, 7, 1), three), ((1, 2, 3, 4, 5, 6, 7, 0), three)
    assert permutation_group_name(FiniteGroup("?", 8, seven)) == "A8"
    assert permutation_group_name(FiniteGroup("?", 8, whole)) == "S8"
    even = ((1, 2, 0, *range(3, 9)), (1, 2, 3, 4, 5, 6, 0, 7, 8), (1, 0, *range(2, 7), 8, 7))
    apart = FiniteGroup("?", 9, even)
    assert permutation_group_name(apart) == "order 5040"  # the even part of S_7 x S_2 is no alternating group
