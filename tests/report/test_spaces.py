"""Subspaces as people see them: what is printed must be the subspace."""

import io
import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sympy import Expr, Rational, sqrt

from sharefind.exact.numbers import parse_exact
from sharefind.groups import named_group, natural, trivial
from sharefind.report.text.space_words import space_view
from sharefind.report.text.text_style import STYLE
from sharefind.spaces import Block, Subspace, fixed_space, matrix_space


def _text(space: Subspace, blocks: tuple[Block, ...]) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(space_view(space, blocks))
    return console.file.getvalue()


def _matrix_lines(text: str) -> list[list[str]]:
    """The entries of all matrices: lines indented by four."""
    return [line.split() for line in text.splitlines() if line.startswith("    ")]


def _label(entry: str) -> int:
    if entry == "0":
        return 0
    sign, letters = (-1, entry[1:]) if entry.startswith("-") else (1, entry)
    value = 0
    for letter in letters:
        value = 26 * value + string.ascii_lowercase.index(letter) + 1
    return sign * value


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_a_printed_pattern_is_the_space(rows: int, columns: int, data: st.DataObject) -> None:
    size = rows * columns
    labels = data.draw(st.lists(st.integers(-size, size), min_size=size, max_size=size))
    space = Subspace.from_tying(labels)
    if space.is_zero:
        assert "every parameter is 0" in _text(space, (Block("weight", (rows, columns)),))
        return
    printed = _matrix_lines(_text(space, (Block("weight", (rows, columns)),)))
    assert [len(line) for line in printed] == [columns] * rows
    assert Subspace.from_tying([_label(entry) for line in printed for entry in line]) == space


def test_a_bias_is_a_row_of_its_own() -> None:
    swap = natural(named_group("C2"))
    parameters = matrix_space(swap, swap, bias=True)
    text = _text(fixed_space(parameters.action), parameters.blocks)
    assert "weight 2 x 2" in text
    assert "bias 2" in text
    assert _matrix_lines(text) == [["a", "b"], ["b", "a"], ["c", "c"]]


@pytest.mark.parametrize(
    "vectors",
    [
        [[1, sqrt(5), 0, Rational(1, 2)], [0, 0, 1, 3]],
        [[1, 0, 2, 0], [0, 1, 0, Rational(-3, 7)]],
        [[1 + sqrt(5), 2, 0, -sqrt(5) / 2]],
    ],
)
def test_a_printed_exact_basis_spans_the_space(vectors: list[list[Expr]]) -> None:
    space = Subspace.from_basis(vectors)
    text = _text(space, (Block("weight", (2, 2)),))
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    entries = [parse_exact(entry) for line in lines for entry in re.split(r" {2,}", line)]
    assert Subspace.from_basis([entries[k : k + 4] for k in range(0, len(entries), 4)]) == space


def test_a_numerical_space_says_so() -> None:
    space = Subspace.numerical(np.array([[1.0, 0.3, 0.2, 0.1]]))
    assert "numerical" in _text(space, (Block("weight", (2, 2)),))


def test_wide_patterns_are_cut_and_say_so() -> None:
    rep = natural(named_group("C60"))
    parameters = matrix_space(rep, trivial(named_group("C60")))
    text = _text(fixed_space(parameters.action), parameters.blocks)
    assert "the first 1 x 24" in text
    assert len(_matrix_lines(text)[0]) == STYLE.columns
