"""Proposition 1 as a demonstration: it holds, and fails when the mathematics is broken."""

import pytest
import torch

from sharefind.meanfield import HaarRule
from sharefind.paper.context import Context, Request
from sharefind.paper.statements import find


def test_prop_1_for_every_group_and_unit() -> None:
    outcome = find("prop-1").run(Context(Request(quick=True)))
    assert outcome.holds, outcome.checks
    pairs = {(row["group"], row["unit"]) for row in outcome.rows}
    assert {group for group, _ in pairs} >= {"C4", "D4", "S3", "B2", "SO2"}
    assert sum(group == "C4" for group, _ in pairs) == 6
    # B2 has signs: the logistic unit is refused, and so said.
    assert ("B2", "matrix:logistic") not in pairs
    assert any(note.startswith("B2, matrix:logistic: refused") for note in outcome.notes)


@pytest.mark.parametrize("name", ["prop-1", "prop-2"])
def test_a_wrong_action_on_the_particles_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(rule: HaarRule, theta: torch.Tensor) -> torch.Tensor:
        """M_g z = z: the group forgotten."""
        return theta.unsqueeze(2).expand(-1, -1, len(rule), -1)

    monkeypatch.setattr(HaarRule, "images", lazy)
    assert not find(name).run(Context(Request(quick=True, group="C3"))).holds
