"""Where work runs: in this process, in worker processes on this machine, or on a Dask or Ray cluster.

Tasks are independent and contain everything they need, so a task whose worker died is repeated elsewhere. Each task has
its own random streams, so results do not depend on the worker. The callers define the tasks.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from sharefind.clusters import dask_connection, ray_connection, ray_processors, ray_results
from sharefind.errors import ConfigError, WorkerError, setting

EXECUTORS = ("loky", "dask", "ray")
"""This machine, or one of two kinds of clusters."""

Task = TypeVar("Task")
Result = TypeVar("Result")

WATCH = "sharefind-watch"
"""Name of the thread in which a worker checks whether its driver is still running."""

WARNINGS, QUIET = "PYTHONWARNINGS", "ignore:resource_tracker:UserWarning"
"""Environment variable of Python's warnings, and its value that keeps loky's tracker silent."""


@dataclass(frozen=True)
class Deadline:
    """When work is abandoned on this machine, whose processes share a monotonic clock.

    Attributes:
        at: Time of `time.monotonic`, in seconds.
        late: The exception that is raised then; it can be pickled.
    """

    at: float
    late: Exception


def earlier(one: Deadline | None, other: Deadline | None) -> Deadline | None:
    """Return the earlier of two deadlines; None if there is none.

    Args:
        one: A deadline, or None.
        other: A deadline, or None.
    """
    return min((d for d in (one, other) if d is not None), key=lambda d: d.at, default=None)


@dataclass(frozen=True)
class Workers:
    """Where tasks run. This is a plain value without an open connection.

    Attributes:
        jobs: Number of worker processes on this machine; 1 works in the calling process. A cluster has its own number.
        executor: "loky" for this machine, "dask" or "ray" for a cluster.
        address: Address of the cluster, such as tcp://host:8786; None uses the cluster to which the calling process is
            connected.
        deadline: Deadline of tasks on this machine, or None; long tasks call `refuse_late` from time to time.
        attempts: How often a task on this machine is started if its worker processes are killed.
        patience: Seconds that a cluster may take to answer, and to have its first worker.

    Raises:
        ConfigError: There is less than one job, the executor is unknown, or an address or a deadline does not fit the
            executor.
    """

    jobs: int = 1
    executor: str = "loky"
    address: str | None = None
    deadline: Deadline | None = None
    attempts: int = 2
    patience: float = 5.0

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise ConfigError(
                f"{setting('executor')} {self.executor} does not exist; use one of {', '.join(EXECUTORS)}"
            )
        if self.jobs < 1:
            raise ConfigError(f"{setting('jobs')} must be at least 1, not {self.jobs}")
        if self.executor != "loky" and self.deadline is not None:
            raise ConfigError(f"a deadline uses the clock of this machine; a {self.executor} cluster cannot have one")
        if self.executor == "loky" and self.address is not None:
            raise ConfigError(
                f"{setting('address')} {self.address} belongs to a cluster; give {setting('executor')} dask or ray "
                "with it"
            )
        if self.executor != "loky" and self.jobs > 1:
            raise ConfigError(
                f"{setting('jobs')} {self.jobs} is for one machine; a {self.executor} cluster has as many workers as "
                "were started"
            )

    @property
    def is_here(self) -> bool:
        """Whether the calling process does all the work."""
        return self.executor == "loky" and self.jobs == 1

    @property
    def alone(self) -> Workers:
        """One process with the same deadline, for work that one of these workers does by itself."""
        return Workers(deadline=self.deadline)

    def refuse_late(self) -> None:
        """Raise the exception of the deadline if it has passed."""
        if self.deadline is not None and time.monotonic() >= self.deadline.at:
            raise self.deadline.late

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keep one connection to the cluster for this `with` block; on one machine nothing happens.

        Yields:
            Nothing.

        Raises:
            ConfigError: The package is not installed, nothing answers at the address, or the cluster has no workers.
        """
        opener = {"loky": _no_connection, "dask": dask_connection, "ray": ray_connection}[self.executor]
        with opener(self.address, self.patience):
            yield

    @contextmanager
    def starting(self, modules: Sequence[str]) -> Iterator[None]:
        """Start the processes of this machine now, so that they import what tasks need while the caller goes on.

        They have started when the `with` block is left, but for an interrupt. A cluster has its processes already, and
        the calling process imports what it needs itself.

        Args:
            modules: Names of modules that tasks need.

        Yields:
            Nothing.
        """
        if self.executor != "loky" or self.jobs == 1:
            yield
            return
        _start_quiet_tracker()
        with _left_early(self._begun(_imported, [(place, modules) for place in range(self.jobs)])) as started:
            # Processes that are killed while they start can leave a message of loky on stderr: an error waits for them.
            try:
                yield
            except Exception:
                _wait_for(started)
                raise
            _wait_for(started)

    def count(self) -> int:
        """Return the number of tasks that can run at the same time; a cluster is asked for it."""
        if self.executor == "loky":
            return self.jobs
        if self.executor == "ray":
            with self.connected():
                return ray_processors()
        with self.connected(), _joblib().parallel_config(backend=self.executor):
            return max(1, int(_joblib().effective_n_jobs(-1)))

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Generator[tuple[int, Result], None, None]:
        """Run a function on all tasks. Results arrive as tasks finish; in the order of the tasks if this process works.

        Worker processes use one torch thread. If you stop early, close the iterator to end running tasks.

        Args:
            work: A function that can be pickled.
            tasks: Its arguments. Arrays of more than 1 MB that several tasks share reach the workers of this machine as
                one memory map, if they are numpy arrays and not tensors.

        Yields:
            The position of a task and its result.

        Raises:
            WorkerError: Processes on this machine, or those of a Ray cluster, were killed repeatedly.
        """
        if self.is_here or (self.executor == "loky" and len(tasks) <= 1):
            yield from ((place, work(task)) for place, task in enumerate(tasks))
        elif self.executor == "loky":
            yield from self._despite_deaths(work, tasks)
        elif self.executor == "ray":
            with self.connected():
                yield from ray_results(_in_worker, work, tasks)
        else:
            with self.connected():
                yield from self._shared(work, list(enumerate(tasks)))

    def _despite_deaths(
        self, work: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Generator[tuple[int, Result], None, None]:
        """Run `map` on this machine. If a process is killed, loky ends its whole pool; a new pool then does the
        remaining tasks, in at most `attempts` pools.
        """
        killed = import_module("joblib.externals.loky.process_executor").TerminatedWorkerError
        _start_quiet_tracker()
        left = dict(enumerate(tasks))
        for _ in range(self.attempts):
            try:
                for place, result in self._shared(work, list(left.items())):
                    del left[place]
                    yield place, result
            except killed:
                continue
            return
        raise WorkerError(
            f"worker processes were killed {self.attempts} times, as systems do when memory runs out; "
            f"use fewer {setting('jobs')} than {self.jobs}, or free memory"
        )

    def _shared(
        self, work: Callable[[Task], Result], tasks: Sequence[tuple[int, Task]]
    ) -> Generator[tuple[int, Result], None, None]:
        """Run tasks with their positions in other processes."""
        with _left_early(self._begun(work, tasks)) as results:
            yield from (result for result in results)  # a generator of its own, which does not close `results`

    def _begun(
        self, work: Callable[[Task], Result], tasks: Sequence[tuple[int, Task]]
    ) -> Generator[tuple[int, Result], None, None]:
        """Return the results of tasks that other processes begin now."""
        joblib = _joblib()
        n_jobs = self.jobs if self.executor == "loky" else -1
        with joblib.parallel_config(backend=self.executor):
            pool = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
        driver = os.getpid() if self.executor == "loky" else None
        results: Generator[tuple[int, Result], None, None] = pool(
            joblib.delayed(_in_worker)(work, place, task, driver) for place, task in tasks
        )
        return results


@contextmanager
def _left_early(results: Generator[Result, None, None]) -> Iterator[Generator[Result, None, None]]:
    """Close results of other processes with the `with` block: unfinished tasks are cut off."""
    try:
        yield results
    finally:
        # joblib warns of tasks that are cut off, but stopping early is intended to do this.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            results.close()


def _start_quiet_tracker() -> None:
    """Start loky's process that removes the semaphores of killed processes, without its warnings.

    The warnings would appear on stderr after the last line of a call, and the user need not act on them.
    """
    tracker = import_module("joblib.externals.loky.backend.resource_tracker")
    before = os.environ.get(WARNINGS)
    os.environ[WARNINGS] = QUIET if before is None else f"{before},{QUIET}"
    try:
        tracker.ensure_running()
    finally:
        if before is None:
            del os.environ[WARNINGS]
        else:
            os.environ[WARNINGS] = before


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one torch thread in this `with` block: on arrays this small, threads wait for each other longer than they
    work.

    Yields:
        Nothing.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _joblib() -> Any:
    """Import joblib on first use, so that command line help does not wait for it."""
    return import_module("joblib")


def _wait_for(started: Iterator[tuple[int, None]]) -> None:
    """Wait until processes have started. What killed one of them is reported by the tasks that it was given."""
    loky = import_module("joblib.externals.loky.process_executor")
    with suppress(loky.TerminatedWorkerError, loky.ShutdownExecutorError):
        for _ in started:
            pass


def _imported(modules: Sequence[str]) -> None:
    for module in modules:
        import_module(module)


def _in_worker(work: Callable[[Task], Result], place: int, task: Task, driver: int | None) -> tuple[int, Result]:
    """Run one task in a worker process on one thread; several threads would wait for each other.

    The worker ends with its driver, a process on this machine, even if the driver was killed.
    """
    import torch

    torch.set_num_threads(1)
    if driver is not None and all(thread.name != WATCH for thread in threading.enumerate()):
        threading.Thread(target=_end_with, args=(driver,), name=WATCH, daemon=True).start()
    return place, work(task)


def _end_with(driver: int, every: float = 1.0) -> None:
    """Check periodically whether the driver is still running."""
    while os.getppid() == driver:
        time.sleep(every)
    os._exit(1)


@contextmanager
def _no_connection(address: str | None, patience: float) -> Iterator[None]:
    yield
