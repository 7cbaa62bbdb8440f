"""A short part of the fuzzing, the same inputs every time. More of it: `python -m tests.fuzz all --seconds 300`."""

from __future__ import annotations

import pytest

from tests.fuzz.loop import run_own
from tests.fuzz.targets import every_target

SLOW = {
    **{"report": 4, "inspect": 12, "resume": 12, "export": 12, "groups-command": 12},
    **{"command-line": 40, "run": 150, "parquet": 300},
}
"""Inputs of the targets that take longest for each; the others get more."""

INPUTS = 400


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("name", every_target())
def test_nothing_is_found(name: str) -> None:
    tally = run_own(every_target()[name], seed=2026, seconds=60.0, inputs=SLOW.get(name, INPUTS))
    assert tally.inputs == SLOW.get(name, INPUTS)
    assert not tally.found, tally.found
