"""The model of a result: what is read is checked, what is written has the keys of the contract in their order."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sharefind.errors import RunFolderError
from sharefind.search.result import Result, read_result, versions

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


def test_a_result_does_not_change() -> None:
    found = Result.model_validate(RECORD)
    with pytest.raises(ValidationError, match="frozen"):
        found.seed = 5  # type: ignore[misc]


def test_versions_are_those_of_what_decides_the_numbers() -> None:
    assert {"sharefind", "python", "torch", "numpy", "scipy", "sympy", "networkx"} == versions().keys()
