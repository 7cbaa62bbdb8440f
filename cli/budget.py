"""What comes before a search, within its `--max-seconds`: a set-up that is cut short leaves a run that can go on."""

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
        seed: Of the run.
        reason: Why it was stopped.
        seconds: Worked on the run, all sittings together.
    """

    path: Path
    seed: int
    reason: str
    seconds: float


@contextmanager
def bounded_setup(config: SearchConfig, session: Session, before: float = 0.0) -> Iterator[None]:
    """Within, `BudgetSpent` is raised soon after the budget is spent, whatever is under way.

    Args:
        config: The search, with its budget.
        session: The call, which says when it began.
        before: Seconds of earlier sittings.
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
    """The clock of a search that this call began: everything since then counts."""
    from sharefind.search.run import Clock

    alarms = session.alarms
    return Clock(session.started, lambda deadline: alarm(deadline.at + alarms.slack, deadline.late, alarms.swallowed))


def unready(folder: RunFolder, seed: int, reason: str, session: Session) -> Unready:
    """Keep in a run folder what was spent on a set-up that was cut short.

    Raises:
        RunFolderError: The folder cannot be written. StorageError: The disk is full or failing.
    """
    from sharefind.search.run import keep_unready

    return Unready(folder.path, seed, reason, keep_unready(folder, session.started))


def show_unready(run: Unready, *, is_json: bool) -> None:
    """Print that nothing was found so far, and how to go on."""
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
