"""One search from configuration to result on disk: what the command line and the Python interface both call."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sharefind.search.engine import Engine, SearchOutcome
from sharefind.search.experiments import Training
from sharefind.search.growth import GrowthRule
from sharefind.search.lattice import Growth, SearchNode
from sharefind.search.observer import Observer, StopSearch
from sharefind.search.problem import Problem
from sharefind.search.result import result_record
from sharefind.search.run_folder import LATTICE, RunFolder
from sharefind.search.stopping import StoppingRule
from sharefind.workers import Workers


class _Recorder(Observer):
    """Saves particles and passes every event on."""

    def __init__(self, folder: RunFolder, watcher: Observer) -> None:
        self._folder, self._watcher = folder, watcher
        self._number = -1

    def on_node_start(self, node: SearchNode) -> None:
        self._number += 1
        self._watcher.on_node_start(node)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        self._watcher.on_progress(node, stage, done, total)

    def on_training(self, node: SearchNode, training: Training) -> None:
        self._folder.keep_particles(self._number, training)
        self._watcher.on_training(node, training)

    def on_node_end(self, node: SearchNode) -> None:
        self._watcher.on_node_end(node)

    def on_growth(self, growths: list[Growth]) -> None:
        self._watcher.on_growth(growths)


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
        NotConvergedError: training diverged or no space held. RunFolderError: the folder cannot be written.
        ConfigError: the cluster that was asked for is not there.
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
    folder.claim(problem.fingerprint)
    started = time.monotonic()
    threads = torch.get_num_threads()
    problem = replace(problem, settings=replace(problem.settings, workers=workers))
    engine = Engine(problem, *rules, observer=_Recorder(folder, observer), memory=folder)
    torch.set_num_threads(1)
    try:
        with workers.connected():
            outcome = engine.run()
    finally:
        torch.set_num_threads(threads)
    result = result_record(outcome, str(folder.path), time.monotonic() - started, LATTICE)
    folder.finish(outcome, result)
    return outcome, result


def default_folder(problem: Problem, base: Path) -> Path:
    """A fresh folder name under `base` that says what was searched: <task>_<group>_seed<seed>, numbered when taken."""
    words = f"{problem.task.name}_{problem.candidate.group.name}_seed{problem.settings.seed}"
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in words)
    path, number = base / stem, 2
    while path.exists():
        path, number = base / f"{stem}_{number}", number + 1
    return path
