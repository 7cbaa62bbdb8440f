"""One equivariant basis by another library, in a process of its own: `python peer_bases.py escnn "C64"`.

Prints {"seconds": ..., "dim": ...}, the wall time of the representation and its basis, or {"reason": ...}. It needs
nothing of sharefind, so that the libraries may live in an environment of their own (SHAREFIND_BENCH_PEERS names its
interpreter).
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

Basis = Callable[[], int]


def escnn_basis(case: str) -> Basis | None:
    """Kernels on a point; coefficients that escnn keeps on disk after a first run are computed anew."""
    import torch
    from escnn.group import _clebsh_gordan, cyclic_group, dihedral_group, directsum, so3_group
    from escnn.kernels import kernels_on_point

    torch.set_num_threads(1)
    _clebsh_gordan.cache.store_backend.location = tempfile.mkdtemp()
    if case.startswith("S") and not case.startswith("SO"):
        return None
    make = {"SO3": lambda: so3_group(3), "D4": lambda: dihedral_group(4)}
    family = case.split(" ")[0]
    group = make[family]() if family in make else cyclic_group(int(family[1:]))

    def basis() -> int:
        if case.startswith("C"):
            rep = group.regular_representation
        elif case.startswith("D4 pixels"):
            side, diagonal = int(case.split()[-1]), group.quotient_representation((0, 1))
            generic = (side * side - 2 * side) // 8
            rep = directsum([group.regular_representation] * generic + [diagonal] * (side // 2))
        else:
            vector = group.standard_representation()
            rep = vector.tensor(vector)
            rep = rep.tensor(vector) if case == "SO3 T3" else rep
        return int(kernels_on_point(rep, rep).dim)

    return basis


def emlp_basis(case: str) -> Basis | None:
    """`equivariant_basis` of maps between tensor powers of the natural representation."""
    from emlp.groups import SO, S, Z
    from emlp.reps import T

    if case.startswith("D4"):
        return None
    name, _, power = case.partition(" T")
    family, n = ("SO", name[2:]) if name.startswith("SO") else (name[0], name[1:])
    group = {"C": Z, "S": S, "SO": SO}[family](int(n))
    order = int(power or 1)
    return lambda: int((T(order) >> T(order))(group).equivariant_basis().shape[1])


def main(library: str, case: str) -> dict[str, Any]:
    """Time one basis."""
    warnings.simplefilter("ignore")
    try:
        basis = {"escnn": escnn_basis, "emlp": emlp_basis}[library](case)
    except ImportError as error:
        return {"reason": f"{library} is not installed ({error})"}
    if basis is None:
        return {"reason": f"{library} has no such group or representation"}
    started = perf_counter()
    dim = basis()
    return {"seconds": perf_counter() - started, "dim": dim, "version": version(library)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
