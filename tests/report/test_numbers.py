"""How single values are written."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.report.text.number_words import packed
from sharefind.report.text.text_style import STYLE
from sharefind.written import class_name, number, order, shortened, tied_entry


@given(st.integers(1, 10**9))
def test_class_names_count_in_base_26_without_a_zero(k: int) -> None:
    value = 0
    for letter in class_name(k):
        value = 26 * value + string.ascii_lowercase.index(letter) + 1
    assert value == k


def test_tied_entries_carry_their_sign() -> None:
    assert [tied_entry(label) for label in (0, 1, -2, 27)] == ["0", "a", "-b", "aa"]


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_numbers_keep_three_digits(value: float) -> None:
    assert math.isclose(float(number(value)), value, rel_tol=5e-3)


def test_what_does_not_exist_is_a_dash() -> None:
    assert (number(None), packed([])) == ("-", "-")


@given(st.integers(1, 10**40))
def test_orders_are_exact_while_short(value: int) -> None:
    if value < 10**12:
        assert order(value) == str(value)
    else:
        assert abs(int(order(value).removeprefix("about 10^")) - math.log10(value)) < 1


@pytest.mark.parametrize("length", [5, 10, 40])
def test_shortened_texts_fit(length: int) -> None:
    text = "E^D4:<(0 2 3 1), (0 1)>"
    short = shortened(text, length)
    assert len(short) <= length
    assert short == text or short.endswith("...")


@given(st.lists(st.text(string.ascii_letters + " ", min_size=1, max_size=12), max_size=30), st.integers(15, 60))
def test_packed_names_are_never_broken(names: list[str], width: int) -> None:
    names = [name.replace(" ", "x") for name in names]
    lines = packed(names, width).split("\n")
    left = len(names) - STYLE.names
    if left > 0:
        assert lines.pop() == f"and {left} more"
    assert all(len(line) <= width for line in lines)
    assert [n for line in lines for n in line.replace(",", " ").split() if n != "-"] == names[: STYLE.names]
