"""One search from configuration to result on disk: what the command line and the Python interface both call."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sharefind.errors import RunFolderError, StorageError
from sharefind.search.engine import Engine, SearchOutcome
from sharefind.search.growth import GrowthRule
from sharefind.search.observer import Observer, StopSearch
from sharefind.search.problem import Problem
from sharefind.search.result import result_record
from sharefind.search.run_folder import LATTICE, RunFolder
from sharefind.search.sitting import Sitting
from sharefind.search.stopping import StoppingRule
from sharefind.search.yardstick import Yardstick, yardstick_of
from sharefind.workers import Deadline, Workers, earlier, one_thread


def run_search(
    problem: Problem,
    folder: RunFolder,
    observer: Observer | None = None,
    workers: Workers | None = None,
    *,
    growth: GrowthRule | None = None,
    stop: StoppingRule | None = None,
) -> tuple[SearchOutcome, dict[str, Any]]:
    """Search on one torch thread a process, keeping every finished node in `folder`, and write the result there.

    Args:
        problem: what is searched. folder: a new run, or an opened one to go on with. observer: told what happens.
        workers: who does the work; the result does not depend on it. This process alone if None.
        growth, stop: rules of your own; those that the settings name if None. A run with rules of its own is resumed
            with the same ones.

    Returns:
        The outcome and the JSON result.

    Raises:
        NotConvergedError: training diverged. RunFolderError: the folder cannot be written, or another process works in
            it. StorageError: the disk is full or failing; what was finished is kept. ConfigError: the cluster that was
            asked for is not there, or a growth rule of your own proposed a space that is no larger.
    """
    observer = observer or Observer()
    try:
        return _run(problem, folder, observer, workers or Workers(), (growth, stop))
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
) -> tuple[SearchOutcome, dict[str, Any]]:
    with folder.working():
        folder.claim(problem)
        for note in folder.notes:
            observer.on_note(note)
        sitting = Sitting(folder, observer, problem.settings.config.max_seconds)
        if workers.executor == "loky":  # the machines of a cluster have clocks of their own
            workers = replace(workers, deadline=earlier(workers.deadline, sitting.deadline))
        problem = replace(problem, settings=replace(problem.settings, workers=workers))
        engine = Engine(problem, *rules, observer=sitting, memory=sitting)
        try:
            with one_thread(), workers.connected():
                outcome = engine.run()
                outcome = _measured(outcome, folder, sitting.deadline)
            result = result_record(outcome, str(folder.path), sitting.seconds, LATTICE)
            folder.finish(outcome, result)
        finally:
            # Seconds that cannot be kept are none that must end a search, or hide what did.
            with suppress(RunFolderError, StorageError):
                sitting.close()
    return outcome, result


def _measured(outcome: SearchOutcome, folder: RunFolder, deadline: Deadline | None) -> SearchOutcome:
    """The outcome with its yardstick: that of an earlier sitting where that ended as this one does."""
    found = _earlier(outcome, folder) or yardstick_of(outcome, deadline)
    lines = found.warnings if isinstance(found, Yardstick) else ()
    return replace(outcome, yardstick=found, warnings=(*outcome.warnings, *lines))


def _earlier(outcome: SearchOutcome, folder: RunFolder) -> Yardstick | None:
    """The yardstick that the folder's result holds, if it is one of the same chain."""
    try:
        kept = folder.result()
    except RunFolderError:  # there is none yet, or none that can be read
        return None
    now = result_record(outcome, str(folder.path), 0.0, LATTICE)
    is_same = all(kept.get(key) == now[key] for key in ("chain", "status", "e_star", "unit"))
    return Yardstick.from_json(kept["yardstick"]) if is_same and kept.get("yardstick") else None


def default_folder(problem: Problem, base: Path) -> Path:
    """A fresh folder name under `base` that says what was searched: <task>_<group>_seed<seed>, numbered when taken."""
    words = f"{problem.task.name}_{problem.candidate.group.name}_seed{problem.settings.seed}"
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in words)
    path, number = base / stem, 2
    while path.exists():
        path, number = base / f"{stem}_{number}", number + 1
    return path
