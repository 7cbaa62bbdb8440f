"""How Dask and Ray clusters are reached, and how a Ray cluster does tasks: what `parallel` needs of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from sharefind.errors import ConfigError, WorkerError, setting


def _needed(package: str, extra: str) -> Any:
    """Return an optional package.

    Raises:
        ConfigError: The package is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise ConfigError(
            f"{setting('executor')} {extra} needs the package {package}, which is not installed; "
            f"pip install 'sharefind[{extra}]', or use {setting('jobs')} on this machine"
        ) from None


def _is_connected(distributed: Any) -> bool:
    """Return whether this process has a client that works. One that found no scheduler remains registered."""
    try:
        return bool(distributed.Client.current().status == "running")
    except ValueError:
        return False


@contextmanager
def dask_connection(address: str | None, patience: float) -> Iterator[None]:
    """Connect to the scheduler at the address, unless this process has a client already.

    Args:
        address: Address of the scheduler.
        patience: Seconds to wait for an answer, and for workers.

    Yields:
        Nothing.

    Raises:
        ConfigError: The package is not installed, nothing answers, or the cluster has no workers.
    """
    distributed = _needed("distributed", "dask")
    if _is_connected(distributed):
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
def ray_connection(address: str | None, patience: float) -> Iterator[None]:
    """Connect to the Ray cluster at the address, unless this process is connected already.

    Args:
        address: Address of the head.
        patience: Seconds to wait for an answer.

    Yields:
        Nothing.

    Raises:
        ConfigError: The package is not installed, or no cluster answers.
    """
    ray = _needed("ray", "ray")
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
            "start --head`, and give RAY_AUTH_TOKEN the token of a cluster that asks for one"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str, patience: float) -> None:
    """Check whether something listens at HOST:PORT, since Ray itself waits for a minute; names such as auto are not
    checked.

    Raises:
        OSError: Nothing listens there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        import socket

        socket.create_connection((host, int(port)), timeout=patience).close()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def ray_processors() -> int:
    """Return the number of processors of the cluster that this process is connected to."""
    return max(1, int(import_module("ray").cluster_resources().get("CPU", 1)))


def ray_results(
    run: Callable[..., tuple[int, Any]], work: Callable[[Any], Any], tasks: Sequence[Any], attempts: int = 3
) -> Generator[tuple[int, Any], None, None]:
    """Run a function on all tasks, on the cluster that this process is connected to.

    The function is sent to each machine once. Ray gives the task of a worker that died to another one. Stopping early
    ends running tasks.

    Args:
        run: Called in a worker with the function, the position of a task, the task, and None.
        work: The function; it can be pickled.
        tasks: Its arguments.
        attempts: How often Ray repeats a task whose worker died.

    Yields:
        The position of a task and its result, as tasks finish.

    Raises:
        WorkerError: The workers of a task died again and again.
    """
    ray = import_module("ray")
    remote, shared = ray.remote(run).options(max_retries=attempts), ray.put(work)
    waiting = [remote.remote(shared, place, task, None) for place, task in enumerate(tasks)]
    try:
        while waiting:
            done, waiting = ray.wait(waiting)
            yield from map(_ray_result, done)
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)


def _ray_result(reference: Any) -> tuple[int, Any]:
    """Return the result of a task, or raise its error as the worker raised it."""
    ray = import_module("ray")
    try:
        place, result = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError) as error:
        raise WorkerError(
            f"workers of the Ray cluster died again and again ({_first_line(error)}); free memory there, or use fewer "
            "processors"
        ) from None
    return place, result
