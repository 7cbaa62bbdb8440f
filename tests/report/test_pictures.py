"""Pictures: places and directions against their definitions; the drawings themselves are looked at by people."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import ConfigError
from sharefind.report.pictures import check_picture, draw_run, layout, named_nodes, plane
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
    assert width == 3.0


@pytest.mark.parametrize("name", ["run.jpg", "run", "missing/run.png"])
def test_impossible_pictures_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--plot"):
        check_picture(tmp_path / name)


@pytest.mark.parametrize("changes", [{}, {"dist2": 0.0}, {"delta": None}, {"dist2": 0.0, "delta": 0.0}])
def test_runs_are_drawn_whatever_the_distances(make, changes: dict[str, float | None], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    draw_run(make(**changes), first)
    draw_run(make(**changes), second)
    assert first.read_bytes() == second.read_bytes()
