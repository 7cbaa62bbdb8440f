"""Limits: what is above one is refused by a line that names the option, and passes with the option as it says."""

import json
import os
import re
import tomllib
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from sharefind.api import SharingSearch
from sharefind.architectures import read_spec, verify_file
from sharefind.architectures.formats.spec_json import from_json
from sharefind.architectures.formats.tensors import read_safetensors
from sharefind.architectures.layers import SharedLinear
from sharefind.cli import main
from sharefind.cli.config_file import merged_config
from sharefind.datasets import load_csv, load_data, load_npz, load_task
from sharefind.errors import ConfigError, InputError
from sharefind.groups import load_generators, named_group, natural, parse_representation, subgroups
from sharefind.limits import DEFAULT_LIMITS, LARGEST_ORDER, Limits, limits_of, raise_it, settings_of
from sharefind.report.text.runs import load_run
from sharefind.search import build_problem, search_config
from sharefind.search.persistence.particles import read_particles
from sharefind.spaces import invariant_lattice

SHIFT = [[int(i == (j + 1) % 6) for j in range(6)] for i in range(6)]
QUICK = ("--copies", "19", "--alpha", "0.05", "--particles", "10", "--horizon", "0.5", "--quiet", "--json")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of every kind, and a finished run on c2-wi."""
    folder = tmp_path_factory.mktemp("files")
    x = np.random.default_rng(0).standard_normal((60, 6))
    np.savez(folder / "data.npz", x=x, y=x)
    header = ",".join([*(f"x{i}" for i in range(6)), "y0"])
    np.savetxt(folder / "data.csv", x @ np.eye(6, 7), "%d", ",", header=header, comments="")
    shift = {"name": "C6", "generators": [{"in": SHIFT, "out": SHIFT}]}
    (folder / "shift.json").write_text(json.dumps(shift))
    (folder / "search.toml").write_text(f'group = "C2"\nseed = {0:>90}\n')
    run = str(folder / "run")
    assert main(["discover", *QUICK, "--group", "C2", "--out", run]) == 0
    for format, name in (("json", "spec.json"), ("safetensors", "net.safetensors")):
        assert main(["export", run, "--format", format, "--out", str(folder / name)]) == 0
    return folder


def _searched(limits: Limits) -> Any:
    return build_problem(search_config(group="C2", **settings_of(limits)), load_task("c2-wi"), named_group("C2"))


READERS: dict[str, tuple[str, int, Callable[[Path, Limits], object]]] = {
    "npz": ("file_size", 500, lambda f, limits: load_npz(f / "data.npz", limits)),
    "csv": ("file_size", 500, lambda f, limits: load_csv(f / "data.csv", limits)),
    "data": ("file_size", 500, lambda f, limits: load_data(f / "data.npz", limits)),
    "generators-size": ("file_size", 50, lambda f, limits: load_generators(f / "shift.json", limits)),
    "generators-order": ("group_order", 5, lambda f, limits: load_generators(f / "shift.json", limits)),
    "generators-points": ("degree", 5, lambda f, limits: load_generators(f / "shift.json", limits)),
    "spec-size": ("file_size", 50, lambda f, limits: read_spec(f / "spec.json", limits)),
    "spec-dim": ("dim", 3, lambda f, limits: read_spec(f / "spec.json", limits)),
    "spec-text": ("dim", 3, lambda f, limits: from_json((f / "spec.json").read_text(), limits)),
    "weights-size": ("file_size", 50, lambda f, limits: read_safetensors(f / "net.safetensors", limits)),
    "weights-dim": ("dim", 3, lambda f, limits: read_safetensors(f / "net.safetensors", limits)),
    "verify": ("dim", 3, lambda f, limits: verify_file(f / "spec.json", limits)),
    "layer": ("dim", 3, lambda f, limits: SharedLinear.from_spec(f / "spec.json", limits=limits)),
    "run-json": ("file_size", 50, lambda f, limits: load_run(f / "run", limits)),
    "particles": ("file_size", 50, lambda f, limits: read_particles(f / "run", 0, limits)),
    "config": ("file_size", 50, lambda f, limits: merged_config(settings_of(limits), f / "search.toml")),
    "named": ("degree", 11, lambda f, limits: named_group("C12", limits)),
    "named-signed": ("degree", 11, lambda f, limits: named_group("B6", limits)),
    "named-product": ("degree", 6, lambda f, limits: named_group("C3xC4", limits)),
    "regular": ("group_order", 23, lambda f, limits: parse_representation("regular", named_group("S4"), limits)),
    "subgroups": ("lattice", 5, lambda f, limits: subgroups(named_group("S3"), limits=limits)),
    "lattice": ("lattice", 5, lambda f, limits: invariant_lattice(natural(named_group("S3")), limits=limits)),
    "search": ("dim", 3, lambda f, limits: _searched(limits)),
}
ENOUGH = {"group_order": "24", "lattice": "6", "degree": "12", "file_size": "9999"}
"""For refusals that do not know how much would be enough."""


@pytest.mark.usefixtures("as_options")
@pytest.mark.parametrize(("name", "small", "read"), READERS.values(), ids=READERS.keys())
def test_a_reader_refuses_and_reads_with_the_limit_that_it_names(
    files: Path, name: str, small: int, read: Callable[[Path, Limits], object]
) -> None:
    flag = f"--max-{name.replace('_', '-')}"
    with pytest.raises(InputError) as caught:
        read(files, Limits(**{name: small}))
    message = str(caught.value)
    assert "\n" not in message
    value = small
    for _ in range(4):  # a file may be above a limit by its size, and then again by what it unpacks to
        told = re.search(rf"{flag} (\d+|N) \(Limits\({name}=(\d+|N)\) in Python\)", message)
        assert told is not None, message
        assert told[1] == told[2]
        assert int(told[1].replace("N", ENOUGH.get(name, ""))) > value
        value = int(told[1].replace("N", ENOUGH.get(name, "")))
        try:
            read(files, Limits(**{name: value}))
        except InputError as error:
            message = str(error)
        else:
            return
    pytest.fail(message)


@pytest.mark.parametrize("read", [read for _, _, read in READERS.values()], ids=READERS.keys())
def test_everything_is_read_within_the_usual_limits(files: Path, read: Callable[[Path, Limits], object]) -> None:
    read(files, DEFAULT_LIMITS)


COMMANDS = {
    "groups C12 --max-degree 11": "--max-degree 12",
    "groups S3 --max-lattice 5": "--max-lattice N",
    "verify spec.json --max-dim 3": "--max-dim 4",
    "verify spec.json --max-file-size 50": "--max-file-size",
    "verify net.safetensors --max-file-size 50": "--max-file-size",
    "inspect run --max-file-size 50": "--max-file-size",
    "report run --out report.html --max-file-size 50": "--max-file-size",
    "export run --format json --out again.json --max-dim 3": "--max-dim 4",
    "export run --format json --out bytes.json --max-file-size 50": "--max-file-size",
    "export run --format safetensors --out again.safetensors --max-degree 1": "--max-degree 2",
    "train run --epochs 2 --out trained.safetensors --max-dim 3 --quiet": "--max-dim 4",
    "discover --group C6 --data data.npz --max-dim 41 --out a": "--max-dim 42",
    "discover --group C6 --data data.npz --max-file-size 50 --out b": "--max-file-size",
    "discover --group C6 --data data.npz --max-lattice 3 --out c": "--max-lattice N",
    "discover --generators shift.json --data data.npz --max-group-order 5 --out d": "--max-group-order N",
    "discover --generators shift.json --data data.npz --max-degree 5 --out e": "--max-degree N",
    "discover --config search.toml --max-file-size 50 --out f": "--max-file-size",
    "discover --group C2 --unit two-layer --max-dim 9 --out g": "--max-dim 10",
}


@pytest.mark.parametrize(("command", "told"), COMMANDS.items())
def test_a_command_refuses_and_runs_with_the_option_that_it_names(
    files: Path, command: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    arguments = command.split() + (list(QUICK) if command.startswith("discover") else [])
    place = next(k for k, word in enumerate(arguments) if word.startswith("--max-"))
    lines = []
    while (status := main(arguments)) == 2:
        error = capsys.readouterr().err
        lines.append(error)
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        raised = re.search(rf"{arguments[place]} (\d+|N)\b", error)
        assert raised is not None, error
        enough = 8 if raised[1] == "N" else int(raised[1])
        assert enough > int(arguments[place + 1])
        arguments[place + 1] = str(enough)
    assert status == 0
    assert told in lines[0]


def test_a_run_goes_on_with_other_limits(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, config = tmp_path / "run", tmp_path / "run" / "config.toml"
    data = str(files / "data.npz")
    assert main(["discover", *QUICK, "--group", "C6", "--data", data, "--max-dim", "42", "--out", str(run)]) == 0
    settings = tomllib.loads(config.read_text())
    assert settings["max_dim"] == 42
    config.write_text(tomli_w.dumps({**settings, "max_dim": 41}))
    capsys.readouterr()
    assert main(["discover", "--resume", str(run), "--quiet"]) == 2
    assert "raise it with --max-dim 42" in capsys.readouterr().err
    assert main(["discover", "--resume", str(run), "--quiet", "--max-dim", "42"]) == 0
    assert tomllib.loads(config.read_text())["max_dim"] == 42


def test_the_limits_of_a_run_do_not_bind_those_who_read_it(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's run folder may state any limit; what counts is what the reader allows."""
    run, data = tmp_path / "run", str(files / "data.npz")
    assert main(["discover", *QUICK, "--group", "C6", "--data", data, "--max-dim", "42", "--out", str(run)]) == 0
    out = str(tmp_path / "spec.json")
    capsys.readouterr()
    assert main(["export", str(run), "--format", "json", "--out", out, "--max-dim", "41"]) == 2
    assert "--max-dim 42" in capsys.readouterr().err
    assert main(["export", str(run), "--format", "json", "--out", out]) == 0


@pytest.mark.parametrize("setting", settings_of(Limits(file_size=1)))
@pytest.mark.parametrize("value", [0, -1, "many"])
def test_a_limit_that_lets_nothing_pass_is_refused(
    setting: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = f"--{setting.replace('_', '-')}"
    assert main(["discover", "--group", "C2", f"{flag}={value}", "--out", str(tmp_path / "run")]) == 2
    assert flag in capsys.readouterr().err
    (tmp_path / "search.toml").write_text(f'group = "C2"\n{setting} = {json.dumps(value)}\n')
    with pytest.raises(ConfigError, match=setting):
        merged_config({}, tmp_path / "search.toml")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without an end")
@pytest.mark.parametrize("command", ["verify", "discover --generators", "discover --config", "discover --data"])
def test_a_file_without_an_end_is_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "/dev/zero", *(() if command == "verify" else ("--max-file-size", "1000000"))]) == 2
    assert "/dev/zero" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("command", ["verify", "discover --generators", "discover --config"])
def test_a_pipe_is_refused_and_not_waited_for(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert main([*command.split(), str(tmp_path / "pipe")]) == 2
    assert "it is a pipe, not a file" in capsys.readouterr().err


def test_values_of_limits_are_checked() -> None:
    for field in fields(Limits):
        with pytest.raises(ConfigError, match=f"max_{field.name} must be at least 1, not 0"):
            Limits(**{field.name: 0})
    with pytest.raises(ConfigError, match="50000, a hard limit"):
        Limits(group_order=LARGEST_ORDER + 1)
    with pytest.raises(ConfigError, match="max_group_order"):
        search_config(group="C2", max_group_order=LARGEST_ORDER + 1)
    assert "hard limit" in raise_it("group_order", LARGEST_ORDER + 1)


def test_settings_and_limits_are_the_same_things() -> None:
    for limits in (DEFAULT_LIMITS, Limits(1, 2, 3, 4, 5)):
        assert limits_of(settings_of(limits)) == limits
        assert search_config(group="C2", **settings_of(limits)).limits == limits
    assert search_config(group="C2").limits == DEFAULT_LIMITS


def test_a_default_search_at_the_limit_on_dim_z_holds_under_a_gigabyte_of_particles() -> None:
    for task in ("c2-wi", "texture:gravel"):
        try:
            data = load_task(task)
        except InputError:
            continue  # an extra that is not installed
        group = data.group or "C2"
        settings = build_problem(search_config(group=group), data, named_group(group)).settings
        assert settings.replicates * settings.sgd.particles * DEFAULT_LIMITS.dim * 8 <= 1e9


@pytest.mark.parametrize(
    ("text", "words"),
    [("R121", "a hard limit"), ("SO31", "a hard limit"), ("x".join(["C1"] * 17), "a hard limit")],
)
def test_hard_limits_say_so(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        named_group(text)
    assert "raise it" not in str(caught.value)


@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".PT"])
def test_files_that_can_run_code_are_never_opened(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = () if ending == ".npy" else ((f"discover --group C2 --data file{ending}", "numpy.savez"),)
    for command, instead in (
        *data,  # an .npy file of data is opened, and what it holds is never run
        (f"discover --generators file{ending}", "as JSON"),
        (f"verify file{ending}", ".json or .safetensors"),
    ):
        assert main(command.split()) == 2
        error = capsys.readouterr().err
        assert f"file{ending}" in error
        assert "can run code" in error
        assert instead in error
        assert error.count("\n") == 1
    with pytest.raises(InputError, match="can run code"):
        SharedLinear.from_spec(f"file{ending}")


def test_reproduce_has_hard_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "cor-3", "--quick", "--group", "C99999", "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "needs n from 1 to 10000 (a hard limit of reproduce)" in capsys.readouterr().err


def test_the_estimator_names_its_own_parameter() -> None:
    x = np.random.default_rng(0).standard_normal((40, 4))
    with pytest.raises(InputError, match=re.escape("raise it with limits=Limits(dim=20)")):
        SharingSearch(group="C4", limits=Limits(dim=19)).fit(x, x)
    with pytest.raises(ConfigError, match="limits is a int"):
        SharingSearch(group="C4", limits=3).fit(x, x)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"blocks": [{"name": "weight", "shape": [10**9, 10**9]}]}, "above the limit of 100000"),
        ({"blocks": [{"name": "weight", "shape": [-(10**9), 10**9]}]}, "above the limit of 100000"),
        ({"space": {"ambient": 10**8, "kind": "basis", "rows": []}}, "above the limit of 100000"),
        ({"particles": 10**18}, "a hard limit"),
    ],
)
def test_a_short_specification_cannot_ask_for_much(files: Path, change: dict[str, Any], words: str) -> None:
    written = json.dumps({**json.loads((files / "spec.json").read_text()), **change})
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=words):
            from_json(written)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
