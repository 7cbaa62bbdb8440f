"""One line before a search: how long it will take, and what will not be finished within its seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sharefind.durations import Estimate, estimate_from_sizes, rounded_seconds
from sharefind.errors import setting, wording
from sharefind.parallel import Workers
from sharefind.search.estimate import estimate, sizes_of
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.problem import Problem


@dataclass(frozen=True)
class Expected:
    """The forecast that is printed before a search.

    Attributes:
        lines: Lines to print.
        estimate: How long the search will take; None where no work remains.
    """

    lines: tuple[str, ...] = ()
    estimate: Estimate | None = None


def expected_time(
    problem: Problem,
    folder: RunFolder,
    workers: Workers,
    started: float,
    *,
    can_go_on: bool = True,
    least: float = 10.0,
) -> Expected:
    """Return how long a search will take; an empty forecast for a finished run.

    Args:
        problem: The problem to be searched.
        folder: The run.
        workers: Processes that will do the work.
        started: When the work began, in seconds of `time.monotonic`.
        can_go_on: Whether the lines say how another search continues the run.
        least: Seconds that must be left of the budget for a measurement; with fewer, usual rates do.
    """
    if folder.is_finished:
        return Expected()
    most, spent, before = problem.settings.config.max_seconds, time.monotonic() - started, folder.seconds()
    is_short = most is not None and most - before - spent < least
    found = estimate_from_sizes(sizes_of(problem)) if is_short else estimate(problem, workers)
    worked = f"; {rounded_seconds(before)} were worked before" if before >= 1 else ""
    late = () if most is None else _unfinished(found, most, spent, folder if can_go_on else None)
    return Expected((f"time  {found}{worked}", *late), found)


def _unfinished(found: Estimate, most: float, spent: float, folder: RunFolder | None) -> tuple[str, ...]:
    late = found.unfinished(most - spent)
    if not late:
        return ()
    names = " and ".join((", ".join(late[:-1]), late[-1])) if len(late) > 1 else late[0]
    what = f"{setting('max_seconds')} {most:g} will probably end the search before the {names} are finished"
    if folder is None:
        return (f"time  {what}",)
    return (f"time  {what}; go on with: {wording().going_on(folder.path)} {setting('max_seconds')} ...",)
