"""Streams that are lost, full or closed, terminals without a size: the work is done, and what is lost is said once."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sharefind.cli import main
from sharefind.cli.console import SIZES, result_console, usable_sizes
from sharefind.cli.streams import Outlet

PROGRAM = [sys.executable, "-m", "sharefind"]

LOST = {"closed": None, "pipe": errno.EPIPE, "full": errno.ENOSPC, "terminal gone": errno.EIO}
"""How a stream is lost; None: it was never there."""

FLUSHED = ("pipe", "terminal gone")
"""Those that the quick tests lose when they are flushed; the others when they are written."""


class Broken(io.StringIO):
    """A terminal that takes a few writes and then fails, in `write` or when it is flushed."""

    def __init__(self, number: int, writes: int = 0, *, fails_late: bool = False) -> None:
        super().__init__()
        self._number, self._left, self._fails_late = number, writes, fails_late

    def write(self, text: str) -> int:
        if self._left <= 0 and not self._fails_late:
            raise OSError(self._number, os.strerror(self._number))
        self._left -= 1
        return super().write(text)

    def flush(self) -> None:
        if self._fails_late:
            raise OSError(self._number, os.strerror(self._number))

    def isatty(self) -> bool:
        return True


def _stream(how: str, **options: object) -> Broken | None:
    number = LOST[how]
    return None if number is None else Broken(number, **options)


def _same(run: str, whole: Path) -> None:
    found, expected = (json.loads(Path(folder, "result.json").read_bytes()) for folder in (run, whole))
    for key in ("run", "wall_s"):
        del found[key], expected[key]
    assert found == expected


@pytest.mark.parametrize(
    ("writes", "how"),
    [
        pytest.param(writes, how, marks=[] if (how == "closed") == (writes == 0) else pytest.mark.slow)
        for writes in (0, 3)
        for how in LOST
    ],
)
def test_a_lost_stderr_ends_no_search(
    how: str, writes: int, finished: Path, discover, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live table on a terminal, which is there for a while."""
    monkeypatch.setattr(sys, "stderr", _stream(how, writes=writes))
    monkeypatch.setenv("TERM", "xterm")
    assert discover("--group", "C2", "--out", "found").status == 0
    _same("found", finished)
    assert {"result.json", "lattice.json", "evidence.jsonl", "spent.json"} <= set(os.listdir("found"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "run", "--out", "net.safetensors", "--epochs", "2", "--width", "4"),
        ("report", "run", "--out", "page.html"),
        ("export", "run", "--format", "json", "--out", "spec.json"),
        ("inspect", "run", "--plot", "picture.svg"),
        ("reproduce", "prop-4", "--quick", "--out", "paper"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_lost_stderr_ends_no_command(
    arguments: tuple[str, ...], run: Path, call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(errno.EIO))
    before = set(os.listdir())
    assert call(*arguments).status == 0
    assert len({name.removesuffix(".md") for name in set(os.listdir()) - before}) == 1


@pytest.mark.parametrize(
    ("how", "fails_late"),
    [
        pytest.param(how, late, id=f"{how}-{moment}", marks=[] if (how in FLUSHED) == late else pytest.mark.slow)
        for how in LOST
        for late, moment in ((False, "when written"), (True, "when flushed"))
    ],
)
def test_a_lost_stdout_keeps_the_result(
    how: str, fails_late: bool, finished: Path, call, discover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", _stream(how, fails_late=fails_late))
    ending = discover("--group", "C2", "--out", "found", "--quiet")
    _same("found", finished)
    if how == "pipe":
        assert (ending.status, ending.err) == (141, "")
    else:
        reason = os.strerror(LOST[how] or errno.EBADF)
        what = f"standard output cannot be written ({reason}), and what was to be printed is lost"
        assert (ending.status, ending.err) == (1, f"error: {what}; all is kept in found\n")


def test_a_lost_stdout_adds_nothing_to_another_error(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    ending = call("groups", "nope")
    assert ending.status == 2 and len(ending.err.splitlines()) == 1


def test_nothing_is_lost_where_nothing_was_to_be_printed() -> None:
    outlet = Outlet(None)
    outlet.write("")
    outlet.flush()
    assert outlet.lost is None and not outlet.isatty()


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize(
    ("ending", "status", "err"),
    [
        (">&-", 1, "error: standard output cannot be written (Bad file descriptor)"),
        pytest.param(
            *(">/dev/full", 1, "error: standard output cannot be written (No space left on device)"),
            marks=pytest.mark.slow,
        ),
        ("| true", 141, ""),
        pytest.param("2>&- >/dev/null", 0, "", marks=pytest.mark.slow),
        ("<&- >&- 2>&-", 1, ""),
    ],
)
def test_a_process_whose_streams_are_lost(
    ending: str, status: int, err: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """No word of Python's own when it ends, and its status is ours."""
    if "full" in ending and not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    command = f'"$0" -m sharefind groups S4 {ending}; echo "${{PIPESTATUS[0]}}" >status'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert int((tmp_path / "status").read_text()) == status
    assert done.stderr.startswith(err) and len(done.stderr.splitlines()) == (1 if err else 0)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", ["0", "1", "-5", "many", "²", "", "9" * 20])
def test_tables_have_a_usable_width(name: str, value: str, run: Path, call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    ending = call("inspect", "run")
    assert ending.status == 0
    monkeypatch.delenv(name)
    assert ending.out == call("inspect", "run").out
    assert call("--help").status == 0


def test_a_width_that_suits_tables_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "61")
    with usable_sizes():
        assert result_console().width == 61
    assert os.environ["COLUMNS"] == "61"


def test_the_module_is_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run([*PROGRAM, "groups", "Q4"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == main(["groups", "Q4"]) == 2
    assert done.stderr.startswith("error: there is no group named 'Q4'")
