"""Point groups of points at rest: their names, exact matrices, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sharefind.errors import GroupError
from sharefind.exact.matrices import is_orthogonal_matrix, to_float
from sharefind.groups import load_generators
from sharefind.groups.resting_points import RestingPoints, resting_group

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
AXES = np.concatenate([np.eye(3), -np.eye(3)])
GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRON = np.array(
    [np.roll([0, a, b * GOLDEN], k) for k in range(3) for a in (1, -1) for b in (1, -1)], dtype=float
)
HEXAGON = np.array([[np.cos(k * np.pi / 3), np.sin(k * np.pi / 3), 0] for k in range(6)])


@pytest.mark.parametrize(
    ("positions", "name", "order"),
    [(CORNERS, "Td", 24), (AXES, "Oh", 48), (ICOSAHEDRON, "Ih", 120), (HEXAGON, "D6h", 24), (CORNERS[:3], "D3h", 12)],
)
@pytest.mark.parametrize("seed", [None, 3])
def test_names_and_exact_matrices(positions: np.ndarray, name: str, order: int, seed: int | None) -> None:
    turn = np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()
    points = RestingPoints(positions @ turn.T + 0.3, ("A",) * len(positions))
    found = resting_group(points)
    assert (found.name, len(points.elements())) == (name, order) and found.degrees < 0.2
    for matrix, place in zip(found.turns, found.moves, strict=True):
        assert is_orthogonal_matrix(matrix)
        assert np.abs(points.centred @ to_float(matrix).T - points.centred[place]).max() < 0.01
    for matrix in found.on_points():
        rest = points.centred.ravel()
        assert np.abs(to_float(matrix) @ rest - rest).max() < 0.01


def test_kinds_break_the_group() -> None:
    assert resting_group(RestingPoints(AXES, ("Au", *"BBBBB"))).name == "C4v"
    assert resting_group(RestingPoints(CORNERS, ("H", "D", "D", "D"))).name == "C3v"


def test_points_without_a_finite_group_are_refused() -> None:
    with pytest.raises(GroupError, match="on a line"):
        RestingPoints(np.outer(np.arange(3.0), [1, 1, 0]), ("A",) * 3)
    with pytest.raises(GroupError, match="coincide"):
        RestingPoints(np.concatenate([AXES, AXES[:1]]), ("A",) * 7)
    with pytest.raises(GroupError, match="C1"):
        resting_group(RestingPoints(np.array([[0, 0, 0], [1, 0, 0.2], [0, 2, 0.1], [0.3, 0.2, 3]]), tuple("ABCD")))


def test_a_file_of_positions(tmp_path) -> None:
    path = tmp_path / "methane.json"
    atoms = [[0, 0, 0], *(0.63 * CORNERS).tolist()]
    path.write_text(json.dumps({"rest": atoms, "kinds": ["C", "H", "H", "H", "H"], "outputs": "vectors"}))
    read = load_generators(path)
    assert (read.group.name, read.group.order) == ("Td", 24) and read.in_rep.dim == read.out_rep.dim == 15
    assert read.in_rep.is_sparse
    path.write_text(json.dumps({"rest": atoms, "outputs": "tensor"}))
    with pytest.raises(GroupError, match='"scalar", "vector"'):
        load_generators(path)
    path.write_text(json.dumps({"rest": [[0, 0], [1, 2]]}))
    with pytest.raises(GroupError, match="list of positions"):
        load_generators(path)
    path.write_text(json.dumps({"rest": atoms, "species": []}))
    with pytest.raises(GroupError, match="species"):
        load_generators(path)
