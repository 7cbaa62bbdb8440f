"""Settings shared by all tests."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

# Tests run in a process for each core: more threads than that wait for each other. Set before torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Wall-clock deadlines fail on busy machines and say nothing about mathematics.
settings.register_profile("sharefind", deadline=None)
settings.register_profile("sharefind-ci", deadline=None, derandomize=True, print_blob=True, max_examples=25)
settings.load_profile("sharefind-ci" if os.environ.get("CI") else "sharefind")


NOBODY = 65_534
"""A user without rights."""


COLLECTED = pytest.StashKey[frozenset[str]]()
"""Node ids of all tests that were collected, those among them that markers leave out."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember what there is, before a marker leaves some of it out."""
    config.stash[COLLECTED] = frozenset(item.nodeid for item in items)


@pytest.fixture(scope="session")
def collected(request: pytest.FixtureRequest) -> frozenset[str]:
    """Node ids of all tests of this session's files, slow ones too."""
    return request.config.stash[COLLECTED]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository that the tests belong to."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def as_options() -> Iterator[None]:
    """Messages call settings as the command line does."""
    from sharefind.cli.wording import Options
    from sharefind.errors import worded

    with worded(Options()):
        yield


@pytest.fixture
def independent_rows() -> Iterator[None]:
    """Simulations draw their rows one by one; nobody needs to look whether they depend on each other."""
    from sharefind.inference.dependence import rows_looked_at

    with rows_looked_at():
        yield


@pytest.fixture
def shut() -> Callable[[Path], AbstractContextManager[None]]:
    """Files and folders that this process may not open within, also where it is root, whom no mode keeps out."""
    return _shut


@contextmanager
def _shut(path: Path) -> Iterator[None]:
    if os.name == "nt":
        pytest.skip("has no file modes")
    above = [] if os.geteuid() else [p for p in path.parents if p.stat().st_uid == 0 and len(p.parts) > 2]
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in (path, *above)}
    for folder in above:
        folder.chmod(modes[folder] | stat.S_IXGRP | stat.S_IXOTH | stat.S_IRGRP | stat.S_IROTH)
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)
