"""Exact bases of E^G beside others: orbits, sparse exact elimination, memory, and the libraries escnn and emlp.

Dimensions are checked against `Case.dim` on all sides. A library that is not installed here is asked through the
interpreter that SHAREFIND_BENCH_PEERS names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sharefind.groups import Representation, grid, hom, named_group, natural
from sharefind.spaces import fixed_space
from sharefind.spaces.fixed import fixed_equations
from tests.bench.measure import Row, Rows, Target, absolute_row, in_turn, ratio_row, spread, unit_time

TOPIC = "exact bases"
MAX_GRAPH = 2_000_000
"""Largest dimension whose graph on all pairs is built."""

MAX_NULLSPACE = 70_000
"""Largest dimension that is eliminated."""

PEER_LIMIT, QUICK_LIMIT = 60.0, 15.0
"""Seconds that a library gets for one basis."""

QUICK_DIM = 20_000
"""Largest dimension of a quick run, but for the largest case of all."""

LARGEST = "S5000"
WRITES, SECONDS, MEGABYTES = Target("at most", 3), Target("at most", 2), Target("at most", 300)
FASTER, AS_FAST = Target("at least", 1), Target("at most", 1.25)


@dataclass(frozen=True)
class Case:
    """A space of equivariant maps from a representation to itself.

    Attributes:
        name: the group, and the tensor power or the pixels. dim: of E^G.
        orbits, nullspace: seconds that each backend is to keep to; None where it is not asked.
    """

    name: str
    dim: int
    orbits: float | None = None
    nullspace: float | None = None

    def vector(self) -> Representation:
        """The representation."""
        name, *rest = self.name.split(" ")
        vector = natural(named_group(name))
        if rest[:1] == ["pixels"]:
            return grid(named_group(name), int(rest[1]))
        rep = vector
        for _ in range(int(rest[0][1:]) - 1 if rest else 0):
            rep = rep * vector
        return rep

    @property
    def is_finite(self) -> bool:
        """Whether the group is."""
        return not self.name.startswith("SO")


CASES = (
    Case("C64", 64, 0.0004, 0.076),
    Case("C256", 256, 0.003, 0.51),
    Case("C1024", 1024, 0.03),
    Case("S50", 2, 0.0004, 0.038),
    Case("S500", 2, 0.016),
    Case(LARGEST, 2, 0.9),
    Case("S10 T2", 15, 0.0005, 0.20),
    Case("D4 pixels 16", 8256, 0.02, 0.94),
    Case("SO3 T2", 3, nullspace=0.004),
    Case("SO3 T3", 15, nullspace=0.032),
)


def rows(quick: bool) -> Rows:
    """Each case by both backends where they apply, then memory, then the libraries."""
    cases = [c for c in CASES if not quick or c.name == LARGEST or c.vector().dim ** 2 <= QUICK_DIM]
    for case in cases:
        if case.orbits is not None:
            yield from _orbit_rows(case, 5 if quick else 15)
        if case.nullspace is not None:
            yield from _nullspace_rows(case, 3 if quick else 7)
    yield _memory_row(LARGEST)
    for case in cases:
        for library in ("escnn", "emlp"):
            yield _peer_row(case, library, QUICK_LIMIT if quick else PEER_LIMIT)


def basis(vector: Representation, backend: str, dim: int) -> int:
    """The dimension of E^G, from the representation on vectors on."""
    found = fixed_space(hom(vector, vector), backend).dim  # type: ignore[arg-type]
    if found != dim:
        raise AssertionError(f"{vector.name} of {vector.group.name}: dim E^G = {found}, not {dim}")
    return found


def _orbit_rows(case: Case, repeats: int) -> Rows:
    vector = case.vector()
    n = vector.dim**2
    ours = partial(basis, vector, "orbits", case.dim)
    works = (ours, partial(_write, n), _graph_search(vector, case.dim) if n <= MAX_GRAPH else _nothing)
    mine, write, graph = in_turn(works, repeats)
    named = f"{case.name}, {n} -> {case.dim}"
    note = f"{_median(mine)}; labels written once {_median(write)}"
    yield absolute_row(TOPIC, named, "seconds, orbits", mine, Target("at most", case.orbits or 0), note)
    yield ratio_row(TOPIC, named, "orbits / one write", mine, write, WRITES if case.name == LARGEST else None, note)
    if case.name == LARGEST:
        yield absolute_row(TOPIC, named, "seconds", mine, SECONDS)
    if n <= MAX_GRAPH:
        note = f"connected_components on all pairs {_median(graph)}"
        yield ratio_row(TOPIC, named, "scipy graph / orbits", graph, mine, None, note)


def _nullspace_rows(case: Case, repeats: int) -> Rows:
    vector = case.vector()
    works = (partial(basis, vector, "nullspace", case.dim), lambda: fixed_equations(hom(vector, vector)).nullspace())
    mine, plain = in_turn(works, repeats)
    named = f"{case.name}, {vector.dim**2} -> {case.dim}"
    note = f"{_median(mine)}; sympy's sparse nullspace of the same equations {_median(plain)}"
    yield absolute_row(TOPIC, named, "seconds, exact", mine, Target("at most", case.nullspace or 0), note)
    yield ratio_row(TOPIC, named, "exact / sympy SDM", mine, plain, AS_FAST, note)


def _write(n: int) -> object:
    labels = np.empty(n, dtype=np.int32)
    labels.fill(1)
    return labels


def _nothing() -> None:
    pass


def _graph_search(vector: Representation, dim: int) -> Callable[[], object]:
    """Components of the graph on all pairs, which is built in the time measured."""
    perms, n = vector.sparse_generators[0], vector.dim

    def search() -> int:
        columns = (perms[:, :, None] * n + perms[:, None, :]).reshape(len(perms), n * n)
        k = len(perms)
        flat = np.ascontiguousarray(columns.T).ravel()
        graph = csr_array((np.ones(flat.size), flat, np.arange(0, flat.size + 1, k)), shape=(n * n, n * n))
        found = int(connected_components(graph, directed=False, return_labels=True)[0])
        if found != dim:
            raise AssertionError(f"{found} components, not {dim}")
        return found

    return search


MEMORY = """
import json, resource, sys
from pathlib import Path
from sharefind.groups import hom, named_group, natural
from sharefind.spaces import fixed_space
vector = natural(named_group(sys.argv[1]))
fixed_space(hom(natural(named_group("S20")), natural(named_group("S20"))))
def peak():
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins at the peak of the process that started this one
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
before = peak()
space = fixed_space(hom(vector, vector))
print(json.dumps({"dim": space.dim, "megabytes": peak() - before}))
"""


def _memory_row(name: str) -> Row:
    done = subprocess.run([sys.executable, "-c", MEMORY, name], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    note = "peak resident memory (VmHWM, else ru_maxrss) beyond that after imports, in a fresh process"
    return absolute_row(TOPIC, f"{name}, natural -> natural", "MB", [found["megabytes"]], MEGABYTES, note)


def _peer_row(case: Case, library: str, limit: float) -> Row:
    vector = case.vector()
    quantity = f"{library} / ours"
    backend = "orbits" if case.is_finite else "nullspace"
    mine = spread(in_turn((lambda: basis(case.vector(), backend, case.dim),), 3)[0])[0]
    found = _asked(library, case.name, limit)
    named = f"{case.name}, {vector.dim**2} -> {case.dim}"
    if "seconds" not in found:
        return Row(TOPIC, named, quantity, None, target=None, note=str(found["reason"]))
    seconds = float(found["seconds"])
    if found["dim"] not in (case.dim, None):
        raise AssertionError(f"{library} finds {found['dim']} dimensions for {case.name}, not {case.dim}")
    cost = f"{library} > {limit:g} s, a lower bound" if found["dim"] is None else f"{library} {unit_time(seconds)}"
    return Row(TOPIC, named, quantity, seconds / mine, target=FASTER, note=f"{cost}; ours {unit_time(mine)}; one run")


def _asked(library: str, case: str, limit: float) -> dict[str, Any]:
    """What `peer_bases` says: seconds and dim, dim None where it was stopped at the limit, or a reason."""
    script = Path(__file__).with_name("peer_bases.py")
    interpreter = os.environ.get("SHAREFIND_BENCH_PEERS", sys.executable)
    if not Path(interpreter).exists():
        return {"reason": f"SHAREFIND_BENCH_PEERS: there is no {interpreter}"}
    try:
        done = subprocess.run(
            [interpreter, str(script), library, case],
            capture_output=True, text=True, timeout=limit + START, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"seconds": limit, "dim": None}
    if done.returncode != 0:
        return {"reason": f"{library} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


START = 15.0
"""Seconds that the interpreter and the imports of a library may take on top."""


def _median(values: list[float]) -> str:
    return unit_time(spread(values)[0])
