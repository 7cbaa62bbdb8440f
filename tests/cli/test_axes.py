"""The layout that discover understood is printed before the work, and by inspect; the run goes on with it."""

from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import finite_task
from sharefind.groups.axes import Axes

PICTURE = """\
note  inputs: 2 points x 2 coords; S2 moves points (points:natural coords:trivial:2)
        coords    0 1
        points 0  a b
        points 1  a b
"""


@pytest.fixture
def _points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data whose rows have axes, whatever file is named."""
    x = np.random.default_rng(0).normal(size=(200, 4))
    samples = finite_task("points", x, np.tanh(x).sum(axis=1)[:, None], in_axes=Axes(("points", "coords"), (2, 2)))
    monkeypatch.setattr("sharefind.api.resolve.load_data", lambda *_: samples)


@pytest.mark.usefixtures("_points")
def test_a_run_shows_its_axes_and_keeps_them(call, discover) -> None:
    given = ("points.npz", "--group", "S2", "--axes", "points coords", "--out-rep", "trivial", "--unit", "radial")
    ending = discover(*given, "--out", "run", "--quiet", "--max-nodes", "1")
    assert ending.status == 0
    assert ending.err.startswith(PICTURE)
    shown = call("inspect", "run")
    assert PICTURE in shown.out
    going_on = call("discover", "--resume", "run", "--max-nodes", "5", "--quiet")
    assert going_on.status == 0
    with open("run/config.toml", encoding="utf-8") as file:
        config = file.read()
    assert 'in_rep = "points:natural coords:trivial:2"' in config
    assert 'shape = "2x2"' in config


WRONG = [
    ("pts:natural", "there is no axis pts; the axes are points, coords"),
    ("points:natural points:trivial", "names the axis points twice"),
    ("points:natural coords", "is not an axis with an expression"),
    ("points:3*natural", "axis points has length 2 but 3*natural of S2 has dimension 6; write points:natural"),
    ("points:S2.natural", "S2 is not a product (write natural?)"),
    ("points*coords:grid", "needs a group on the 4 corners of a square"),
]


@pytest.mark.usefixtures("_points")
@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_wrong_axes_are_one_line_and_status_2(call, text: str, expected: str) -> None:
    ending = call("discover", "points.npz", "--group", "S2", "--axes", "points coords", "--in-rep", text)
    assert (ending.status, ending.out, ending.err.count("\n")) == (2, "", 1)
    assert ending.err.startswith("error: ") and expected in ending.err


def test_rows_relative_to_their_mean_are_said_and_kept(call, discover, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(30.0, 1.0, (60, 3, 2))
    np.savez(tmp_path / "points.npz", x=x.reshape(60, 6), y=np.linalg.norm(x[:, 0] - x[:, 1], axis=1)[:, None])
    given = (
        "--group",
        "O2",
        "--out-rep",
        "trivial",
        "--axes",
        "points coords",
        "--shape",
        "3x2",
        "--relative-to-mean",
        "coords",
    )
    ending = discover(str(tmp_path / "points.npz"), *given, "--out", "run", "--quiet", "--max-nodes", "1")
    assert ending.status == 0, ending.err
    said = "note  inputs: coords relative to their mean over points of the row; moving all points alike changes nothing"
    assert said in ending.err
    assert said in call("inspect", "run").out
    report = call("report", "run", "--out", "run.html")
    assert report.status == 0 and "have changed" not in report.err
