"""Who does the work: this process, worker processes of this machine, or a Dask or Ray cluster, through joblib.

Tasks are independent and carry all that they need, so that a task whose worker died is done again elsewhere. Random
numbers belong to the tasks (`streams`), so that no result depends on who did which. What a task is, its callers decide.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from sharefind.errors import ConfigError, WorkerError, setting

EXECUTORS = ("loky", "dask", "ray")
"""This machine, or one of two kinds of clusters."""

Task = TypeVar("Task")
Result = TypeVar("Result")

WATCH = "sharefind-watch"
"""Name of the thread in which a worker looks whether its driver is still there."""

WARNINGS, QUIET = "PYTHONWARNINGS", "ignore:resource_tracker:UserWarning"
"""Environment variable of Python's warnings, and what it says to keep loky's tracker silent."""


@dataclass(frozen=True)
class Deadline:
    """When work is given up, on this machine, whose processes share a clock that never jumps.

    Attributes:
        at: by `time.monotonic`, in seconds. late: what is raised then; it can be pickled.
    """

    at: float
    late: Exception


def earlier(one: Deadline | None, other: Deadline | None) -> Deadline | None:
    """The deadline that comes first; None where there is none."""
    return min((d for d in (one, other) if d is not None), key=lambda d: d.at, default=None)


@dataclass(frozen=True)
class Workers:
    """Where tasks run; a value that says how, and holds no connection.

    Attributes:
        jobs: worker processes of this machine; 1 works in the calling process. A cluster decides for itself.
        executor: "loky" for this machine, "dask" or "ray" for a cluster.
        address: of the cluster, such as tcp://host:8786; None takes the one that the calling process is connected to.
        deadline: of tasks on this machine, None for none; long ones call `refuse_late` now and then.
        attempts: how often tasks of this machine are begun whose worker processes are killed.
        patience: seconds that a cluster may take to answer, and to have its first worker.

    Raises:
        ConfigError: fewer than one job, an unknown executor, or an address or a deadline that does not go with it.
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
            raise ConfigError(f"{setting('jobs')} {self.jobs}: there must be a process to work; give 1 or more")
        if self.executor != "loky" and self.deadline is not None:
            raise ConfigError(f"a deadline is by the clock of this machine, which no {self.executor} cluster has")
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
        """Whether the calling process does everything itself."""
        return self.executor == "loky" and self.jobs == 1

    @property
    def alone(self) -> Workers:
        """One process with the same deadline: for what one of these workers does by itself."""
        return Workers(deadline=self.deadline)

    def refuse_late(self) -> None:
        """Raise what the deadline says when it has passed."""
        if self.deadline is not None and time.monotonic() >= self.deadline.at:
            raise self.deadline.late

    @contextmanager
    def connected(self) -> Iterator[None]:
        """One connection to the cluster for all that is done within; nothing to do on one machine.

        Raises:
            ConfigError: the package is not installed, nothing answers at the address, or the cluster has no workers.
        """
        opener = {"loky": _no_connection, "dask": _dask_connection, "ray": _ray_connection}[self.executor]
        with opener(self.address, self.patience):
            yield

    def count(self) -> int:
        """Tasks that can run at the same time; a cluster is asked."""
        if self.executor == "loky":
            return self.jobs
        with self.connected(), _joblib().parallel_config(backend=self.executor):
            return max(1, int(_joblib().effective_n_jobs(-1)))

    def map(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Generator[tuple[int, Result], None, None]:
        """The place of each task and what `work` made of it, as they get done; in order where this process works.

        Worker processes compute with one torch thread. Close the iterator when it is left early: that ends what runs.

        Args:
            work: a function that can be pickled. tasks: what it is given. Arrays of more than 1 MB that several tasks
                share reach the workers of this machine as one memory map; keep them numpy arrays, not tensors.

        Raises:
            WorkerError: Processes of this machine were killed, and those that took up their tasks, too.
        """
        if self.is_here or (self.executor == "loky" and len(tasks) <= 1):
            yield from ((place, work(task)) for place, task in enumerate(tasks))
        elif self.executor == "loky":
            yield from self._despite_deaths(work, tasks)
        else:
            with self.connected():
                yield from self._shared(work, list(enumerate(tasks)))

    def _despite_deaths(
        self, work: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Generator[tuple[int, Result], None, None]:
        """`map` on this machine. A process that is killed takes the others of its pool along: what is left is begun
        again with new ones, `attempts` times in all.
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
        """Tasks with their places, done by other processes."""
        joblib = _joblib()
        n_jobs = self.jobs if self.executor == "loky" else -1
        # Ray's backend hands out results when all are there.
        order = "list" if self.executor == "ray" else "generator_unordered"
        with joblib.parallel_config(backend=self.executor):
            pool = joblib.Parallel(n_jobs=n_jobs, return_as=order, batch_size=1)
        driver = os.getpid() if self.executor == "loky" else None
        results = pool(joblib.delayed(_in_worker)(work, place, task, driver) for place, task in tasks)
        if order == "list":
            yield from results
            return
        try:
            yield from (result for result in results)  # a generator of its own, so that `results` is closed below
        finally:
            # joblib warns of what is cut off, which is what leaving early is for.
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                results.close()


def _start_quiet_tracker() -> None:
    """Start loky's process that removes the semaphores of killed processes, without its warnings that it had to.

    They would stand on stderr after the last line of a call, and ask for nothing.
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
    """Threads of torch wait for each other on arrays this small, many times longer than they work."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _joblib() -> Any:
    """Imported when it is needed: command line help must not wait for it."""
    return import_module("joblib")


def _in_worker(work: Callable[[Task], Result], place: int, task: Task, driver: int | None) -> tuple[int, Result]:
    """One task in a worker process, on one thread: more would wait for each other.

    The worker ends with its driver, a process of this machine, even where that was killed: nobody waits for the task.
    """
    import torch

    torch.set_num_threads(1)
    if driver is not None and all(thread.name != WATCH for thread in threading.enumerate()):
        threading.Thread(target=_end_with, args=(driver,), name=WATCH, daemon=True).start()
    return place, work(task)


def _end_with(driver: int, every: float = 1.0) -> None:
    """Look every so many seconds whether the driver is still there."""
    while os.getppid() == driver:
        time.sleep(every)
    os._exit(1)


def _needed(package: str, extra: str) -> Any:
    """An optional package.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise ConfigError(
            f"{setting('executor')} {extra} needs the package {package}, which is not installed; "
            f"pip install 'sharefind[{extra}]', or use {setting('jobs')} on this machine"
        ) from None


@contextmanager
def _no_connection(address: str | None, patience: float) -> Iterator[None]:
    yield


@contextmanager
def _dask_connection(address: str | None, patience: float) -> Iterator[None]:
    """A client of the scheduler at the address, unless this process has one already."""
    distributed = _needed("distributed", "dask")
    try:
        distributed.Client.current()
    except ValueError:
        pass
    else:
        yield
        return
    if address is None:
        raise ConfigError(
            f"{setting('executor')} dask needs a cluster; start one with `dask scheduler` and `dask worker`, and give "
            f"{setting('address')} tcp://HOST:8786"
        )
    try:
        client = distributed.Client(address, timeout=patience)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{setting('address')} {address}: no Dask scheduler answers ({_first_line(error)}); start one with "
            "`dask scheduler`, or give the address that it prints"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise ConfigError(
                f"{setting('address')} {address}: the Dask cluster has no workers; start some with `dask worker "
                f"{address}`"
            ) from None
        yield


@contextmanager
def _ray_connection(address: str | None, patience: float) -> Iterator[None]:
    """A connection to the Ray cluster at the address, unless this process has one already."""
    ray = _needed("ray", "ray")
    import_module("ray.util.joblib").register_ray()
    if ray.is_initialized():
        yield
        return
    if address is None:
        raise ConfigError(
            f"{setting('executor')} ray needs a cluster; start one with `ray start --head`, and give its "
            f"{setting('address')}"
        )
    try:
        _reach(address, patience)
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{setting('address')} {address}: no Ray cluster answers ({_first_line(error)}); start one with `ray "
            "start --head`"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str, patience: float) -> None:
    """Ask whether something listens at HOST:PORT, since Ray itself waits for a minute; names such as auto go unasked.

    Raises:
        OSError: nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=patience).close()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
