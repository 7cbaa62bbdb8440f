"""Atoms with the effective medium theory of ASE, which gives the energy and the forces of any places of theirs."""

from collections.abc import Callable
from typing import Any

from sharefind.datasets.task import needs


def with_effective_medium(who: str, built: Callable[[Any], Any]) -> Any:
    """Return atoms that ASE (the extra `atoms`) builds, with their calculator.

    Jacobsen, Stoltze & Norskov 1996, Surf. Sci. 366, 394.

    Args:
        who: Needs them, in a message.
        built: Makes the atoms from the module `ase`, whose parts `build` and `cluster` are loaded.

    Raises:
        DataError: ASE is missing.
    """
    with needs(who, "ASE", "atoms"):
        import ase.build
        import ase.calculators.emt
        import ase.cluster
    library: Any = ase  # its functions have no types
    atoms = built(library)
    atoms.calc = library.calculators.emt.EMT()
    return atoms
