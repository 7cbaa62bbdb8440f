"""The cases of the benchmark have the dimensions that it says they have, by both backends."""

import pytest

from tests.bench.bases import CASES, LARGEST, Case, basis

SLOW = (LARGEST, "C1024")
NAMES = {case.name: case for case in CASES}


@pytest.mark.parametrize(
    "name",
    [pytest.param(c.name, marks=[pytest.mark.slow] if c.name in SLOW else []) for c in CASES if c.orbits is not None],
)
def test_orbits(name: str) -> None:
    basis(NAMES[name].vector(), "orbits", NAMES[name].dim)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.nullspace is not None], ids=lambda case: case.name)
def test_nullspace(case: Case) -> None:
    basis(case.vector(), "nullspace", case.dim)
