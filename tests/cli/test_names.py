"""Names of files and folders that are no text, or not ASCII, under any locale."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sharefind.search import RunFolder

OTHER_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Python takes ASCII for the encoding of files and of their names."""

NAMES = {"text": "dü", "no text": os.fsdecode(b"d\xe9"), "address": "file:"}

needs_bytes = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are texts there")


@needs_bytes
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_run_with_any_name(name: str, discover, call, tmp_path: Path) -> None:
    """In data and --out; and a run that is gone on with finds its data again."""
    rng = np.random.default_rng(0)
    (tmp_path / name).mkdir()
    np.savez(tmp_path / name / f"{name}.npz", x=rng.standard_normal((60, 2)), y=rng.standard_normal((60, 2)))
    ending = discover("--group", "C2", "--data", f"{name}/{name}.npz", "--out", f"{name}/run", "--replicates", "2")
    assert ending.status == 0
    run = tmp_path / name / "run"
    for file in run.glob("*.*"):
        file.read_bytes().decode("utf-8")
    json.dumps(json.loads((run / "result.json").read_bytes()), ensure_ascii=False).encode("utf-8")
    assert RunFolder.open(run).config().data == str(tmp_path / name / f"{name}.npz")
    (run / "result.json").unlink()
    assert call("discover", "--resume", f"{name}/run", "--quiet").status == 0
    shown_result = call("inspect", f"{name}/run", "--json").out
    json.dumps(json.loads(shown_result), ensure_ascii=False).encode("utf-8")


@needs_bytes
@pytest.mark.slow
def test_a_run_goes_on_under_another_locale(discover, environment: dict[str, str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Path("dü").mkdir()
    np.savez("dü/s.npz", x=rng.standard_normal((60, 2)), y=rng.standard_normal((60, 2)))
    assert discover("--group", "C2", "--data", "dü/s.npz", "--out", "run", "--replicates", "2").status == 0
    before = Path("run", "config.toml").read_bytes()
    shutil.copytree("run", "rün")
    for run in ("run", "rün"):
        Path(run, "result.json").unlink()
        done = subprocess.run(
            [sys.executable, "-m", "sharefind", "discover", "--resume", run, "--quiet"],
            cwd=tmp_path, env={**environment, **OTHER_LOCALE}, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b"")
        assert Path(run, "config.toml").read_bytes() == before
        json.loads(Path(run, "result.json").read_bytes().decode("utf-8"))
