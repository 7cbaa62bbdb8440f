"""Displaced molecules: energies and forces commute with the group of the task, in another program's numbers."""

import numpy as np
import pytest

from sharefind.datasets.molecules import MOLECULES, Molecule, drawn_positions, energies_and_forces, molecule_task
from sharefind.groups import named_group, parse_representation


def draws(text: str, group: str, count: int) -> np.ndarray:
    rep = parse_representation(text, named_group(group))
    return rep.sample_matrices(np.random.default_rng(1), count)


@pytest.mark.parametrize("molecule", [MOLECULES[0], MOLECULES[3]], ids=lambda molecule: molecule.name)
def test_the_group_of_the_task_leaves_energies_and_turns_forces(molecule: Molecule) -> None:
    pytest.importorskip("ase")
    task = molecule_task(f"molecule:{molecule.name}-forces", samples=4)
    x, y = task.arrays()
    assert task.group is not None and task.in_rep is not None and task.in_rep == task.out_rep
    moves = draws(task.in_rep, task.group, 4)
    there = np.einsum("nij,nj->ni", moves, x)
    energy, _ = energies_and_forces(molecule, x.reshape(4, -1, 3))
    moved_energy, moved_forces = energies_and_forces(molecule, there.reshape(4, -1, 3))
    np.testing.assert_allclose(moved_energy, energy, atol=1e-9)
    np.testing.assert_allclose(moved_forces.reshape(4, -1), np.einsum("nij,nj->ni", moves, y), atol=1e-9)
    assert np.abs(there - x).max() > 0.1


def test_forces_are_the_slope_of_the_energy() -> None:
    pytest.importorskip("ase")
    water, step = MOLECULES[0], 1e-5
    rest = drawn_positions(water, 1, 0.05)
    steps = step * np.eye(9).reshape(9, 3, 3)
    up, down = (energies_and_forces(water, rest + sign * steps)[0] for sign in (1, -1))
    np.testing.assert_allclose(-(up - down) / (2 * step), energies_and_forces(water, rest)[1].ravel(), atol=1e-6)


def test_unlike_atoms_are_told_apart() -> None:
    """Else a larger group would be the answer: the energy notices an oxygen in the place of a hydrogen."""
    pytest.importorskip("ase")
    rest = drawn_positions(MOLECULES[0], 1, 0.05)
    (energy, other), _ = energies_and_forces(MOLECULES[0], np.concatenate([rest, rest[:, [1, 0, 2]]]))
    assert abs(energy - other) > 0.1


def test_columns_and_groups() -> None:
    by_name = {molecule.name: molecule for molecule in MOLECULES}
    assert by_name["ethane"].group == "S2xS6xO3"
    assert by_name["water"].columns == tuple(f"{atom}_{axis}" for atom in ("O1", "H1", "H2") for axis in "xyz")
    assert by_name["methane"].on_atoms == "trivial+S4.natural"
