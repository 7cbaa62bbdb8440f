"""Ctrl-C and SIGTERM: status 130, the run kept, and the command that goes on with it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from sharefind.search import RunFolder
from sharefind.search.node_record import NODE

PROGRAM = "import sys; from sharefind.cli import main; sys.exit(main())"

BUSY = 2.0
"""Seconds of work, after the imports, that show that a worker process has begun."""

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

PATIENCE = 60
"""Seconds after which a search that should have been interrupted counts as hanging."""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_keeps_the_run_and_says_how_to_go_on(
    discover, call, finished: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    put = RunFolder.put

    def put_and_signal(folder: RunFolder, kind: Any, *what: Any) -> None:
        put(folder, kind, *what)
        if kind is NODE:
            signal.raise_signal(number)

    monkeypatch.setattr(RunFolder, "put", put_and_signal)
    before = signal.getsignal(number)
    ending = discover("--group", "C2", "--out", "my run", "--quiet")
    assert ending.status == 130
    assert ending.out == ""
    assert ending.err == "interrupted: the run is kept; go on with: sharefind discover --resume 'my run'\n"
    assert signal.getsignal(number) == before
    monkeypatch.setattr(RunFolder, "put", put)
    assert call("discover", "--resume", "my run", "--json").status == 0
    resumed, whole = (json.loads(Path(run, "result.json").read_text()) for run in ("my run", finished))
    for key in ("run", "wall_s"):
        del resumed[key], whole[key]
    assert resumed == whole


def test_an_interruption_before_the_search_says_that_nothing_was_written(
    discover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sharefind.api.resolve.build_problem", _interrupted)
    ending = discover("--group", "C2", "--out", "run")
    assert (ending.status, ending.err) == (130, "interrupted: nothing was written\n")
    assert not Path("run").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_second_signal_ends_it_without_delay(environment: dict[str, str], tmp_path: Path) -> None:
    """An end that hangs: the first signal is answered by something that does not come to an end."""
    program = """
import signal, sys, time
from sharefind.cli import main
from sharefind.search import RunFolder
kept = RunFolder.put
def put(folder, kind, key, value):
    if kind.name != "node":
        return kept(folder, kind, key, value)
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("hanging", flush=True)
        time.sleep(600)
RunFolder.put = put
sys.exit(main(sys.argv[1:]))
"""
    arguments = ["discover", "--group", "C2", "--copies", "19", "--alpha", "0.2", "--particles", "8", "--out", "run"]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--quiet"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (
        130,
        "interrupted: the run is kept; go on with: sharefind discover --resume run\n",
    )


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_signal_that_is_ignored_stays_ignored(discover, monkeypatch: pytest.MonkeyPatch) -> None:
    """As nohup ignores SIGHUP."""
    put = RunFolder.put

    def put_and_signal(folder: RunFolder, kind: Any, *what: Any) -> None:
        put(folder, kind, *what)
        if kind is NODE:
            signal.raise_signal(signal.SIGHUP)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(RunFolder, "put", put_and_signal)
        assert discover("--group", "C2", "--out", "run", "--quiet").status == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_ctrl_c_in_a_process_of_its_own(call, environment: dict[str, str], tmp_path: Path) -> None:
    arguments = ["discover", "--group", "C2", "--copies", "1999", "--particles", "200", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    with process:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and not (tmp_path / "run" / "config.toml").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.splitlines()[-1].endswith("go on with: sharefind discover --resume run")
    assert "Traceback" not in err
    assert not (tmp_path / "run" / "result.json").exists()
    refused = call("inspect", "run")
    assert refused.status == 2
    assert "sharefind discover --resume run" in refused.err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGKILL],
    ids=["SIGINT", "SIGTERM", "SIGKILL"],
)
def test_no_worker_process_outlives_an_interruption(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """SIGINT goes to the whole process group, as a terminal sends it; SIGTERM and SIGKILL to the command alone."""
    arguments = ["discover", "--group", "C2", "--copies", "9999", "--particles", "200", "--jobs", "2", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        workers = _busy_children(process)
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    if number is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert err.splitlines()[-1].endswith("go on with: sharefind discover --resume run")
        assert "Traceback" not in err and "Warning" not in err
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    assert not alive


def _busy_children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The child processes, once two of them have worked for a while."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
        if sum(child.cpu_times().user > BUSY for child in children if child.is_running()) >= 2:
            return children
        time.sleep(0.05)
    raise AssertionError("no workers were seen")
