"""`sharefind suggest` as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.suggestion.kinds import ring


@pytest.fixture
def file(tmp_path: Path) -> Path:
    x, y = ring(300, 5)
    np.savez(tmp_path / "a ring.npz", x=x, y=y)
    return tmp_path / "a ring.npz"


def test_a_command_on_a_line_of_its_own(call, file: Path) -> None:
    ending = call("suggest", file.name, "--most", "2")
    assert ending.status == 0 and ending.err == ""
    commands = [line.strip() for line in ending.out.splitlines() if line.strip().startswith("sharefind discover")]
    assert len(commands) == 2
    assert commands[0] == "sharefind discover 'a ring.npz' --group D5 --in-rep natural --out-rep natural"
    assert "1. D5" in ending.out and "R^2" in ending.out and "300 rows, 5 inputs, 5 labels" in ending.out


def test_json(call, file: Path) -> None:
    ending = call("suggest", file.name, "--json", "--most", "1")
    record = json.loads(ending.out)
    assert record["schema"] == "sharefind.suggestions/1" and record["is_strong"] and record["rows"] == 300
    (one,) = record["suggestions"]
    assert one["settings"]["group"] == "D5" and one["command"].startswith("sharefind discover 'a ring.npz' ")
    assert 0 < one["seconds"][0] <= one["seconds"][1] and 0 < one["score"] <= 1


def test_notes_are_for_people(call, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    np.savez(tmp_path / "c.npz", x=x, y=(x.sum(axis=1) > 0).astype(int))
    assert "classes" in call("suggest", "c.npz").err
    assert call("suggest", "c.npz", "--quiet").err == ""
    assert "--numbers" in call("suggest", "c.npz", "--numbers").out


@pytest.mark.parametrize(
    "words",
    [
        ("gone.npz",),
        ("a ring.npz", "--classes", "--numbers"),
        ("a ring.npz", "--outputs", "z"),
        ("a ring.npz", "--max-file-size", "10"),
        ("a ring.npz", "--most", "0"),
        ("elni",),
        (),
    ],
)
def test_bad_use_is_one_line(call, file: Path, words: tuple[str, ...]) -> None:
    ending = call("suggest", *words)
    assert ending.status == 2 and ending.out == ""
    assert ending.err.startswith("error: ") and ending.err.count("\n") == 1


def test_no_torch_is_loaded(environment: dict[str, str], file: Path) -> None:
    code = "import sys; from sharefind.cli import main; main(sys.argv[1:]); assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code, "suggest", file, "--quiet"], env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr
