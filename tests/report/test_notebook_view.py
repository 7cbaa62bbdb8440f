"""A run as the output of a notebook's cell."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sharefind.errors import ConfigError
from sharefind.report.page.notebook_view import run_html
from sharefind.report.pictures.drawing import plot
from sharefind.report.text.verdict import verdict
from sharefind.search import Decision, SearchLattice

Figure = pytest.importorskip("matplotlib.figure").Figure

HOSTILE = "E^<img src=x onerror=alert(1)>"


def test_it_has_verdict_tying_chain_and_why_there_is_no_yardstick(make, changed) -> None:
    view = changed(make(), yardstick_missing="the data are fresh samples")
    shown = run_html(view)
    assert f'<p class="verdict good">{verdict(view)}</p>' in shown
    assert re.findall(r'<td class="class-\d">([a-z])</td>', shown) == [*"abc", *"cab", *"bca"]
    assert [row.count("stay") for row in re.findall(r"<tr>.*</tr>", shown) if "E^C3" in row]
    assert "No yardstick: the data are fresh samples." in shown


def test_the_yardstick_and_the_warnings_are_shown(make, changed) -> None:
    yardstick = {"rows": 40, "least_squares": 0.912, "tied": 0.887, "free": 0.9, "warnings": ["try a wider network"]}
    shown = run_html(changed(make(), yardstick=yardstick, warnings=["rows depend on each other"]))
    assert "0.912" in shown and "40 rows kept apart" in shown
    assert "<li>Rows depend on each other.</li>" in shown


def test_a_picture_that_the_run_cannot_fill_is_refused_by_the_name_of_the_caller(make) -> None:
    with pytest.raises(ConfigError, match=r"^plot_symmetries: the run made no exact tests; choose another picture$"):
        plot(make(), "p-values", None, "plot_symmetries")
    with pytest.raises(ConfigError, match=r"^plot_spectra fills a whole figure; give a file"):
        plot(make(), "spectra", Figure().subplots(), "plot_spectra")


def test_a_search_that_was_stopped_looks_like_it(make, changed) -> None:
    view = changed(make(decision=Decision.GROW), status="undecided", stopped="max_nodes 3")
    assert '<p class="verdict bad">Undecided' in run_html(view)


def test_names_from_strangers_are_text(make) -> None:
    view = make()
    lattice = SearchLattice()
    for node in view.lattice.nodes():
        lattice.add(replace(node, label=HOSTILE))
    shown = run_html(replace(view, lattice=lattice))
    assert "<img" not in shown and "E^&lt;img" in shown
    assert "<img" not in lattice._repr_html_() and "E^&lt;img" in lattice._repr_html_()


def test_names_of_columns_stand_at_the_tying(make, changed) -> None:
    names = {"inputs": ["a <m>", "b", "c"], "outputs": ["north", "east", "south"]}
    shown = run_html(changed(make(), **names))
    assert re.findall(r"<span>(.*?)</span>", shown) == ["a &lt;m&gt;", "b", "c", "north", "east", "south"]


def test_the_lattice_is_a_table_of_its_nodes(make) -> None:
    lattice = make().lattice
    shown = lattice._repr_html_()
    rows = re.findall(r'<th scope="row"[^>]*>([^<]*)</th>', shown)
    assert rows == ["0", "1", "2", "3", "-"]
    assert "5 nodes, 4 visited, 4 growths" in shown and "90 %" in shown and "not visited" in shown
    assert "The first 2 nodes." in lattice._repr_html_(most=2)
    assert repr(lattice) == "<SearchLattice: 5 nodes, 4 visited, 4 growths>"


def test_a_result_says_where_the_search_ended(make, changed) -> None:
    result = changed(make(), e_star={"tying": [[[1, 2, 3], [3, 1, 2], [2, 3, 1]]]}).result
    assert str(result) == repr(result) == "<Result of a search in S3: E_* = E^C3, dimension 3 of 9>"
    shown = result._repr_html_()
    assert re.findall(r'<td class="class-\d">([a-z])</td>', shown) == [*"abc", *"cab", *"bca"]
    assert "S3, C2:&lt;(0 1)&gt;" in shown


@pytest.mark.parametrize(
    "parts", [[], "abc", [[[1, 2], [3]]], [[[1, 2, 3]]], [[["a", "b", "c"]] * 3], [[[1, 2, None]] * 3], [[1], [2]]]
)
def test_a_tying_from_a_stranger_that_fits_nothing_is_not_shown(make, changed, parts: object) -> None:
    view = make()
    e_star = view.result.e_star.model_copy(update={"tying": parts, "basis": [[[["1"]]]]})
    shown = view.result.model_copy(update={"e_star": e_star})._repr_html_()
    assert "no basis that fits" in shown and 'class="matrix"' not in shown


def test_a_basis_is_shown_where_nothing_is_tied(make, changed) -> None:
    vector = [[["1", "0", "-1"], ["sqrt(2)", "0", "0"], ["0", "0", "0"]]]
    shown = changed(make(), e_star={"tying": None, "basis": [vector] * 3}).result._repr_html_()
    assert shown.count("<td>sqrt(2)</td>") == 3 and "3 vectors of an exact basis" in shown
