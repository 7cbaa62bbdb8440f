"""How long E^G takes on the usual cases: dimensions are asserted, times are printed (-s) and never fail."""

from collections.abc import Callable
from time import perf_counter

import pytest

from sharefind.groups import Representation, grid, hom, named_group, natural
from sharefind.spaces import fixed_space, invariant_lattice

REPEATS = 3


def endomorphisms(name: str, order: int = 1) -> Representation:
    vector = natural(named_group(name))
    rep = vector
    for _ in range(order - 1):
        rep = rep * vector
    return hom(rep, rep)


def pixels(side: int) -> Representation:
    rep = grid(named_group("D4"), side)
    return hom(rep, rep)


def best_time(work: Callable[[], object]) -> float:
    """Shortest of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def report(case: str, backend: str, rep: Representation, seconds: float) -> None:
    print(f"\n{case:24s} {backend:10s} N={rep.dim:<9d} {seconds:.5f} s")


CASES = {
    "C64 regular": (lambda: endomorphisms("C64"), 64),
    "C256 regular": (lambda: endomorphisms("C256"), 256),
    "S50 natural": (lambda: endomorphisms("S50"), 2),
    "S500 natural": (lambda: endomorphisms("S500"), 2),
    "S10 order 2": (lambda: endomorphisms("S10", 2), 15),
    "D4 on 16x16 pixels": (lambda: pixels(16), 8256),
}
NULLSPACE_CASES = CASES | {
    "SO3 T2": (lambda: endomorphisms("SO3", 2), 3),
    "SO3 T3": (lambda: endomorphisms("SO3", 3), 15),
}
LARGE = {
    "C1024 regular": (lambda: endomorphisms("C1024"), 1024),
    "S5000 natural": (lambda: endomorphisms("S5000"), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_orbits(case):
    make, dim = CASES[case]
    rep = make()
    assert fixed_space(rep, "orbits").dim == dim
    report(case, "orbits", rep, best_time(lambda: fixed_space(rep, "orbits")))


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE)
def test_large_orbits(case):
    make, dim = LARGE[case]
    rep = make()
    start = perf_counter()
    assert fixed_space(rep, "orbits").dim == dim
    report(case, "orbits", rep, perf_counter() - start)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in NULLSPACE_CASES if case != "S500 natural"])
def test_nullspace(case):
    make, dim = NULLSPACE_CASES[case]
    rep = make()
    assert fixed_space(rep, "nullspace").dim == dim
    report(case, "nullspace", rep, best_time(lambda: fixed_space(rep, "nullspace")))


def test_lattice_of_s5():
    rep = endomorphisms("S5")
    start = perf_counter()
    nodes = invariant_lattice(rep).nodes
    print(f"\nlattice of S5 on R^5->R^5: {len(nodes)} nodes, {perf_counter() - start:.3f} s")
