"""Subgroups of infinite candidates in a search: they are proposed once the whole is rejected, and tested with it."""

from __future__ import annotations

import numpy as np
import pytest

from sharefind.datasets import Task, finite_task
from sharefind.groups import CompactGroup, named_group, parse_representation
from sharefind.groups.orthogonal_subgroups import is_compact_subgroup
from sharefind.inference import Verdict
from sharefind.search import SearchConfig, build_problem
from sharefind.search.building import opened
from sharefind.search.descent import tested as with_tests
from sharefind.search.inside_record import turned_row
from sharefind.search.law_tests import candidate_family
from sharefind.search.memory import NoMemory
from sharefind.search.turned import TurnedStart, may_be_opened


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
