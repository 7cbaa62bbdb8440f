"""The same seed gives the same bytes: between processes, whatever their hash seed, and between numbers of workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sharefind

DISCOVER = ("discover", "--copies", "39", "--alpha", "0.05", "--particles", "12", "--horizon", "1", "--replicates", "3")
KINDS = {
    "finite": ("--group", "D4", "--data", "data.npz"),
    "fresh": ("--group", "C2", "--stop", "calibrated", "--growth", "escape"),
    "blind": ("--blind", "--data", "data.npz"),
}
WRITTEN = (
    ("train", "run", "--epochs", "5", "--out", "trained.safetensors", "--quiet"),
    ("train", "run", "--epochs", "5", "--out", "trained.onnx", "--quiet"),
    ("export", "run", "--format", "json", "--out", "net.json"),
    ("export", "run", "--format", "torch", "--out", "net.py"),
    ("export", "run", "--format", "safetensors", "--out", "net.safetensors"),
    ("export", "run", "--format", "onnx", "--out", "net.onnx"),
    ("report", "run", "--out", "report.html"),
)

OF_THE_SITTING = {"wall_s", "versions", "seconds", "sha256"}
"""Keys that belong to a sitting and not to what was asked: times, versions, and checksums over lines with times."""

SPENT = re.compile(r"<dd>[\d.]+ s</dd>")
"""Seconds among the facts of a report."""

TABLE, COLUMN, ROW, CELL = (
    re.compile(pattern, re.DOTALL)
    for pattern in (r"<table>.*?</table>", r'<th scope="col"[^>]*>(.*?)</th>', r"<tr>.*?</tr>", r"<t[dh]\b.*?</t[dh]>")
)

UNCOMPARED = {"spent.json", "lock", "data.npz"}
"""Seconds that were spent, the mark of a process at work, and what was given."""

Commands = tuple[tuple[str, ...], ...]
Folder = Callable[..., dict[str, bytes]]


@dataclass(frozen=True)
class Setting:
    """What must not matter."""

    hash_seed: int
    jobs: int


FIRST, SECOND, THIRD = Setting(0, 1), Setting(4242, 1), Setting(17, 2)


@pytest.fixture
def files(tmp_path: Path) -> Folder:
    """The files that commands write in a process of their own, by name, without what may differ."""
    source = Path(sharefind.__file__).resolve().parent.parent

    def made(setting: Setting, kind: str, after: Commands = (), seed: int = 3) -> dict[str, bytes]:
        folder = tmp_path / "here"  # every time: the configuration has the whole path of the data
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _write_data(folder / "data.npz")
        ends = ("--seed", str(seed), "--out", "run", "--quiet", "--json", "--jobs", str(setting.jobs))
        script = "import json, sys; from sharefind.cli import main; sys.exit(max(map(main, json.loads(sys.argv[1]))))"
        environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONHASHSEED": str(setting.hash_seed)}
        commands = json.dumps([(*DISCOVER, *KINDS[kind], *ends), *after])
        done = subprocess.run(
            [sys.executable, "-c", script, commands], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return {
            str(path.relative_to(folder)): _comparable(path) for path in sorted(folder.rglob("*")) if _is_kept(path)
        }

    return made


def _write_data(path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4))
    y = 0.5 + 0.2 * (x + 0.5 * np.roll(x, 1, axis=1)) + 0.02 * rng.standard_normal((200, 4))
    np.savez(path, x=x, y=y)


def _is_kept(path: Path) -> bool:
    return path.is_file() and path.name not in UNCOMPARED


def _comparable(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name == "result.json":
        result = json.loads(content)
        assert result["seed"] >= 0 and result["versions"]["sharefind"] == sharefind.__version__
        return json.dumps(_timeless(result)).encode()
    if path.suffix == ".jsonl":
        # A journal has its lines in the order in which work was done, which several workers do not share.
        return "\n".join(sorted(json.dumps(_timeless(json.loads(line))) for line in content.splitlines())).encode()
    if path.suffix == ".html":
        return TABLE.sub(_without_seconds, SPENT.sub("", content.decode())).encode()
    return content


def _timeless(value: Any) -> Any:
    """A JSON value without times, all the way down."""
    if isinstance(value, dict):
        return {key: _timeless(part) for key, part in value.items() if key not in OF_THE_SITTING}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


def _without_seconds(table: re.Match[str]) -> str:
    """A table of a report without the column that says how long things took."""
    columns = COLUMN.findall(table[0])
    rows = [CELL.findall(row) for row in ROW.findall(table[0])]
    return str([[cell for name, cell in zip(columns, row, strict=False) if name != "seconds"] for row in rows])


def assert_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert one.keys() == other.keys()
    different = [name for name in one if one[name] != other[name]]
    assert not different, f"not the same bytes: {different}"


@pytest.mark.slow
def test_one_run_has_the_files_that_are_compared(files: Folder) -> None:
    run = files(FIRST, "finite")
    assert {"run/config.toml", "run/result.json", "run/lattice.json", "run/evidence.jsonl"} <= run.keys()
    assert any(name.endswith(".safetensors") for name in run)
    other = files(FIRST, "finite", seed=4)
    assert {name for name in run if run[name] != other.get(name)} >= {"run/config.toml", "run/result.json"}


@pytest.mark.slow
def test_processes_and_workers_write_the_same_run_report_and_network(files: Folder) -> None:
    pytest.importorskip("matplotlib")
    one = files(FIRST, "finite", WRITTEN)
    assert {"report.html", "trained.safetensors", "trained.onnx", "net.py"} <= one.keys()
    assert_same(one, files(THIRD, "finite", WRITTEN))


@pytest.mark.slow
@pytest.mark.parametrize("setting", [SECOND, THIRD], ids=lambda setting: f"jobs{setting.jobs}")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_search_is_the_same_again(files: Folder, kind: str, setting: Setting) -> None:
    assert_same(files(FIRST, kind, WRITTEN), files(setting, kind, WRITTEN))


@pytest.mark.slow
def test_what_is_written_says_with_which_seed_and_versions(files: Folder) -> None:
    onnx = pytest.importorskip("onnx")
    run = files(FIRST, "finite", (*WRITTEN[:2], WRITTEN[4], WRITTEN[6]), seed=5)
    for name, seed in (("trained.safetensors", "0"), ("net.safetensors", "5")):
        length = int.from_bytes(run[name][:8], "little")
        metadata = json.loads(run[name][8 : 8 + length])["__metadata__"]
        assert metadata["seed"] == seed and list(metadata) == sorted(metadata)
        assert json.loads(metadata["versions"])["sharefind"] == sharefind.__version__
    told = {p.key: p.value for p in onnx.load_model_from_string(run["trained.onnx"]).metadata_props}
    assert told["sharefind.seed"] == "0" and json.loads(told["sharefind.versions"])["numpy"] == np.__version__
    assert "seed" in run["report.html"].decode() and sharefind.__version__ in run["report.html"].decode()
