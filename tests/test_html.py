"""Pieces of HTML: what they hold, that they are well formed, and that no text becomes markup."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind import html
from sharefind.html import Grid

HOSTILE = "<script>alert('x')</script> & \"quoted\" {0} %s"


def _element(piece: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{piece}</div>")


def _texts(piece: str, path: str) -> list[str]:
    return ["".join(found.itertext()) for found in _element(piece).findall(path)]


def test_a_table_has_its_cells_and_marks_decisions() -> None:
    grid = Grid("caption", ("node", "space", "decision"), (("0", "{0}", "grow"), ("1", "E^C2", "stay")), "a note")
    piece = html.table(grid)
    assert _texts(piece, ".//th[@scope='col']") == ["node", "space", "decision"]
    assert _texts(piece, ".//th[@scope='row']") == ["0", "1"]
    assert [cell.get("class") for cell in _element(piece).findall(".//td")] == ["words", "grow", "words", "stay"]
    assert _texts(piece, ".//p") == ["a note"]


def test_a_pattern_has_letters_signs_blanks_and_names() -> None:
    piece = html.pattern("weight", [[1, -2, 0], [9, 1, 2]], (["out"] * 2, ["a_m", "b_m", HOSTILE]))
    assert _texts(piece, ".//tbody/tr/td") == ["a", "-b", "", "i", "a", "b"]
    kinds = [cell.get("class") for cell in _element(piece).findall(".//tbody/tr/td")]
    assert kinds == ["class-1", "class-2", None, "class-1", "class-1", "class-2"]
    assert _texts(piece, ".//tbody/tr/th") == ["out", "out"]
    heads = _element(piece).findall(".//thead/tr/th")
    assert [head.get("title") for head in heads] == ["a_m", "b_m", HOSTILE]
    assert all(len("".join(head.itertext())) <= 24 for head in heads)
    assert "weight 2 x 3" in _texts(piece, ".//caption")


def test_a_large_pattern_is_cut_and_says_so() -> None:
    piece = html.pattern("weight", [[1] * 40] * 30)
    assert _texts(piece, ".//caption") == ["weight 30 x 40, the first 24 x 24"]
    assert len(_element(piece).findall(".//td")) == 24 * 24


def test_names_that_do_not_fit_are_not_put_elsewhere() -> None:
    with pytest.raises(IndexError):
        html.pattern("weight", [[1], [1]], (["one"], ()))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_no_text_becomes_markup(text: str) -> None:
    pieces = (
        html.table(Grid(text, (text,), ((text,),), text)), html.facts({text: text}), html.remarks([text]),
        html.headline(text, is_good=False), html.matrix(text, [[text]], ([text], [text])), html.paragraph(text),
    )  # fmt: skip
    known = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "p", "ul", "li", "span"}
    assert {element.tag for piece in pieces for element in _element(piece).iter()} <= known
    assert text in "".join(_element(html.facts({text: text})).itertext())


def test_a_notebook_gets_one_element_that_asks_for_nothing() -> None:
    page = html.notebook(html.paragraph("half a pair: \ud800"))
    assert page.startswith('<div class="sharefind">') and page.endswith("</div>")
    page.encode("utf-8")
    assert not any(word in page for word in ("<script", "url(", "@import", "http"))
    rules = [line for line in page.split("<style>")[1].split("</style>")[0].splitlines() if line]
    assert all(line.startswith(".sharefind") for line in rules), "no rule may reach beyond the element"
