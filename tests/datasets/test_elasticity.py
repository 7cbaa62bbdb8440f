"""Copper: three elastic constants, by symmetry and by value."""

import sys
from itertools import permutations, product

import numpy as np
import pytest

from sharefind.datasets import load_task
from sharefind.datasets.elasticity import stress, stresses
from sharefind.datasets.tetrahedral import mandel, mandel_matrix, tensor, vector_matrix
from sharefind.errors import DataError
from tests.datasets.burnside import fixed_dimension, least_squares, relative_distance


def _turned(matrix: np.ndarray) -> np.ndarray:
    """The action e -> R e R^T on Mandel coordinates (6, 6), written out."""
    return np.stack([mandel(matrix @ tensor(unit) @ matrix.T) for unit in np.eye(6)], axis=1)


CUBE = [np.eye(3)[list(p)] * np.array(s) for p in permutations(range(3)) for s in product((1, -1), repeat=3)]
OH = [_turned(matrix) for matrix in CUBE]
TETRAGONAL = [_turned(matrix) for matrix in CUBE if abs(matrix[2, 2]) == 1]


def test_mandel_coordinates_keep_lengths() -> None:
    rows = np.random.default_rng(0).standard_normal((5, 6))
    tensors = tensor(rows)
    np.testing.assert_allclose((tensors**2).sum(axis=(1, 2)), (rows**2).sum(axis=1))
    np.testing.assert_allclose(mandel(tensors), rows)


def test_the_candidate_moves_tensors_as_the_cube_does() -> None:
    """24 different matrices, those of all 48 isometries: the inversion leaves tensors of rank 2 alone."""
    ours = {mandel_matrix(p).tobytes() for p in permutations(range(4))}
    assert ours == {np.rint(image).astype(np.int64).tobytes() for image in OH} and len(ours) == 24
    for permutation in permutations(range(4)):
        np.testing.assert_allclose(mandel_matrix(permutation), _turned(vector_matrix(permutation)), atol=1e-12)


def test_numbers_of_constants_by_characters() -> None:
    """Cubic 3; tetragonal 6, and C13 apart from C31 where stress and strain need not come from an energy."""
    assert (len(OH), fixed_dimension(OH)) == (48, 3)
    assert (len(TETRAGONAL), fixed_dimension(TETRAGONAL)) == (16, 6 + 1)


def test_stress_turns_with_the_strain() -> None:
    pytest.importorskip("ase")
    strain = 0.02 * tensor(np.random.default_rng(1).standard_normal(6))
    there = stress(np.eye(3) + strain)
    assert np.abs(there).max() > 0.5 and np.abs(stress(np.eye(3))).max() < 1e-9
    for matrix in CUBE:
        np.testing.assert_allclose(stress(np.eye(3) + matrix @ strain @ matrix.T), matrix @ there @ matrix.T, atol=1e-9)


def test_stresses_are_those_of_ase_to_the_last_digit() -> None:
    """With ASE's own list of neighbours, small and large strains, some of which change the reduced cell."""
    build, emt, units = (pytest.importorskip(f"ase.{name}") for name in ("build", "calculators.emt", "units"))
    rng = np.random.default_rng(2)
    strains = [size * tensor(row) for size in (1e-3, 0.1) for row in rng.standard_normal((4, 6))]
    ours = stresses(np.eye(3) + strain for strain in strains)
    for strain, found in zip(strains, ours, strict=True):
        crystal = build.bulk("Cu", "fcc", a=3.5898255905347)
        crystal.set_cell(crystal.cell.array @ (np.eye(3) + strain).T, scale_atoms=True)
        crystal.calc = emt.EMT()
        assert (found == crystal.get_stress(voigt=False) / units.GPa).all()


@pytest.mark.slow
def test_constants_of_copper() -> None:
    """172, 115 and 90 GPa: 176.2, 124.9 and 81.8 were measured at 0 K (Simmons and Wang 1971)."""
    pytest.importorskip("ase")
    x, y = load_task("elasticity:Cu").arrays()
    assert x.shape == y.shape == (300, 6) and np.mean(np.abs(y) > 1) < 0.05
    matrix = 100 * least_squares(x, y)
    c11, c12, c44 = matrix[:3, :3].trace() / 3, matrix[0, 1], matrix[3:, 3:].trace() / 6
    assert (c11, c12, c44) == pytest.approx((172.6, 115.4, 89.9), abs=1)
    assert (c11, c12, c44) == pytest.approx((176.2, 124.9, 81.8), rel=0.12)
    assert c11 > c12 > 0 and c44 > (c11 - c12) / 2 > 0  # stable, and far from isotropic
    assert relative_distance(matrix, OH) < 0.005


def test_stretched_copper_keeps_an_axis() -> None:
    pytest.importorskip("ase")
    task = load_task("elasticity:Cu-stretched")
    matrix = least_squares(*task.arrays())
    assert relative_distance(matrix, TETRAGONAL) < 0.005 < 0.08 < relative_distance(matrix, OH)
    assert "LGPL" in task.description


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ase.calculators.emt", None)
    with pytest.raises(DataError, match=r"^[^\n]*sharefind\[atoms\]'$"):
        load_task("elasticity:Cu")
