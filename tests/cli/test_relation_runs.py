"""Runs whose relation decides: interrupted, taken up again, spoilt, and read by what knows nothing of relations."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sharefind.cli import main
from tests.search.problems import one_sided_task

BRIEF = ("--copies", "99", "--alpha", "0.05", "--training-copies", "19", "--particles", "8", "--unit", "matrix+bias")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose relation decided; not to be changed."""
    folder, task = tmp_path_factory.mktemp("relation"), one_sided_task(80, 0.8)
    np.savez(folder / "rows.npz", x=task.x, y=task.y)
    data = ("--group", "C3", "--data", str(folder / "rows.npz"), "--out", str(folder / "run"))
    assert main(["discover", *data, *BRIEF, "--quiet", "--json"]) == 0
    return folder / "run"


@pytest.fixture
def one_sided(searched: Path, tmp_path: Path) -> Path:
    """A copy of that run which a test may spoil."""
    shutil.copytree(searched, tmp_path / "run")
    return tmp_path / "run"


def _without_time(path: Path) -> dict[str, object]:
    return {key: value for key, value in json.loads(path.read_text()).items() if key not in ("wall_s", "run")}


@pytest.mark.slow
@pytest.mark.ci
def test_a_run_that_was_stopped_before_or_after_its_relations_ends_the_same(call, one_sided: Path) -> None:
    whole = _without_time(one_sided / "result.json")
    assert (whole["symmetry"], whole["decided_by"], whole["accepted"]) == ("auto", "relation", ["C3"])
    tests = [json.loads(line)["name"] for line in (one_sided / "tests.jsonl").read_text().splitlines()]
    assert tests == ["independence", "C3", "inputs: C3"]
    kept = {name: (one_sided / name).read_bytes() for name in ("tests.jsonl", "relations.jsonl")}
    for spoilt in kept:
        (one_sided / "result.json").unlink()
        (one_sided / spoilt).unlink()
        assert call("discover", "--resume", one_sided, "--quiet").status == 0
        assert _without_time(one_sided / "result.json") == whole


def test_what_is_kept_of_a_relation_is_not_done_again(call, one_sided: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*rows: object, **settings: object) -> None:
        raise AssertionError("tested again")

    monkeypatch.setattr("sharefind.inference.relation.relation_family.relation_test", never)
    monkeypatch.setattr("sharefind.search.relations.group_shares", never)
    whole = _without_time(one_sided / "result.json")
    (one_sided / "result.json").unlink()
    ending = call("discover", "--resume", one_sided, "--max-seconds", "0.001", "--quiet")
    assert ending.status == 0
    assert _without_time(one_sided / "result.json")["accepted"] == whole["accepted"]


def test_results_of_earlier_versions_are_read(call, one_sided: Path) -> None:
    result = json.loads((one_sided / "result.json").read_text())
    for key in ("symmetry", "decided_by", "likeliest"):
        del result[key]
    for row in result["symmetries"]:
        for key in ("inputs", "relation", "price"):
            del row[key]
    (one_sided / "result.json").write_text(json.dumps(result))
    ending = call("inspect", one_sided)
    assert ending.status == 0 and "E^C3" in ending.out


def test_a_word_that_symmetry_does_not_know_is_one_line(call) -> None:
    ending = call("discover", "--group", "C2", "--symmetry", "laws", "--quiet")
    assert ending.status == 2
    assert ending.err == "error: --symmetry: Input should be 'law', 'relation' or 'auto' (given 'laws')\n"
    Path("search.toml").write_text('group = "C2"\nsymmetry = "relations"\n')
    ending = call("discover", "--config", "search.toml", "--quiet")
    assert ending.status == 2 and len(ending.err.splitlines()) == 1 and "'law', 'relation' or 'auto'" in ending.err


def test_groups_without_a_test_of_the_relation_are_refused_in_one_line(call) -> None:
    np.savez("plane.npz", x=np.ones((40, 2)), y=np.ones((40, 2)))
    ending = call("discover", "--group", "SO2", "--data", "plane.npz", "--symmetry", "relation", "--quiet")
    assert ending.status == 2 and len(ending.err.splitlines()) == 1
    assert "SO2 is infinite; test its law with --symmetry law" in ending.err
