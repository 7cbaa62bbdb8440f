"""The set-up before a search, within its `--max-seconds`: if it is cut short, the run can be resumed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from sharefind.cli.console import print_json, result_console
from sharefind.cli.interrupts import alarm
from sharefind.cli.session import Session
from sharefind.errors import wording

if TYPE_CHECKING:
    from sharefind.search import RunFolder, SearchConfig
    from sharefind.search.run import Clock


@dataclass(frozen=True)
class Unready:
    """A run whose budget was spent before its search could begin.

    Attributes:
        path: The run folder.
        seed: Seed of the run.
        reason: Why it was stopped.
        seconds: Seconds worked on the run, in all sessions together.
    """

    path: Path
    seed: int
    reason: str
    seconds: float


@contextmanager
def bounded_setup(config: SearchConfig, session: Session, before: float = 0.0) -> Iterator[None]:
    """Raise `BudgetSpent` within this `with` block soon after the budget is spent, at whatever point the work is.

    Args:
        config: The search, with its budget.
        session: The call, which knows its start.
        before: Seconds of earlier sessions.

    Yields:
        Nothing.
    """
    if config.max_seconds is None:
        yield
        return
    from sharefind.search.persistence.run_session import budget

    deadline = budget(session.started, config.max_seconds, before)
    alarms = session.alarms
    with alarm(max(deadline.at, time.monotonic()) + alarms.grace, deadline.late, alarms.swallowed):
        yield


def clock_of(session: Session) -> Clock:
    """Return the clock of a search that this call began; it counts from the start of the call.

    Args:
        session: The call.
    """
    from sharefind.search.run import Clock

    alarms = session.alarms
    return Clock(session.started, lambda deadline: alarm(deadline.at + alarms.slack, deadline.late, alarms.swallowed))


def unready(folder: RunFolder, seed: int, reason: str, session: Session) -> Unready:
    """Record in a run folder the time spent on a set-up that was cut short.

    Args:
        folder: The run folder.
        seed: Seed of the run.
        reason: Why it was stopped.
        session: The call.

    Returns:
        The run.

    Raises:
        RunFolderError: The folder cannot be written.
        StorageError: The disk is full or failing.
    """
    from sharefind.search.run import keep_unready

    return Unready(folder.path, seed, reason, keep_unready(folder, session.started))


def show_unready(run: Unready, *, is_json: bool) -> None:
    """Print that nothing was found so far, and how to resume the run.

    Args:
        run: The run.
        is_json: Whether to print JSON.
    """
    if is_json:
        from sharefind.search.result import SCHEMA

        found = {"run": str(run.path), "seed": run.seed, "status": "undecided", "stopped": run.reason}
        print_json({"schema": SCHEMA, **found, "wall_s": round(run.seconds, 3)})
        return
    lines = (
        f"Undecided: the search was stopped before it could begin ({run.reason}).",
        f"run folder {run.path}: nothing tested so far, {run.seconds:.1f} s, seed {run.seed}",
        f"next  {wording().going_on(run.path)} --max-seconds ...",
    )
    for line in lines:
        result_console().print(Text(line), soft_wrap=True)
