"""Theorems 3 to 6 and Corollary 3 as demonstrations, on several groups; the controls are part of every verdict."""

from collections.abc import Callable

import pytest

from sharefind.meanfield.objectives.schemes import Scheme
from sharefind.paper import flows
from sharefind.paper.context import Context, Request
from sharefind.paper.demonstration import Outcome

DEMONSTRATIONS = [flows.thm_3, flows.cor_3, flows.thm_4, flows.thm_5, flows.thm_6]


@pytest.mark.parametrize("group", ["C2", "C3", pytest.param("B2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("demonstration", DEMONSTRATIONS, ids=lambda d: d.__name__)
def test_the_statements_hold(demonstration: Callable[[Context], Outcome], group: str) -> None:
    outcome = demonstration(Context(Request(quick=True, group=group)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]
    assert sum("control" in check.name for check in outcome.checks) >= 1


def test_a_law_without_symmetry_fails_theorem_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.Arena, "equivariant", property(lambda arena: arena.arbitrary))
    outcome = flows.thm_3(Context(Request(quick=True)))
    assert not outcome.holds
    assert not outcome.checks[0].passed


def test_theorem_4_needs_a_weakly_invariant_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.Arena, "wi_start", flows.Arena.plain_start)
    assert not flows.thm_4(Context(Request(quick=True))).checks[0].passed


def test_theorem_5_needs_a_strongly_invariant_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.Arena, "si_start", flows.Arena.plain_start)
    assert not flows.thm_5(Context(Request(quick=True))).checks[0].passed


def test_the_control_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An arbitrary law that happens to be symmetric cannot show anything: the verdict says so."""

    def only_da(arena: flows.Arena, scheme: Scheme, law: object) -> object:
        return original(arena, Scheme.DA, arena.arbitrary)

    original = flows.Arena.risk
    monkeypatch.setattr(flows.Arena, "risk", only_da)
    assert not flows.thm_3(Context(Request(quick=True))).holds
