"""Theorem 1 as a demonstration, on small sizes, and with an SGD that has another limit."""

import pytest

from sharefind.paper import limit_theorems as limits
from sharefind.paper.context import Context, MemoryStore, Request


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUICK_SIZES", (10, 40, 160))
    monkeypatch.setattr(limits, "QUICK_REFERENCE", 800)


@pytest.mark.slow
def test_sgd_approaches_the_flow_and_cells_are_kept() -> None:
    store = MemoryStore()
    first = limits.thm_1(Context(Request(quick=True), store))
    assert first.holds, first.checks
    again = limits.thm_1(Context(Request(quick=True), store))
    assert again.rows == first.rows


@pytest.mark.slow
def test_another_step_size_has_another_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """SGD at half the speed: its clouds do not approach the flow at the full one."""
    original = limits.SGDConfig

    def slowed(**settings: object) -> object:
        return original(**{**settings, "alpha": limits.ALPHA / 4})

    monkeypatch.setattr(limits, "SGDConfig", slowed)
    outcome = limits.thm_1(Context(Request(quick=True)))
    assert not next(check for check in outcome.checks if check.name.startswith(limits.COUPLED)).passed
