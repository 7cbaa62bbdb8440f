"""Who does the work must not matter: one process, several, a Dask cluster, and one that loses a worker meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sharefind.datasets.c2 import c2_task
from sharefind.errors import ConfigError, InputError, WorkerError
from sharefind.groups import named_group, natural
from sharefind.inference import Correlogram, FamilyTest, RandomisationTest, family_test, rotation_test, subgroup_family
from sharefind.inference.relation.group_shares import GroupShares, group_shares
from sharefind.meanfield.dynamics.settings import PACE
from sharefind.parallel import Deadline, Workers
from sharefind.search import RunFolder, run_search
from sharefind.search.observer import BudgetSpent
from tests.search.problems import problem, teacher_task

CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        print(cluster.scheduler_address, *(worker.pid for worker in cluster.workers.values()), flush=True)
        sys.stdin.read()
"""

FOUND_TWICE = ("run", "wall_s", "versions")
"""What of a result says where and when, not what."""


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster of two worker processes."""

    workers: Workers
    pids: tuple[int, ...]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    command = [sys.executable, str(script)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=root
    ) as process:
        assert process.stdout is not None
        address, *pids = process.stdout.readline().split()
        yield Cluster(Workers(executor="dask", address=address), tuple(map(int, pids)))
        process.communicate("")


def squaring() -> Callable[[int], tuple[int, int]]:
    """The square and the process; made here, since workers cannot import a test module."""

    def squared(value: int) -> tuple[int, int]:
        if value < 0:
            raise InputError(f"{value} is below 0")
        return value**2, os.getpid()

    return squared


def refusing(workers: Workers) -> Callable[[int], None]:
    """A long task that looks at the time."""

    def refused(value: int) -> None:
        workers.refuse_late()
        raise InputError(f"{value}: there was time left")

    return refused


def test_one_process_works_in_order_and_in_place() -> None:
    assert list(Workers().map(squaring(), [3, 1, 2])) == [
        (0, (9, os.getpid())),
        (1, (1, os.getpid())),
        (2, (4, os.getpid())),
    ]


@pytest.mark.slow
def test_worker_processes_do_every_task_once() -> None:
    found = list(Workers(2).map(squaring(), range(7)))
    assert sorted((place, value) for place, (value, _) in found) == [(k, k * k) for k in range(7)]
    assert os.getpid() not in {pid for _, (_, pid) in found}


@pytest.mark.slow
def test_an_error_of_a_task_is_raised_as_it_is() -> None:
    with pytest.raises(InputError, match="-1 is below 0"):
        list(Workers(2).map(squaring(), [1, -1, 2, 3]))


@pytest.mark.slow
def test_work_that_is_left_early_ends() -> None:
    with closing(Workers(2).map(squaring(), range(100))) as results:
        next(results)
    assert len(list(Workers(2).map(squaring(), range(4)))) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"jobs": 0}, "jobs must be at least 1, not 0"),
        ({"executor": "threads"}, "executor threads does not exist; use one of loky, dask, ray"),
        ({"address": "tcp://a:1"}, "give executor dask or ray"),
        ({"executor": "dask", "address": "tcp://a:1", "jobs": 2}, "jobs 2 is for one machine"),
        ({"executor": "dask", "deadline": Deadline(0.0, ValueError())}, "clock of this machine"),
    ],
)
def test_workers_that_make_no_sense(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Workers(**values)


@pytest.mark.slow
def test_a_deadline_ends_tasks_in_every_process() -> None:
    late = Deadline(time.monotonic(), BudgetSpent("the time is over"))
    for workers in (Workers(deadline=late), Workers(2, deadline=late)):
        with pytest.raises(BudgetSpent, match="the time is over"):
            list(workers.map(refusing(workers), range(4)))
    Workers(deadline=Deadline(time.monotonic() + 1e3, ValueError())).refuse_late()
    Workers().refuse_late()


class Backwards(Workers):
    """As many workers as `jobs` says, in this process, the last task first."""

    @property
    def is_here(self) -> bool:
        return False

    def map(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        for place in reversed(range(len(tasks))):
            yield place, work(tasks[place])


class Kept:
    """A memory of tests; `when` is called as each is kept."""

    def __init__(self, when: Callable[[], object] = lambda: None) -> None:
        self.tests: dict[str, RandomisationTest] = {}
        self.when = when

    def recall_test(self, name: str) -> RandomisationTest | None:
        return self.tests.get(name)

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        self.tests[name] = test
        self.when()


def subgroups_of_s3(
    copies: int = 99, workers: Workers | None = None, memory: Kept | None = None, enough: int | None = None
) -> FamilyTest:
    """Every subgroup of S_3 is tested: labels that no permutation of the coordinates leaves alone."""
    rep, rng = natural(named_group("S3")), np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(60, 3)))
    y = torch.tanh(x @ torch.from_numpy(rng.normal(size=(3, 3))))
    family = subgroup_family(rep, rep)
    statistic = Correlogram(rep, rep, tuple(c.group for c in family.candidates if c.group is not None))
    return family_test(
        x, y, family, statistic, alpha=0.05, copies=copies, workers=workers, memory=memory, max_exceedances=enough
    )


@pytest.mark.slow
@settings(max_examples=12)
@given(st.integers(2, 20), st.sampled_from([19, 50, 99]))
def test_neither_the_order_nor_the_number_of_workers_changes_a_test(jobs: int, copies: int) -> None:
    alone, shared = subgroups_of_s3(copies), subgroups_of_s3(copies, Backwards(jobs))
    assert shared == alone and list(shared.tests) == list(alone.tests) and len(alone.tests) == 5


def test_a_test_that_may_end_early_is_not_shared() -> None:
    assert subgroups_of_s3(99, Backwards(9), enough=3) == subgroups_of_s3(99, enough=3)


@pytest.mark.slow
def test_two_processes_find_the_same_as_one() -> None:
    assert subgroups_of_s3(workers=Workers(2)) == subgroups_of_s3()


def test_the_evidence_of_groups_is_shared_too() -> None:
    rep, rng = natural(named_group("S3")), np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(40, 3)))
    y = torch.tanh(x @ torch.from_numpy(rng.normal(size=(3, 3))))
    steps: list[tuple[int, int]] = []

    def shares(workers: Workers | None) -> GroupShares | None:
        family, stream = subgroup_family(rep, rep), np.random.default_rng(1)
        return group_shares(x, y, family, stream, workers=workers, progress=lambda *step: steps.append(step))

    alone = shares(None)
    assert alone is not None
    assert shares(Backwards(2)) == alone
    assert steps[:6] == [(k, 6) for k in range(6)]
    assert steps[-1] == (6, 6)


@pytest.mark.slow
@pytest.mark.ci
def test_processes_that_were_started_have_imported_what_tasks_need() -> None:
    def has_module(name: str) -> tuple[bool, int]:
        return name in sys.modules, os.getpid()

    with Workers(2).starting(["colorsys"]):
        found = [value for _, value in Workers(2).map(has_module, ["colorsys"] * 20)]
    assert os.getpid() not in {pid for _, pid in found}
    assert any(known for known, _ in found)
    assert len(list(Workers(2).map(squaring(), range(4)))) == 4


@pytest.mark.slow
def test_an_error_while_processes_start_is_raised_as_it_is() -> None:
    with pytest.raises(InputError, match="no such file"), Workers(2).starting(["sharefind.search.run"]):
        raise InputError("no such file")
    assert len(list(Workers(2).map(squaring(), range(4)))) == 4


def test_one_process_starts_nothing() -> None:
    with Workers().starting(["no_such_module"]):
        assert list(Workers().map(squaring(), [2])) == [(0, (4, os.getpid()))]


def test_rotations_are_shared_too() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(100, 2)))
    y = torch.cos(3 * torch.atan2(x[:, 1:], x[:, :1]))
    alone = rotation_test(x, y, [(0, 1)], largest=6, alpha=0.1)
    assert rotation_test(x, y, [(0, 1)], largest=6, alpha=0.1, workers=Backwards(3)) == alone


@pytest.mark.slow
def test_a_wave_that_is_cut_off_keeps_what_was_done() -> None:
    memory = Kept()

    def end() -> None:
        if len(memory.tests) == 3:
            raise KeyboardInterrupt

    memory.when = end
    with pytest.raises(KeyboardInterrupt):
        subgroups_of_s3(workers=Workers(2), memory=memory)
    done = dict(memory.tests)
    assert len(done) == 3
    memory.when = lambda: None
    assert subgroups_of_s3(workers=Workers(2), memory=memory) == subgroups_of_s3()
    assert all(memory.tests[name] is test for name, test in done.items())


def test_an_address_where_nothing_answers() -> None:
    pytest.importorskip("distributed")
    with (
        pytest.raises(ConfigError, match="no Dask scheduler answers"),
        Workers(executor="dask", address="tcp://127.0.0.1:1", patience=1.0).connected(),
    ):
        pass


@pytest.mark.parametrize(("executor", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_package_that_is_not_installed(executor: Any, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs the package {package}.*pip install 'sharefind\[{executor}\]'"):
        list(Workers(executor=executor, address="tcp://a:1").map(squaring(), [1]))


def settled(path: Path) -> bytes:
    """result.json without what says where and when."""
    record = json.loads((path / "result.json").read_text())
    return json.dumps({key: value for key, value in record.items() if key not in FOUND_TWICE}).encode()


@pytest.mark.slow
def test_every_kind_of_workers_writes_the_same_result(cluster: Cluster, tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=99, alpha=0.05)
    kinds = {"1": Workers(), "2": Workers(2), "4": Workers(4), "dask": cluster.workers}
    for name, workers in kinds.items():
        run_search(case, RunFolder.create(tmp_path / name, case.resolved), workers=workers)
    written = {name: settled(tmp_path / name) for name in kinds}
    assert set(written.values()) == {written["1"]}
    lattices = {(tmp_path / name / "lattice.json").read_bytes() for name in kinds}
    assert len(lattices) == 1


@pytest.mark.slow
def test_workers_train_with_the_compiled_kernel_where_one_process_does(tmp_path: Path) -> None:
    """A run large enough for the kernel, whose noise is drawn otherwise than that of plain torch."""
    case = problem(c2_task("wi"), "C2", copies=999, particles=300, horizon=3)
    assert case.settings.sgd.run_activations > PACE.pays_from
    for jobs in (1, 2):
        run_search(case, RunFolder.create(tmp_path / str(jobs), case.resolved), workers=Workers(jobs))
    assert settled(tmp_path / "1") == settled(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_worker_that_is_killed_loses_nothing(cluster: Cluster) -> None:
    killed: list[int] = []

    def kill_one() -> None:
        if not killed:
            killed.append(cluster.pids[0])
            os.kill(cluster.pids[0], signal.SIGKILL)

    found = subgroups_of_s3(399, cluster.workers, Kept(kill_one))
    assert killed and found == subgroups_of_s3(399)


def deaths(times: int) -> Callable[[tuple[str, int]], int]:
    """The square of a number, by a process that is killed the first few times, as for want of memory.

    Made here, since workers cannot import a test module.
    """

    def square(task: tuple[str, int]) -> int:
        folder, number = task
        for death in range(times if number == 1 else 0):
            marker = Path(folder, f"death-{death}")
            if not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return number**2

    return square


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_worker_process_that_is_killed_is_replaced_once(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(6)]
    assert dict(Workers(jobs=2).map(deaths(1), tasks)) == {number: number**2 for number in range(6)}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_worker_process_that_is_killed_again_is_told(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(6)]
    with pytest.raises(WorkerError, match=r"killed 2 times.*memory.*jobs than 2") as caught:
        dict(Workers(jobs=2).map(deaths(2), tasks))
    assert "\n" not in str(caught.value)
    # The machine has memory again.
    assert dict(Workers(jobs=2).map(deaths(2), tasks)) == {number: number**2 for number in range(6)}


def test_an_error_of_a_task_is_no_death() -> None:
    with pytest.raises(ZeroDivisionError):
        dict(Workers(jobs=2).map(lambda number: 1 / number, [1, 0, 2]))
