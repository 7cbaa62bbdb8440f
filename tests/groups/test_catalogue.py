"""Named groups against sympy's own families, and the refusals of names."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy.combinatorics import AlternatingGroup, CyclicGroup, DihedralGroup, PermutationGroup, SymmetricGroup

from sharefind.errors import GroupError
from sharefind.groups import catalogue, named_group


def same(ours, theirs: PermutationGroup) -> bool:
    return (
        ours.order == theirs.order() and ours.degree == theirs.degree and ours.sympy.is_subgroup(theirs, strict=False)
    )


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize(
    ("letter", "family"),
    [("C", CyclicGroup), ("D", DihedralGroup), ("S", SymmetricGroup), ("A", AlternatingGroup)],
)
def test_families_are_those_of_sympy(letter, family, n):
    theirs = family(n)
    ours = named_group(f"{letter}{n}")
    assert ours.order == theirs.order()
    if theirs.degree == ours.degree:
        assert same(ours, theirs)


@pytest.mark.parametrize("n", range(1, 6))
def test_signed_permutations(n):
    group = named_group(f"B{n}")
    assert group.order == len(group.elements()) == group.sympy.order() == 2**n * math.factorial(n)
    for g in group.elements():
        assert ((g[:n] + n) % (2 * n) == g[n:]).all()


def test_small_dihedral_groups_are_faithful():
    assert (named_group("D1").order, named_group("D1").degree) == (2, 2)
    assert (named_group("D2").order, named_group("D2").degree) == (4, 4)
    assert named_group("D2") == named_group("V4")
    assert named_group("D3") == named_group("S3")


@pytest.mark.parametrize(
    ("name", "order", "degree"),
    [
        ("C2xC3", 6, 5),
        ("D4xC2", 16, 6),
        ("S3xS3", 36, 6),
        ("B2xC3", 24, 7),
        ("R4xC2", 8, 6),
        ("C2xC2xC2xC2", 16, 8),
    ],
)
def test_products_act_on_the_disjoint_union(name, order, degree):
    group = named_group(name)
    assert (group.order, group.degree, group.name) == (order, degree, name)
    assert group.sympy.order() == order


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.pattern)
def test_every_example_of_the_catalogue_exists(entry):
    assert named_group(entry.example).name == entry.example
    assert entry.description


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("C0", "needs n from 1 to 10000"),
        ("C10001", "needs n from 1 to 10000"),
        ("SO1", "needs n from 2"),
        ("R121", "from 1 to 120"),
        ("Z4", "no group named 'Z4'"),
        ("Z8xc2", "did you mean C8xC2"),
        ("q4", "did you mean"),
        ("D 4", "sharefind groups"),
        ("", "1 to 100 characters"),
        ("C2x", "no group named ''"),
        ("C9000xC9000", "18000 points"),
        ("x".join(["C2"] * 17), "17 factors"),
        ("C" + "1" * 200, "1 to 100 characters"),
        ("C٤", "no group named"),
    ],
)
def test_wrong_names_are_refused_in_one_line(name, message):
    with pytest.raises(GroupError, match=message) as caught:
        named_group(name)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=12))
def test_any_text_is_a_group_or_a_group_error(text):
    try:
        assert named_group(text).name
    except GroupError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("small", "name"),
    [("c8", "C8"), ("d4", "D4"), ("s5", "S5"), ("so3", "SO3"), ("So3", "SO3"), ("v4", "V4"), ("c2XC3", "C2xC3")],
)
def test_letters_may_be_small(small: str, name: str) -> None:
    assert named_group(small) == named_group(name) and named_group(small).name == name
