"""Subgroups of infinite candidates in a search: they are proposed once the whole is rejected, and tested with it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sharefind.datasets import Task, finite_task
from sharefind.groups import CompactGroup, named_group, parse_representation, subgroups
from sharefind.groups.factors import factors_of
from sharefind.groups.orthogonal_subgroups import block_subgroups, frame_near, is_compact_subgroup
from sharefind.inference import Candidate, CandidateFamily, Verdict
from sharefind.inference.ambient_moves import SampledMoves
from sharefind.inference.vectors.vector_layout import placed_subgroup
from sharefind.proposal.vector_groups import PlacedGroup, VectorFinding, no_turns
from sharefind.proposal.vector_permutations import PermutationFinding
from sharefind.report.text.subgroup_words import axis_words
from sharefind.search import SearchConfig, build_problem
from sharefind.search.building import opened
from sharefind.search.descent import tested as with_tests
from sharefind.search.inside_record import turned_row
from sharefind.search.law_tests import candidate_family, is_inside
from sharefind.search.memory import NoMemory
from sharefind.search.proposal_parts import ProposedGroup, SubgroupsRow
from sharefind.search.turned import TurnedStart, may_be_opened, pairs_to_test


def triangle(n: int, seed: int = 0) -> Task:
    """Labels with the symmetry of a triangle whose mirror is turned by .4 radians."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    z = (x[:, 0] + 1j * x[:, 1]) * np.exp(-0.4j)
    y = np.tanh(np.abs(z)) * np.cos(3 * np.angle(z)) + 0.1 * rng.normal(size=n)
    return finite_task("triangle", x, y[:, None])


@pytest.fixture(scope="module")
def problem():
    return build_problem(SearchConfig(group="O2", out_rep="trivial"), triangle(200), named_group("O2"))


def test_half_of_the_rows_propose_and_the_others_are_left(problem) -> None:
    inner = opened(problem)
    assert inner is not None and inner.inside is not None and inner.rows is not None
    assert inner.samples == len(inner.rows) == 100
    names = [group.name for group in inner.inside.groups]
    assert names == ["D1.1", "D1.2", "D1.3", "C3", "D3", "SO2", "O2"]
    family = candidate_family(inner)
    assert family is not None and set(family.names) == set(names)
    assert {family.names[k] for k in family.above(family.place("D3"))} == {"O2"}
    assert {family.names[k] for k in family.above(family.place("C3"))} == {"D3", "SO2", "O2"}
    for group in inner.inside.groups:
        on_x, on_y = inner.representations_of(group)
        assert isinstance(group, CompactGroup) and is_compact_subgroup(group, problem.candidate.group)
        draws = on_x.sample_matrices(np.random.default_rng(0), 5)
        assert np.allclose(draws @ draws.swapaxes(1, 2), np.eye(2)) and on_y.dim == 1
    assert inner.lattice is not None and inner.lattice.zero.dim == 0


def test_what_is_said_of_the_proposal(problem) -> None:
    inner = opened(problem)
    assert inner is not None and isinstance(inner.inside, TurnedStart)
    row = turned_row(inner.inside)
    assert row.samples == row.tested_rows == 100
    (one,) = row.proposed
    assert (one.name, one.order) == ("D3", 6) and one.axes is not None and one.degrees is not None
    mirror = np.degrees(np.arctan2(one.axes[0][1], one.axes[0][0])) - np.degrees(0.4)
    assert abs((mirror + 30) % 60 - 30) < 5


def test_groups_that_do_more_than_turn_vectors_are_not_opened() -> None:
    config, group = SearchConfig(group="O3"), named_group("O3")
    vector, tensor = (parse_representation(text, group) for text in ("natural", "natural*natural"))
    assert may_be_opened(config, vector, vector) and not may_be_opened(config, tensor, vector)
    finite = parse_representation("natural", named_group("S3"))
    assert not may_be_opened(config, finite, finite)
    assert not may_be_opened(SearchConfig(group="O3", scheme="fa"), vector, vector)


def test_few_rows_are_tested_as_a_whole() -> None:
    few = build_problem(SearchConfig(group="O2", out_rep="trivial"), triangle(60), named_group("O2"))
    assert opened(few) is None


@pytest.mark.slow
@pytest.mark.ci
def test_permutations_that_cannot_be_proposed_are_reported() -> None:
    """Two equal vectors determine each other's inner products, so that no coefficients of these can be read."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 4, 3))
    vectors[:, 1] = vectors[:, 0]
    y = (vectors[:, 0] * vectors[:, 3]).sum(1, keepdims=True)
    config = SearchConfig(group="S4xO3", in_rep="S4.natural*O3.natural", out_rep="trivial")
    inner = opened(build_problem(config, finite_task("twins", vectors.reshape(200, 12), y), named_group("S4xO3")))
    assert inner is not None and isinstance(inner.inside, TurnedStart)
    (warning,) = (text for text in inner.warnings if "S4" in text)
    assert "no subgroup of S4" in warning and "inner products" in warning and "determined by the others" in warning
    row = turned_row(inner.inside)
    assert not row.exhaustive and {name.split("x")[0] for name in row.family if "x" in name} == {"S4"}


def test_one_of_two_proposals_must_be_right() -> None:
    """K x L for all K with the L inside L*, and for all L with the K that contain K*: closed under joins."""
    group = named_group("S3xO3")
    permuting = tuple(g for g in subgroups(named_group("S3")))
    axial = block_subgroups(frame_near(np.eye(3)), (2, 1))
    whole = factors_of(group)[1]
    rotations = CompactGroup("SO3", 3, whole.lie_algebra, ())
    best = next(g for g in axial if g.name == "O2")
    turned = VectorFinding(PlacedGroup(best, 1.0, np.eye(3), 1.0), (no_turns(3), *axial, rotations, whole))
    swap = next(g for g in permuting if g.order == 2)
    pairs = pairs_to_test(PermutationFinding(swap, permuting), turned)
    groups = [placed_subgroup(group, 0 if factors_of(group)[0] is whole else 1, k, g) for k, g in pairs]
    kept = [g for g in groups if g.order != 1]
    inside = np.array([[is_inside(a, b) for b in kept] for a in kept])
    assert 0 < len(pairs) < len(permuting) * len(turned.family)
    moves = SampledMoves(lambda rng, size: (np.ones((size, 1, 1)), np.ones((size, 1, 1))))
    named = tuple(Candidate(f"{k}", moves, g.order) for k, g in enumerate(kept))
    CandidateFamily(named, inside)  # refuses a family without joins


def test_the_report_names_the_axis() -> None:
    found = SubgroupsRow(
        samples=500,
        tested_rows=500,
        proposed=[ProposedGroup(name="O2", order=None, share=None, log_odds=9, axes=np.eye(3).tolist(), degrees=0.15)],
        family=["S5xO2", "S5xO3"],
        has_signal=True,
        exhaustive=True,
    )
    result = SimpleNamespace(subgroups=found, group=SimpleNamespace(order=None, name="S5xO3"))
    assert axis_words(result, "S5xO2") == "turns about (0, 0, 1), dimension 1, axis within 0.3 degrees"
    assert axis_words(result, "S5xS(O2xO1)").startswith("turns about")
    assert axis_words(result, "S5xSO3") == axis_words(result, "S5xO3") == axis_words(result, "S5xD3") == ""


@pytest.mark.slow
def test_a_triangle_is_found_inside_all_rotations_and_reflections(problem) -> None:
    notes: list[str] = []
    found = with_tests(problem, NoMemory(), lambda *_: None, notes.append)
    assert found.family is not None and found.family.maximal == ("D3",)
    assert found.family.verdicts["O2"] is found.family.verdicts["SO2"] is Verdict.REJECTED
    assert "O2 is rejected" in notes[0]
    assert found.family.tests["O2"].p_value <= 0.01


@pytest.mark.slow
def test_a_candidate_that_holds_is_not_opened() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 3))
    y = np.sin((x**2).sum(1)) + 0.1 * rng.normal(size=120)
    task = finite_task("radial", x, y[:, None])
    whole = build_problem(SearchConfig(group="O3", out_rep="trivial"), task, named_group("O3"))
    found = with_tests(whole, NoMemory(), lambda *_: None, lambda _: None)
    assert found.inside is None and found.family is not None and found.family.maximal == ("O3",)
