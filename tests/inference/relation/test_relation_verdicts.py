"""Closed testing of relations where inputs may show one side of a group only: by hand, by chance, and its error."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.errors import ConfigError
from sharefind.groups import named_group
from sharefind.groups.constructors import natural, trivial
from sharefind.inference import CandidateFamily, OverlapBounds, Verdict, subgroup_family
from sharefind.inference.relation.relation_verdicts import Doubt, Found, RelationClosure

ALPHA, ACCEPTED, REJECTED, UNDECIDED = 0.05, Verdict.ACCEPTED, Verdict.REJECTED, Verdict.UNDECIDED


def subgroups_of(name: str) -> CandidateFamily:
    group = named_group(name)
    return subgroup_family(natural(group), trivial(group))


V4 = subgroups_of("V4")
"""Three groups of order 2 below the whole one."""

D4 = subgroups_of("D4")
S4 = subgroups_of("S4")


def closure(
    family: CandidateFamily, values: Mapping[int, Found], bounds: OverlapBounds | None = None
) -> RelationClosure:
    """All tests that the procedure asks for, in its waves."""
    made: dict[int, Found] = {}
    for _ in range(len(family.candidates) + 1):
        state = RelationClosure(family, made, ALPHA, bounds or OverlapBounds())
        ready = state.ready()
        if not ready:
            return state
        made = made | {place: values[place] for place in ready}
    raise AssertionError("the waves do not end")


def verdicts(state: RelationClosure, best: int | None = None) -> dict[int, tuple[Verdict, Doubt | None]]:
    best = state.standing[0] if best is None and state.standing else best
    return {place: (verdict, doubt) for place, verdict, doubt in state.verdicts(best)}


def top(family: CandidateFamily) -> int:
    return int(np.flatnonzero(~family.inside.any(1))[0])


def others(family: CandidateFamily) -> list[int]:
    return [i for i in range(len(family.candidates)) if i != top(family)]


def test_a_group_of_which_the_inputs_show_enough_is_accepted_with_its_subgroups() -> None:
    state = closure(V4, {i: Found(0.5, 0.9) for i in range(4)})
    assert set(state.found) == {top(V4)}
    assert all(verdict is ACCEPTED for verdict, _ in verdicts(state).values())


def test_where_inputs_show_one_side_everything_is_undecided() -> None:
    state = closure(V4, {i: Found(0.5, 0.02) for i in range(4)})
    assert set(verdicts(state).values()) == {(UNDECIDED, Doubt.ONE_SIDED)}
    assert state.standing == [] and len(state.one_sided) == 4


def test_a_subgroup_with_enough_overlap_is_accepted_below_a_one_sided_group() -> None:
    one, *rest = others(V4)
    state = closure(V4, {i: Found(0.5, 0.9 if i == one else 0.02) for i in range(4)})
    found = verdicts(state)
    assert found[one] == (ACCEPTED, None)
    assert all(found[i] == (UNDECIDED, Doubt.ONE_SIDED) for i in (*rest, top(V4)))


def test_a_subgroup_that_its_own_test_speaks_against_is_not_accepted() -> None:
    """Half of alpha is shared: p = .04 is too much for the whole group, and enough to doubt the subgroup."""
    one = others(V4)[0]
    values = {i: Found(0.5, 0.02) for i in range(4)} | {one: Found(0.04, 0.9)}
    found = verdicts(closure(V4, values))
    assert found[one] == (UNDECIDED, Doubt.CONTRADICTED)
    assert all(verdict is UNDECIDED for verdict, _ in found.values())


def test_clear_evidence_against_a_subgroup_rejects_the_one_sided_group_too() -> None:
    one, *rest = others(V4)
    values = {i: Found(0.5, 0.02) for i in range(4)} | {one: Found(0.02, 0.9)}
    state = closure(V4, values)
    assert state.rejected == {one, top(V4)}
    assert state.unassured == [], "the test of the decidable subgroup has its level"
    assert all(verdicts(state)[i] == (UNDECIDED, Doubt.ONE_SIDED) for i in rest)


def test_a_one_sided_group_has_half_of_alpha_where_subgroups_can_be_decided() -> None:
    one = others(V4)[0]
    values = {i: Found(0.5, 0.9 if i == one else 0.02) for i in range(4)}
    assert top(V4) in closure(V4, values | {top(V4): Found(0.024, 0.02)}).rejected
    assert top(V4) not in closure(V4, values | {top(V4): Found(0.026, 0.02)}).rejected
    alone = {i: Found(0.5, 0.02) for i in range(4)} | {top(V4): Found(0.049, 0.02)}
    state = closure(V4, alone)
    assert state.rejected == {top(V4)} and state.unassured == [top(V4)]


def test_two_groups_whose_join_was_rejected_are_in_conflict() -> None:
    one, two, three = others(V4)
    values = {top(V4): Found(0.001, 0.9), one: Found(0.3, 0.9), two: Found(0.6, 0.9), three: Found(0.01, 0.9)}
    state = closure(V4, values)
    assert set(state.conflict) == {one, two}
    assert verdicts(state, two) == {
        top(V4): (REJECTED, None),
        one: (UNDECIDED, Doubt.CONFLICT),
        two: (ACCEPTED, None),
        three: (REJECTED, None),
    }


def test_two_groups_that_stand_below_a_one_sided_one_are_in_no_conflict() -> None:
    one, two, _ = others(V4)
    values = {i: Found(0.5, 0.9 if i in (one, two) else 0.02) for i in range(4)}
    state = closure(V4, values)
    assert state.conflict == [] and set(state.standing) == {one, two}
    assert verdicts(state, one)[two] == (UNDECIDED, Doubt.BESIDE)


@pytest.mark.parametrize(("accepted", "assured"), [(0.1, 0.2), (1.1, 0.1), (0.2, -0.1), (float("nan"), 0.1)])
def test_bounds_that_make_no_sense_are_refused(accepted: float, assured: float) -> None:
    with pytest.raises(ConfigError, match="0 <= assured <= accepted <= 1"):
        OverlapBounds(accepted, assured)


PLACES = st.sampled_from([V4, D4, S4])


@st.composite
def families(draw: st.DrawFn) -> tuple[CandidateFamily, dict[int, Found]]:
    family = draw(PLACES)
    small = st.floats(0.001, 0.1) | st.floats(0.1, 1)
    each = st.builds(Found, small, st.sampled_from([0.02, 0.15, 0.3, 0.9]))
    return family, {place: draw(each) for place in range(len(family.candidates))}


@given(families())
@settings(max_examples=40, deadline=None)
def test_what_follows_of_any_values(case: tuple[CandidateFamily, dict[int, Found]]) -> None:
    family, values = case
    state = closure(family, values)
    found = verdicts(state)
    assert len(found) == len(family.candidates)
    for place, (verdict, doubt) in found.items():
        above = family.above(place)
        assert (doubt is not None) == (verdict is UNDECIDED)
        assert (verdict is REJECTED) == (state.adjusted(place) <= ALPHA)
        if verdict is REJECTED:
            assert all(found[j][0] is REJECTED for j in above)
        if verdict is ACCEPTED and place in state.found:
            assert values[place].p_value > ALPHA, "its own test speaks against it"
    for place in state.standing:
        assert state.is_decidable(place) and place not in state.rejected
    for larger, place in itertools.product(range(len(family.candidates)), repeat=2):
        wanted = larger in state.found and not state.is_decidable(larger) and family.inside[place, larger]
        if wanted and place in state.parts(larger):
            assert place in state.found
    assert bool(state.standing) == any(verdict is ACCEPTED for verdict, _ in found.values())


@given(families(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_which_tests_count_follows_from_overlaps_alone(
    case: tuple[CandidateFamily, dict[int, Found]], chance: object
) -> None:
    """Other p-values, the same overlaps: a one-sided group that was tested both times has the same parts."""
    family, values = case
    rng = np.random.default_rng(len(values))
    other = {place: Found(float(rng.uniform(0.001, 1)), found.overlap) for place, found in values.items()}
    one, two = closure(family, values), closure(family, other)
    for place in set(one.found) & set(two.found):
        if not one.is_decidable(place):
            assert one.parts(place) == two.parts(place)


def errors(family: CandidateFamily, truth: int, runs: int, overlaps: np.ndarray) -> float:
    """Share of runs in which a subgroup of the truth is rejected, where tests of true groups are exact."""
    rng, wrong = np.random.default_rng(3), 0
    true = {truth, *family.below(truth)}
    for run in range(runs):
        shared = rng.uniform()
        values = {
            place: Found(
                (shared if rng.uniform() < 0.5 else rng.uniform()) if place in true else rng.uniform() * 0.01,
                float(overlaps[run % len(overlaps), place]),
            )
            for place in range(len(family.candidates))
        }
        wrong += bool(true & closure(family, values).rejected)
    return wrong / runs


@pytest.mark.parametrize(
    ("family", "runs"),
    [(V4, 300), pytest.param(V4, 3000, marks=pytest.mark.slow), pytest.param(D4, 3000, marks=pytest.mark.slow)],
)
def test_the_family_wise_error_is_alpha_whatever_the_overlaps(family: CandidateFamily, runs: int) -> None:
    overlaps = np.random.default_rng(1).choice([0.02, 0.9], size=(20, len(family.candidates)))
    for truth in (top(family), others(family)[-1]):
        assert errors(family, truth, runs, overlaps) <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs)
