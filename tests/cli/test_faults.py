"""What goes wrong around a run: damaged files, full disks, read-only folders, a second process, budgets, odd clocks."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sharefind.folder_locks import sole_use
from sharefind.search import RunFolder
from sharefind.search.node_record import NODE
from sharefind.storage import Journal

JOURNALS = ("evidence.jsonl", "tests.jsonl", "diagnoses.jsonl")

SEARCH = "--group S3 --data data.npz --copies 19 --alpha 0.2 --particles 8".split()  # noqa: SIM905
"""Subgroups of S_3 for labels with the symmetry C_3: four tests, two or more nodes, a diagnosis."""


def result(run: str | Path) -> dict[str, Any]:
    """result.json without what says where and when."""
    record: dict[str, Any] = json.loads(Path(run, "result.json").read_text())
    return {key: value for key, value in record.items() if key not in ("run", "wall_s")}


def lines(run: str | Path, journal: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(run, journal).read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with everything in it, and its data; not to be changed."""
    from sharefind.cli import main

    folder = tmp_path_factory.mktemp("whole")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    turn = np.array([[1.0, 0.6, -0.8], [-0.8, 1.0, 0.6], [0.6, -0.8, 1.0]])
    np.savez(folder / "data.npz", x=x, y=np.tanh(x @ turn.T) + 0.05 * rng.standard_normal((200, 3)))
    with contextlib.chdir(folder):
        assert main(["discover", *SEARCH, "--out", "run", "--quiet", "--json"]) == 0
        assert result("run")["e_star"]["candidate"] == "E^C3"
        assert all(len(lines("run", name)) > 0 for name in JOURNALS)
    return folder


@pytest.fixture(scope="module")
def another(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the same data with another seed; not to be changed."""
    from sharefind.cli import main

    folder = tmp_path_factory.mktemp("another")
    shutil.copy(whole / "data.npz", folder)
    with contextlib.chdir(folder):
        assert main(["discover", *SEARCH, "--seed", "1", "--out", "other", "--quiet", "--json"]) == 0
    return folder / "other"


@pytest.fixture
def spoilt(whole: Path, call, tmp_path: Path) -> Path:
    """A copy of the run that a test may spoil, in its own folder."""
    shutil.copy(whole / "data.npz", tmp_path)
    return Path(shutil.copytree(whole / "run", tmp_path / "run"))


def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the work that is done from now on."""
    done: list[str] = []
    append = Journal.append

    def noted(journal: Journal, record: Any) -> None:
        done.append(str(record.get("key", record.get("name"))))
        append(journal, record)

    monkeypatch.setattr(Journal, "append", noted)
    return done


@pytest.mark.parametrize("journals", [["evidence.jsonl", "particles"], ["tests.jsonl"], ["diagnoses.jsonl"]])
def test_work_of_another_run_is_told_and_done_again(
    call, spoilt: Path, whole: Path, another: Path, monkeypatch: pytest.MonkeyPatch, journals: list[str]
) -> None:
    """Whole lines, with the particles that belong to them, of a search with another seed."""
    for name in journals:
        place = spoilt / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.copytree(another / name, place) if place.suffix == "" else shutil.copy(another / name, place)
    done = computed(monkeypatch)
    again = call("discover", "--resume", "run", "--quiet")
    assert again.status == 0
    assert again.err.count("it is of a run with other data or settings; that work is done again") == len(done)
    assert done and result("run") == result(whole / "run")


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("how", ["cut off", "damaged", pytest.param("damaged at the front", marks=pytest.mark.slow)])
def test_a_spoilt_line_is_told_and_that_work_alone_is_done_again(
    call, spoilt: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, journal: str, how: str
) -> None:
    path = spoilt / journal
    record = lines(spoilt, journal)[-1]
    content = path.read_bytes()
    last = content[:-1].rfind(b"\n") + 1
    spoil: dict[str, Callable[[], bytes]] = {
        "cut off": lambda: content[:-20],
        "damaged": lambda: content[:-30] + b"#" + content[-29:],
        "damaged at the front": lambda: content[:last] + b"x" + content[last + 1 :],
    }
    path.write_bytes(spoil[how]())
    done = computed(monkeypatch)
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert ending.status == 0
    number = content.count(b"\n")
    told = (
        f"note: {journal}: line {number} {'was cut off' if how == 'cut off' else 'is damaged'}; that work is done again"
    )
    assert ending.err == told + "\n"
    assert done == [record.get("key", record.get("name"))]
    assert result(spoilt) == result(whole / "run")
    assert call("discover", "--resume", "run", "--quiet", "--json").err == ""


def test_a_line_with_a_right_checksum_and_wrong_content(call, spoilt: Path, whole: Path) -> None:
    mark = lines(spoilt, "tests.jsonl")[0]["run"]
    (spoilt / "tests.jsonl").unlink()
    Journal(spoilt / "tests.jsonl").append({"name": "C3", "p_value": "small", "run": mark})
    (spoilt / "evidence.jsonl").unlink()
    Journal(spoilt / "evidence.jsonl").append({"key": "{0}", "particles": None, "run": mark})
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert ending.status == 0
    assert ending.err == (
        "note: evidence.jsonl: the record of '{0}' cannot be used: evidence: Field required; that work is done again\n"
        "note: tests.jsonl: the record of 'C3' cannot be used: p_value: Input should be a valid number; that "
        "work is done again\n"
    )
    assert result(spoilt) == result(whole / "run")


FORGERIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "another's key": ("evidence.jsonl", {"proposals.0.key": "Z"}, "a space is none of this problem"),
    "no candidate": ("evidence.jsonl", {"proposals.0.candidate": None}, "a growth is none of the rule invariant"),
    "another rule": ("evidence.jsonl", {"proposals.0.rule": "mean"}, "a growth is none of the rule invariant"),
    "from elsewhere": ("evidence.jsonl", {"proposals.0.source": "Z"}, "a growth is not from it to a larger space"),
    "leads back": (
        "evidence.jsonl",
        {"proposals.0.space": {"kind": "tying", "ambient": 9, "labels": [0] * 9}},
        "a growth is not from it to a larger space",
    ),
    "holds, and is left": ("evidence.jsonl", {"evidence.decision": "stay"}, "it holds and is left"),
    "leads nowhere": ("evidence.jsonl", {"proposals": []}, "it is left, and nothing is proposed"),
    "too far": ("evidence.jsonl", {"evidence.dist2": 1e308}, "dist2: Value error, is not between -1e+300 and 1e+300"),
    "negative risk": ("evidence.jsonl", {"evidence.risk": -1.0}, "risk: Input should be greater than or equal to 0"),
    "other file": ("evidence.jsonl", {"particles.file": "x" * 5000}, "particles are in no file node-NNNN.safetensors"),
    "file above": ("evidence.jsonl", {"particles.file": "../../x"}, "particles are in no file node-NNNN.safetensors"),
    "control": ("evidence.jsonl", {"proposals.0.label": "\x1b[2J"}, "holds characters that cannot be printed"),
    "p above 1": ("tests.jsonl", {"p_value": 5.0}, "p_value: Input should be less than or equal to 1"),
    "p as a text": ("tests.jsonl", {"p_value": "0.5"}, "p_value: Input should be a valid number"),
    "negative copies": ("tests.jsonl", {"copies": -3}, "copies: Input should be greater than or equal to 1"),
    "too many exceed": ("tests.jsonl", {"exceeding": 10**6}, "1000000 of 19 copies exceed the data"),
    "no run": ("tests.jsonl", {"run": None}, "it is of a run with other data or settings"),
    "no interval": ("diagnoses.jsonl", {"risk.low": 1e9}, "the interval does not hold the gap"),
    "no level": ("diagnoses.jsonl", {"alpha": -1.0}, "alpha: Input should be greater than 0"),
}
"""Journal, values in its first line that a stranger changed, and what is told."""


def _with(record: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(record))
    holder, (*way, last) = changed, path.split(".")
    for key in way:
        holder = holder[int(key) if isinstance(holder, list) else key]
    holder[last] = value
    return dict(changed)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_line_that_a_stranger_changed(call, spoilt: Path, whole: Path, name: str) -> None:
    """The checksum is right, and what it says cannot be: that is told, and the work done again."""
    journal, changes, told = FORGERIES[name]
    first, *rest = lines(spoilt, journal)
    for path, value in changes.items():
        first = _with(first, path, value)
    (spoilt / journal).unlink()
    for record in (first, *rest):
        Journal(spoilt / journal).append({key: value for key, value in record.items() if key != "sha256"})
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert ending.status == 0
    assert ending.err.startswith("note: ") and ending.err.endswith(f"{told}; that work is done again\n")
    assert ending.err.count("\n") == 1 and len(ending.err) < 300
    assert result(spoilt) == result(whole / "run")


def test_work_that_cannot_be_used_counts_as_work(call, spoilt: Path, whole: Path) -> None:
    """With no time left it is not done again, and a larger budget does it."""
    first, *rest = lines(spoilt, "evidence.jsonl")
    (spoilt / "evidence.jsonl").unlink()
    for record in (_with(first, "proposals.0.key", "Z"), *rest):
        Journal(spoilt / "evidence.jsonl").append({k: v for k, v in record.items() if k != "sha256"})
    kept = (spoilt / "evidence.jsonl").read_bytes()
    ending = call("discover", "--resume", "run", "--max-seconds", "0.001", "--json", "--quiet")
    assert json.loads(ending.out)["status"] == "undecided" and (spoilt / "evidence.jsonl").read_bytes() == kept
    assert call("discover", "--resume", "run", "--max-seconds", "900", "--json", "--quiet").status == 0
    assert result(spoilt) == result(whole / "run")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("name", ["particles", *JOURNALS])
def test_nothing_is_written_through_a_link(call, spoilt: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (spoilt / name).rename(outside)
    (spoilt / name).symlink_to(outside)
    if outside.is_dir():
        (outside / ".mine.tmp").touch()
    before = sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()
    ending = call("discover", "--resume", "run", "--quiet")
    assert ending.status == 2 and ending.err == f"error: run/{name} is a link; put what it leads to in its place\n"
    assert (sorted(outside.iterdir()) if outside.is_dir() else outside.read_bytes()) == before


def test_a_copy_without_the_folder_of_particles(call, spoilt: Path, whole: Path) -> None:
    """Some tools leave empty folders out."""
    shutil.rmtree(spoilt / "particles")
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert ending.status == 0 and ending.err.count("is missing or damaged; that work is done again") >= 2
    assert result(spoilt) == result(whole / "run")


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_particles_that_are_not_as_they_were_left(
    call, spoilt: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    file = spoilt / "particles" / "node-0000.safetensors"
    before = file.read_bytes()
    file.unlink()
    if how == "damaged":
        file.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    done = computed(monkeypatch)
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert "particles/node-0000.safetensors is missing or damaged; that work is done again" in ending.err
    assert done == ["{0}"] and file.read_bytes() == before and result(spoilt) == result(whole / "run")


@pytest.mark.parametrize("text", ["{}", '{"seconds": -1}', '{"seconds": NaN}', "[" * 100_000, "x" * 2_000_000])
def test_seconds_that_make_no_sense_are_told(call, spoilt: Path, whole: Path, text: str) -> None:
    (spoilt / "spent.json").write_text(text)
    ending = call("discover", "--resume", "run", "--json", "--quiet")
    assert ending.err.startswith("note: spent.json cannot be used (") and ending.err.count("\n") == 1
    assert ending.err.endswith("); seconds are counted from 0\n")
    assert ending.status == 0 and result(spoilt) == result(whole / "run")


@pytest.mark.parametrize(
    "name", ["result.json", "lattice.json", "lattice.graphml", "data.sha256", "settings.sha256", "spent.json"]
)
def test_a_file_that_is_missing_is_written_again(call, spoilt: Path, whole: Path, name: str) -> None:
    (spoilt / name).unlink()
    assert call("discover", "--resume", "run", "--json", "--quiet").status == 0
    assert (spoilt / name).is_file() and result(spoilt) == result(whole / "run")


@pytest.mark.parametrize("command", ["discover --resume run --quiet", "export run --format json --out spec.json"])
def test_settings_that_were_changed_meanwhile(call, spoilt: Path, command: str) -> None:
    """The evidence belongs to other random numbers, or to another level."""
    config = spoilt / "config.toml"
    before = config.read_text()
    for old, new in (("seed = 0", "seed = 1"), ("alpha = 0.2", "alpha = 0.1"), ('group = "S3"', 'group = "C3"')):
        assert old in before
        config.write_text(before.replace(old, new))
        ending = call(*command.split())
        assert ending.status == 2 and ending.err.count("\n") == 1
        assert "run was begun with other settings; put config.toml" in ending.err
    config.write_text(before.replace("max_nodes", "") + "max_nodes = 50\n")
    assert call("discover", "--resume", "run", "--quiet", "--json").status == 0


def test_generators_that_were_changed_meanwhile(call) -> None:
    turn, swap = [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    np.savez("data.npz", x=np.random.default_rng(0).normal(size=(60, 3)), y=np.ones((60, 3)))
    options = ["--data", "data.npz", "--copies", "19", "--alpha", "0.2", "--particles", "4", "--quiet"]
    for number, matrix in enumerate((turn, swap)):
        Path("g.json").write_text(json.dumps({"name": "g", "generators": [{"in": matrix, "out": matrix}]}))
        start = ["--generators", "g.json", *options, "--out", "run"] if number == 0 else ["--resume", "run"]
        ending = call("discover", *start)
        assert ending.status == (2 if number else 0)
    assert "or the file of generators, back as it was" in ending.err


def test_what_a_killed_process_left_half_is_removed(call, spoilt: Path) -> None:
    for folder in (spoilt, spoilt / "particles"):
        (folder / ".result.json.0123.tmp").write_text("{")
    assert call("discover", "--resume", "run", "--json", "--quiet").status == 0
    assert not list(spoilt.rglob("*.tmp"))


def test_a_run_that_was_killed_before_it_had_begun_can_be_started_again(discover) -> None:
    Path("run/particles").mkdir(parents=True)
    Path("run/lock").touch()
    Path("run/.config.toml.0123.tmp").touch()
    assert discover("--group", "C2", "--out", "run", "--quiet").status == 0
    assert not list(Path("run").rglob("*.tmp"))


@pytest.mark.parametrize(
    "command", [["discover", "--resume", "run"], ["discover", "--resume", "run", "--max-nodes", "9"]]
)
def test_a_second_process_is_refused_and_told_who_works(call, spoilt: Path, command: list[str]) -> None:
    with sole_use(spoilt):
        ending = call(*command)
    assert ending.status == 2
    assert ending.err.splitlines()[-1].startswith(f"error: run is in use by process {os.getpid()} on ")
    assert ending.err.endswith("wait until that ends, or stop it\n")
    assert call("inspect", "run").status == 0


def test_a_folder_in_use_can_be_read(call, spoilt: Path) -> None:
    with sole_use(spoilt):
        for arguments in (["inspect", "run"], ["export", "run", "--format", "json", "--out", "spec.json"]):
            assert call(*arguments).status == 0


def test_two_processes_that_begin_one_folder(call, discover, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds the folder empty, and the first has written its configuration before the second has the lock."""
    enter = sole_use.__wrapped__

    def after_another(folder: Path) -> Any:
        (folder / "config.toml").write_text("group = 'C3'\n")
        yield from enter(folder)

    from contextlib import contextmanager

    monkeypatch.setattr("sharefind.search.persistence.run_folder.sole_use", contextmanager(after_another))
    ending = discover("--group", "C2", "--out", "run", "--quiet")
    assert ending.status == 2 and "run exists and is not an empty folder" in ending.err
    assert Path("run/config.toml").read_text() == "group = 'C3'\n"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(code, id=errno.errorcode[code], marks=[] if code == errno.ENOSPC else pytest.mark.slow)
        for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
    ],
)
def test_a_full_disk_ends_the_run_and_keeps_it(
    call, discover, spoilt: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    put = RunFolder.put
    kept: list[str] = []

    def full(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    def put_then_full(folder: RunFolder, kind: Any, key: str, value: Any) -> None:
        put(folder, kind, key, value)
        if kind is NODE:
            kept.append(key)
            monkeypatch.setattr(os, "fsync", full)

    fsync = os.fsync
    monkeypatch.setattr(RunFolder, "put", put_then_full)
    ending = call("discover", *SEARCH, "--out", "full", "--quiet")
    assert ending.status == 1
    assert ending.err.count("\n") == 1 and f"could not be written ({os.strerror(code)}); make room" in ending.err
    assert ending.err.endswith("what is done is kept, go on with: sharefind discover --resume full\n")
    assert not list(Path("full").rglob("*.tmp"))
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(RunFolder, "put", put)
    done = computed(monkeypatch)
    assert call("discover", "--resume", "full", "--json", "--quiet").status == 0
    assert kept == ["{0}"] and "{0}" not in done
    assert result("full") == result(whole / "run")


def _as_nobody(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as a user who may write nothing; root may, whatever the permissions.

    It runs as root in a copy first, so that everything is loaded that this user may not even read.
    """
    copy = shutil.copytree(folder, folder.with_name(f"{folder.name}-copy"))
    program = f"""
import os, sys
from sharefind.cli import main
os.chdir({str(copy)!r})
sys.stdout = open(os.devnull, "w")
assert main({list(arguments)!r}) == 0
os.chdir({str(folder)!r})
os.seteuid(65534)
sys.exit(main({list(arguments)!r}))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root, to become a user without rights")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "discover --group C2 --out runs/new --quiet",
            "error: runs/new cannot be made (Permission denied); choose another --out",
        ),
        ("discover --resume run --quiet", "run/lock cannot be written (Permission denied); choose another --out"),
        ("export run --format json --out spec.json", "spec.json cannot be written (Permission denied); choose"),
    ],
)
def test_a_read_only_folder(spoilt: Path, whole: Path, arguments: str, told: str) -> None:
    for folder in (whole, *spoilt.resolve().parents, spoilt):
        if "pytest" in str(folder):
            folder.chmod(0o755)
    done = _as_nobody(spoilt.parent, *arguments.split())
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert told in done.stderr


@pytest.mark.parametrize("jump", [pytest.param(-1e9, id="back"), pytest.param(1e9, id="ahead", marks=pytest.mark.slow)])
def test_the_date_may_jump(call, spoilt: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """The wall clock jumps by 30 years at every look; seconds are counted by a clock that does not."""
    looks = [time.time()]

    def jumping() -> float:
        looks.append(looks[-1] + jump)
        return looks[-1] % 4e9

    shutil.rmtree(spoilt)
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", jumping)
        assert call("discover", *SEARCH, "--max-seconds", "600", "--out", "run", "--json", "--quiet").status == 0
    assert result("run") == result(whole / "run")
    assert 0 < json.loads(Path("run/result.json").read_text())["wall_s"] < 600


def test_a_run_may_visit_so_many_nodes_in_all_its_sittings(call, spoilt: Path, whole: Path) -> None:
    most = len(lines(whole / "run", "evidence.jsonl"))
    assert most >= 2
    shutil.rmtree(spoilt)
    for number in range(1, most + 1):
        start = ["--resume", "run"] if number > 1 else [*SEARCH, "--out", "run"]
        ending = call("discover", *start, "--max-nodes", str(number), "--quiet")
        assert ending.status == 0
        assert len(lines("run", "evidence.jsonl")) == number
        found = result("run")
        if number < most:
            told = f"--max-nodes {number} is reached, and no space held so far"
            assert (found["status"], found["stopped"]) == ("undecided", told)
            assert [row["node"] for row in found["chain"]][-1] <= number - 1
            assert "Undecided" in ending.out and "sharefind discover --resume run --max-nodes ..." in ending.out
            again = call("discover", "--resume", "run", "--json")
            assert {k: v for k, v in json.loads(again.out).items() if k not in ("run", "wall_s")} == found
            assert call("inspect", "run").status == 0
            refused = call("export", "run", "--format", "json", "--out", "spec.json")
            assert refused.status == 1 and "go on with: sharefind discover --resume run, and" in refused.err
    assert found == result(whole / "run") and (found["status"], found["stopped"]) == ("found", None)


def test_a_run_may_work_so_long_in_all_its_sittings(call, spoilt: Path, whole: Path) -> None:
    shutil.rmtree(spoilt)
    first = call("discover", *SEARCH, "--max-seconds", "0.001", "--out", "run", "--json", "--quiet")
    found = json.loads(first.out)
    assert first.status == 0 and found["status"] == "undecided" and found["chain"] == []
    refused = call("export", "run", "--format", "json", "--out", "spec.json")
    assert refused.status == 2 and "run visited no node so far; go on with: sharefind discover --resume" in refused.err
    assert found["stopped"].startswith("--max-seconds 0.001: ") and found["stopped"].endswith("all sessions together")
    Path("run/spent.json").write_text('{"seconds": 100}\n')
    tests = (whole / "run/tests.jsonl").read_bytes().splitlines(keepends=True)[0]
    Path("run/tests.jsonl").write_bytes(tests)
    second = json.loads(call("discover", "--resume", "run", "--max-seconds", "99", "--json", "--quiet").out)
    # The set-up of this sitting counts, too.
    worked = float(second["stopped"].removeprefix("--max-seconds 99: ").partition(" s were")[0])
    assert 100 <= worked < 130 and Path("run/tests.jsonl").read_bytes() == tests
    assert call("discover", "--resume", "run", "--max-seconds", "900", "--json", "--quiet").status == 0
    assert Path("run/tests.jsonl").read_bytes().startswith(tests)
    assert result("run") == result(whole / "run")
    assert json.loads(Path("run/result.json").read_text())["wall_s"] > 100


@pytest.mark.parametrize("jobs", ["1", pytest.param("2", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("words", "work"),
    [
        (["--horizon", "1e5"], "evidence.jsonl"),
        (["--copies", "1000000"], "tests.jsonl"),
        pytest.param(["--scheme", "fa", "--particles", "20000"], "evidence.jsonl", marks=pytest.mark.slow),
    ],
    ids=["training", "tests", "large steps"],
)
def test_the_seconds_end_what_is_under_way(call, spoilt: Path, words: list[str], work: str, jobs: str) -> None:
    """One training, and one test, that would take minutes, in this process and in workers."""
    shutil.rmtree(spoilt)
    before = time.monotonic()
    budget = ["--max-seconds", "1.5", "--jobs", jobs]
    ending = call("discover", *SEARCH, *words, *budget, "--out", "run", "--json", "--quiet")
    found = json.loads(ending.out)
    assert (ending.status, found["status"]) == (0, "undecided")
    assert found["stopped"].startswith("--max-seconds 1.5: ")
    assert not Path("run", work).exists()
    assert 1.5 <= time.monotonic() - before < 20


def test_what_was_found_before_the_time_ran_out_is_not_taken_back(call, spoilt: Path, whole: Path) -> None:
    """A finished run is finished, however little time a later sitting is given."""
    (spoilt / "spent.json").write_text('{"seconds": 1000}\n')
    assert call("discover", "--resume", "run", "--max-seconds", "1", "--json", "--quiet").status == 0
    assert result("run") == result(whole / "run")


@pytest.mark.parametrize("options", ["--max-nodes 0", "--max-seconds 0", "--max-seconds nan", "--max-nodes -1"])
@pytest.mark.parametrize("start", ["--group C2", "--resume run"])
def test_a_budget_that_is_none(call, spoilt: Path, start: str, options: str) -> None:
    ending = call("discover", *start.split(), *options.split())
    assert ending.status == 2 and ending.err.startswith(f"error: {options.split()[0]}: Input should be")
