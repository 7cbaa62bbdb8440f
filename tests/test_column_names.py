"""Names of columns: made safe to show, and shown in one form."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.architectures.formats import literals
from sharefind.column_names import column_words, default_names, has_own_names, kept_names, name_words, without_middle
from tests.columns import HOSTILE, WELLS


def test_columns_without_names_are_called_by_their_position() -> None:
    assert default_names("x", 3) == ("x0", "x1", "x2")
    assert not has_own_names(["x0", "x1"], "x") and not has_own_names((), "y")
    assert has_own_names(["x1", "x0"], "x") and has_own_names(["x0"], "y")


@pytest.mark.parametrize(
    ("k", "names", "words"),
    [
        (3, WELLS, "column pressure_Pa of x"),
        (1, (), "column 1 of x (counted from 0)"),
        (1, ("x0", "x1"), "column 1 of x (counted from 0)"),
        (1, ("a", ""), "column 1 of x (counted from 0)"),
        (5, ("a", "b"), "column 5 of x (counted from 0)"),
        (0, ("x[0,1]",), "column x[0,1] of x"),
        (0, ("quality=high",), "column quality=high of x"),
        (0, ("-a",), 'column "-a" of x'),
        (0, ("d\u00e9bit l/s",), 'column "d\u00e9bit l/s" of x'),
        (0, ('a "b"\n',), "column 'a \"b\"\\n' of x"),
        (0, ("\u202eb",), 'column "\\u202eb" of x'),
    ],
)
def test_a_message_has_one_form_for_a_column(k: int, names: tuple[str, ...], words: str) -> None:
    assert column_words(k, "x", names) == words


@given(st.lists(st.text(max_size=400), max_size=4))
def test_kept_names_can_be_shown_and_fit_everything_that_keeps_them(names: list[str]) -> None:
    kept = kept_names(names, "x")
    assert len(kept) == len(names)
    for before, after in zip(names, kept, strict=True):
        assert after.isprintable() and 1 <= len(after) <= 200
        assert after == before or not before or not before.isprintable() or len(before) > 200
        assert ast.literal_eval(literals.text(after)) == after
        assert "\n" not in literals.text(after)


def test_ends_of_long_names_stay() -> None:
    assert without_middle("temperature_of_well_a", 11) == "temp...ll_a"
    assert [len(name) for name in kept_names(HOSTILE, "x")][-1] == 200
    assert len(name_words(HOSTILE[-1])) <= 62
