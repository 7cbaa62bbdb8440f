"""discover, inspect, export, verify with the two-layer unit: options, files, tables, and a module that runs alone."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sharefind.cli import main

ARGUMENTS = ("--group", "C2", "--unit", "two-layer:tanh", "--hidden-rep", "2*regular")
QUICK = ("--copies", "19", "--alpha", "0.05", "--particles", "10", "--horizon", "1", "--replicates", "2")


@pytest.fixture(scope="module")
def hidden_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on c2-wi; not to be changed."""
    folder = tmp_path_factory.mktemp("two_layer") / "run"
    assert main(["discover", *QUICK, *ARGUMENTS, "--out", str(folder), "--quiet", "--json"]) == 0
    return folder


def test_the_result_has_the_blocks_of_both_layers(hidden_run: Path) -> None:
    result = json.loads((hidden_run / "result.json").read_text())
    shapes = {block["name"]: block["shape"] for block in result["parameter_space"]["blocks"]}
    assert shapes == {"output": [2, 4], "weight": [4, 2], "bias": [4]}
    assert result["parameter_space"]["dim"] == 20
    assert result["e_star"]["dim"] == 10 and result["e_star"]["candidate"] == "E^C2"
    output, weight, bias = result["e_star"]["tying"]
    assert (len(output), len(weight), len(bias)) == (2, 4, 4)
    assert output[0][0] == output[1][1] != output[0][1]
    assert bias[0] == bias[1] != bias[2] == bias[3]


def test_the_configuration_says_which_unit_was_trained(hidden_run: Path) -> None:
    settings = tomllib.loads((hidden_run / "config.toml").read_text())
    assert (settings["unit"], settings["hidden_rep"]) == ("two-layer:tanh", "2*regular")


def test_a_configuration_file_gives_the_same_run(call, hidden_run: Path, tmp_path: Path) -> None:
    ending = call("discover", "--config", hidden_run / "config.toml", "--out", "again", "--quiet", "--json")
    assert ending.status == 0
    again, first = (json.loads((p / "result.json").read_text()) for p in (tmp_path / "again", hidden_run))
    for key in ("wall_s", "versions", "run"):
        del again[key], first[key]
    assert again == first


def test_a_killed_run_goes_on(call, hidden_run: Path, tmp_path: Path) -> None:
    shutil.copytree(hidden_run, tmp_path / "killed")
    for name in ("result.json", "lattice.json", "lattice.graphml"):
        (tmp_path / "killed" / name).unlink()
    evidence = tmp_path / "killed" / "evidence.jsonl"
    evidence.write_text("".join(evidence.read_text().splitlines(keepends=True)[:1]))
    ending = call("discover", "--resume", "killed", "--json")
    assert ending.status == 0
    resumed, first = (json.loads((p / "result.json").read_text()) for p in (tmp_path / "killed", hidden_run))
    assert (resumed["chain"], resumed["e_star"]) == (first["chain"], first["e_star"])


def test_a_default_hidden_representation_is_written_out(discover, tmp_path: Path) -> None:
    assert discover("--group", "C2", "--unit", "two-layer", "--out", "run", "--quiet").status == 0
    settings = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    assert (settings["unit"], settings["hidden_rep"]) == ("two-layer:logistic", "regular")


def test_inspect_shows_every_block(call, hidden_run: Path) -> None:
    shown = call("inspect", hidden_run)
    assert shown.status == 0
    for title in ("output 2 x 4", "weight 4 x 2", "bias 4", "10 free numbers"):
        assert title in shown.out


def test_a_specification_is_exported_and_verified(call, hidden_run: Path) -> None:
    assert call("export", hidden_run, "--format", "json", "--out", "spec.json").status == 0
    ending = call("verify", "spec.json", "--json")
    assert ending.status == 0
    certificate = json.loads(ending.out)
    assert certificate["is_proven"] and certificate["is_fixed_space"]
    assert (certificate["dim"], certificate["ambient"], certificate["group"]) == (10, 20, "C2")


def test_a_module_is_exported_and_runs_alone(call, hidden_run: Path, tmp_path: Path) -> None:
    ending = call("export", hidden_run, "--format", "torch", "--out", "net.py")
    assert ending.status == 0
    assert "from net import SharedShallowNetwork, check_equivariance" in ending.out
    script = "import net, sys; e = net.check_equivariance(net.SharedShallowNetwork().double()); print(e); "
    script += "assert e < 1e-6 and not any(m.startswith('sharefind') for m in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[str(tmp_path), *sys.path]!r}; {script}"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
