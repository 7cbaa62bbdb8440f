"""Proposition 2 as a demonstration, for another group."""

from sharefind.paper.context import Context, Request
from sharefind.paper.statements import find


def test_prop_2_for_every_group_and_unit() -> None:
    outcome = find("prop-2").run(Context(Request(quick=True, group="D3")))
    assert outcome.holds, outcome.checks
    assert {row["loss"] for row in outcome.rows} == {"squared", "huber:0.5", "logistic", "cross-entropy"}
