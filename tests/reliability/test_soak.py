"""Discoveries one after the other in one process keep no memory, file or thread; and the soak sees a leak."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.bench.soak import FEW_OBJECTS, MEGABYTE, Kind, Soak, kinds, run, table, trend


@pytest.fixture
def soak_kinds(tmp_path: Path) -> list[Kind]:
    return kinds(tmp_path)


def small(keep: object = None) -> list[Kind]:
    """Two kinds of work that take no time; one of them keeps things in a list."""

    def leak() -> None:
        if isinstance(keep, list):
            keep.append(tempfile.TemporaryFile())  # noqa: SIM115
            keep.append([[i] for i in range(1000)])

    return [("nothing", lambda: None), ("perhaps", leak)]


def test_work_that_keeps_nothing_is_flat() -> None:
    soak = run(20, small())
    assert soak.is_flat and soak.grown()["descriptors"][0] > 0
    assert len(soak.judged) == 16


@pytest.mark.slow
def test_files_and_objects_that_are_kept_are_seen() -> None:
    kept: list[object] = []
    soak = run(20, small(kept))
    for thing in kept[::2]:
        thing.close()  # type: ignore[attr-defined]
    first, last = soak.grown()["descriptors"]
    assert last == first + 7
    assert soak.objects().low > 100 * FEW_OBJECTS
    assert not soak.is_flat and "not flat" in str(table(soak).title)


def test_memory_grows_where_the_slope_is_above_the_noise() -> None:
    rng = np.random.default_rng(0)
    level = 500 * MEGABYTE + rng.normal(0, MEGABYTE, 200)
    assert trend(list(level), 5).is_flat
    leaking = level + 0.1 * MEGABYTE * np.arange(200)
    found = trend(list(leaking), 5)
    assert not found.is_flat and found.low < 0.1 * MEGABYTE < found.high
    with pytest.raises(ValueError, match="give a --count of more rounds"):
        trend(list(level[:15]), 5)


def assert_flat(soak: Soak) -> None:
    for name, (first, last) in soak.grown().items():
        assert last <= first, f"{name}: {first}, then {last}"
    assert soak.objects().low <= FEW_OBJECTS, soak.objects()
    assert soak.memory().is_flat, soak.memory()


@pytest.mark.slow
def test_fifty_discoveries_keep_nothing(soak_kinds: list[Kind]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_flat(run(5 * len(soak_kinds), soak_kinds))


@pytest.mark.slow
def test_a_thousand_discoveries_keep_nothing(soak_kinds: list[Kind]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_flat(run(1000, soak_kinds))
