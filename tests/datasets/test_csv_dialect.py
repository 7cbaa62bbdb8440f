"""Delimiters and decimal signs: every pair is found, and what can be read in two ways is asked about."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.datasets import load_data, read_table
from sharefind.datasets.csv_dialect import DELIMITERS
from sharefind.errors import DataError

PAIRS = [(a, b) for a, b in itertools.product(DELIMITERS, ".,") if a != b]
VALUES = np.array([[1.5, -2.25, 1e-3], [1234.5678, 0.5, 7.0], [-0.125, 3e10, 2.0]])


def _written(delimiter: str, decimal: str, values: np.ndarray = VALUES, header: str = "a b c") -> str:
    rows = [header.split(" "), *([repr(float(v)).replace(".", decimal) for v in row] for row in values)]
    return "\n".join(delimiter.join(row) for row in rows) + "\n"


def _file(folder: Path, text: str) -> Path:
    path = folder / "d.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("delimiter", "decimal"), PAIRS)
def test_every_pair_is_found_or_given(delimiter: str, decimal: str, tmp_path: Path) -> None:
    path = _file(tmp_path, _written(delimiter, decimal))
    given: list[dict[str, Any]] = [{}, {"delimiter": delimiter}, {"decimal": decimal}]
    for settings in [*given, {"delimiter": delimiter, "decimal": decimal}]:
        task = load_data(path, outputs="c", **settings)
        assert np.array_equal(np.hstack(task.arrays()), VALUES), settings


@pytest.mark.parametrize(("delimiter", "decimal"), PAIRS)
def test_words_and_names_with_other_delimiters_do_not_mislead(delimiter: str, decimal: str, tmp_path: Path) -> None:
    other = next(d for d in DELIMITERS if d != delimiter)
    rows = [f'"a{other}b"', "word", "y"], [f"1{decimal}5", f'"x{other}y"', f"2{decimal}5"]
    path = _file(tmp_path, "\n".join(delimiter.join(row) for row in (rows[0], rows[1], rows[1])))
    table = read_table(path)
    assert table.names == (f"a{other}b", "word", "y")
    assert [table.columns[name].tolist() for name in table.names] == [[1.5] * 2, [f"x{other}y"] * 2, [2.5] * 2]


def test_names_for_characters(tmp_path: Path) -> None:
    path = _file(tmp_path, _written("\t", ","))
    for delimiter, decimal in (("tab", "comma"), ("\\t", ",")):
        assert np.array_equal(load_data(path, outputs="c", delimiter=delimiter, decimal=decimal).x, VALUES[:, :2])
    path = _file(tmp_path, _written(" ", "."))
    assert np.array_equal(load_data(path, outputs="c", delimiter="space").x, VALUES[:, :2])


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("a;b,c\n1;2,3\n4;5,6\n", {}, "its cells can be separated by ',' or ';'; say which with delimiter"),
        ("a;b\n1,5;2.5\n", {}, "numbers such as '1,5' and '2.5' have different decimal signs"),
        ("a;b\n1,234;5,678\n", {}, "'1,234' may have a decimal comma or separate thousands"),
        ("a;b\n1.234,5;2\n", {}, "'1.234,5' separates thousands"),
        ("a;b\n1;2\n", {"delimiter": "ab"}, "is not one character"),
        ("a;b\n1;2\n", {"delimiter": "1"}, "cannot separate numbers"),
        ("a;b\n1;2\n", {"delimiter": "-"}, "cannot separate numbers"),
        ("a;b\n1;2\n", {"delimiter": ""}, "is not one character"),
        ("a;b\n1;2\n", {"decimal": ";"}, "is no decimal sign"),
        ("a;b\n1;2\n", {"delimiter": ",", "decimal": ","}, "are both ','"),
        ("a;b\n1,5;2,5\n", {"decimal": "."}, "'1,5' on line 2, column 'a', is not a number; its decimal sign is '.'"),
        ("a;b\n1.5;2\n", {"decimal": ","}, "'1.5' on line 2, column 'a', is not a number; its decimal sign is ','"),
        (
            "a;b\n" + "1;2\n" * 60 + "1,5;2\n",
            {},
            "'1,5' on line 62, column 'a', is not a number; its decimal sign is '.'",
        ),
        ("a,b\n1,2,3\n", {}, "line 2 has 3 cells, the header has 2"),
        ("a;b\n1;2;3\n", {}, "line 2 has 3 cells, the header has 2"),
    ],
)
def test_what_can_be_read_in_two_ways_or_not_at_all(
    text: str, settings: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as refused:
        load_data(_file(tmp_path, text), inputs="a", outputs="b", **settings)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_what_is_asked_about_is_read_once_it_is_said(tmp_path: Path) -> None:
    path = _file(tmp_path, "a;b\n1,234;5,678\n2,345;6,789\n")
    assert load_data(path, outputs="b", decimal=",").arrays()[0].tolist() == [[1.234], [2.345]]
    path = _file(tmp_path, "a;b,c\n1;2,3\n4;5,6\n")
    labels = load_data(path, inputs="a", outputs='"b,c"', delimiter=";", decimal=",").arrays()[1]
    assert labels.tolist() == [[2.3], [5.6]]


def test_a_number_with_three_decimals_beside_another_is_no_question(tmp_path: Path) -> None:
    path = _file(tmp_path, "a;b\n1,234;0,5\n2,345;6,789\n")
    assert load_data(path, outputs="b").arrays()[0].tolist() == [[1.234], [2.345]]


def test_quoted_cells_over_lines_do_not_mislead(tmp_path: Path) -> None:
    note = '"' + "one\nline;and, another " * 40 + '"'
    path = _file(tmp_path, "note;a;b\n" + f"{note};1,5;2\n" * 3)
    assert load_data(path, outputs="b", drop="note").arrays()[0].tolist() == [[1.5]] * 3


@pytest.mark.parametrize(
    ("header", "is_fine"),
    [
        ("0,1,2", True),
        ("2019,2020,2021", True),
        ("400.5,401.0,401.5", True),
        ("0.5,0.75,target", True),
        ("5.1,3.5,1.4", False),
        ("3,2,1", False),
        ("1,7,9", False),
        ("5.1,3.5,red", False),
        ("5,3,red", False),
        ("red,5.1,3.5", True),
    ],
)
def test_a_row_is_not_taken_for_names(header: str, is_fine: bool, tmp_path: Path) -> None:
    last = header.endswith(("red", "target"))
    rows = [f"1.5,{k}.25,{('red', 'blue')[k % 2] if last else k}" for k in range(12)]
    path = _file(tmp_path, "\n".join([header, *rows]))
    if is_fine:
        assert load_data(path, outputs="2", labels="classes" if last else "numbers").n == 12
        return
    with pytest.raises(DataError, match="looks like a row"):
        load_data(path, outputs="2")


def test_empty_lines_and_lines_of_spaces_are_no_rows(tmp_path: Path) -> None:
    lines = _written(",", ".").splitlines()
    path = _file(tmp_path, "\n".join(["", "  ", *lines[:2], "", "   ", *lines[2:], "  ", ""]))
    assert np.array_equal(np.hstack(load_data(path, outputs="c").arrays()), VALUES)


def test_a_column_that_counts_the_rows_is_an_input_only_by_name(tmp_path: Path) -> None:
    text = "t,a,y\n" + "\n".join(f"{k},{k * k % 7},{k / 3}" for k in range(1, 15))
    path = _file(tmp_path, text)
    with pytest.raises(DataError, match=r"'t' counts the rows .* drop t"):
        load_data(path, outputs="y")
    assert load_data(path, outputs="y", drop="t").inputs == ("a",)
    assert load_data(path, outputs="y", inputs="t,a").inputs == ("t", "a")
