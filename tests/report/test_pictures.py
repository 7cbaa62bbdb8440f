"""Pictures: places, directions and spectra against their definitions; the drawings are looked at by people."""

import html
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import ConfigError, RunFolderError
from sharefind.report.pictures.drawing import NAMES, check_picture, draw_node, draw_run, draw_single
from sharefind.report.pictures.lattice_picture import layout, named_nodes, plain
from sharefind.report.pictures.node_pictures import escape_spectrum, plane
from sharefind.search import SearchNode
from sharefind.spaces import Subspace


def _node(space: Subspace) -> SearchNode:
    return SearchNode("node", space, None, "node")


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_plane_is_orthonormal_and_split_by_the_space(dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = Subspace.numerical(rng.standard_normal((dim, 5))) if dim else Subspace.zero(5)
    (along, _), (away, _) = plane(_node(space), rng.standard_normal((30, 5)))
    assert np.allclose([along @ along, away @ away, along @ away], [1, 1, 0], atol=1e-9)
    if 0 < dim < 5:
        assert space.distance2(along) == pytest.approx(0, abs=1e-12)
        assert space.distance2(away) == pytest.approx(1, abs=1e-9)


def test_plane_finds_the_direction_of_the_escape() -> None:
    rng = np.random.default_rng(0)
    space = Subspace.from_basis([[1, 0, 0, 0], [0, 1, 0, 0]])
    cloud = rng.standard_normal((50, 4)) * [1, 3, 0.1, 2]
    (along, _), (away, _) = plane(_node(space), cloud)
    assert abs(along[1]) > 0.99
    assert abs(away[3]) > 0.99


def test_particles_that_stay_have_no_normal_direction() -> None:
    space = Subspace.from_basis([[1, 1]])
    _, (away, _) = plane(_node(space), np.outer(np.arange(1.0, 5.0), [1, 1]))
    assert np.array_equal(away, [0, 0])


def test_layout_puts_dimensions_in_rows_without_overlap(make) -> None:
    view = make()
    named = named_nodes(view)
    places, width = layout(view, named)
    assert named == set(places)
    heights = [places[key][1] for key in ("{0}", "E^S3", "E^C3", "E^C2:<(0 1)>", "Z")]
    assert heights == [0, 1, 2, 3, 4]
    assert len(set(places.values())) == len(places)
    assert width == 4.5


@pytest.mark.parametrize("name", ["run.jpg", "run", "missing/run.png"])
def test_impossible_pictures_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^plot "):
        check_picture(tmp_path / name)


@pytest.mark.parametrize(
    "changes",
    [{}, pytest.param({"dist2": 0.0}, marks=pytest.mark.slow), {"delta": None}, {"dist2": 0.0, "delta": 0.0}],
)
def test_runs_are_drawn_whatever_the_distances(make, changes: dict[str, float | None], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    draw_run(make(**changes), first)
    draw_run(make(**changes), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_row_beside_the_chain_leaves_its_line_free(make) -> None:
    view = make()
    places, _ = layout(view, named_nodes(view))
    assert places["E^S3"][0] == places["E^C3"][0] < places["Z"][0]


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_a_spectrum_sums_to_the_distance(dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    space = Subspace.numerical(rng.standard_normal((dim, 5))) if dim else Subspace.zero(5)
    cloud = rng.standard_normal((40, 5))
    values = escape_spectrum(_node(space), cloud)
    assert values.shape == (5 - dim,)
    assert (np.diff(values) <= 0).all()
    assert values.sum() == pytest.approx(space.distance2(cloud).mean())


def test_a_spectrum_has_the_variances_of_independent_directions() -> None:
    space = Subspace.from_basis([[1, 0, 0, 0]])
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], dtype=float)
    cloud = np.column_stack([np.arange(8.0), signs * [1, 3, 2]])
    assert escape_spectrum(_node(space), cloud) == pytest.approx([9, 4, 1])
    assert escape_spectrum(_node(space), cloud * [5, 0, 0, 0]) == pytest.approx([0, 0, 0])
    assert escape_spectrum(_node(Subspace.full(4)), cloud).size == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_is_drawn_as_png_and_svg(related, name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    view = related()
    draw_single(view, name, tmp_path / "a.png")
    draw_single(view, name, tmp_path / "a.svg")
    draw_single(view, name, tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<text" in (tmp_path / "a.svg").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def _texts(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)", path.read_text())


def test_a_tying_pattern_has_its_letters_and_blanks(make, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_single(make(), "tying", tmp_path / "tying.svg")
    assert sorted(t for t in _texts(tmp_path / "tying.svg") if len(t) == 1) == sorted("abc" * 3)
    view = make()
    draw_single(view, "tying", tmp_path / "zero.svg", view.find("{0}"))
    assert _texts(tmp_path / "zero.svg") == ["weight 3 x 3"]


def test_only_tested_groups_have_a_p_value(tested, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_single(tested(), "p-values", tmp_path / "p.svg")
    texts = _texts(tmp_path / "p.svg")
    assert "S3" in texts and "C3" in texts and "C1" not in texts


def test_verdicts_are_drawn_of_what_was_measured(related, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_single(related(), "verdicts", tmp_path / "v.svg")
    texts = _texts(tmp_path / "v.svg")
    assert {"S3", "C3", "C2:<(0 1)>", "overlap", "price (95 %)"} <= {html.unescape(t) for t in texts}
    assert not any("(0 2)" in t for t in texts)  # inside another, without a test of its own


def test_pictures_that_a_run_has_not_are_refused(make, kept, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    view, out = make(), tmp_path / "a.svg"
    for name, node, message in (
        ("p-values", None, "no exact tests"),
        ("verdicts", None, "did not test the relation"),
        ("tyings", None, "use lattice, distances, p-values, verdicts, tying"),
        ("distances", view.find("1"), "drop node"),
        ("spectra", view.find("Z"), "no node with directions"),
    ):
        with pytest.raises(ConfigError, match=message):
            draw_single(view, name, out, node)
    with pytest.raises(RunFolderError, match="cannot be read"):
        draw_single(view, "particles", out)
    with pytest.raises(RunFolderError, match="never visited"):
        draw_node(kept(), view.find("Z"), out)
    assert not out.exists()


def test_names_are_no_formulas_and_no_control_characters() -> None:
    assert plain("C4$x$\x00\ud800") == r"C4\$x\$??"
