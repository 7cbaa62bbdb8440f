"""The lattice of candidates against its definition: closures, order and known groups."""

import networkx as nx
import numpy as np
import pytest

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, Representation, grid, hom, named_group, natural, sign, trivial
from sharefind.groups.structure import structure_name
from sharefind.groups.subgroups import subgroups
from sharefind.spaces import InvariantLattice, Subspace, fixed_space, invariant_lattice, lattice_of_groups


def endomorphisms(name: str) -> Representation:
    rep = natural(named_group(name))
    return hom(rep, rep)


def pointwise_stabiliser(rep: Representation, space: Subspace) -> set[bytes]:
    """The elements that fix every vector of the space, by brute force."""
    basis = space.orthonormal()
    fixing = [np.allclose(basis @ matrix.T, basis) for matrix in rep.float_matrices()]
    return {row.tobytes() for row, fixes in zip(rep.finite_group.elements(), fixing, strict=True) if fixes}


def check(rep: Representation) -> InvariantLattice:
    """What the definition demands of every lattice of a finite group."""
    lattice = invariant_lattice(rep)
    spaces = [node.space for node in lattice.nodes]
    listed = subgroups(rep.finite_group)
    of_group = {group: fixed_space(rep.restrict(group)) for group in listed}
    assert set(spaces) == set(of_group.values()) | {Subspace.zero(rep.dim), Subspace.full(rep.dim)}
    assert len(set(spaces)) == len(spaces) == len({node.label for node in lattice.nodes})
    for node in lattice.nodes:
        assert set(node.groups) == {group for group, space in of_group.items() if space == node.space}
        assert isinstance(node.group, FiniteGroup)
        elements = {row.tobytes() for row in node.group.elements()}
        assert elements == pointwise_stabiliser(rep, node.space)
        for minimal in node.minimal_groups:
            assert not any(g.is_subgroup_of(minimal) and g != minimal for g in node.groups)
        assert all(any(m.is_subgroup_of(g) for m in node.minimal_groups) for g in node.groups)
    check_order(lattice)
    return lattice


def check_order(lattice: InvariantLattice) -> None:
    nodes = lattice.nodes
    below = np.array([[a.space < b.space for b in nodes] for a in nodes])
    np.testing.assert_array_equal(lattice.below, below)
    reduction = nx.transitive_reduction(nx.from_numpy_array(below, create_using=nx.DiGraph))
    assert set(lattice.edges) == set(reduction.edges)
    assert lattice.zero.space.is_zero and lattice.full.space.is_full
    assert [(node.dim, node.label) for node in nodes] == sorted((node.dim, node.label) for node in nodes)
    for node in nodes:
        assert lattice.find(node.space) is node
        assert set(lattice.above(node)) == {other for other in nodes if node.space < other.space}
        assert set(lattice.covers(node)) <= set(lattice.above(node))
        assert all(node in lattice.covers(other) for other in lattice.covered_by(node))


def test_swap():
    lattice = check(endomorphisms("C2"))
    assert [(n.dim, n.label, n.name) for n in lattice.nodes] == [
        (0, "{0}", "{0}"),
        (2, "E^C2", "E^C2"),
        (4, "Z", "E^C1"),
    ]
    assert lattice.edges == ((0, 1), (1, 2))
    zero = lattice.zero
    assert zero.group == named_group("C2") and zero.groups == () == zero.minimal_groups


@pytest.mark.parametrize("name", ["C6", "D4", "S4", "V4", "B2", "R3", "R4", "C2xC3"])
def test_definition(name):
    check(endomorphisms(name))


def test_symmetric_group_on_four_points():
    lattice = check(endomorphisms("S4"))
    smallest = lattice.covers(lattice.zero)
    assert [(n.dim, n.label) for n in smallest] == [(2, "E^S4")]
    assert sorted(structure_name(g) for g in smallest[0].groups) == ["A4", "S4"]
    assert [structure_name(g) for g in smallest[0].minimal_groups] == ["A4"]


@pytest.mark.slow
def test_symmetric_group_on_five_points_by_definition():
    check(endomorphisms("S5"))


def test_two_transitive_groups_on_five_points_share_a_space():
    lattice = invariant_lattice(endomorphisms("S5"))
    (node,) = lattice.covers(lattice.zero)
    assert (node.dim, node.label) == (2, "E^S5") and node.group == named_group("S5")
    names = [structure_name(g) for g in node.groups]
    assert (names.count("F20"), names.count("A5"), names.count("S5"), len(names)) == (6, 1, 1, 8)
    minimal = [structure_name(g) for g in node.minimal_groups]
    assert (minimal.count("F20"), minimal.count("A5"), len(minimal)) == (6, 1, 7)


def test_patch_filters():
    group = named_group("D4")
    patch = hom(trivial(group), grid(group, 5, centre=False))
    lattice = check(patch)
    dims = {node.name: node.dim for node in lattice.nodes}
    assert dims["E^D4"] == 5 and dims["E^C4"] == 6 and lattice.full.dim == 24
    mirrors = [n for n in lattice.nodes if n.group is not None and structure_name(n.group) == "V4"]
    assert [n.dim for n in mirrors] == [8, 8]
    half_turn = FiniteGroup("C2", 4, ((2, 3, 0, 1),))
    assert [n.dim for n in lattice.nodes if n.group == half_turn] == [12]


def test_sign_leaves_nothing_and_kernels_are_the_stabilisers_of_z():
    lattice = check(sign(named_group("S3")))
    assert [(n.dim, n.label, n.name) for n in lattice.nodes] == [(0, "{0}", "E^S3"), (1, "Z", "E^C3")]
    only = invariant_lattice(trivial(named_group("D4")))
    assert [(n.label, n.name) for n in only.nodes] == [("{0}", "{0}"), ("Z", "E^D4")]


def test_smallest_containing():
    rep = endomorphisms("S4")
    lattice = invariant_lattice(rep)
    circulant = fixed_space(rep.restrict(FiniteGroup("C4", 4, ((1, 2, 3, 0),))))
    node = lattice.smallest_containing(circulant)
    assert node.space == circulant and node.label == "E^C4"
    draw = np.random.default_rng(0).normal(size=(1, 4)) @ circulant.orthonormal()
    assert lattice.smallest_containing(Subspace.numerical(draw)) is node
    other = next(n for n in lattice.nodes if n.dim == 4 and n is not node)
    above = lattice.smallest_containing(circulant, other.space)
    assert circulant.join(other.space) <= above.space
    assert all(above.space <= n.space for n in lattice.nodes if circulant.join(other.space) <= n.space)
    assert lattice.smallest_containing() is lattice.zero
    assert lattice.find(Subspace.numerical(draw)) is None


@pytest.mark.parametrize(("name", "dims"), [("SO3", [0, 1, 9]), ("O2", [0, 1, 4])])
def test_compact_groups_have_three_nodes(name, dims):
    lattice = invariant_lattice(endomorphisms(name))
    assert [n.dim for n in lattice.nodes] == dims
    assert [n.label for n in lattice.nodes] == ["{0}", f"E^{name}", "Z"]
    assert lattice.full.group is None and lattice.edges == ((0, 1), (1, 2))
    check_order(lattice)


def test_compact_groups_with_coinciding_nodes():
    group = named_group("SO3")
    assert [n.label for n in invariant_lattice(natural(group)).nodes] == ["{0}", "Z"]
    assert [n.name for n in invariant_lattice(trivial(group, 2)).nodes] == ["{0}", "E^SO3"]


def test_large_groups_are_refused():
    with pytest.raises(GroupError, match="max_order"):
        invariant_lattice(endomorphisms("S6"))


@pytest.mark.parametrize("name", ["S4", "D6", "B2"])
def test_a_lattice_of_all_subgroups_is_the_invariant_lattice(name):
    rep = endomorphisms(name)
    listed, given = invariant_lattice(rep), lattice_of_groups(rep, subgroups(rep.finite_group))
    assert [(n.dim, n.label, set(n.groups)) for n in listed.nodes] == [
        (n.dim, n.label, set(n.groups)) for n in given.nodes
    ]
    assert given.edges == listed.edges


def test_a_lattice_of_given_groups():
    rep, turn = endomorphisms("S8"), FiniteGroup("C8", 8, (tuple((i + 1) % 8 for i in range(8)),))
    lattice = lattice_of_groups(rep, [turn])
    assert [(n.label, n.dim) for n in lattice.nodes] == [("{0}", 0), ("E^S8", 2), ("E^C8", 8), ("Z", 64)]
    assert lattice.edges == ((0, 1), (1, 2), (2, 3)) and lattice.full.group.order == 1
    check_order(lattice)
