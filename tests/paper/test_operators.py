"""Propositions 1 and 2 as demonstrations: they hold, for other groups too, and fail when the mathematics is broken."""

import pytest
import torch

from sharefind.errors import SharefindError
from sharefind.meanfield.clouds.haar import HaarRule
from sharefind.paper import operators
from sharefind.paper.context import Context, Request

QUICK = Request(quick=True)


def test_prop_1_for_every_group_and_unit() -> None:
    outcome = operators.prop_1(Context(QUICK))
    assert outcome.holds, outcome.checks
    pairs = {(row["group"], row["unit"]) for row in outcome.rows}
    assert {group for group, _ in pairs} >= {"C4", "D4", "S3", "B2", "SO2"}
    assert sum(group == "C4" for group, _ in pairs) == 6
    # B2 has signs: the logistic unit is refused, and so said.
    assert ("B2", "matrix:logistic") not in pairs
    assert any(note.startswith("B2, matrix:logistic: refused") for note in outcome.notes)


def test_prop_2_for_every_group_and_unit() -> None:
    outcome = operators.prop_2(Context(Request(quick=True, group="D3")))
    assert outcome.holds, outcome.checks
    assert {row["loss"] for row in outcome.rows} == {"squared", "huber:0.5", "logistic", "cross-entropy"}


@pytest.mark.parametrize("demonstration", [operators.prop_1, operators.prop_2])
def test_a_wrong_action_on_the_particles_is_seen(demonstration: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(rule: HaarRule, theta: torch.Tensor) -> torch.Tensor:
        """M_g z = z: the group forgotten."""
        return theta.unsqueeze(2).expand(-1, -1, len(rule), -1)

    monkeypatch.setattr(HaarRule, "images", lazy)
    assert callable(demonstration)
    assert not demonstration(Context(Request(quick=True, group="C3"))).holds


def test_groups_without_a_unit_are_errors() -> None:
    with pytest.raises(SharefindError, match="generator 0 of R3"):
        operators.prop_1(Context(Request(group="R3", unit="matrix")))
    with pytest.raises(SharefindError, match="unit 'foo' is unknown"):
        operators.prop_1(Context(Request(unit="foo")))
