"""Hidden types: their number, representations and names, and the decomposition of signed permutations into them."""

from collections import Counter
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import RepresentationError
from sharefind.groups import (
    FiniteGroup,
    HiddenTypes,
    conjugacy_classes,
    hom,
    is_jointly_faithful,
    named_group,
    natural,
    parse_representation,
    regular,
    sign,
    subgroups,
    sum_of_types,
    trivial,
)
from sharefind.groups.representation import signed_permutations
from sharefind.spaces import fixed_space

LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in ("C4xC2", "S4")]
NAMES = ["C1", "C2", "C4", "V4", "S3", "D4", "A4", "B2", "R4", *LARGE]


@pytest.mark.parametrize(
    ("name", "unsigned", "all_types"),
    # Conjugacy classes of subgroups as in the GAP library's tables of marks; all pairs counted by hand.
    [("C4", 3, 5), ("V4", 5, 11), ("S3", 4, 6), ("D4", 8, 19), ("S4", 11, 22), ("A5", 9, 13), ("S5", 19, 38)],
)
def test_known_numbers_of_types(name, unsigned, all_types):
    found = HiddenTypes.of(named_group(name)).types
    assert sum(not one.is_signed for one in found) == unsigned
    assert len(found) == all_types


@pytest.mark.parametrize("name", NAMES)
def test_pairs_are_the_subgroups_of_the_double_group_without_minus_one(name):
    """The graph of chi is a subgroup of G x {1, -1} that lacks (1, -1), and every such subgroup is a graph."""
    group = named_group(name)
    n = group.degree
    lifted = [(*g, n, n + 1) for g in group.generators] + [(*range(n), n + 1, n)]
    double = FiniteGroup("G x C2", n + 2, tuple(lifted))
    minus = (*range(n), n + 1, n)
    graphs = [classes[0] for classes in conjugacy_classes(double, subgroups(double))]
    wanted = Counter(2 * group.order // (2 * graph.order) for graph in graphs if not graph.contains(minus))
    assert Counter(one.dim for one in HiddenTypes.of(group).types) == wanted


@pytest.mark.parametrize("name", ["C4", "V4", "S3", "D4", "A4"])
def test_table_of_marks(name):
    """Marks of K on G/L vanish unless K has a conjugate in L, and the diagonal is |N(K) : K| (Burnside)."""
    group = named_group(name)
    types = [one for one in HiddenTypes.of(group).types if not one.is_signed]
    everything = subgroups(group)
    for one in types:
        conjugates = sum(other in _conjugates(group, one.subgroup) for other in everything)
        perms, _ = one.representation.restrict(one.subgroup).sparse_generators
        fixed = int((perms == np.arange(one.dim)).all(axis=0).sum())
        assert fixed == group.order // conjugates // one.subgroup.order


def _conjugates(group, subgroup):
    inverse = [np.argsort(g) for g in group.elements()]
    return {
        FiniteGroup("K", group.degree, tuple(tuple(g[np.array(k)[i]]) for k in subgroup.generators))
        for g, i in zip(group.elements(), inverse, strict=True)
    }


@pytest.mark.parametrize("name", NAMES)
def test_representations_are_homomorphisms_and_not_isomorphic_as_signed_sets(name):
    group = named_group(name)
    types = HiddenTypes.of(group)
    table = group.multiplication_table()
    for one in types.types:
        perms, signs = one.representation.images()
        first = np.arange(len(table))[:, None, None], perms[None]
        assert np.array_equal(perms[first], perms[table])
        assert np.array_equal(signs[None] * signs[first], signs[table])
        assert types.counts(one.representation) == {one: 1}
        assert one.representation.dim == one.dim


@pytest.mark.parametrize("name", NAMES)
def test_hom_counts_good_double_cosets_and_characters(name):
    """dim Hom_G(A, B) = <chi_A, chi_B>: exact orbits against the characters."""
    types = HiddenTypes.of(named_group(name)).types
    rng = np.random.default_rng(0)
    for _ in range(6):
        a, b = (types[k].representation for k in rng.integers(len(types), size=2))
        product = np.array(a.character(), dtype=float) @ np.array(b.character(), dtype=float)
        assert fixed_space(hom(b, a)).dim == product / a.finite_group.order


@given(st.sampled_from(["V4", "S3", "D4", "C6", "A4"]), st.data())
@settings(max_examples=25, deadline=None)
def test_decomposition_of_a_shuffled_sum(name, data):
    """Shuffled and signed coordinates: the multiplicities come back, and each orbit equals its type."""
    types = HiddenTypes.of(named_group(name))
    chosen = data.draw(st.lists(st.sampled_from(types.types), min_size=1, max_size=4))
    whole = reduce(add, [one.representation for one in chosen])
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    shuffled = _shuffled(whole, rng)
    assert types.counts(shuffled) == dict(Counter(chosen))
    matrices = shuffled.float_matrices()
    for orbit in types.decompose(shuffled):
        basis = np.zeros((whole.dim, orbit.type.dim))
        basis[list(orbit.coordinates), np.arange(orbit.type.dim)] = orbit.signs
        assert np.array_equal(matrices @ basis, basis @ orbit.type.representation.float_matrices())


def _shuffled(rep, rng):
    order, turned = rng.permutation(rep.dim), rng.choice([-1, 1], size=rep.dim)
    perms, signs = (np.array(part) for part in rep.sparse_generators)
    moved, sign_of = np.empty_like(perms), np.empty(signs.shape, dtype=np.int8)
    moved[:, order] = order[perms]
    sign_of[:, order] = turned * signs * turned[perms]
    return signed_permutations(rep.group, "shuffled", (moved, sign_of), "signed")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_unique_and_parse_back(name):
    group = named_group(name)
    types = HiddenTypes.of(group)
    assert len({one.name for one in types.types}) == len(types.types)
    for one in types.types:
        again = parse_representation(f"2*{one.name}+trivial", group)
        expected = sum_of_types({one: 2, types.types[0]: 1}) if one.dim > 1 or one.is_signed else trivial(group, 3)
        assert np.array_equal(again.perms, expected.perms)
        assert np.array_equal(again.signs, expected.signs)
        assert types.named(one.name) is one


def test_words_for_types():
    types = HiddenTypes.of(named_group("S3"))
    assert [one.name for one in types.types] == [
        "trivial",
        "coset(S3, sign)",
        "coset(C3)",
        "coset(C2)",
        "coset(C2, sign)",
        "regular",
    ]
    for text, name in {
        "coset(<(0 2)>)": "coset(C2)",
        "coset( C2 ,sign )": "coset(C2, sign)",
        "coset(C2:<(1 2)>, sign)": "coset(C2, sign)",
        "coset(C1)": "regular",
        "coset(<()>)": "regular",
        "coset(S3)": "trivial",
        "coset(S3, sign:C3)": "coset(S3, sign)",
    }.items():
        assert types.named(text).name == name
    d4 = HiddenTypes.of(named_group("D4"))
    assert d4.named("coset(V4:<(1 3), (0 2)>, sign:C2:<(0 2)(1 3)>)").dim == 2
    assert parse_representation("C4.coset(C2)*C2.natural", named_group("C4xC2")).dim == 4


def test_familiar_representations():
    group = named_group("S3")
    types = HiddenTypes.of(group)
    names = {rep: [one.name for one in types.counts(rep)] for rep in (natural(group), regular(group), sign(group))}
    assert list(names.values()) == [["coset(C2)"], ["regular"], ["coset(S3, sign)"]]
    assert np.array_equal(types.named("regular").representation.perms, regular(group).perms)
    cube = named_group("B2")
    assert [one.is_signed for one in HiddenTypes.of(cube).counts(natural(cube))] == [True]


def test_joint_faithfulness():
    group = named_group("D4")
    types = HiddenTypes.of(group)
    corners, halves = natural(group), types.named("coset(C4)").representation
    assert is_jointly_faithful([corners])
    assert not is_jointly_faithful([halves, trivial(group)])
    for one in types.types:
        core = np.array(one.representation.character()) == one.dim
        assert is_jointly_faithful([one.representation]) == (core.sum() == 1)
    axes = [types.named(f"coset(D4, sign:V4:<{g}>)").representation for g in ("(0 2), (1 3)", "(0 2)(1 3), (0 1)(2 3)")]
    assert not is_jointly_faithful(axes)


@pytest.mark.parametrize(
    ("text", "group", "message"),
    [
        ("coset", "S3", "a subgroup in parentheses is missing"),
        ("coset()", "S3", "is not a hidden type"),
        ("coset(C5)", "S3", "is no type of S3; use one of trivial"),
        ("coset(V4)", "S4", "names 2 types of S4; use one of coset"),
        ("coset(<(0 9)>)", "S3", "has points 0 to 2"),
        ("coset(<0 1>)", "S3", "is no product of cycles"),
        ("coset(<(0 1)>)", "C4", "is not an element of C4"),
        ("coset(C2, sing)", "S3", "is not a hidden type"),
        ("coset(C2)", "S6", "above the limit of 200"),
        ("coset(C2)", "SO3", "is infinite"),
    ],
)
def test_refusals(text, group, message):
    with pytest.raises(RepresentationError, match=message):
        parse_representation(text, named_group(group))


def test_what_has_no_types():
    types = HiddenTypes.of(named_group("R3"))
    with pytest.raises(RepresentationError, match="does not act by signed permutations"):
        types.decompose(natural(named_group("R3")))
    with pytest.raises(RepresentationError, match="is of S3, not of R3"):
        types.decompose(natural(named_group("S3")))
    with pytest.raises(RepresentationError, match="at least one type"):
        sum_of_types({})
