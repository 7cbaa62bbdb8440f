"""Energies of displaced atoms: their point groups by name, and energies that do not notice their elements."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.datasets.clusters import cluster_task

pytest.importorskip("ase")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "group", "order", "atoms"),
    [("methane", "Td", 24, 5), ("octahedron", "Oh", 48, 6), ("icosahedron", "Ih", 120, 13)],
)
def test_energies_have_the_point_group(name: str, group: str, order: int, atoms: int) -> None:
    from sharefind.datasets.clusters import _at_rest, _energy

    task = cluster_task(name, samples=3)
    action = task.action
    assert action is not None and (action.group.name, action.group.order) == (group, order)
    assert task.x is not None and task.y is not None and task.x.shape == (3, 3 * atoms)
    frozen = _at_rest(name)
    rest = frozen.get_positions()
    least = _energy(frozen, rest)
    for matrix in action.in_rep.float_matrices()[:: max(1, order // 8)]:
        moved = [_energy(frozen, rest + (matrix @ row).reshape(atoms, 3)) - least for row in task.x]
        assert np.abs(np.array(moved) - task.y[:, 0]).max() < 1e-3 * task.y.max()


@pytest.mark.slow
def test_gold_breaks_the_octahedron() -> None:
    from sharefind.datasets.clusters import _at_rest, _energy

    task = cluster_task("octahedron-gold", samples=4)
    assert task.action is not None and task.action.group.name == "Oh" and task.x is not None and task.y is not None
    atoms = _at_rest("octahedron-gold")
    atoms[0].symbol = "Au"
    rest = atoms.get_positions()
    moved = [
        [_energy(atoms, rest + (matrix @ row).reshape(6, 3)) for row in task.x]
        for matrix in task.action.in_rep.float_matrices()
    ]
    errors = np.abs(np.array(moved) - _energy(atoms, rest) - task.y[:, 0]).max(1)
    assert (errors < 1e-6).sum() == 8 and (errors > 1e-2).sum() == 40  # C4v
