"""`discover --blind --signs`: from a log with named columns to a mirror map that a person can read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from sharefind.proposal.mirrors.propose_mirrors import propose_mirrors
from sharefind.report.text.stage_progress import PROPOSING, stage_progress
from tests.proposal.mirrors.relations import INPUTS, OUTPUTS, biped

BRIEF = ("--copies", "99", "--training-copies", "9", "--particles", "8")
COLUMNS = ("--inputs", ",".join(INPUTS), "--outputs", ",".join(OUTPUTS))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file with the rows of a robot on two legs."""
    path = tmp_path / "log.csv"
    np.savetxt(path, np.column_stack(biped(1200)), delimiter=",", header=",".join((*INPUTS, *OUTPUTS)), comments="")
    return path


def test_the_map_is_printed_by_the_names_of_columns(discover, call, log: Path, tmp_path: Path) -> None:
    ending = discover(str(log), "--blind", "--signs", *COLUMNS, *BRIEF, "--out", "run", "--quiet")
    assert ending.status == 0
    text = " ".join(ending.out.split())
    assert "Mirror maps: C2, order 2, by 1 generator" in text
    for line in ("hip_l <- -hip_r", "knee_l <- knee_r", "torque_r <- -torque_l", "hip_l_acc <- -hip_r_acc"):
        assert line in text
    assert "inputs, sign changes roll" in text and "labels, stay pitch_acc" in text
    assert "not determined battery_V: no label is seen to depend on them" in text
    assert "law p =" in text and "noise floors" in text
    found = json.loads((tmp_path / "run/result.json").read_text())["mirror"]
    assert found["status"] == "accepted" and found["order"] == 2 and found["inputs_aside"] == ["battery_V"]
    (one,) = found["generators"]
    assert one["on_inputs"] == [-1, 2, -4, -3, 6, 5, -8, -7, 9] and one["on_outputs"] == [-1, 2, -4, -3]
    assert {"column": "roll", "source": "roll", "sign": -1} in one["inputs"]
    assert one["residual"] < 1
    assert call("report", "run", "--out", "page.html").status == 0
    assert "the maps leave battery_V alone" in call("export", "run", "--format", "augment", "--out", "maps.py").out
    page = (tmp_path / "page.html").read_text()
    assert "hip_l &lt;- -hip_r" in page and "Mirror maps: C2" in page


def test_labels_without_a_symmetry_have_no_map(discover, log: Path, tmp_path: Path) -> None:
    x, y = biped(600)
    y = y + x[:, [2]] * x[:, [6]] + 0.7 * x[:, [3]] * [1, 2, 0.3, 0.5]
    np.savetxt(log, np.column_stack([x, y]), delimiter=",", header=",".join((*INPUTS, *OUTPUTS)), comments="")
    ending = discover(str(log), "--blind", "--signs", *COLUMNS, *BRIEF, "--out", "run", "--quiet")
    assert ending.status == 0 and "No mirror map was found" in ending.out
    assert json.loads((tmp_path / "run/result.json").read_text())["mirror"]["status"] == "none"


def test_a_map_that_is_not_forced_is_undecided_and_not_exported(discover, call, log: Path, tmp_path: Path) -> None:
    """Of u v only the sign of the product is seen: either may change it."""
    (x, y), winds = biped(800), np.random.default_rng(1).normal(size=(800, 2))
    y[:, 0] += 0.5 * winds[:, 0] * winds[:, 1]
    names = (*INPUTS, "u", "v")
    np.savetxt(log, np.column_stack([x, winds, y]), delimiter=",", header=",".join((*names, *OUTPUTS)), comments="")
    columns = ("--inputs", ",".join(names), "--outputs", ",".join(OUTPUTS))
    ending = discover(str(log), "--blind", "--signs", *columns, *BRIEF, "--out", "run", "--quiet")
    text = " ".join(ending.out.replace("│", " ").split())
    assert ending.status == 0 and "does not settle what they do to u, v; give more rows" in text
    assert "Mirror maps, undecided: C2, order 2, by 1 generator; not settled: u, v" in text
    assert "inputs, not settled u <- +u or +v or -u or -v; v <- +u or +v or -u or -v" in text
    assert "export" not in text
    found = json.loads((tmp_path / "run/result.json").read_text())["mirror"]
    assert found["status"] == "undecided"
    (one,) = found["generators"]
    assert one["inputs_open"] == [{"column": name, "sources": [10, 11, -10, -11]} for name in "uv"]
    for format in ("augment", "torch"):
        ending = call("export", "run", "--format", format, "--out", "maps.py")
        assert ending.status == 1 and not (tmp_path / "maps.py").exists()
        assert "the log does not settle what the maps do to u, v; give more rows" in ending.err


def test_what_signs_cannot_do_is_said_in_one_line(discover, log: Path, tmp_path: Path) -> None:
    ending = discover(str(log), "--signs", "--group", "C2", *COLUMNS)
    assert ending.status == 2 and "--signs says what a search without a candidate looks for; give --blind" in ending.err
    ending = discover("--task", "c2-wi", "--blind", "--signs")
    assert ending.status == 2 and "--signs looks for maps in a log; give --data" in ending.err
    ending = discover(str(log), "--blind", "--signs", *COLUMNS, "--unit", "matrix:logistic")
    assert ending.status == 2 and "with which matrix:logistic does not commute" in ending.err
    ending = discover(str(log), "--blind", "--signs", *COLUMNS, "--classes")
    assert ending.status == 2


def test_the_proposal_of_maps_says_how_far_it_is() -> None:
    heard: list[tuple[str, int, int]] = []
    x, y = biped(300)
    found = propose_mirrors(x, y, on_progress=lambda *stage: heard.append(stage))
    assert {stage for stage, _, _ in heard} >= {"products of two inputs", "images of columns"}
    assert all(0 <= done < total for _, done, total in heard)
    images = [(done, total) for stage, done, total in heard if stage == "images of columns"]
    total = images[0][1]
    assert 4 < total <= 13 and images[:total] == [(k, total) for k in range(total)]
    assert [g.points() for g in found.maps] == [g.points() for g in propose_mirrors(x, y).maps]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_of_a_proposal_is_a_bar_on_a_terminal_and_lines_in_a_log(is_terminal: bool) -> None:
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=100, get_time=lambda: now[0])
    with stage_progress(
        console, "reading", is_silent=False, is_json=False, prefix=PROPOSING, clock=lambda: now[0]
    ) as on_progress:
        for step in range(3):
            now[0] = 6.0 * step
            on_progress("products of three inputs", 40_000 * step, 88_560)
    shown = console.file.getvalue()
    if is_terminal:
        assert "proposing maps: products of three inputs" in shown and " 90%" in shown
    else:  # the first line comes after ten seconds of silence
        assert shown == "proposing maps: products of three inputs, 80,000 of 88,560\n"
    with stage_progress(console, "reading", is_silent=True, is_json=False) as on_progress:
        on_progress("products of three inputs", 0, 1)
    assert console.file.getvalue() == shown
