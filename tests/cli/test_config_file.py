"""Files that a configuration file names: found from its own folder, which they may not leave."""

import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sharefind.cli.config_file import merged_config
from sharefind.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration's files, beside a file that is none of its business."""
    inner = tmp_path / "study"
    (inner / "rows").mkdir(parents=True)
    x = np.random.default_rng(0).standard_normal((40, 2))
    for path in (inner / "data.npz", inner / "rows" / "data.npz", tmp_path / "secret.npz"):
        np.savez(path, x=x, y=x)
    swap = {"name": "swap", "generators": [{"in": [[0, 1], [1, 0]], "out": [[0, 1], [1, 0]]}]}
    for path in (inner / "swap.json", tmp_path / "secret.json"):
        path.write_text(json.dumps(swap))
    return inner


def _config(folder: Path, **settings: str) -> Path:
    path = folder / "search.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    return path


@pytest.mark.parametrize("value", ["data.npz", "./data.npz", "rows/data.npz", "rows/../data.npz"])
def test_files_are_found_from_the_folder_of_the_configuration(
    folder: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = merged_config({}, _config(folder, generators="swap.json", data=value))
    assert config.data == str((folder / value).resolve())
    assert config.generators == str((folder / "swap.json").resolve())
    relative = merged_config({}, Path(os.path.relpath(folder / "search.toml")))
    assert relative == config


@pytest.mark.parametrize("value", ["../secret.npz", "rows/../../secret.npz", "ABSOLUTE", "link.npz", "out/secret.npz"])
def test_files_outside_are_refused(folder: Path, value: str) -> None:
    (folder / "link.npz").symlink_to(folder.parent / "secret.npz")
    (folder / "out").symlink_to(folder.parent)
    given = str(folder / "data.npz") if value == "ABSOLUTE" else value
    path = _config(folder, group="C2", data=given)
    with pytest.raises(ConfigError, match="leads out of the folder of that file; give it as --data") as caught:
        merged_config({}, path)
    assert str(caught.value).startswith(f"--config {path}: data = ")
    assert "\n" not in str(caught.value)


def test_generators_outside_are_refused_whatever_their_name(folder: Path) -> None:
    for value in ("../secret.json", "../secret", str(folder / "swap.json")):
        with pytest.raises(ConfigError, match="give it as --generators"):
            merged_config({}, _config(folder, generators=value))


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "link.npz").symlink_to(folder / "rows" / "data.npz")
    assert merged_config({}, _config(folder, group="C2", data="link.npz")).data == str(folder / "rows" / "data.npz")


@pytest.mark.parametrize("value", ["loop.npz", "a\0b.npz", "../x" * 3000 + ".npz"])
def test_what_is_no_path_is_refused(folder: Path, value: str) -> None:
    (folder / "loop.npz").symlink_to(folder / "loop.npz")
    (folder / "search.toml").write_text(f'group = "C2"\ndata = {json.dumps(value)}\n')
    try:
        config = merged_config({}, folder / "search.toml")
    except ConfigError as error:
        assert "\n" not in str(error)
    else:  # some systems tell a loop only when the file is opened
        assert value == "loop.npz"
        assert config.data is not None


def test_named_data_sets_and_files_of_the_command_line_are_free(folder: Path) -> None:
    path = _config(folder, data="texture:gravel")
    assert merged_config({}, path).data == "texture:gravel"
    secret = str(folder.parent / "secret.npz")
    outside = _config(folder, group="C2", data="../secret.npz")
    assert merged_config({"data": secret}, outside).data == secret
    assert merged_config({"task": "c2-si"}, outside).data is None
    generators = _config(folder, generators="../secret.json")
    assert merged_config({"group": "C2"}, generators).generators is None


def test_the_line_can_be_followed(call, folder: Path) -> None:
    quick = ("--copies", "19", "--alpha", "0.05", "--particles", "10", "--horizon", "0.5", "--quiet", "--json")
    path = _config(folder, group="C2", data="../secret.npz")
    ending = call("discover", *quick, "--config", path, "--out", "run")
    assert ending.status == 2
    assert ending.err.count("\n") == 1
    assert not Path("run").exists()
    ending = call("discover", *quick, "--config", path, "--data", folder.parent / "secret.npz", "--out", "run")
    assert ending.status == 0
    assert tomllib.loads(Path("run/config.toml").read_text())["data"] == str(folder.parent / "secret.npz")
    assert call("discover", "--resume", "run", "--quiet").status == 0


def test_a_configuration_that_is_nested_deep_or_long_is_refused(call, tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("group = " + "[" * 100_000)
    ending = call("discover", "--config", "deep.toml")
    assert (ending.status, ending.err.count("\n")) == (2, 1)
    (tmp_path / "long.toml").write_text('group = "C2"\n' + "#" * 1_000_000)
    ending = call("discover", "--config", "long.toml")
    assert (ending.status, ending.err.count("\n")) == (2, 1)
    assert "--max-file-size 1000013" in ending.err
