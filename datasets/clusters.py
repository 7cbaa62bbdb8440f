"""Energies of molecules and of metal clusters whose atoms are displaced at random: point groups in energies.

Energies are those of ASE's effective medium theory (the extra `atoms`), computed when a task is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from sharefind.datasets.effective_medium import with_effective_medium
from sharefind.datasets.task import GivenAction, Task, finite_task
from sharefind.groups.files import group_at_rest
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Cluster:
    """Atoms at rest.

    Attributes:
        what: The cluster in words.
        swapped: Element of the first atom, where it is another one; the candidate is the group of the positions alone.
    """

    what: str
    swapped: str | None = None


CLUSTERS: Mapping[str, Cluster] = MappingProxyType(
    {
        "methane": Cluster("methane"),
        "octahedron": Cluster("six copper atoms, an octahedron"),
        "icosahedron": Cluster("13 copper atoms, an icosahedron with its centre"),
        "octahedron-gold": Cluster("an octahedron of five copper atoms and one of gold", "Au"),
    }
)
"""Clusters by name."""


def cluster_task(name: str, samples: int = 500, displacement: float = 0.08) -> Task:
    """Return a task `cluster:...`: displacements x (samples, 3 atoms) in angstrom to energies y (samples, 1) in eV.

    The law of x is an isotropic Gaussian. The point group of the positions turns the displacements and permutes the
    atoms. Atoms rest where their energy is least, but for the octahedron with gold, which keeps the places of copper:
    C4v of its Oh is left.

    Args:
        name: One of `CLUSTERS`.
        samples: Number of displacements.
        displacement: Standard deviation of each coordinate, in angstrom.

    Raises:
        DataError: ASE is missing.
    """
    cluster, task = CLUSTERS[name], f"cluster:{name}"
    atoms = _at_rest(name)
    rest = np.asarray(atoms.get_positions(), dtype=np.float64)
    found = group_at_rest(task, rest, atoms.get_chemical_symbols())
    if cluster.swapped is not None:
        atoms[0].symbol = cluster.swapped
    x = displacement * np.random.default_rng(0).standard_normal((samples, rest.size))
    energies = np.array([_energy(atoms, rest + row.reshape(rest.shape)) for row in x])
    return finite_task(
        task,
        x,
        energies[:, None] - _energy(atoms, rest),
        description=f"{cluster.what}: energy from displacements (computed by ASE, LGPL; effective medium theory)",
        action=GivenAction(found.group, found.in_rep, found.out_rep),
    )


def _energy(atoms: Any, positions: FloatArray) -> float:
    atoms.set_positions(positions)
    return float(atoms.get_potential_energy())


def _at_rest(name: str, force: float = 1e-5, steps: int = 200) -> Any:
    """Atoms where the forces on them are at most `force` eV/angstrom."""
    atoms = with_effective_medium(f"cluster:{name}", partial(_built, name=name))
    from ase.optimize import BFGS

    relaxing: Any = BFGS  # ASE does not annotate it
    relaxing(atoms, logfile=None).run(fmax=force, steps=steps)
    return atoms


def _built(library: Any, name: str) -> Any:
    if name == "methane":
        return library.build.molecule("CH4")
    made = library.cluster.Icosahedron if name == "icosahedron" else library.cluster.Octahedron
    return made("Cu", 2)
