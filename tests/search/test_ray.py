"""A Ray cluster of one machine: the same results, errors as they were raised, and tasks of killed workers repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sharefind.errors import ConfigError, InputError, WorkerError
from sharefind.parallel import Workers
from sharefind.search import RunFolder, run_search
from tests.search.problems import problem, teacher_task
from tests.search.test_workers import deaths, settled, squaring

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow

HEAD = """
import sys
import ray
if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """A head with two processors, which asks for no token: Ray reads that setting when it is loaded."""
    script = tmp_path_factory.mktemp("ray") / "head.py"
    script.write_text(HEAD)
    root, open_to_all = str(Path(__file__).parents[2]), {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **open_to_all, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        with subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            head = Workers(executor="ray", address=process.stdout.readline().strip())
            with head.connected():
                yield head
            process.communicate("")


@pytest.mark.ci
def test_every_task_is_done_once_elsewhere(workers: Workers) -> None:
    found = list(workers.map(squaring(), range(7)))
    assert sorted((place, value) for place, (value, _) in found) == [(k, k * k) for k in range(7)]
    assert os.getpid() not in {pid for _, (_, pid) in found}
    assert workers.count() == 2


@pytest.mark.ci
def test_an_error_is_raised_as_it_is(workers: Workers) -> None:
    with pytest.raises(InputError, match=r"^-1 is below 0$"):
        list(workers.map(squaring(), [1, -1, 2]))


def test_work_that_is_left_early_ends(workers: Workers) -> None:
    found = workers.map(squaring(), range(50))
    next(found)
    found.close()
    assert dict(workers.map(squaring(), [3]))[0][0] == 9


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.ci), 2])
def test_tasks_of_killed_workers_are_repeated(times: int, workers: Workers, tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(6)]
    assert dict(workers.map(deaths(times), tasks)) == {number: number**2 for number in range(6)}
    assert len(list(tmp_path.iterdir())) == times


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_a_task_that_kills_every_worker_is_given_up(workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="died again and again") as caught:
        dict(workers.map(deaths(9), [(str(tmp_path), 1)]))
    assert "\n" not in str(caught.value)


@pytest.mark.ci
def test_a_search_writes_the_same_result(workers: Workers, tmp_path: Path) -> None:
    case = problem(teacher_task("C3", 3, 300, 0), "S3", copies=99, alpha=0.05)
    for name, kind in {"here": Workers(), "ray": workers}.items():
        run_search(case, RunFolder.create(tmp_path / name, case.resolved), workers=kind)
    assert settled(tmp_path / "here") == settled(tmp_path / "ray")


def test_an_address_where_nothing_answers() -> None:
    away = Workers(executor="ray", address="127.0.0.1:1", patience=1.0)

    if ray.is_initialized():
        ray.shutdown()
    with pytest.raises(ConfigError, match=r"no Ray cluster answers.*ray start --head"):
        list(away.map(squaring(), [1]))
