"""Exact numbers: the grammar against sympy's own evaluation, the round trip, and hostile text."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from sharefind.errors import GroupError
from sharefind.groups import (
    element_to_float,
    exact_domain,
    exact_matrix,
    format_element,
    format_exact,
    parse_element,
    parse_exact,
)

angles = st.builds("{}({}*pi/{})".format, st.sampled_from(["cos", "sin"]), st.integers(-9, 9), st.integers(1, 12))
atoms = st.one_of(st.integers(0, 99).map(str), angles, st.integers(0, 30).map("sqrt({})".format))


def _combined(inner):
    binary = st.builds("({}{}{})".format, inner, st.sampled_from("+-*/"), inner)
    power = st.builds("({})**{}".format, inner, st.integers(-3, 3))
    return st.one_of(binary, power, inner.map("sqrt({})".format), inner.map("-{}".format))


expressions = st.recursive(atoms, _combined, max_leaves=5)


@given(expressions)
def test_values_agree_with_sympys_own_parser(text):
    try:
        value = parse_exact(text)
    except GroupError:
        assume(False)
    expected = sympy.N(sympy.sympify(text), 30)
    assert abs(sympy.N(value, 30) - expected) < 1e-15 * (1 + abs(expected))


@given(expressions)
def test_the_round_trip_is_exact(text):
    try:
        value = parse_exact(text)
    except GroupError:
        assume(False)
    again = parse_exact(format_exact(value))
    difference = sympy.N(again - value, 30)
    assert abs(difference) < 1e-20 * (1 + abs(sympy.N(value, 30)))


@given(st.fractions())
def test_rationals_round_trip_identically(value):
    exact = parse_exact(value)
    assert exact == sympy.Rational(value.numerator, value.denominator)
    assert parse_exact(format_exact(exact)) == exact
    assert parse_exact(f"{value.numerator}/{value.denominator}") == exact


@given(st.text(alphabet="0123456789+-*/()sqrtcoinpi. _^eE\t\n²٣'[]", max_size=40))
def test_any_text_is_a_number_or_a_group_error(text):
    try:
        assert parse_exact(text).is_number
    except GroupError as error:
        assert "\n" not in str(error)


@given(st.text(max_size=30))
def test_unicode_is_a_number_or_a_group_error(text):
    try:
        assert parse_exact(text).is_number
    except GroupError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "pi", "cos(1)", "cos(sqrt(2)*pi)", "0.5", "1e5", "x", "__import__('os')", "sqrt 2", "((1)",
        "1)", "3*", "1/0", "1/(1-1)", "0**-1", "sqrt(-1)", "sqrt(1-sqrt(2))", "1/(sqrt(2)*sqrt(3)-sqrt(6))",
        "2**65", "9**64**64", "1/(cos(pi/7)-cos(2*pi/7)+cos(3*pi/7)-1/2)", "(" * 100 + "1" + ")" * 100,
        "-" * 100 + "1", "9" * 1001, "((9**64)**64)**64", "1+" * 20_000 + "1", "cos(pi/10001)", "cos(pi",
        "2^3",
        "1 2", "²", "٣", "1_000", "I", "oo",
    ],
)  # fmt: skip
def test_refusals(text):
    with pytest.raises(GroupError) as caught:
        parse_exact(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [True, 0.5, None, [1], float("nan"), 2**5000, Fraction(1, 2**5000)])
def test_inexact_values_are_refused(value):
    with pytest.raises(GroupError):
        parse_exact(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2**2", -4),
        ("2**-1", sympy.Rational(1, 2)),
        ("--2", 2),
        ("2*-3", -6),
        ("6/2/3", 1),
        ("1 - 2 - 3", -4),
        ("cos(pi/3)", sympy.Rational(1, 2)),
        ("cos(2*pi/5)", (sympy.sqrt(5) - 1) / 4),
        ("-sqrt(3)/2", -sympy.sqrt(3) / 2),
        ("sin(-pi/6)", -sympy.Rational(1, 2)),
        ("sqrt(sqrt(16))", 2),
        ("cos(0)", 1),
    ],
)
def test_values(text, value):
    assert sympy.simplify(parse_exact(text) - value) == 0


@pytest.mark.parametrize("expression", [sympy.Symbol("x"), sympy.pi, sympy.I, sympy.cbrt(2), sympy.cos(1), sympy.oo])
def test_what_the_grammar_cannot_write_is_refused(expression):
    with pytest.raises(GroupError):
        format_exact(expression)


@given(st.lists(expressions, min_size=1, max_size=2))
def test_field_elements_are_the_numbers_and_round_trip(texts):
    try:
        values = [parse_exact(text) for text in texts]
        domain = exact_domain(texts)
    except GroupError:
        assume(False)
    assume(domain.is_QQ or domain.mod.degree() <= 16)
    for text, value in zip(texts, values, strict=True):
        element = parse_element(text, domain)
        approximate = float(value)
        assert abs(element_to_float(element, domain) - approximate) <= 1e-9 * (1 + abs(approximate))
        assert parse_element(format_element(element, domain), domain) == element


@pytest.mark.parametrize(
    ("texts", "degree"),
    [
        (["1/2", "3"], 1),
        (["sqrt(3)/2"], 2),
        (["cos(2*pi/5)"], 2),
        (["sqrt(2)", "sqrt(3)"], 4),
        (["sqrt((5+sqrt(5))/8)"], 4),
        (["cos(pi/7)"], 3),
        (["sqrt(2+sqrt(2))"], 4),
    ],
)
def test_fields_have_the_degree_of_the_numbers(texts, degree):
    domain = exact_domain(texts)
    assert (1 if domain.is_QQ else domain.mod.degree()) == degree


def test_numbers_outside_a_field_are_refused():
    with pytest.raises(GroupError, match="not an element"):
        parse_element("sqrt(7)", exact_domain(["sqrt(2)"]))
    with pytest.raises(GroupError, match="not an element"):
        parse_element("sqrt(7)", sympy.QQ)
    with pytest.raises(GroupError, match="nested"):
        exact_domain(["sqrt(sqrt(2))"])
    with pytest.raises(GroupError, match="degree"):
        exact_domain(["cos(pi/9973)"])
    with pytest.raises(GroupError, match="roots"):
        exact_domain([f"sqrt({10**15 + 37})"])


def test_matrices():
    matrix = exact_matrix([["1/2", "-sqrt(3)/2"], ["sqrt(3)/2", "1/2"]])
    assert matrix**6 == exact_matrix([[1, 0], [0, 1]], matrix.domain)
    assert matrix**3 != exact_matrix([[1, 0], [0, 1]], matrix.domain)
    for rows in ([], [[]], [[1, 2], [3]]):
        with pytest.raises(GroupError, match="row"):
            exact_matrix(rows)
