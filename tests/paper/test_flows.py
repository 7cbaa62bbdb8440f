"""Theorems 3 to 6 and Corollary 3 as demonstrations, on several groups; the controls are part of every verdict."""

import pytest

from sharefind.paper.context import Context, Request
from sharefind.paper.statements import find


@pytest.mark.parametrize("group", ["C2", "C3", pytest.param("B2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["thm-3", "cor-3", "thm-4", "thm-5", "thm-6"])
def test_the_statements_hold(name: str, group: str) -> None:
    outcome = find(name).run(Context(Request(quick=True, group=group)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]
    assert sum("control" in check.name for check in outcome.checks) >= 1
