"""Theorem 2, Propositions 4 and 5 as demonstrations: they hold for several groups and fail where they should."""

import pytest

from sharefind.paper.context import Context, Request
from sharefind.paper.optima import LeastRisks
from sharefind.paper.statements import find

STATEMENTS = ["thm-2", "prop-4", "prop-5"]


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_statements_hold_for_every_default_group(name: str) -> None:
    outcome = find(name).run(Context(Request(quick=True)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]
    assert {row["group"] for row in outcome.rows} == set(LeastRisks.groups)


@pytest.mark.parametrize(
    "group",
    ["C5", "A4", pytest.param("S4", marks=pytest.mark.slow), pytest.param("B3", marks=pytest.mark.slow), "C2xC3"],
)
@pytest.mark.parametrize("name", STATEMENTS)
def test_other_groups_by_their_names(name: str, group: str) -> None:
    outcome = find(name).run(Context(Request(quick=True, group=group, seed=3)))
    assert outcome.holds, [check for check in outcome.checks if not check.passed]
