"""One search from configuration to result on disk: what the command line and the Python interface both call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sharefind.errors import RunFolderError, StorageError
from sharefind.inference import Diagnosis
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.maps.map_explanation import MapExplanation
from sharefind.parallel import Deadline, Workers, earlier, one_thread
from sharefind.progress import StageProgress
from sharefind.search.engine import STOPPED, Engine
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.map_explanations import map_explanations
from sharefind.search.memory import Memory
from sharefind.search.observer import WARNING, Observer, StopSearch
from sharefind.search.persistence.run_folder import LATTICE, RunFolder
from sharefind.search.persistence.run_session import RunSession
from sharefind.search.problem import Problem
from sharefind.search.rejected_groups import diagnoses
from sharefind.search.result import Result
from sharefind.search.result_parts import Yardstick
from sharefind.search.result_record import result_record
from sharefind.search.rules.growth import GrowthRule
from sharefind.search.rules.stopping import StoppingRule
from sharefind.search.search_outcome import SearchOutcome
from sharefind.search.yardstick import Missing, yardstick_of

YARDSTICK = "yardstick"
"""The stage that is reported to observers when the reference networks are fitted."""

Bounded = Callable[[Deadline], AbstractContextManager[None]]
"""Ends what is done within when the deadline has passed, by raising its error."""


@dataclass(frozen=True)
class Clock:
    """How the time of a search is counted and bounded.

    Attributes:
        started: When the work began, in seconds of `time.monotonic`: what is imported, read and set up before the
            search counts in `max_seconds`, too. When the search begins if None.
        bounded: Bounds work that does not look at the deadline itself, or too rarely; None for nothing.
    """

    started: float | None = None
    bounded: Bounded | None = None

    def within(self, deadline: Deadline | None) -> AbstractContextManager[None]:
        """Return a context that ends work soon after the deadline, as far as `bounded` can.

        Args:
            deadline: The deadline, or None.
        """
        return nullcontext() if self.bounded is None or deadline is None else self.bounded(deadline)


def run_search(
    problem: Problem,
    folder: RunFolder,
    observer: Observer | None = None,
    workers: Workers | None = None,
    *,
    growth: GrowthRule | None = None,
    stop: StoppingRule | None = None,
    clock: Clock | None = None,
    is_explained: bool = True,
) -> tuple[SearchOutcome, Result]:
    """Search on one torch thread a process, keep every finished node in `folder`, and write the result there.

    Args:
        problem: The problem.
        folder: A new run, or an opened one to continue.
        observer: Receives the events of the search.
        workers: Processes that do the work; the result does not depend on them. This process alone if None.
        growth: A growth rule of your own; the one that the settings name if None. Resume the run with the same rule.
        stop: A stopping rule of your own, in the same way.
        clock: Clock and time limit of the search; None counts the time of this call.
        is_explained: Whether rejected groups are diagnosed and reference models are fitted once E_* is known. Nothing
            else depends on it.

    Returns:
        The outcome and its result.

    Raises:
        NotConvergedError: Training diverged.
        RunFolderError: The folder cannot be written, or another process works in it.
        StorageError: The disk is full or failing; finished work is kept.
        ConfigError: The configured cluster does not exist, or a growth rule of your own proposed a space that is no
            larger.
    """
    observer, clock = observer or Observer(), clock or Clock()
    try:
        return _run(problem, folder, observer, workers or Workers(), (growth, stop), clock, is_explained)
    except StopSearch:
        raise
    except Exception as error:
        observer.on_error(error)
        raise


def _run(
    problem: Problem,
    folder: RunFolder,
    observer: Observer,
    workers: Workers,
    rules: tuple[GrowthRule | None, StoppingRule | None],
    clock: Clock,
    is_explained: bool,
) -> tuple[SearchOutcome, Result]:
    with folder.working():
        folder.claim(problem)
        for note in (*folder.notes, *(f"{WARNING}{line}" for line in problem.warnings)):
            observer.on_note(note)
        growth, stop = rules
        session = RunSession(
            folder,
            observer,
            problem.settings.growth if growth is None else growth.name,
            problem.settings.config.max_seconds,
            clock.started,
        )
        if workers.executor == "loky":  # the machines of a cluster have clocks of their own
            workers = replace(workers, deadline=earlier(workers.deadline, session.deadline))
        problem = replace(problem, settings=replace(problem.settings, workers=workers))
        bounded = partial(clock.within, session.deadline)
        looks = (diagnoses, map_explanations) if is_explained else (_undiagnosed, _unexplained)
        engine = Engine(problem, growth, stop, session, session, bounded, *looks)
        try:
            with one_thread(), workers.connected(), rows_looked_at():
                outcome = engine.run()
                found = _earlier(outcome, folder) or (
                    _measured(outcome, observer, session) if is_explained else Missing("it was left out")
                )
            lines = found.warnings if isinstance(found, Yardstick) else ()
            outcome = replace(outcome, warnings=(*outcome.warnings, *lines))
            result = result_record(outcome, found, str(folder.path), session.seconds, LATTICE)
            folder.finish(outcome, result)
        finally:
            # Seconds that cannot be kept are none that must end a search, or hide what did.
            with suppress(RunFolderError, StorageError):
                session.close()
    return outcome, result


def _undiagnosed(problem: TestedProblem, memory: Memory, progress: StageProgress) -> Mapping[str, Diagnosis]:
    return {}


def _unexplained(problem: TestedProblem, memory: Memory, progress: StageProgress) -> tuple[MapExplanation, ...]:
    return ()


def _measured(outcome: SearchOutcome, observer: Observer, session: RunSession) -> Yardstick | Missing:
    """Return the scores of reference models, after a report to the observer."""
    try:
        observer.on_progress(outcome.e_star, YARDSTICK, 0, 1)
    except StopSearch as stop:
        return Missing(str(stop) or STOPPED)
    return yardstick_of(outcome, session.deadline)


def _earlier(outcome: SearchOutcome, folder: RunFolder) -> Yardstick | None:
    """Return the scores in the folder's result, if that result has the same chain."""
    try:
        kept = folder.result()
    except RunFolderError:  # there is none yet, or none that can be read
        return None
    now = result_record(outcome, None, str(folder.path), 0.0, LATTICE)
    is_same = all(getattr(kept, name) == getattr(now, name) for name in ("chain", "status", "e_star", "unit"))
    return kept.yardstick if is_same else None


def keep_unready(folder: RunFolder, started: float) -> float:
    """Keep the seconds of a session that were spent before the search could begin.

    Args:
        folder: The run.
        started: When the session began, in seconds of `time.monotonic`.

    Returns:
        Seconds of all sessions.

    Raises:
        RunFolderError: Another process works in the folder, or it cannot be written.
        StorageError: The disk is full.
    """
    with folder.working():
        seconds = folder.seconds() + time.monotonic() - started
        folder.keep_seconds(seconds)
    return seconds


def default_folder(problem: Problem, base: Path) -> Path:
    """Return a fresh folder name under `base` with what was searched: <task>_<group>_seed<seed>, numbered when taken.

    Args:
        problem: The problem.
        base: The parent folder.
    """
    return fresh_folder(f"{problem.task.name}_{problem.candidate.group.name}_seed{problem.settings.seed}", base)


def fresh_folder(words: str, base: Path) -> Path:
    """Return a folder name under `base` made of words, numbered when it is taken.

    Args:
        words: The words.
        base: The parent folder.
    """
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in words)
    path, number = base / stem, 2
    while path.exists():
        path, number = base / f"{stem}_{number}", number + 1
    return path
