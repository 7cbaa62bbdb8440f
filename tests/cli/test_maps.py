"""A map of columns on the command line: read, refused in one line, explained, mended, and exported as a plain file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sharefind.groups.column_maps import map_table
from tests.inference.maps.robots import INPUTS, MIRROR, OUTPUTS, changed, robot
from tests.specs import load_module

BRIEF = ("--copies", "99", "--alpha", "0.05", "--training-copies", "19", "--particles", "8", "--unit", "matrix:tanh")
KNEE = changed(MIRROR, {5: -6, 6: -5}, {5: -6, 6: -5})


@pytest.fixture
def log(tmp_path: Path) -> list[str]:
    """A file with the robot's rows, and the options that read it."""
    rows = robot(200, 1)
    table = np.hstack([rows.x, rows.y])
    np.savetxt(tmp_path / "log.csv", table, delimiter=",", header=",".join((*INPUTS, *OUTPUTS)), comments="")
    for name, one in (("mirror", MIRROR), ("wrong", KNEE)):
        (tmp_path / f"{name}.csv").write_text(map_table([one], INPUTS, OUTPUTS))
    return ["--data", "log.csv", "--outputs", "*_acc", "--quiet"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,image,sign\nhip_left,hip_right,1\n", "map.csv: row 1: hip_left goes to hip_right, which has no row"),
        (
            "name,image,sign\nhip_lift,hip_right,1\n",
            "row 1: there is no column hip_lift; did you mean hip_left",
        ),
        ("name,image,sign\nroll,roll,0.5\n", "map.csv: row 1: the sign is '0.5'; write +1 or -1"),
        ("name,image,sign\nroll,roll_acc,1\n", "row 1: roll is an input and roll_acc an output"),
        ("name,image,sign\nroll_acc,roll_acc,-1\n", "the output roll_acc goes to -roll_acc"),
        ("column,image,sign\nroll,roll,-1\n", "a map has no column 'column'; write the columns name, image and sign"),
        (None, "no such file"),
    ],
)
def test_a_map_is_refused_in_one_line(call, log, tmp_path, text, message):
    if text is not None:
        (tmp_path / "map.csv").write_text(text)
    ending = call("discover", "--map", "map.csv", "--out", "run", *log)
    assert ending.status == 2 and message in ending.err and len(ending.err.strip().split("\n")) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--group", "C2"], "--group, --generators, --map and --blind exclude each other"),
        (["--in-rep", "natural"], "--map says how the group acts; drop --in-rep and --out-rep"),
    ],
)
def test_a_map_excludes_other_candidates(call, log, options, message):
    ending = call("discover", "--map", "mirror.csv", *log, *options)
    assert ending.status == 2 and message in ending.err


def test_a_configuration_names_a_map_beside_it(call, log, tmp_path):
    (tmp_path / "run.toml").write_text('map = "../mirror.csv"\n')
    ending = call("discover", "--config", "run.toml", *log)
    assert ending.status == 2 and "map = '../mirror.csv' is absolute or leads out of the folder" in ending.err
    (tmp_path / "run.toml").write_text('map = "broken.csv"\n')
    (tmp_path / "broken.csv").write_text("name,image,sign\nroll,roll,0\n")
    ending = call("discover", "--config", "run.toml", *log)
    assert ending.status == 2 and "row 1: the sign is '0'" in ending.err


@pytest.mark.slow
@pytest.mark.ci
def test_a_wrong_map_is_explained_and_the_nearest_one_found(call, log, tmp_path):
    ending = call("discover", "--map", "wrong.csv", "--out", "run", *BRIEF, *log)
    assert ending.status == 0, ending.err
    out = " ".join(ending.out.split())
    assert "The map, column by column" in out and "Nearest map: 2 changes" in out
    assert "knee_right -knee_left +knee_left sign" in out and "knee_right_acc -knee_left_acc +knee_left_acc sign" in out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    (row,) = result["maps"]
    assert row["nearest"] == {"on_inputs": MIRROR.inputs.image, "on_outputs": MIRROR.outputs.image}
    assert row["test"]["verdict"] == "accepted" and result["rejected"]
    assert (tmp_path / "run" / "nearest-map.csv").read_text() == (tmp_path / "mirror.csv").read_text()
    # Nothing is done again, and the page says it too.
    kept = (tmp_path / "run" / "maps.jsonl").read_text()
    assert call("discover", "--resume", "run", "--quiet").status == 0
    assert (tmp_path / "run" / "maps.jsonl").read_text() == kept
    assert call("report", "run", "--out", "page.html").status == 0
    page = (tmp_path / "page.html").read_text()
    assert "What is wrong with a map" in page and "Nearest map: 2 changes" in page


@pytest.mark.slow
def test_the_right_map_is_accepted_and_exported_as_moves(call, log, tmp_path):
    assert call("discover", "--map", "mirror.csv", "--out", "run", *BRIEF, *log).status == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["accepted"] == ["mirror"] and result["maps"] == [] and not (tmp_path / "run" / "maps.jsonl").exists()
    ending = call("export", "run", "--format", "augment", "--out", "moves.py")
    assert ending.status == 0 and "from moves import moves, move_inputs, move_outputs, mirror_inputs" in ending.out
    module = load_module(tmp_path / "moves.py")
    assert (module.INPUT_NAMES, module.OUTPUT_NAMES) == (INPUTS, OUTPUTS)
    x = np.arange(1.0, 11.0)
    expected = np.zeros(10)
    expected[MIRROR.inputs.images] = x * MIRROR.inputs.signs
    assert np.array_equal(module.mirror_inputs(x), expected)
