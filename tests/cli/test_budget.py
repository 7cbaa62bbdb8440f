"""The set-up counts in --max-seconds: it is bounded, told truly, and leaves a run that goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.api import resolve
from sharefind.cli.interrupts import alarm
from sharefind.cli.session import Alarms

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="has no timers")

SOON = Alarms(grace=0.1)

LATE = 2.0
"""Seconds beyond the budget after which a run must have ended."""


class Late(Exception):
    """What an alarm raises here."""


def test_an_alarm_ends_what_never_looks_at_a_deadline() -> None:
    before, started = signal.getsignal(signal.SIGALRM), time.monotonic()
    with pytest.raises(Late), alarm(started + 0.2, Late()):
        while True:
            time.sleep(10)
    assert 0.2 <= time.monotonic() - started < 5
    assert signal.getsignal(signal.SIGALRM) == before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.slow
def test_an_alarm_that_is_swallowed_rings_again() -> None:
    started, rung = time.monotonic(), 0
    with suppress(Late), alarm(started, Late()):
        while rung < 3:
            try:
                time.sleep(10)
            except Late:
                rung += 1
    assert rung == 3 and time.monotonic() - started < 5


def test_an_alarm_that_is_early_enough_raises_nothing() -> None:
    with alarm(time.monotonic() + 60, Late()):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_alarm_waits_for_modules_that_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half loaded module would break whatever comes next."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "slow_to_load.py").write_text("import time; time.sleep(0.5); DONE = True")
    with pytest.raises(Late), alarm(time.monotonic() + 0.1, Late()):
        import slow_to_load

        time.sleep(10)
    assert slow_to_load.DONE


def test_an_alarm_waits_for_a_compiler(tmp_path: Path) -> None:
    """What is raised in a callback of LLVM is swallowed, and the code that was compiled is lost."""
    code = "def called_back():\n    ends = time.monotonic() + 0.5\n    while time.monotonic() < ends:\n        pass\n"
    names: dict[str, Any] = {"time": time}
    exec(compile(code, str(tmp_path / "llvmlite" / "binding" / "executionengine.py"), "exec"), names)  # noqa: S102
    done = False
    with pytest.raises(Late), alarm(time.monotonic() + 0.1, Late()):
        names["called_back"]()
        done = True
        time.sleep(10)
    assert done


def test_what_is_done_after_the_alarm_is_left_alone(discover, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine takes long over the result of a search that was cut."""
    from sharefind.search import engine

    real = engine._reason

    def slow(*arguments: Any) -> Any:
        ends = time.monotonic() + 0.8
        while time.monotonic() < ends:
            sum(range(1000))
        return real(*arguments)

    monkeypatch.setattr(engine, "_reason", slow)
    alarms = Alarms(slack=-0.5, swallowed=0.2)  # the first one comes before anything looks at the deadline
    options = ("--out", "run", "--copies", "1000000", "--max-seconds", "1", "--json", "--quiet")
    ending = discover("--group", "C2", *options, alarms=alarms)
    assert json.loads(ending.out)["status"] == "undecided"


@pytest.fixture
def slow_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems that take a minute to build."""
    real = resolve.build_problem

    def slow(*arguments: object) -> object:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not Path("quick").exists():
            time.sleep(0.05)
        return real(*arguments)

    monkeypatch.setattr(resolve, "build_problem", slow)


@pytest.mark.parametrize(
    "as_json", [pytest.param(False, id="text", marks=pytest.mark.slow), pytest.param(True, id="json")]
)
def test_a_setup_that_takes_too_long_is_cut_and_goes_on(as_json: bool, slow_setup: None, discover, call) -> None:
    started = time.monotonic()
    options = ["--json"] if as_json else []
    ending = discover("--group", "C2", "--out", "run", "--max-seconds", "0.5", "--quiet", *options, alarms=SOON)
    passed = time.monotonic() - started
    assert ending.status == 0 and passed < 0.5 + LATE
    spent = json.loads(Path("run", "spent.json").read_text())["seconds"]
    assert 0.5 < spent <= passed
    if as_json:
        found = json.loads(ending.out)
        assert (found["status"], found["run"]) == ("undecided", "run") and "--max-seconds 0.5" in found["stopped"]
    else:
        assert ending.out.startswith("Undecided: the search was stopped before it could begin (--max-seconds 0.5")
        assert "sharefind discover --resume run --max-seconds ..." in ending.out
    assert "is not finished; go on with sharefind discover --resume run" in call("inspect", "run").err
    again = call("discover", "--resume", "run", "--quiet", alarms=SOON)
    assert again.status == 0 and "Undecided" in again.out
    assert json.loads(Path("run", "spent.json").read_text())["seconds"] > spent
    Path("quick").touch()
    assert call("discover", "--resume", "run", "--max-seconds", "600", "--quiet").status == 0
    assert json.loads(Path("run", "result.json").read_text())["status"] == "found"


def test_without_out_a_cut_setup_has_a_folder_of_its_own(slow_setup: None, discover) -> None:
    for _ in range(2):
        assert discover("--blind", "--max-seconds", "0.2", "--quiet", alarms=SOON).status == 0
    assert sorted(os.listdir("runs")) == ["c2-wi_blind_seed0", "c2-wi_blind_seed0_2"]


def test_a_finished_run_is_not_cut(slow_setup: None, discover, call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("quick").touch()
    assert discover("--group", "C2", "--out", "run", "--max-seconds", "600", "--quiet").status == 0
    Path("quick").unlink()
    monkeypatch.setattr(time, "sleep", lambda seconds: Path("quick").touch())
    ending = call("discover", "--resume", "run", "--max-seconds", "0.001", "--json", "--quiet", alarms=SOON)
    assert json.loads(ending.out)["status"] == "found"


def test_what_was_loaded_before_the_search_counts(discover) -> None:
    """wall_s and spent.json are seconds since the call began, not since the first test."""
    started = time.monotonic()
    ending = discover("--group", "C2", "--out", "run", "--quiet", "--json")
    passed = time.monotonic() - started
    assert 0.5 * passed < json.loads(ending.out)["wall_s"] <= passed
    assert 0.5 * passed < json.loads(Path("run", "spent.json").read_text())["seconds"] <= passed


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--group", "C4"),
        ("--blind",),
        ("--group", "S4", "--jobs", "2"),
    ],
    ids=" ".join,
)
def test_a_million_rows_keep_to_the_budget(
    options: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1_000_000, 4))
    np.savez(tmp_path / "big.npz", x=x, y=np.tanh(x - np.roll(x, 1, axis=1)) + 0.1 * rng.standard_normal(x.shape))
    loaded = _seconds(["-c", "import sharefind.search, sharefind.api.resolve"], environment, tmp_path)
    most = 2 * loaded
    command = ["-m", "sharefind", "discover", *options, "--data", "big.npz", "--out", "run", "--quiet"]
    took = _seconds([*command, "--max-seconds", f"{most:.2f}"], environment, tmp_path)
    # A loaded machine is slow in all that it does.
    assert took < most + LATE + loaded
    assert most <= json.loads((tmp_path / "run" / "spent.json").read_text())["seconds"] <= took


def _seconds(arguments: list[str], environment: dict[str, str], folder: Path) -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=True)
    return time.monotonic() - started


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize(
    "module", ["sharefind.cli.app", "rich.console", "torch", pytest.param("sharefind.proposal", marks=pytest.mark.slow)]
)
def test_ctrl_c_while_modules_are_loaded(module: str, environment: dict[str, str], tmp_path: Path) -> None:
    """The signal comes when that module is looked for."""
    program = f"""
import signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
from sharefind.cli import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "discover", "--group", "C2", "--out", "run"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted: nothing was written\n")
    assert not (tmp_path / "run").exists()
