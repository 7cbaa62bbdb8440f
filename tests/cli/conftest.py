"""The command line called in this process, in a folder of its own, and one finished run for all tests that read one."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import sharefind
from sharefind.cli import main
from sharefind.cli.session import Alarms
from sharefind.inference.relation.share_evidence import ShareSettings
from sharefind.search.yardstick import YardstickSettings

QUICK = ("--copies", "19", "--alpha", "0.05", "--particles", "20", "--horizon", "1")
"""Settings with which a search on c2-wi takes less than a second."""


@dataclass(frozen=True)
class Ending:
    """How a call ended."""

    status: int
    out: str
    err: str


Call = Callable[..., Ending]


@contextmanager
def brief_comparisons() -> Iterator[None]:
    """Shares of groups and the yardstick from few rows, else two thirds of such a search; their tests are elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        shares, yardstick = partial(ShareSettings, most_work=1e8), partial(YardstickSettings, fresh_rows=500)
        patch.setattr("sharefind.inference.relation.group_shares.ShareSettings", shares)
        patch.setattr("sharefind.search.yardstick.YardstickSettings", yardstick)
        yield


@pytest.fixture(autouse=True, scope="module")
def _brief_comparisons() -> Iterator[None]:
    with brief_comparisons():
        yield


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Calls the command line with these arguments; relative paths belong to the test's own folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments: str | Path, alarms: Alarms | None = None) -> Ending:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments], alarms)
        captured = capsys.readouterr()
        return Ending(status, captured.out, captured.err)

    return run


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of a process that is to find the same sharefind as this one, installed or not."""
    source = Path(sharefind.__file__).resolve().parent.parent
    return {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def discover(call: Call) -> Call:
    """Calls discover with quick settings."""
    return lambda *arguments, **settings: call("discover", *QUICK, *arguments, **settings)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on c2-wi with candidate C2; not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with brief_comparisons():
        assert main(["discover", *QUICK, "--group", "C2", "--out", str(folder), "--quiet", "--json"]) == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may spoil."""
    copy = tmp_path / "run"
    shutil.copytree(finished, copy)
    return copy
