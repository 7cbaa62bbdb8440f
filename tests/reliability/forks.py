"""Commands of sharefind in processes that are forked from one that has loaded everything, to be killed at any moment.

Run as a script it is that process: a line of JSON on stdin is an `Order`, answered by the child's process id and, when
the child is gone, by its status. What is finished and what is begun goes to a log that outlives the child.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Order:
    """A command to run.

    arguments: of the command line. folder: where. log: a file. crash_at: the file operation before which the process
    kills itself, None for no such; with `is_torn`, the line that is being appended then is half written.
    """

    arguments: list[str]
    folder: str
    log: str
    crash_at: int | None = None
    is_torn: bool = False


class Victims:
    """Starts commands, one after the other."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate()

    def start(self, order: Order) -> int:
        """Begin a command; the process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def status(self) -> int:
        """Wait for the command; its exit status, -9 when it was killed."""
        return self._answer()

    def call(self, order: Order) -> int:
        """Run a command to its end."""
        self.start(order)
        return self.status()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def repeated(log: Path) -> list[str]:
    """Tasks that were begun after they had been finished."""
    finished: set[str] = set()
    twice = []
    for line in log.read_text().splitlines():
        event, _, task = line.partition(" ")
        if event == "begun" and task in finished:
            twice.append(task)
        if event == "finished":
            finished.add(task)
    return twice


def finished(log: Path) -> list[str]:
    """Tasks in the order in which they were finished, in all sittings."""
    return [line.partition(" ")[2] for line in log.read_text().splitlines() if line.startswith("finished ")]


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _load()
    child = 0
    for line in sys.stdin:
        order = Order(**json.loads(line))
        if child:
            os.waitpid(child, 0)  # not before: until then its process id is nobody else's
        child = os.fork()
        if child == 0:
            _obey(order)
        print(child, file=answers, flush=True)
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        print(status, file=answers, flush=True)


def _load() -> None:
    """Everything that a command imports, so that forks need not."""
    import sharefind.cli.finished
    import sharefind.report.text.live_progress
    import sharefind.report.text.tables  # noqa: F401


def _obey(order: Order) -> None:
    from sharefind.cli import main

    os.chdir(order.folder)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    _watch(log)
    with _crashing(order):
        status = main(order.arguments)
    os._exit(status)


def _watch(log: int) -> None:
    """Log every task that a run folder does not know, and every one that it has kept."""
    from sharefind.search import RunFolder

    get, put = RunFolder.get, RunFolder.put

    def get_and_log(folder: RunFolder, kind: Any, key: str) -> Any:
        found = get(folder, kind, key)
        if found is None:
            os.write(log, f"begun {kind.name}:{key}\n".encode())
        return found

    def put_and_log(folder: RunFolder, kind: Any, key: str, value: Any) -> None:
        put(folder, kind, key, value)
        os.write(log, f"finished {kind.name}:{key}\n".encode())

    RunFolder.get, RunFolder.put = get_and_log, put_and_log


class _Counter:
    def __init__(self, order: Order) -> None:
        self.order, self.count = order, 0

    def die_if_due(self) -> None:
        self.count += 1
        if self.count == self.order.crash_at:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def _crashing(order: Order) -> Iterator[None]:
    """Before the n-th opening, flushing, renaming or removing of a file the process kills itself."""
    from sharefind import storage

    if order.crash_at is None:
        yield
        return
    counter = _Counter(order)
    line = storage._line

    def half(record: Any) -> bytes:
        whole = line(record)
        return whole[: len(whole) // 2] if counter.count + 1 == order.crash_at else whole

    if order.is_torn:
        storage._line = half
    for name in ("open", "fsync", "replace", "unlink", "mkdir"):
        call = getattr(os, name)

        def counted(*arguments: Any, _call: Any = call, **named: Any) -> Any:
            counter.die_if_due()
            return _call(*arguments, **named)

        setattr(os, name, counted)
    yield


if __name__ == "__main__":
    _serve()
