"""Families of candidates: inclusions, Hasse diagrams and joins against lists made by hand and brute force."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups import FiniteGroup, named_group, natural, subgroups, trivial
from sharefind.inference import Candidate, CandidateFamily, SampledMoves, axis_rotations, named_family, subgroup_family
from sharefind.testing import random_groups

SQUARE = named_group("D4")
X, Y, Z = (axis_rotations(axis) for axis in np.eye(3).tolist())


def family_of(group: FiniteGroup, chosen: list[FiniteGroup] | None = None) -> CandidateFamily:
    return subgroup_family(natural(group), trivial(group), chosen)


def elements(candidate: Candidate | FiniteGroup) -> frozenset[tuple[int, ...]]:
    group = candidate if isinstance(candidate, FiniteGroup) else candidate.group
    assert group is not None
    return frozenset(tuple(g) for g in group.elements().tolist())


def square_lattice() -> nx.DiGraph:
    """The Hasse diagram of the square's subgroups but the trivial one: half turn r2, sides s, diagonals d, C4."""
    graph = nx.DiGraph()
    graph.add_edges_from([(low, "V4s") for low in ("r2", "s1", "s2")])
    graph.add_edges_from([(low, "V4d") for low in ("r2", "d1", "d2")])
    graph.add_edges_from([("r2", "C4"), ("V4s", "D4"), ("V4d", "D4"), ("C4", "D4")])
    return graph


def test_the_square_has_nine_candidates() -> None:
    family = family_of(SQUARE)
    assert sorted(c.order or 0 for c in family.candidates) == [2, 2, 2, 2, 2, 4, 4, 4, 8]
    hasse = family.hasse()
    assert set(hasse.nodes) == set(family.names)
    assert nx.is_isomorphic(hasse, square_lattice())
    top = family.place("D4")
    assert len(family.below(top)) == 8
    assert family.above(top) == []
    half_turn = next(i for i in range(9) if len(family.above(i)) == 4)
    assert elements(family.candidates[half_turn]) == {(0, 1, 2, 3), (2, 3, 0, 1)}


@settings(max_examples=30)
@given(random_groups())
def test_inclusions_are_those_of_the_element_sets(group: FiniteGroup) -> None:
    assume(group.order > 1)
    family = family_of(group)
    sets = [elements(c) for c in family.candidates]
    assert len(sets) == len(set(sets)) == len(subgroups(group)) - 1
    np.testing.assert_array_equal(family.inside, [[a < b for b in sets] for a in sets])
    closure = nx.transitive_closure(family.hasse())
    assert set(closure.edges) == {(family.names[i], family.names[j]) for i, j in np.argwhere(family.inside)}
    for i, j in closure.edges:
        assert family.place(j) in family.above(family.place(i))
        assert family.place(i) in family.below(family.place(j))


@settings(max_examples=30)
@given(random_groups(), st.data())
def test_a_family_holds_what_the_chosen_generate(group: FiniteGroup, data: st.DataObject) -> None:
    proper = [g for g in subgroups(group) if g.order > 1]
    assume(proper)
    chosen = data.draw(st.lists(st.sampled_from(proper), min_size=1, max_size=4, unique_by=elements))
    found = {elements(c) for c in family_of(group, chosen).candidates}
    joins = set()
    for size in range(1, len(chosen) + 1):
        for some in combinations(chosen, size):
            above = [elements(g) for g in proper if all(elements(c) <= elements(g) for c in some)]
            joins.add(min(above, key=len))
    assert found == joins


def mirror(*images: int) -> FiniteGroup:
    return FiniteGroup("mirror", 4, (images,))


def test_joins_of_chosen_mirrors() -> None:
    """Two mirrors at a right angle generate a group of order 4 that holds no other candidate; at 45 degrees, D4."""
    side, diagonals = mirror(1, 0, 3, 2), (mirror(0, 3, 2, 1), mirror(2, 1, 0, 3))
    assert [c.order for c in family_of(SQUARE, [*diagonals]).candidates] == [2, 2, 4]
    assert [c.order for c in family_of(SQUARE, [side, diagonals[0]]).candidates] == [2, 2, 8]
    assert [c.order for c in family_of(SQUARE, [side]).candidates] == [2]


@pytest.mark.parametrize(
    "chosen", [[], [FiniteGroup("C1", 4, ())], [mirror(1, 0, 2, 3)]], ids=["none", "trivial", "no-subgroup"]
)
def test_bad_choices(chosen: list[FiniteGroup]) -> None:
    with pytest.raises(GroupError):
        family_of(SQUARE, chosen)


def test_infinite_groups_have_no_subgroup_family() -> None:
    group = named_group("SO2")
    with pytest.raises(RepresentationError, match="infinite"):
        subgroup_family(natural(group), trivial(group))


def test_candidates_move_samples_as_their_group_does() -> None:
    rng = np.random.default_rng(0)
    for candidate in family_of(SQUARE).candidates:
        drawn = candidate.moves.draw((50,), rng)
        assert len(set(drawn.tolist())) == candidate.order


def test_named_families_take_what_follows() -> None:
    family = named_family({"a": X, "b": Y, "c": Z, "top": Z}, [("a", "b"), ("b", "top"), ("c", "top")])
    assert family.above(family.place("a")) == [1, 3]
    assert set(family.hasse().edges) == {("a", "b"), ("b", "top"), ("c", "top")}
    assert named_family({"a": X}, []).names == ("a",)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ([("a", "c")], "no least common group"),
        ([], "no least common group"),
        ([("a", "b"), ("b", "a"), ("a", "c"), ("b", "c")], "strict order"),
        ([("a", "d")], "names no candidates"),
    ],
    ids=["one-outside", "all-outside", "cycle", "unknown"],
)
def test_bad_named_families(inside: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(GroupError, match=message):
        named_family({"a": X, "b": Y, "c": Z}, inside)


def test_two_upper_bounds_without_a_least_one() -> None:
    """a and b lie inside c and d, which lie inside the top: the group that a and b generate is missing."""
    pairs = [(low, high) for low in "ab" for high in "cd"] + [("c", "top"), ("d", "top")]
    with pytest.raises(GroupError, match="b and a have no least common group"):
        named_family({name: X for name in ("a", "b", "c", "d", "top")}, pairs)


def test_no_candidates() -> None:
    with pytest.raises(GroupError, match="needs candidates"):
        named_family({}, [])


@pytest.mark.parametrize(
    ("names", "inside"),
    [
        ("aa", np.array([[False, True], [False, False]])),
        ("ab", np.array([[True, True], [False, False]])),
        ("ab", np.zeros((2, 3), dtype=bool)),
        ("ab", np.zeros((3, 3), dtype=bool)),
        ("abc", np.array([[False, True, False], [False, False, True], [False, False, False]])),
    ],
    ids=["names", "reflexive", "wide", "large", "not-transitive"],
)
def test_bad_families(names: str, inside: NDArray[np.bool_]) -> None:
    moves: SampledMoves = X
    with pytest.raises(GroupError):
        CandidateFamily(tuple(Candidate(name, moves, None) for name in names), inside)


def test_unknown_names() -> None:
    with pytest.raises(GroupError, match="C7 is not a candidate"):
        family_of(SQUARE).place("C7")
