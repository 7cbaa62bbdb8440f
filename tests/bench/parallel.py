"""Many cores, many machines: speed-up of two processes, overhead of a task, and a plan for a large lattice."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from sharefind.inference import CandidateFamily, RandomisationTest, Statistic, family_test
from sharefind.parallel import Workers
from tests.acceptance.teachers import TRUTHS, candidates, teacher_samples
from tests.bench import scheduler
from tests.bench.measure import Row, Target, absolute_row, in_turn, ratio_row, unit_time

TOPIC = "parallel"

SAMPLES, NOISE, COPIES = 200, 0.1, 199
"""The data and the tests of the lattices."""

SPEED_UP = Target("at least", 1.7)
"""Two processes over one, on two cores."""

WHOLE_COMMAND = Target("at least", 1.6)
"""The same of the whole command, imports and reading included."""

EMPTY_TASKS = 300
"""Tasks that do nothing, behind the overhead of one."""

WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": 1, "MALLOC_TRIM_THRESHOLD_": 2**30, "MALLOC_MMAP_THRESHOLD_": 2**30}
"""Of Dask workers: by default they give freed memory back at once, which makes tests half as fast (docs/scale)."""

Samples = tuple[torch.Tensor, torch.Tensor]
Case = tuple[Samples, CandidateFamily, Statistic]


def rows(quick: bool) -> Iterator[Row]:
    """Start-up, speed-up of the tests and of the whole command, overhead of a task, and the plan."""
    torch.set_num_threads(1)
    degree, truth = (4, "C4") if quick else (5, "C5")
    data = teacher_samples(TRUTHS[truth], SAMPLES, NOISE, 0)
    case: Case = (data, *candidates(degree))
    yield _start_up()
    two = Workers(2)
    found = family_test(data[0], data[1], *case[1:], copies=COPIES)
    alone, shared = in_turn((lambda: _tested(case, Workers()), lambda: _tested(case, two)), 3)
    name = f"S_{degree}, truth {truth}, {len(found.tests)} of {len(case[1].candidates)} subgroups tested"
    note = f"{unit_time(float(np.median(alone)))} on one, {unit_time(float(np.median(shared)))} on two, workers warm"
    yield ratio_row(TOPIC, f"{name}, 2 processes", "speed-up", alone, shared, SPEED_UP, note)
    yield _whole_command(data, degree, 1 if quick else 2)
    yield absolute_row(TOPIC, "loky, 2 processes: an empty task", "ms", [1e3 * t for t in _overhead(two)], None)
    yield from _on_dask(case)


def _tested(case: Case, workers: Workers) -> object:
    data, family, statistic = case
    return family_test(*data, family, statistic, copies=COPIES, workers=workers)


def _first(task: int) -> int:
    """An empty task."""
    return task


def _start_up() -> Row:
    """Seconds until two fresh processes have imported what they need and answer."""
    script = (
        "from time import perf_counter; from sharefind.parallel import Workers; from sharefind.search import run_search"
        "; "
        "s = perf_counter(); list(Workers(2).map(len, ['a', 'b'])); print(perf_counter() - s)"
    )
    took = [float(_output(sys.executable, "-c", script)) for _ in range(3)]
    return absolute_row(TOPIC, "loky: start of 2 processes", "seconds", took, None, "once a run, torch imported")


def _output(*command: str) -> str:
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def _whole_command(data: Samples, degree: int, repeats: int) -> Row:
    """`sharefind discover --jobs 2` against `--jobs 1`, processes and files included."""
    took: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples.npz"
        np.savez(file, x=data[0].numpy(), y=data[1].numpy())
        for number in range(repeats):
            for jobs, kept in took.items():
                started = perf_counter()
                run = ("--out", f"{folder}/{number}-{jobs}", "--quiet", "--json", "--jobs", str(jobs))
                program = "import sys; from sharefind.cli import main; sys.exit(main())"
                _output(sys.executable, "-c", program, "discover", "--group", f"S{degree}", "--data", str(file), *run)
                kept.append(perf_counter() - started)
    note = (
        f"{unit_time(float(np.median(took[1])))} on one, {unit_time(float(np.median(took[2])))} on two, start included"
    )
    return ratio_row(TOPIC, f"discover --group S{degree}, --jobs 2", "speed-up", took[1], took[2], WHOLE_COMMAND, note)


def _overhead(workers: Workers, repeats: int = 5) -> list[float]:
    """Wall seconds for each of many empty tasks, workers warm."""

    def empty() -> None:
        for _ in workers.map(_first, range(EMPTY_TASKS)):
            pass

    return [t / EMPTY_TASKS for t in in_turn((empty,), repeats)[0]]


def _on_dask(case: Case) -> Iterator[Row]:
    """The same on a Dask cluster of two processes of this machine, and the plan with its overhead."""
    try:
        import dask
        from distributed import LocalCluster
    except ImportError:
        yield Row(TOPIC, "Dask", "speed-up", None, note="distributed is not installed")
        return
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": WORKER_ENVIRONMENT}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
    ):
        workers = Workers(executor="dask", address=cluster.scheduler_address)
        with workers.connected():
            overhead = _overhead(workers)
            yield absolute_row(TOPIC, "Dask, 2 processes: an empty task", "ms", [1e3 * t for t in overhead], None)
            one, two = in_turn((lambda: _tested(case, Workers()), lambda: _tested(case, workers)), 2)
            yield ratio_row(TOPIC, "the same tests, Dask, 2 processes", "speed-up", one, two, None)
    profile, tests = _waves(case)
    yield from scheduler.planned(profile, [t.seconds for t in tests], float(np.median(overhead)))


def _waves(case: Case) -> tuple[list[int], list[RandomisationTest]]:
    """Nodes by the length of the longest chain above them, and the tests that were made."""
    data, family, statistic = case
    found = family_test(*data, family, statistic, copies=COPIES)
    depth: dict[int, int] = {}
    for place in sorted(range(len(family.candidates)), key=lambda i: len(family.above(i))):
        depth[place] = 1 + max((depth[j] for j in family.above(place)), default=-1)
    return np.bincount(list(depth.values())).tolist(), list(found.tests.values())
