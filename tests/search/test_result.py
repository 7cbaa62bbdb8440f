"""The model of a result: what is read is checked, what is written has the keys of the contract in their order."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sharefind.column_names import kept_names
from sharefind.datasets import finite_task
from sharefind.errors import RunFolderError
from sharefind.search import RunFolder, run_search, search_config
from sharefind.search.result import Result, read_result, versions
from tests.columns import HOSTILE
from tests.search.problems import problem, teacher_task

RECORD: dict[str, Any] = {
    "schema": "sharefind.result/1",
    "run": "runs/one",
    "seed": 4,
    "group": {"name": "SO2", "order": None},
    "parameter_space": {"dim": 4, "blocks": [{"name": "weight", "shape": [2, 2]}]},
    "chain": [],
    "e_star": {"dim": 2, "exact": True, "candidate": "E^SO2", "stabiliser": None},
    "accepted": ["SO2"],
    "rejected": [],
    "lattice": {"nodes": 3, "edges": 2, "file": "lattice.json"},
    "wall_s": 1.5,
    "versions": {"python": "3.11"},
}

NO_GROUP = {"name": "C2", "order": 2, "generators": [[0, 0]]}

FILE = Path("result.json")

CONFIG = search_config(group="S3", unit="matrix", copies=19, alpha=0.1)


def test_what_was_read_is_written_again_with_keys_that_are_not_known() -> None:
    record = {**RECORD, "later": {"a": [1, 2]}, "e_star": {**RECORD["e_star"], "also": "this"}}
    found = read_result(record, FILE)
    assert found.to_json() == record
    assert (found.group.name, found.e_star.stabiliser, found.undecided) == ("SO2", None, [])


def test_keys_are_written_in_the_order_of_the_contract() -> None:
    found = read_result(dict(reversed(RECORD.items())), FILE)
    assert json.dumps(found.to_json()) == json.dumps(RECORD)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": "sharefind.result/2"}, "schema Input should be 'sharefind.result/1'"),
        ({"seed": "4"}, "seed Input should be a valid integer"),
        ({"wall_s": float("nan")}, "wall_s Input should be a finite number"),
        ({"accepted": ["\x1b[2J"]}, "accepted.0 holds characters that cannot be printed"),
        ({"stopped": "--max-nodes;reboot"}, "stopped begins with no option"),
        ({"inputs": ["a\x1b[2J", "b"]}, "inputs.0 holds characters that cannot be printed"),
        ({"inputs": ["", "b"]}, "inputs.0 String should have at least 1 character"),
        ({"outputs": ["a" * 501, "b"]}, "outputs.0 String should have at most 500 characters"),
        ({"inputs": ["a", "b", "c"]}, "inputs has 3 names for 2 columns"),
        ({"outputs": ["a"]}, "outputs has 1 names for 2 columns"),
        ({"classes": ["\u202e"]}, "classes.0 holds characters that cannot be printed"),
        ({"group": {**RECORD["group"], "moves": {"on_inputs": [[1, 1]], "on_outputs": []}}}, "no signed permutation"),
        (
            {"inputs": ["a", "b"], "group": {**RECORD["group"], "moves": {"on_inputs": [[1]], "on_outputs": []}}},
            "moves.on_inputs does not fit the names",
        ),
        ({"maximal": ["C3; reboot"]}, "maximal holds what is no subgroup of SO2"),
        (
            {"e_star": {**RECORD["e_star"], "stabiliser": {"name": "C2", "order": 2, "generators": [[0, 0]]}}},
            "permutation",
        ),
    ],
)
def test_what_no_search_writes_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(RunFolderError, match="is no result of a search") as error:
        read_result({**RECORD, **changes}, FILE)
    assert told in str(error.value)


def test_results_without_names_are_read() -> None:
    found = read_result(RECORD, FILE)
    assert (found.inputs, found.outputs, found.classes, found.group.moves) == ([], [], [], None)


def test_a_search_writes_the_names_of_columns_so_that_they_can_be_read(tmp_path: Path) -> None:
    plain = teacher_task("C3", 3, 60, 0)
    assert plain.x is not None and plain.y is not None
    task = finite_task("named", plain.x, plain.y, inputs=HOSTILE[:3], outputs=("u", "v", "w"))
    _, found = run_search(problem(task, "S3", copies=19, alpha=0.1), RunFolder.create(tmp_path / "run", CONFIG))
    record = json.loads((tmp_path / "run" / "result.json").read_text())
    assert read_result(record, FILE) == found
    assert record["inputs"] == list(kept_names(HOSTILE[:3], "x")) and record["outputs"] == ["u", "v", "w"]
    assert record["classes"] == []
    for group in (record["group"], record["e_star"]["stabiliser"]):
        moved = [[entry - 1 for entry in image] for image in group["moves"]["on_inputs"]]
        assert moved == group["generators"]
    assert record["group"]["generators"]


def test_a_result_does_not_change() -> None:
    found = Result.model_validate(RECORD)
    with pytest.raises(ValidationError, match="frozen"):
        found.seed = 5  # type: ignore[misc]


def test_versions_are_those_of_what_decides_the_numbers() -> None:
    assert {"sharefind", "python", "torch", "numpy", "scipy", "sympy", "networkx"} == versions().keys()
