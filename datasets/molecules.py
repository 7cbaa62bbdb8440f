"""Small molecules whose atoms are displaced at random: their energies, and the forces on their atoms.

Both are computed by ASE (the extra `atoms`) when a task is loaded. `molecule` has a model of methane with fixed bonds.
"""

from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from sharefind.datasets.effective_medium import with_effective_medium
from sharefind.datasets.task import Task, finite_task
from sharefind.groups.axes import Axes
from sharefind.typing import FloatArray

AXES = ("atoms", "coords")


@dataclass(frozen=True)
class Molecule:
    """A molecule that ASE knows.

    Attributes:
        name: Its English name.
        formula: As `ase.build.molecule` takes it.
        elements: Elements of the atoms in the order of that molecule; like atoms stand together.
    """

    name: str
    formula: str
    elements: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of like atoms, element by element."""
        return tuple(len(list(run)) for _, run in groupby(self.elements))

    @property
    def group(self) -> str:
        """The candidate: permutations of like atoms, and O(3)."""
        return "x".join([*(f"S{size}" for size in self.sizes if size > 1), "O3"])

    @property
    def on_atoms(self) -> str:
        """How the candidate permutes the atoms, as a representation expression."""
        return "+".join(f"S{size}.natural" if size > 1 else "trivial" for size in self.sizes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the coordinates, such as O1_x and H2_z."""
        numbers = [number for size in self.sizes for number in range(1, size + 1)]
        return tuple(f"{e}{k}_{axis}" for e, k in zip(self.elements, numbers, strict=True) for axis in "xyz")


MOLECULES = (
    Molecule("water", "H2O", "OHH"),
    Molecule("ammonia", "NH3", "NHHH"),
    Molecule("methane", "CH4", "CHHHH"),
    Molecule("ethane", "C2H6", "CCHHHHHH"),
    Molecule("carbon-dioxide", "CO2", "COO"),
)
"""Molecules that have tasks; no two elements of one have the same number of atoms above 1."""

TASKS = {
    f"molecule:{m.name}{'-forces' if has_forces else ''}": (m, has_forces)
    for m in MOLECULES
    for has_forces in (False, True)
}
"""The names of the tasks."""


def molecule_task(name: str, samples: int = 500, displacement: float = 0.05) -> Task:
    """Return one of the tasks `molecule:water` to `molecule:carbon-dioxide-forces`.

    Inputs are positions relative to their mean in angstrom, atoms x coordinates. Labels are the potential energy in eV,
    or the forces in eV/angstrom. Each atom of the molecule at rest (from ASE's collection) is displaced by an isotropic
    Gaussian, like atoms are numbered at random, and the molecule is turned by a random element of O(3). The group of
    the task, permutations of like atoms and O(3), therefore keeps the law. Energies are those of ASE's effective medium
    theory, which depends on elements and distances only; for molecules it is a model, not chemistry.

    Args:
        name: Name of the task.
        samples: Number of rows.
        displacement: Standard deviation of each coordinate, in angstrom.

    Raises:
        DataError: ASE is missing.
    """
    molecule, has_forces = TASKS[name]
    positions = drawn_positions(molecule, samples, displacement)
    energies, forces = energies_and_forces(molecule, positions)
    axes = Axes(AXES, positions.shape[1:])
    vectors = f"({molecule.on_atoms})*O3.natural" if len(molecule.sizes) > 1 else f"{molecule.on_atoms}*O3.natural"
    columns = molecule.columns
    what = "forces on displaced atoms" if has_forces else "energy of displaced atoms"
    return finite_task(
        name,
        positions.reshape(samples, -1),
        forces.reshape(samples, -1) if has_forces else energies[:, None],
        description=f"{molecule.name}: {what} (computed by ASE, LGPL; effective medium theory)",
        group=molecule.group,
        in_rep=vectors,
        out_rep=vectors if has_forces else "trivial",
        inputs=columns,
        outputs=tuple(f"force_{column}" for column in columns) if has_forces else ("energy",),
        in_axes=axes,
        out_axes=axes if has_forces else None,
    )


def drawn_positions(molecule: Molecule, samples: int, displacement: float) -> FloatArray:
    """Return positions of displaced atoms relative to their mean, in angstrom.

    Args:
        molecule: The molecule.
        samples: Number of rows.
        displacement: Standard deviation of each coordinate, in angstrom.

    Returns:
        Shape (samples, atoms, 3).

    Raises:
        DataError: ASE is missing.
    """
    rng, rest = np.random.default_rng(0), _atoms(molecule).positions.copy()
    found = []
    for _ in range(samples):
        order = np.concatenate(list(map(rng.permutation, _places(molecule.sizes))))
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0] * rng.choice([-1.0, 1.0], size=3)
        moved = (rest + displacement * rng.standard_normal(rest.shape))[order] @ turn.T
        found.append(moved - moved.mean(axis=0))
    return np.array(found)


def energies_and_forces(molecule: Molecule, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return energies in eV and forces in eV/angstrom.

    Args:
        molecule: The molecule.
        positions: Shape (n, atoms, 3), in angstrom.

    Returns:
        Energies, shape (n,), and forces, shape (n, atoms, 3).

    Raises:
        DataError: ASE is missing.
    """
    atoms = _atoms(molecule)
    energies, forces = [], []
    for row in positions:
        atoms.positions = row
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
    return np.array(energies), np.array(forces)


def _places(sizes: tuple[int, ...]) -> list[list[int]]:
    """The places of like atoms, element by element."""
    starts = np.cumsum([0, *sizes])
    return [list(range(start, start + size)) for start, size in zip(starts, sizes, strict=False)]


def _atoms(molecule: Molecule) -> Any:
    """The molecule at rest, with its calculator."""
    return with_effective_medium(f"molecule:{molecule.name}", lambda library: library.build.molecule(molecule.formula))


LOADERS = {name: partial(molecule_task, name) for name in TASKS}
"""The loader of each task."""
