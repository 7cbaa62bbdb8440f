"""Methane: the symmetry of its forces, its normal modes, and the number of force constants."""

import sys
from itertools import permutations

import numpy as np
import pytest

from sharefind.datasets import load_task
from sharefind.datasets.molecule import forces, tetrahedron
from sharefind.datasets.tetrahedral import CORNERS, atom_matrix, tetrahedral_group, vector_matrix
from sharefind.errors import DataError
from tests.datasets.burnside import fixed_dimension, least_squares, relative_distance

TD = [atom_matrix(p).astype(np.float64) for p in permutations(range(4))]
C3V = [atom_matrix(p).astype(np.float64) for p in permutations(range(4)) if p[0] == 0]
STEP = 1e-5


def _hessian(rest: np.ndarray) -> np.ndarray:
    """Force constants (15, 15) in eV / angstrom^2 by central differences."""
    columns = []
    for unit in np.eye(15):
        step = STEP * unit.reshape(5, 3)
        columns.append((forces(rest - step) - forces(rest + step)).ravel() / (2 * STEP))
    return np.stack(columns, axis=1)


def test_isometries_move_the_corners() -> None:
    corners = np.array(CORNERS)
    for permutation in permutations(range(4)):
        matrix = vector_matrix(permutation)
        np.testing.assert_array_equal(matrix @ matrix.T, np.eye(3))
        np.testing.assert_array_equal(corners @ matrix.T, corners[list(permutation)])
    assert tetrahedral_group("Td").order == len({vector_matrix(p).tobytes() for p in permutations(range(4))}) == 24


def test_force_constants_by_characters() -> None:
    """The 15 coordinates of T_d are A1 + E + T1 + 3 T2 (a textbook count), so the dimension is 1 + 1 + 1 + 9."""
    assert fixed_dimension(TD) == 1 + 1 + 1 + 3**2
    assert len(C3V) == 6
    assert fixed_dimension(C3V) == 4**2 + 1 + 5**2  # 4 A1 + A2 + 5 E


def test_forces_are_equivariant_at_finite_displacements() -> None:
    pytest.importorskip("ase")
    rest = tetrahedron()
    moved = 0.1 * np.random.default_rng(1).standard_normal(15)
    force = forces(rest + moved.reshape(5, 3)).ravel()
    assert np.abs(force).max() > 1
    for image in TD:
        there = forces(rest + (image @ moved).reshape(5, 3)).ravel()
        np.testing.assert_allclose(there, image @ force, atol=1e-9)


def test_hessian_and_normal_modes() -> None:
    """Six zero modes; T2, E, A1, T2 within 7 % of the wave numbers measured for methane (Shimanouchi 1972)."""
    units = pytest.importorskip("ase.units")
    rest = tetrahedron()
    assert np.abs(forces(rest)).max() < 1e-12
    hessian = _hessian(rest)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-7)
    assert relative_distance(hessian, TD) < 1e-10
    masses = np.repeat([12.011, *[1.008] * 4], 3)
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2 / np.sqrt(np.outer(masses, masses)))
    assert np.abs(values[:6]).max() < 1e-5 * values[-1]
    numbers = np.sqrt(values[6:] * units._e / units._amu) * 1e10 / (2 * np.pi * units._c * 100)
    np.testing.assert_allclose(numbers, [1306] * 3 + [1534] * 2 + [2917] + [3019] * 3, rtol=0.07)


def test_the_rows_are_the_force_constants() -> None:
    pytest.importorskip("ase")
    task = load_task("methane")
    x, y = task.arrays()
    assert x.shape == y.shape == (200, 15) and "LGPL" in task.description
    assert np.mean(np.abs(y) > 1) < 0.05  # within the range of tanh
    fitted = least_squares(x, y)
    hessian = _hessian(tetrahedron())
    assert np.linalg.norm(fitted + hessian) < 0.01 * np.linalg.norm(hessian)
    assert relative_distance(fitted, TD) < 0.005


def test_a_stretched_bond_leaves_three_hydrogens_alike() -> None:
    pytest.importorskip("ase")
    hessian = _hessian(tetrahedron(0.2))
    assert relative_distance(hessian, C3V) < 1e-9 < 0.01 < relative_distance(hessian, TD)
    task = load_task("methane:stretched")
    assert task.action is not None and task.action.group.order == 24


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ase", None)
    with pytest.raises(DataError, match=r"^methane needs ASE; [^\n]*sharefind\[atoms\]'$"):
        load_task("methane")
