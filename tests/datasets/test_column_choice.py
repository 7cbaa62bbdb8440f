"""Lists of columns against plain oracles: globs by `glob`'s own rules, ranges by slices, names by themselves."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.datasets.column_choice import Columns, written
from sharefind.errors import DataError

ALPHABET = 'ab_1.,"*?[]- é;'
names = st.lists(
    st.text(ALPHABET, min_size=1, max_size=5).map(str.strip).filter(bool), min_size=1, max_size=8, unique=True
)


def _chosen(header: list[str], text: str) -> list[int]:
    return [k for choice in Columns(header, "t").chosen(text, "inputs") for k in choice.positions]


@given(names, st.data())
def test_written_names_are_found_again(header: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.sampled_from(range(len(header))), min_size=1))
    assert _chosen(header, " , ".join(written(header[k]) for k in wanted)) == wanted


@given(names, st.data())
def test_ranges_are_slices(header: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(header) - 1))
    last = data.draw(st.integers(first, len(header) - 1))
    text = f"{written(header[first])}..{written(header[last])}"
    if text not in header:
        assert _chosen(header, text) == list(range(first, last + 1))
    if first < last:
        backwards = f"{written(header[last])}..{written(header[first])}"
        if backwards not in header:
            with pytest.raises(DataError, match="write the range as"):
                _chosen(header, backwards)


@given(names, st.text("ab_1*?[]", min_size=1, max_size=4).filter(lambda text: set(text) & set("*?[")))
def test_globs_match_what_fnmatch_says(header: list[str], glob: str) -> None:
    found = [k for k, name in enumerate(header) if fnmatch.fnmatchcase(name, glob)]
    if glob in header:
        assert _chosen(header, glob) == [header.index(glob)]
    elif found:
        assert _chosen(header, glob) == found
    else:
        with pytest.raises(DataError, match="no column matches"):
            _chosen(header, glob)


@given(st.integers(1, 8), st.data())
def test_positions_count_where_no_column_has_that_name(width: int, data: st.DataObject) -> None:
    header = [f"c{k}" for k in range(width)]
    first = data.draw(st.integers(0, width - 1))
    last = data.draw(st.integers(first, width - 1))
    assert _chosen(header, str(first)) == [first]
    assert _chosen(header, f"{first}..{last}") == list(range(first, last + 1))
    named = [*header, str(first)]
    assert _chosen(named, str(first)) == [width]
    with pytest.raises(DataError, match="positions run from 0 to"):
        _chosen(header, str(width))


def test_names_with_commas_and_quotes_stand_in_double_quotes() -> None:
    header = ["T, °C", '5" pipe', "flow [l/s]", "a..b", "x*"]
    assert _chosen(header, '"T, °C","5"" pipe"') == [0, 1]
    assert _chosen(header, '"T, °C".."flow [l/s]"') == [0, 1, 2]
    assert _chosen(header, "flow [l/s], a..b, x*") == [2, 3, 4]
    assert [written(name) for name in header[:2]] == ['"T, °C"', '"5"" pipe"']


def test_an_order_is_that_of_the_list() -> None:
    assert _chosen(["a", "b1", "b2", "c"], "c,b*,a") == [3, 1, 2, 0]


@given(st.text(ALPHABET + "..", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = _chosen(["a", "b", "é"], text)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert set(found) <= {0, 1, 2}


def test_many_quotes_take_no_time() -> None:
    begin = time.process_time()
    for text in ('"' * 9_999, '"a"' * 5_000 + '"', '""' * 5_000 + "x", '"' + "*" * 5_000, "*a" * 30 + "b"):
        with pytest.raises(DataError):
            _chosen(["a" * 60], text)
    assert time.process_time() - begin < 2
