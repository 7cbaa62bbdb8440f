"""Representations given by matrices: homomorphisms are accepted, everything else names the offending word."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.polys.matrices import DomainMatrix

from sharefind.errors import GroupError, RepresentationError
from sharefind.groups import from_matrices, named_group, natural, regular, sign


@given(st.sampled_from(["C4", "S4", "D5", "B2", "B3", "R5", "R8", "A4"]))
def test_the_matrices_of_a_representation_give_it_back(name):
    rep = natural(named_group(name))
    again = from_matrices(rep.group, rep.generator_matrices, "again")
    assert again.kind == rep.kind
    assert np.array_equal(again.float_matrices(), rep.float_matrices())


def test_signed_permutation_matrices_stay_sparse():
    group = named_group("C4")
    quarter = from_matrices(group, [[[0, -1], [1, 0]]], "quarter turn")
    assert quarter.kind == "signed"
    assert sum(quarter.character()) == 0
    assert from_matrices(group, [[[0, 1], [1, 0]]], "swap").kind == "permutation"


def test_entries_are_texts_numbers_or_sympy():
    group = named_group("C3")
    third = [["-1/2", "-sqrt(3)/2"], ["sqrt(3)/2", "-1/2"]]
    rep = from_matrices(group, [third], "third of a turn")
    assert rep.is_orthogonal
    half, root = sympy.Rational(1, 2), sympy.sqrt(3) / 2
    plain = DomainMatrix.from_Matrix(sympy.Matrix([[-half, -root], [root, -half]]), extension=True)
    again = from_matrices(group, [plain], "the same")
    assert again.generator_matrices == rep.generator_matrices
    assert np.allclose(rep.float_matrices(), natural(named_group("R3")).float_matrices())


def test_the_standard_representation_of_s3_is_irreducible():
    group = named_group("S3")
    rep = from_matrices(group, [[[0, 1], [1, 0]], [[0, -1], [1, -1]]], "standard")
    assert sum(value**2 for value in rep.character()) == 6
    assert not rep.is_orthogonal


@pytest.mark.parametrize(
    ("name", "matrices", "word"),
    [
        ("C4", [[[0, 1, 0], [0, 0, 1], [1, 0, 0]]], r"g0\*g0\*g0\*g0 and 1"),
        ("C2", [[[2]]], r"g0\*g0 and 1"),
        ("S3", [[[-1]], [[-1]]], "g"),
        ("C3", [[["1/2", "-sqrt(3)/2"], ["sqrt(3)/2", "1/2"]]], r"g0\*g0\*g0 and 1"),
    ],
)
def test_what_is_not_a_homomorphism_names_the_word(name, matrices, word):
    with pytest.raises(RepresentationError, match=f"not a homomorphism: {word}") as caught:
        from_matrices(named_group(name), matrices, "wrong")
    assert "\n" not in str(caught.value)


@given(st.lists(st.sampled_from([-1, 1]), min_size=2, max_size=2))
def test_the_characters_of_degree_one_of_s4(signs):
    """S4 has exactly two: both generators are odd for the sign (abelianisation C2)."""
    group = named_group("S4")
    allowed = signs in ([1, 1], [-1, -1])
    try:
        rep = from_matrices(group, [[[s]] for s in signs], "degree one")
    except RepresentationError:
        assert not allowed
    else:
        assert allowed
        assert rep.character() in (sign(group).character(), (1,) * 24)


def test_counts_and_sizes_are_checked():
    group = named_group("S3")
    for matrices in ([], [[[1]]], [[[1]], [[1]], [[1]]]):
        with pytest.raises(RepresentationError, match="2 generators"):
            from_matrices(group, matrices, "x")
    with pytest.raises(RepresentationError, match="generator 1"):
        from_matrices(group, [[[1]], [[1, 0], [0, 1]]], "x")
    with pytest.raises(RepresentationError, match="generator 0"):
        from_matrices(named_group("C2"), [[[1, 0]]], "x")
    with pytest.raises(GroupError):
        from_matrices(named_group("C2"), [[[0.5]]], "x")


def test_a_representation_survives_a_change_of_basis():
    rep = regular(named_group("D4"))
    change = sympy.eye(8)
    change[0, 1] = 1
    basis = DomainMatrix.from_Matrix(change).convert_to(sympy.QQ).to_sparse()
    moved = [basis * m * basis.inv() for m in rep.generator_matrices]
    again = from_matrices(rep.group, moved, "moved")
    assert again.kind == "matrix"
    assert again.character() == rep.character()
    assert not again.is_orthogonal
