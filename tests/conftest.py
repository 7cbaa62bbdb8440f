"""Settings shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Tests run in a process for each core: more threads than that wait for each other. Set before torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Wall-clock deadlines fail on busy machines and say nothing about mathematics.
settings.register_profile("sharefind", deadline=None)
settings.register_profile("sharefind-ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("sharefind-ci" if os.environ.get("CI") else "sharefind")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository that the tests belong to."""
    return Path(__file__).resolve().parent.parent
