"""Stress in a copper crystal under small strains: its elastic constants, and how many of them there are.

Stresses are computed by ASE (the extra `atoms`) when a task is loaded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from sharefind.datasets.effective_medium import with_effective_medium
from sharefind.datasets.task import GivenAction, Task, finite_task
from sharefind.datasets.tetrahedral import mandel, mandel_matrix, representation, tensor, tetrahedral_group
from sharefind.typing import FloatArray, IntArray


def elasticity_task(stretch: float = 1.0, samples: int = 300, strain: float = 0.1) -> Task:
    """Return the tasks `elasticity:Cu` and `elasticity:Cu-stretched`: strains (300, 6) in % to stresses (300, 6) in
    GPa.

    Both are in Mandel coordinates (11, 22, 33, and sqrt 2 times 23, 13, 12); the law of x is an isotropic Gaussian. The
    candidate is the cube's group O_h through its 24 classes modulo the inversion, under which even tensors do not
    change: the rotations O. In the stretched crystal, the stress before the strain is subtracted; the axis and its
    turns remain symmetries.

    Args:
        stretch: Length along the third axis, as a multiple of that at rest.
        samples: Number of strains.
        strain: Standard deviation of each of their Mandel coordinates, in per cent.

    Raises:
        DataError: ASE is missing.
    """
    rest = np.diag([1.0, 1.0, stretch])
    x = strain * np.random.default_rng(0).standard_normal((samples, 6))
    y = mandel(stresses((np.eye(3) + change) @ rest for change in tensor(x / 100)) - stress(rest))
    group = tetrahedral_group("O")
    moves = representation(group, mandel_matrix, "tensors")
    what = "copper" if stretch == 1 else f"copper stretched by {100 * (stretch - 1):g} % along one axis"
    return finite_task(
        "elasticity:Cu" if stretch == 1 else "elasticity:Cu-stretched",
        x,
        y,
        description=f"{what}: stress from strain (computed by ASE, LGPL; effective medium theory)",
        unit="matrix:tanh",
        action=GivenAction(group, moves, moves),
    )


def stress(deformation: FloatArray) -> FloatArray:
    """Return the stress in GPa of fcc copper whose lattice at rest is deformed by a matrix.

    Args:
        deformation: The matrix, shape (3, 3).

    Returns:
        Shape (3, 3).

    Raises:
        DataError: ASE is missing.
    """
    (found,) = stresses([deformation])
    return np.asarray(found, dtype=np.float64)


def stresses(deformations: Iterable[FloatArray], lattice_constant: float = 3.5898255905347) -> FloatArray:
    """Return stresses in GPa of fcc copper whose lattice at rest is deformed by each of n matrices.

    Effective medium theory of Jacobsen, Stoltze & Norskov 1996, Surf. Sci. 366, 394.

    Args:
        deformations: n matrices, shape (3, 3) each.
        lattice_constant: Length at rest, in angstrom; at the default the stress is below 1e-9 GPa.

    Returns:
        Shape (n, 3, 3).

    Raises:
        DataError: ASE is missing.
    """
    half = lattice_constant / 2
    cell = [(0, half, half), (half, 0, half), (half, half, 0)]
    crystal = with_effective_medium("elasticity:Cu", lambda library: library.Atoms("Cu", cell=cell, pbc=True))
    from ase.units import GPa

    rest = crystal.cell.array.copy()
    crystal.get_stress()  # makes its list of neighbours, which the next line replaces
    crystal.calc.nl = _Neighbours(crystal.calc.rc_list)
    found = []
    for deformation in deformations:
        crystal.set_cell(rest @ deformation.T, scale_atoms=True)
        found.append(crystal.get_stress(voigt=False) / GPa)
    return np.array(found, dtype=np.float64)


@dataclass
class _Neighbours:
    """Neighbours of the one atom of a cell, in the order of ASE's list, whose making takes most of the time.

    Attributes:
        radius: Distance within which the calculator counts neighbours, in angstrom; more are listed.
        offsets: Cells in which they are, int (m, 3).
    """

    radius: float
    offsets: IntArray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))

    def update(self, crystal: Any) -> None:
        """List the neighbours in a crystal, those of one half space before their opposites."""
        from ase import geometry

        reduce: Any = geometry.minkowski_reduce  # ASE does not annotate it
        reduced, change = reduce(crystal.cell)
        reach = np.ceil(self.radius * np.linalg.norm(np.linalg.inv(reduced), axis=0)).astype(int) + 1
        steps = np.array([s for s in product(*(range(-r, r + 1) for r in reach)) if s > (0, 0, 0)])
        near = np.linalg.norm(steps @ reduced, axis=1) < 1.01 * self.radius
        ahead = steps[near] @ change
        self.offsets = np.concatenate([ahead, -ahead])

    def get_neighbors(self, atom: int) -> tuple[IntArray, IntArray]:
        """Numbers of the neighbouring atoms (m,), all of them images of the atom, and their cells (m, 3)."""
        return np.full(len(self.offsets), atom), self.offsets
