"""`discover --blind` as a user meets it: from a file to a module, through an interruption, and in words."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sharefind.datasets import teacher_student
from sharefind.groups import named_group, natural


def write(path: Path, name: str, n: int = 800) -> None:
    rep, rng = natural(named_group(name)), np.random.default_rng([5, n])
    x, y = teacher_student(rep, rep, "wi", rng, noise=0.05).sample(rng, n)
    np.savez(path, x=x, y=y)


def test_from_a_file_to_a_module(discover, call, tmp_path: Path) -> None:
    write(tmp_path / "data.npz", "C4")
    ending = discover("--blind", "--data", "data.npz", "--out", "run")
    assert ending.status == 0
    assert "the symmetry C4 (order 4) is not rejected" in ending.out
    assert re.search(r"proposed\s+C4 \(order 4\) by 600 samples, posterior share", ending.out)
    assert "Undecided" not in ending.out and max(map(len, ending.out.splitlines())) <= 100
    assert "(200 samples), candidate C4" in ending.err
    ending = call("export", "run", "--format", "torch", "--out", "net.py")
    assert ending.status == 0 and "E^C4, dim 5 of 20: proven exactly" in ending.out


@pytest.mark.parametrize("unit", [(), ("--unit", "matrix:tanh")], ids=["proposed", "given"])
def test_an_interrupted_run_goes_on_to_the_same_result(discover, call, tmp_path: Path, unit: tuple[str, ...]) -> None:
    """What is proposed depends on whether a unit was named, which a run that goes on must know too."""
    write(tmp_path / "data.npz", "C4")
    assert discover("--blind", *unit, "--data", "data.npz", "--out", "run", "--quiet").status == 0
    whole = json.loads((tmp_path / "run/result.json").read_text())
    assert ("unit = " in (tmp_path / "run/config.toml").read_text()) == bool(unit)
    for name in ("result.json", "lattice.json", "lattice.graphml"):
        (tmp_path / "run" / name).unlink()
    lines = (tmp_path / "run/evidence.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "run/evidence.jsonl").write_text(lines[0])
    assert call("discover", "--resume", "run", "--quiet").status == 0
    again = json.loads((tmp_path / "run/result.json").read_text())
    for record in (whole, again):
        record.pop("wall_s")
    assert again == whole and whole["blind"]["name"] == "C4"


def test_other_data_are_not_gone_on_with(discover, call, tmp_path: Path) -> None:
    write(tmp_path / "data.npz", "C4")
    assert discover("--blind", "--data", "data.npz", "--out", "run", "--quiet").status == 0
    (tmp_path / "run/result.json").unlink()
    write(tmp_path / "data.npz", "C4", 900)
    assert call("discover", "--resume", "run").status == 2


def test_too_little_data_are_undecided_in_words(discover, tmp_path: Path) -> None:
    write(tmp_path / "data.npz", "S3xS2", 40)
    ending = discover("--blind", "--data", "data.npz", "--out", "run")
    assert ending.status == 0
    assert "! Undecided: of the posterior the likeliest space has" in ending.out
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["blind"]["status"] == "undecided" and result["blind"]["rivals"]


def test_a_filter_is_exported_as_ties_without_a_group(discover, call, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 10))
    y = np.stack([x[:, i : i + 3] @ [0.5, -0.3, 0.2] for i in range(8)], axis=1)
    np.savez(tmp_path / "data.npz", x=x, y=y + 0.05 * rng.normal(size=y.shape))
    ending = discover("--blind", "--data", "data.npz", "--out", "run")
    assert "translation (filter of width 3 at offset 0), a tying without" in ending.out
    ending = call("export", "run", "--format", "json", "--out", "spec.json")
    assert ending.status == 0 and "no symmetry is claimed, none proven" in ending.out
    assert call("verify", "spec.json").status == 0


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (np.ones((4, 2)), np.ones((4, 2)), "samples are too few for a search without a group"),
        (np.repeat(np.arange(40.0)[:, None], 2, axis=1), np.ones((40, 1)), "determined by the others"),
    ],
)
def test_what_cannot_be_searched_is_told_in_one_line(discover, tmp_path: Path, x, y, expected: str) -> None:
    np.savez(tmp_path / "data.npz", x=x, y=y)
    ending = discover("--blind", "--data", "data.npz", "--out", "run", "--quiet")
    assert (ending.status, ending.out) == (2, "") and expected in ending.err and ending.err.count("\n") == 1
    assert not (tmp_path / "run").exists()
