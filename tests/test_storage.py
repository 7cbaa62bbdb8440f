"""Files that are whole or absent, journals that lose nothing but what is damaged, and one process in a folder."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharefind.errors import RunFolderError, StorageError
from sharefind.folder_locks import LOCK, sole_use
from sharefind.storage import Journal, sweep, write_atomically

RECORDS: list[dict[str, Any]] = [{"name": "C2", "p": 0.25}, {"name": "é\n\u2028", "p": None}, {"name": "", "list": [1]}]

HOLD = """
import sys
from pathlib import Path
from sharefind.folder_locks import sole_use
with sole_use(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def journal(path: Path, records: list[dict[str, Any]] = RECORDS) -> Journal:
    """A journal at `path` with these records."""
    path.unlink(missing_ok=True)
    kept = Journal(path)
    for record in records:
        kept.append(record)
    return kept


def with_paths() -> dict[str, str]:
    """The environment of a process that imports what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}


def failing(code: int) -> Any:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "result.json"
    write_atomically(path, "old")
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))
    with pytest.raises(StorageError, match=r"result\.json could not be written \(No space left on device\); make room"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_disk_that_the_system_says_is_full(tmp_path: Path) -> None:
    """The system refuses every byte beyond the 200th of a file."""
    kept = journal(tmp_path / "journal", RECORDS[:1])
    before = kept.path.read_bytes()
    script = (
        "import resource; from tests.test_storage import *; resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)); "
    )
    append = f"Journal(Path({str(kept.path)!r})).append(dict(name='x' * 100))"
    write = f"write_atomically(Path({str(tmp_path / 'file')!r}), b'x' * 300)"
    for action in (append, write):
        done = subprocess.run([sys.executable, "-c", script + action], env=with_paths(), capture_output=True, text=True)
        assert "StorageError" in done.stderr and "could not be written (File too large); make room" in done.stderr
    assert kept.path.read_bytes() == before and list(tmp_path.iterdir()) == [kept.path]


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(RunFolderError, match="is not a plain file"):
        Journal(tmp_path / "journal").read()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"cannot be written .*; choose another out"):
        write_atomically(tmp_path / "missing" / "file", b"")


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_file_is_as_private_as_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "whole", "x")
        Journal(tmp_path / "journal").append({})
    finally:
        os.umask(before)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("whole", "journal")} == {0o666 & ~umask}


def test_sweeping_takes_what_was_left_half_and_nothing_else(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in ("result.json", ".hidden", "notes.tmp")]
    for path in (*kept, tmp_path / ".result.json.1234.tmp"):
        path.write_text("x")
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


@given(st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=4))
def test_a_journal_gives_back_what_it_was_given(tmp_path_factory: pytest.TempPathFactory, records: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.jsonl"
    journal(path, records)
    again = Journal(path)
    assert again.read() == json.loads(json.dumps(records)) and again.damage == []


@given(place=st.integers(0), value=st.integers(0, 255))
def test_one_changed_byte_loses_that_line_alone(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "flip.jsonl"
    journal(path)
    content = bytearray(path.read_bytes())
    place %= len(content)
    if content[place] == value:
        return
    hit = content[:place].count(b"\n")
    is_end = content[place : place + 1] == b"\n"
    content[place] = value
    path.write_bytes(content)
    again = Journal(path)
    found = again.read()
    # Where the end of a line is changed, the next one is glued to it.
    lost = {hit, hit + 1} if is_end and hit + 1 < len(RECORDS) and value not in b"\r" else {hit}
    assert again.damage and found == [r for k, r in enumerate(RECORDS) if k not in lost]


@given(st.integers(0))
def test_a_journal_that_was_cut_off_anywhere_goes_on(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    journal(path)
    whole = path.read_bytes()
    length %= len(whole) + 1
    path.write_bytes(whole[:length])
    lines = whole[:length].count(b"\n")
    again = Journal(path)
    assert again.read() == RECORDS[:lines]
    is_whole = length == 0 or whole[:length].endswith(b"\n")
    assert again.damage == ([] if is_whole else [f"cut.jsonl: line {lines + 1} was cut off"])
    again.append({"name": "next"})
    fresh = Journal(path)
    assert fresh.read() == [*RECORDS[:lines], {"name": "next"}] and fresh.damage == []


def test_an_append_that_fails_leaves_the_lines_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = journal(tmp_path / "journal")
    before = kept.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(StorageError, match="Input/output error"):
            kept.append({"name": "lost"})
    assert kept.path.read_bytes() == before
    kept.append({"name": "kept"})
    assert Journal(kept.path).read() == [*RECORDS, {"name": "kept"}]


def test_a_second_user_of_a_folder_is_told_who_has_it(tmp_path: Path) -> None:
    told = rf"is in use by process {os.getpid()} on .* since \d{{4}}-.*; wait until that ends, or stop it"
    with sole_use(tmp_path), pytest.raises(RunFolderError, match=told), sole_use(tmp_path):
        pass
    with sole_use(tmp_path):
        pass


def test_a_lock_file_of_a_process_that_is_gone_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("process 4242 on elsewhere since 2020-01-01T00:00:00+00:00\n")
    with sole_use(tmp_path):
        assert f"process {os.getpid()}" in (tmp_path / LOCK).read_text()


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_another_process_holds_a_folder_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=with_paths()
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError, match=f"in use by process {process.pid}"), sole_use(tmp_path):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 10
    while True:
        try:
            with sole_use(tmp_path):
                break
        except RunFolderError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
