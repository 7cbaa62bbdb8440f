"""Forces on the atoms of methane, displaced at random: the symmetry of a molecule in its force constants.

Forces are computed by ASE (the extra `atoms`) when a task is loaded.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sharefind.datasets.task import GivenAction, Task, finite_task, needs
from sharefind.datasets.tetrahedral import CORNERS, atom_matrix, representation, tetrahedral_group
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Bonds:
    """Harmonic bonds and angles: C-H and H-C-H of Cornell et al. 1995, J. Am. Chem. Soc. 117, 5179.

    Attributes:
        length: b0 of C-H, in angstrom.
        stretch: CT-HC in kcal/mol/angstrom^2, E = stretch (b - b0)^2.
        bend: HC-CT-HC in kcal/mol/rad^2, E = bend (a - a0)^2.
        angle: a0 of H-C-H, in radians: that of a regular tetrahedron.
        box: Side of the cell that ASE's force field wants, in angstrom; no image of the molecule comes near.
    """

    length: float = 1.09
    stretch: float = 340.0
    bend: float = 35.0
    angle: float = float(np.arccos(-1 / 3))
    box: float = 20.0


def methane_task(stretch: float = 0.0, samples: int = 200, displacement: float = 0.01) -> Task:
    """Return the tasks `methane` and `methane:stretched`: displacements x (200, 15) in angstrom to forces y (200, 15)
    in eV/A.

    The atoms are C, H, H, H, H with three coordinates each; the law of x is an isotropic Gaussian. T_d acts on both
    sides by permuting the hydrogens and turning the vectors. The best matrix is minus the matrix of force constants
    (Hessian). Where a bond is stretched, the forces of the resting atoms are subtracted, and C_3v remains.

    Args:
        stretch: Extra length of the first bond, in angstrom.
        samples: Number of displacements.
        displacement: Standard deviation of each coordinate, in angstrom; the zero-point motion of a hydrogen is ten
            times as large.

    Raises:
        DataError: ASE is missing.
    """
    rest = tetrahedron(stretch)
    x = displacement * np.random.default_rng(0).standard_normal((samples, rest.size))
    y = np.array([forces(rest + row.reshape(rest.shape)).ravel() for row in x]) - forces(rest).ravel()
    group = tetrahedral_group("Td")
    moves = representation(group, atom_matrix, "displacements")
    what = "methane with one bond stretched" if stretch else "methane"
    return finite_task(
        "methane:stretched" if stretch else "methane",
        x,
        y,
        description=f"{what}: forces from displacements of the atoms (computed by ASE, LGPL; AMBER force field)",
        unit="matrix:tanh",
        action=GivenAction(group, moves, moves),
    )


def tetrahedron(stretch: float = 0.0) -> FloatArray:
    """Return positions of C and four H at rest, in angstrom.

    Args:
        stretch: Extra distance of the first H, in angstrom.

    Returns:
        Shape (5, 3).
    """
    corners = np.array(CORNERS, dtype=np.float64)
    directions = corners / np.linalg.norm(corners, axis=1, keepdims=True)
    lengths = Bonds().length + np.array([stretch, 0.0, 0.0, 0.0])
    return np.vstack([np.zeros(3), lengths[:, None] * directions])


def forces(positions: FloatArray) -> FloatArray:
    """Return forces in eV/angstrom on C and four H: harmonic bonds and angles.

    Args:
        positions: Shape (5, 3), in angstrom.

    Returns:
        Shape (5, 3).

    Raises:
        DataError: ASE is missing.
    """
    atoms = _molecule(positions)
    return np.asarray(atoms.get_forces(), dtype=np.float64)


def _molecule(positions: FloatArray, held: Bonds = Bonds()) -> Any:
    with needs("methane", "ASE", "atoms"):
        from ase import Atoms, units
        from ase.calculators.ff import ForceField
        from ase.utils.ff import Angle, Bond
    bond: Any = Bond  # ASE does not annotate these three
    angle: Any = Angle
    field: Any = ForceField
    unit = 2 * units.kcal / units.mol  # ASE's energies are k (b - b0)^2 / 2
    hydrogens = range(1, len(positions))
    bonds = [bond(0, i, k=held.stretch * unit, b0=held.length) for i in hydrogens]
    angles = [angle(i, 0, j, k=held.bend * unit, a0=held.angle) for i, j in combinations(hydrogens, 2)]
    atoms = Atoms("CH4", positions=positions, cell=[held.box] * 3)
    atoms.calc = field(bonds=bonds, angles=angles)
    return atoms
