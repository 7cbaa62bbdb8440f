"""Cosine fields: minimal polynomials against sympy, elements against floating point."""

import math
import pickle
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import QQ
from sympy.polys.polyerrors import CoercionFailed

from sharefind.errors import GroupError
from sharefind.exact.fields import cosine_minimal_polynomial, root_conductor
from sharefind.groups import CosineField, common_domain, cosine_field, element_to_float, exact_domain


@pytest.mark.parametrize("m", range(3, 31))
def test_the_minimal_polynomial_is_sympys(m):
    x = sympy.Symbol("x")
    reference = sympy.minimal_polynomial(2 * sympy.cos(2 * sympy.pi / m), x)
    assert cosine_minimal_polynomial(m).as_expr().subs({}) == reference or (
        sympy.expand(cosine_minimal_polynomial(m).as_expr() - reference) == 0
    )


@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
def test_rational_cosines_need_no_field(m):
    assert cosine_field(m) == QQ


@pytest.mark.parametrize("m", [5, 7, 8, 9, 12, 15, 20, 24, 28, 36, 120])
def test_cosines_have_the_right_value(m):
    field = cosine_field(m)
    for k in range(m):
        value = element_to_float(field.cosine(Fraction(2 * k, m)), field)
        assert value == pytest.approx(math.cos(2 * math.pi * k / m), abs=1e-14)


@given(st.sampled_from([5, 7, 8, 12, 20, 28]), st.lists(st.fractions(-5, 5, max_denominator=20), max_size=3))
def test_elements_survive_sympy(m, coefficients):
    field = cosine_field(m)
    element = sum((field.unit**k * QQ(c.numerator, c.denominator) for k, c in enumerate(coefficients)), field.zero)
    expression = field.to_sympy(element)
    assert field.from_sympy(expression) == element
    assert element_to_float(element, field) == pytest.approx(float(expression.evalf(30)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("radicand", [2, 3, 5, 6, 7, 10, 13, 15, 21, 30])
def test_square_roots_square_to_the_radicand(radicand):
    field = cosine_field(root_conductor(radicand))
    root = field.from_sympy(sympy.sqrt(radicand))
    assert root**2 == field.one * radicand
    assert element_to_float(root, field) == pytest.approx(math.sqrt(radicand))


def test_nested_roots_are_found_and_positive():
    field = cosine_field(20)
    root = field.square_root(field.from_sympy((5 + sympy.sqrt(5)) / 8))
    assert root == field.cosine(Fraction(1, 10))
    with pytest.raises(CoercionFailed):
        field.square_root(field.from_sympy(sympy.sqrt(5)))
    with pytest.raises(CoercionFailed):
        field.square_root(-field.one)


def test_fields_join_by_their_conductors():
    joined = common_domain([QQ, cosine_field(5), cosine_field(28)])
    assert isinstance(joined, CosineField)
    assert joined.conductor == 140
    five = cosine_field(5)
    moved = joined.convert_from(five.cosine(Fraction(2, 5)), five)
    assert moved == joined.cosine(Fraction(2, 5))
    assert cosine_field(5) != cosine_field(7)
    assert cosine_field(5) != QQ
    assert cosine_field(10) == cosine_field(5)
    assert hash(cosine_field(10)) == hash(cosine_field(5))


def test_other_fields_are_refused():
    with pytest.raises(GroupError, match="not supported"):
        common_domain([QQ.algebraic_field(sympy.sqrt(2)), QQ])


@pytest.mark.parametrize("texts", [["cos(pi/7)"], ["sqrt(3)"]])
def test_fields_can_be_pickled_also_after_use(texts):
    field = exact_domain(texts)
    field.to_sympy(field.unit)
    again = pickle.loads(pickle.dumps(field))  # noqa: S301
    assert again == field
    assert element_to_float(again.unit, again) == element_to_float(field.unit, field)


def test_numbers_outside_the_field_are_refused():
    field = cosine_field(5)
    for number in (
        sympy.sqrt(2),
        sympy.cos(sympy.pi / 7),
        sympy.cbrt(5),
        sympy.pi,
        sympy.sqrt(5) ** sympy.Rational(1, 3),
    ):
        with pytest.raises(CoercionFailed):
            field.from_sympy(number)
    with pytest.raises(GroupError, match="above the limit"):
        cosine_field(9973)
