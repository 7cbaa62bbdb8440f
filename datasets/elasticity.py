"""Stress in a copper crystal under small strains: its elastic constants, and how many of them there are.

Stresses are computed by ASE (the extra `atoms`) when a task is loaded.
"""

from typing import Any

import numpy as np

from sharefind.datasets.task import GivenAction, Task, finite_task, needs
from sharefind.datasets.tetrahedral import mandel, mandel_matrix, representation, tensor, tetrahedral_group
from sharefind.typing import FloatArray


def elasticity_task(stretch: float = 1.0, samples: int = 300, strain: float = 0.1) -> Task:
    """The tasks `elasticity:Cu` and `elasticity:Cu-stretched`: strains (300, 6) in % to stresses (300, 6) in GPa.

    Both in Mandel coordinates (11, 22, 33, and sqrt 2 times 23, 13, 12); the law of x is an isotropic Gaussian. The
    candidate is the cube's group O_h through its 24 classes modulo the inversion, which leaves even tensors alone: the
    rotations O. In the stretched crystal, the stress before the strain is subtracted; the axis and its turns are left.

    Args:
        stretch: Length along the third axis, as a multiple of that at rest.
        samples: Number of strains.
        strain: Standard deviation of each of their Mandel coordinates, in per cent.

    Raises:
        DataError: ASE is missing.
    """
    rest = np.diag([1.0, 1.0, stretch])
    x = strain * np.random.default_rng(0).standard_normal((samples, 6))
    y = mandel(np.array([stress((np.eye(3) + change) @ rest) for change in tensor(x / 100)]) - stress(rest))
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


def stress(deformation: FloatArray, lattice_constant: float = 3.5898255905347) -> FloatArray:
    """Stress (3, 3) in GPa of fcc copper whose lattice at rest is deformed by a matrix (3, 3).

    Effective medium theory of Jacobsen, Stoltze & Norskov 1996, Surf. Sci. 366, 394.

    Args:
        deformation: The matrix.
        lattice_constant: At rest, in angstrom; with this one its stress is below 1e-9 GPa.

    Raises:
        DataError: ASE is missing.
    """
    with needs("elasticity:Cu", "ASE", "atoms"):
        from ase.build import bulk
        from ase.calculators.emt import EMT
        from ase.units import GPa
    effective_medium: Any = EMT  # ASE does not annotate it, nor what a crystal does
    crystal: Any = bulk("Cu", "fcc", a=lattice_constant)
    crystal.set_cell(crystal.cell.array @ deformation.T, scale_atoms=True)
    crystal.calc = effective_medium()
    return np.asarray(crystal.get_stress(voigt=False) / GPa, dtype=np.float64)
