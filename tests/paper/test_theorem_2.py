"""Theorem 2 needs the group."""

import pytest

from sharefind.meanfield import HaarRule
from sharefind.paper.context import Context, Request
from sharefind.paper.theorem_2 import Theorem2


def test_theorem_2_needs_the_group_to_act_on_the_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HaarRule, "images", lambda rule, theta: theta.unsqueeze(2).expand(-1, -1, len(rule), -1))
    outcome = Theorem2(orbits=30, rounds=2)(Context(Request(group="C3")))
    assert not outcome.checks[0].passed
