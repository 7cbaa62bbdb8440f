"""A candidate given by columns: half of the rows explain it, the others test what is nearest; kept, shown and read."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from sharefind.api.resolve import resolve_problem
from sharefind.datasets import finite_task
from sharefind.datasets.map_file import written_map
from sharefind.inference.maps.map_explanation import MapExplanation
from sharefind.search import hypotheses, search_config
from sharefind.search.map_explanations import map_explanations
from sharefind.search.map_rows import MapRow
from sharefind.search.map_words import map_cells, map_sentences, map_title
from sharefind.search.memory import MAP, NoMemory
from sharefind.search.symmetries import symmetries
from tests.inference.maps.robots import INPUTS, MIRROR, OUTPUTS, changed, is_same, robot

WRONG = changed(MIRROR, {3: 4, 4: 3})
"""The sign of the hips is wrong."""


def as_mapping(of):
    sides = ((of.inputs, INPUTS), (of.outputs, OUTPUTS))
    return {n[k]: (n[abs(e) - 1], int(np.sign(e))) for side, n in sides for k, e in enumerate(side.image) if e != k + 1}


def problem_of(rows, given, **settings):
    task = finite_task("robot", rows.x, rows.y, inputs=INPUTS, outputs=OUTPUTS)
    config = search_config(copies=99, **settings)
    problem = resolve_problem(config, task, given if not isinstance(given, dict) else written_map(given))
    return hypotheses.TestedProblem.of(problem, symmetries(problem, NoMemory(), lambda *stage: None))


class Kept(NoMemory):
    """Keeps explanations alone, as their lines in a journal."""

    def __init__(self):
        self.lines: dict[str, str] = {}

    def get(self, kind, key):
        return MapRow.model_validate(json.loads(self.lines[key])).value if kind is MAP and key in self.lines else None

    def put(self, kind, key, value):
        self.lines[key] = json.dumps(MapRow.of(value).to_json())


@pytest.fixture(scope="module")
def wrong():
    return problem_of(robot(300, 1), as_mapping(WRONG))


def test_a_wrong_map_is_mended_on_one_half_and_tested_on_the_other(wrong):
    memory = Kept()
    (found,) = map_explanations(wrong, memory, lambda *stage: None)
    assert wrong.family is not None and wrong.family.rejected
    assert found.nearest is not None and is_same(found.nearest, MIRROR) and found.changes == 1
    assert found.rows == 150 and found.test is not None
    assert (found.test.verdict, found.test.decided_by, found.test.rows) == ("accepted", "law", 150)
    (again,) = map_explanations(wrong, memory, None)
    assert MapRow.of(again).to_json() == MapRow.of(found).to_json()


def test_words(wrong):
    (found,) = map_explanations(wrong, NoMemory(), lambda *stage: None)
    row = MapRow.of(found)
    ((column, given, data, what, errors, seen),) = map_cells(row, INPUTS, OUTPUTS)
    assert (column, given, data, what) == ("hip_right", "+hip_left", "-hip_left", "sign")
    assert float(errors.replace(",", "")) > 5 and " by hip_" in seen and ", by the map " in seen
    lines = map_sentences(row, INPUTS, OUTPUTS, "runs/one run")
    assert lines[0].startswith(
        "Nearest map: 1 change (a sign counts one, another image two). It is not rejected on 150 "
    )
    assert lines[1] == "It is kept as a table: map 'runs/one run/nearest-map.csv'"
    assert map_title(row, 1) == "The map, column by column" and map_title(row, 2) == "Map 1, column by column"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"missing": "5 rows are too few"}, "Map 1 was not explained: 5 rows are too few."),
        ({"nearest": None, "most_changes": 8}, "No map with at most 8 changes passes"),
        ({"nearest": None, "is_spent": True}, "The search was cut short, so that one may exist."),
        ({"nearest": None, "faults": ()}, "No coefficient and no moment shows what is wrong"),
        ({"unseen": ((0, 1), (2,))}, "could not be judged: roll, forward_speed, hip_left_acc."),
    ],
)
def test_other_ends_in_words(wrong, more, expected):
    (found,) = map_explanations(wrong, NoMemory(), lambda *stage: None)
    row = MapRow.of(replace(found, **more))
    assert expected in " ".join(map_sentences(row, INPUTS, OUTPUTS))
    assert MapRow.model_validate(json.loads(json.dumps(row.to_json()))) == row


def test_what_was_left_out_and_other_images_have_their_words():
    for given, words in (
        (changed(MIRROR, {7: 7, 8: 8}), {"left out"}),
        (changed(MIRROR, {3: -6, 6: -3, 4: 5, 5: 4}), {"image", "image and sign"}),
    ):
        from sharefind.inference.maps.map_explanation import explain_map

        rows = robot(300, 2)
        row = MapRow.of(explain_map(rows.x, rows.y, given, np.random.default_rng(0)))
        assert {cells[3] for cells in map_cells(row, INPUTS, OUTPUTS)} <= words | {"image", "image and sign"}
        assert words & {cells[3] for cells in map_cells(row, INPUTS, OUTPUTS)}


@pytest.mark.parametrize(
    "change",
    [
        {"faults": [{"side": "input", "columns": [11], "given": [1], "nearest": [], "seen": None}]},
        {"unseen_inputs": [0]},
        {"unseen_outputs": [7]},
        {"given": {"on_inputs": [1, 1], "on_outputs": [1]}},
    ],
)
def test_a_row_that_no_search_writes_is_refused(wrong, change):
    row = MapRow.of(MapExplanation(WRONG, missing="nothing")).to_json()
    MapRow.model_validate(row)
    with pytest.raises(ValidationError):
        MapRow.model_validate({**row, **change})


def test_a_map_that_is_accepted_is_not_explained():
    right = problem_of(robot(300, 1), as_mapping(MIRROR))
    assert right.family is not None and right.family.accepted
    assert map_explanations(right, NoMemory(), lambda *stage: None) == ()


@pytest.mark.slow
def test_a_group_with_a_name_is_not_explained():
    rows = robot(300, 1)
    named = problem_of(rows, None, group="C2", in_rep="natural+trivial:8", out_rep="trivial:6")
    assert named.family is not None and named.family.rejected
    assert map_explanations(named, NoMemory(), lambda *stage: None) == ()


def test_few_rows_are_missing_and_no_error():
    rows = robot(40, 1)
    found = map_explanations(problem_of(rows, as_mapping(WRONG)), NoMemory(), lambda *stage: None)
    assert [one.missing for one in found] in (
        [],
        ["half of the rows, 20, are too few to look at 10 inputs; more than 22 are needed"],
    )


@pytest.mark.slow
def test_classes_change_places_and_no_signs():
    """Two classes that change places with two inputs; the map leaves the classes where they are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4))
    chances = np.column_stack([x[:, :2] * 1.5 + 0.7 * x[:, :2] ** 2, np.zeros(400)]) + rng.gumbel(size=(400, 3))
    classes = ("left", "right", "middle")
    y = np.eye(3)[chances.argmax(axis=1)]
    task = finite_task("side", x, y, inputs=tuple("abcd"), outputs=classes, classes=classes)
    problem = resolve_problem(search_config(copies=99), task, written_map({"a": "b", "b": "a"}))
    tested = hypotheses.TestedProblem.of(problem, symmetries(problem, NoMemory(), lambda *stage: None))
    (found,) = map_explanations(tested, NoMemory(), lambda *stage: None)
    assert found.missing == "" and found.nearest is not None and found.nearest.outputs.image == [2, 1, 3]


@pytest.mark.slow
def test_of_two_generators_the_wrong_one_is_explained():
    rows = robot(300, 3)
    rows = type(rows)(np.column_stack([rows.x, np.random.default_rng(0).normal(size=300)]), rows.y)
    task = finite_task("robot", rows.x, rows.y, inputs=(*INPUTS, "extra"), outputs=OUTPUTS)
    given = written_map({"mirror": as_mapping(WRONG), "flip": {"extra": "-extra"}})
    problem = resolve_problem(search_config(copies=99), task, given)
    tested = hypotheses.TestedProblem.of(problem, symmetries(problem, NoMemory(), lambda *stage: None))
    (found,) = map_explanations(tested, NoMemory(), lambda *stage: None)
    assert found.generator == 0 and found.changes == 1 and [f.columns for f in found.faults] == [(2, 3)]


@pytest.mark.slow
def test_where_inputs_are_one_sided_the_relation_decides():
    rows = robot(2000, 4)
    kept = (rows.x[:, 0] > 0) | (np.random.default_rng(0).random(2000) < 0.3)
    rows = type(rows)(rows.x[kept][:700], rows.y[kept][:700])
    (found,) = map_explanations(problem_of(rows, as_mapping(WRONG)), NoMemory(), lambda *stage: None)
    assert found.nearest is not None and is_same(found.nearest, MIRROR)
    assert found.test is not None and found.test.decided_by == "relation" and found.test.verdict == "accepted"
