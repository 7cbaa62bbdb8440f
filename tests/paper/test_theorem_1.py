"""Theorem 1 as a demonstration, on small sizes, and with an SGD that has another limit."""

from dataclasses import replace

import pytest

from sharefind import meanfield as mf
from sharefind.paper import theorem_1
from sharefind.paper.context import Context, MemoryStore, Request
from sharefind.paper.setting import setting
from sharefind.paper.theorem_1 import COUPLED, Limit, Theorem1

SMALL = Theorem1(sizes=(10, 40, 160), reference=800)


@pytest.mark.slow
def test_sgd_approaches_the_flow_and_cells_are_kept() -> None:
    store = MemoryStore()
    first = SMALL(Context(Request(quick=True), store))
    assert first.holds, first.checks
    again = SMALL(Context(Request(quick=True), store))
    assert again.rows == first.rows


@pytest.mark.slow
def test_another_step_size_has_another_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """SGD at half the speed: its clouds do not approach the flow at the full one."""
    original = mf.SGDConfig

    def slowed(**settings: object) -> object:
        return original.model_validate({**settings, "alpha": SMALL.alpha / 4})

    monkeypatch.setattr(theorem_1.mf, "SGDConfig", slowed)
    outcome = SMALL(Context(Request(quick=True)))
    assert not next(check for check in outcome.checks if check.name.startswith(COUPLED)).passed


def test_a_cell_belongs_to_one_size_and_one_set_of_numbers() -> None:
    def identity(numbers: Theorem1, size: int, **request: int) -> str:
        context = Context(Request(**request))  # type: ignore[arg-type]
        return repr(Limit(context, setting(context.request), numbers).identity(size))

    asked = [identity(SMALL, 10), identity(SMALL, 40), identity(SMALL, 10, seed=1)]
    asked += [identity(replace(SMALL, alpha=5.0), 10), identity(replace(SMALL, reference=900), 10)]
    assert len(set(asked)) == len(asked)
