"""--jobs, --executor and --address: every mistake is one line and status 2, before a run folder is made."""

import json
import sys
from functools import partial
from pathlib import Path

import pytest

from sharefind.parallel import Workers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--executor", "threads"), "--executor threads does not exist; use one of loky, dask, ray"),
        (("--address", "tcp://a:1"), "--address tcp://a:1 belongs to a cluster; give --executor dask or ray with it"),
        (("--executor", "dask"), "--executor dask needs a cluster"),
        (("--executor", "dask", "--address", "nowhere"), "--address nowhere: no Dask scheduler answers"),
        (("--executor", "dask", "--address", "tcp://127.0.0.1:1"), "no Dask scheduler answers (Timed out"),
        (("--executor", "dask", "--address", "tcp://a:1", "--jobs", "2"), "--jobs 2 is for one machine"),
    ],
)
def test_workers_that_are_not_there(
    discover, options: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("sharefind.cli.discover.Workers", partial(Workers, patience=1.0))
    ending = discover("--group", "C2", "--out", "run", *options)
    assert (ending.status, ending.out, ending.err.count("\n")) == (2, "", 1)
    assert message in ending.err
    assert not Path("run").exists()


@pytest.mark.parametrize(("executor", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_named_with_its_extra(
    discover, executor: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ending = discover("--group", "C2", "--executor", executor, "--address", "tcp://a:1")
    assert (ending.status, ending.err.count("\n")) == (2, 1)
    assert f"pip install 'sharefind[{executor}]'" in ending.err


def test_a_run_goes_on_with_other_workers(call, run: Path) -> None:
    before = json.loads((run / "result.json").read_text())
    (run / "result.json").unlink()
    (run / "tests.jsonl").unlink()
    assert call("discover", "--resume", run, "--jobs", "2", "--executor", "loky", "--quiet", "--json").status == 0
    after = json.loads((run / "result.json").read_text())
    for key in ("run", "wall_s"):
        del before[key], after[key]
    assert after == before
