"""kill -9 at any moment loses no finished work: the run goes on, repeats nothing, and ends with the same result."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.reliability.forks import Order, Victims, finished, repeated
from tests.search.problems import teacher_task

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="forks, and sends POSIX signals"),
]

ASIDE = ("wall_s", "versions")
"""What a result may say differently: timings and versions."""

SETTLED = ("config.toml", "data.sha256", "settings.sha256", "lattice.json", "lattice.graphml")
"""Files that are the same to the byte."""

KILLS = 60
"""Random moments of the acceptance test."""

FEW_KILLS = 3
"""Those of the part that CI runs."""

STEP = 23
"""That part dies before every 23rd file operation: a prime, so that it meets each kind of operation."""


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as started:
        yield started


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """A search among the subgroups of S_3 for data with the symmetry C_3: tests, nodes and diagnoses."""
    task = teacher_task("C3", 3, 300, 0)
    np.savez(tmp_path / "data.npz", x=task.arrays()[0], y=task.arrays()[1])
    search = "discover --group S3 --data data.npz --copies 39 --alpha 0.05 --particles 16 --quiet --json"
    return Order(search.split(), str(tmp_path), str(tmp_path / "log"))


def in_folder(order: Order, name: str) -> Order:
    """The order with a run folder and a log of its own."""
    return replace(order, arguments=[*order.arguments, "--out", name], log=str(Path(order.folder, f"{name}.log")))


def resumed(order: Order, name: str) -> Order:
    """The order that goes on with a run; from the start, if it was killed before there was one."""
    if not Path(order.folder, name, "config.toml").exists():
        return replace(in_folder(order, name), crash_at=None)
    arguments = ["discover", "--resume", name, "--quiet", "--json"]
    return replace(order, arguments=arguments, log=str(Path(order.folder, f"{name}.log")), crash_at=None)


def settled(run: Path) -> dict[str, Any]:
    """Everything of a finished run that does not depend on when, and in how many sittings, it was done."""
    result = json.loads((run / "result.json").read_text())
    assert result.pop("run") == run.name
    kept = {key: value for key, value in result.items() if key not in ASIDE}
    particles = {file.name: file.read_bytes() for file in (run / "particles").iterdir()}
    evidence = sorted((run / "evidence.jsonl").read_text().splitlines())
    return {
        "result": json.dumps(kept),
        "files": sorted(str(file.relative_to(run)) for file in run.rglob("*")),
        "particles": particles,
        "evidence": evidence,
        **{name: (run / name).read_bytes() for name in SETTLED},
    }


def check(order: Order, victims: Victims, name: str, whole: dict[str, Any], tasks: list[str]) -> None:
    """Go on with a killed run: it ends as the whole one did, and no finished task was begun again."""
    assert victims.call(resumed(order, name)) == 0
    folder = Path(order.folder)
    assert settled(folder / name) == whole
    log = folder / f"{name}.log"
    assert repeated(log) == []
    # A task whose record was on the disk when the process died before it said so was not said to be finished at all.
    assert len(finished(log)) == len(set(finished(log))) and set(finished(log)) <= set(tasks)


def whole_run(order: Order, victims: Victims) -> tuple[dict[str, Any], list[str], float]:
    """What a run that nobody kills leaves, its tasks, and the seconds that it takes."""
    started = time.monotonic()
    assert victims.call(in_folder(order, "whole")) == 0
    seconds = time.monotonic() - started
    tasks = finished(Path(order.folder, "whole.log"))
    assert len({task.partition(":")[0] for task in tasks}) == 4, "tests, shares, nodes and diagnoses"
    return settled(Path(order.folder, "whole")), tasks, seconds


@pytest.mark.parametrize("kills", [FEW_KILLS, KILLS])
def test_kill_9_at_random_moments(order: Order, victims: Victims, kills: int) -> None:
    """Up to three kills a run, at moments that are uniform over the length of a run."""
    whole, tasks, seconds = whole_run(order, victims)
    rng = np.random.default_rng(kills)
    hits = number = 0
    while hits < kills:
        name, number = f"killed{number}", number + 1
        for _ in range(int(rng.integers(1, 4))):
            process = victims.start(resumed(order, name))
            time.sleep(float(rng.uniform(0, seconds)))
            os.kill(process, signal.SIGKILL)
            hits += victims.status() == -signal.SIGKILL
        check(order, victims, name, whole, tasks)


@pytest.mark.parametrize(
    ("step", "is_torn"),
    [
        pytest.param(STEP, False, id=f"{STEP}-between"),
        pytest.param(STEP, True, id=f"{STEP}-torn", marks=pytest.mark.ci),
        pytest.param(1, False, id="1-between"),
        pytest.param(1, True, id="1-torn"),
    ],
)
def test_kill_9_before_every_file_operation(order: Order, victims: Victims, is_torn: bool, step: int) -> None:
    """Not at random: before each opening, flushing, renaming and removing of a file; then with half of a line."""
    few = ("--copies", "19", "--alpha", "0.2", "--particles", "4", "--quiet")
    quick = replace(order, arguments=[*order.arguments[:5], *few])
    whole, tasks, _ = whole_run(quick, victims)
    crash_at, status = 1, -signal.SIGKILL
    while status == -signal.SIGKILL:
        name = f"killed{crash_at}"
        status = victims.call(replace(in_folder(quick, name), crash_at=crash_at, is_torn=is_torn))
        assert status in (0, -signal.SIGKILL)
        check(quick, victims, name, whole, tasks)
        crash_at += step
    assert crash_at > 50
