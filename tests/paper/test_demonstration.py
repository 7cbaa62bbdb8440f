"""Verdicts: a claim holds by its numbers alone, and what is not a number, or is not claimed, never holds."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.paper.demonstration import Check, Outcome

NOT_FINITE = (math.nan, math.inf, -math.inf)


def _outcome(*checks: Check) -> Outcome:
    return Outcome((), checks, (), "figure")


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_the_two_relations_are_opposite_but_for_equality(value: float, bound: float) -> None:
    below, above = Check("c", value, "<=", bound), Check("c", value, ">=", bound)
    assert below.passed == (value - bound <= 0 or value <= bound)
    assert below.passed or above.passed
    assert (below.passed and above.passed) == (value == bound)


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("relation", ["<=", ">="])
def test_a_value_that_is_not_finite_fails_whatever_the_bound(value: float, relation: str) -> None:
    for bound in (0.0, -1e300, 1e300):
        assert not Check("c", value, relation, bound).passed  # type: ignore[arg-type]


@pytest.mark.parametrize("bound", NOT_FINITE)
@pytest.mark.parametrize("relation", ["<=", ">="])
def test_a_bound_that_every_value_satisfies_is_no_claim(bound: float, relation: str) -> None:
    assert not Check("c", 0.0, relation, bound).passed  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [*NOT_FINITE, 0.25])
def test_checks_are_json_whatever_their_numbers(number: float) -> None:
    record = Check("c", number, "<=", number).to_json()
    again = json.loads(json.dumps(record, allow_nan=False))
    assert again == record
    assert again["passed"] is math.isfinite(number)
    assert repr(float(again["value"])) == repr(number)
    assert repr(float(again["bound"])) == repr(number)


def test_a_verdict_needs_every_check_and_one_at_least() -> None:
    good, bad = Check("good", 1.0, "<=", 2.0), Check("bad", 3.0, "<=", 2.0)
    assert not _outcome().holds
    assert _outcome(good).holds
    assert _outcome(good, good).holds
    assert not _outcome(good, bad).holds
    assert not _outcome(bad, good).holds
    assert not _outcome(good, Check("nan", math.nan, "<=", 2.0)).holds
