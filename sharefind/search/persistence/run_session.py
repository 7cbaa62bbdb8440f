"""One sitting of a run: what the engine tells and asks goes through here to the run folder and to whoever watches.

It keeps particles, counts the seconds that are worked, all sittings of the run together, and ends the search when they
are spent. What an earlier sitting finished costs nothing, however little is left.
"""

from __future__ import annotations

import time
from typing import TypeVar

from sharefind.errors import setting
from sharefind.inference import Diagnosis, RandomisationTest
from sharefind.parallel import Deadline
from sharefind.search.engine import NodeRecord
from sharefind.search.experiments import Training
from sharefind.search.observer import BudgetSpent, Observer
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.search_lattice import Growth, SearchNode

Kept = TypeVar("Kept")

KEEP_SECONDS = 1.0
"""Seconds between two writings of the time that was worked; as much is not counted when a process is killed."""


def budget(started: float, most: float, before: float) -> Deadline:
    """When the seconds of a run are spent.

    Args:
        started: When this sitting began, in seconds of `time.monotonic`.
        most: Seconds of all sittings.
        before: Those of earlier ones.
    """
    late = BudgetSpent(f"{setting('max_seconds')} {most:g}: they are spent, all sittings together")
    return Deadline(started + most - before, late)


class Sitting(Observer):
    """Observer and memory of one engine. The clock never jumps: it is the time since some moment, not the date.

    Args:
        folder: The run.
        watcher: Hears everything.
        max_seconds: Most seconds of work of all sittings, None for no bound.
        started: When the work of this sitting began, in seconds of `time.monotonic`: what is imported, read and set up
            before the search counts. Now if None.
    """

    def __init__(
        self, folder: RunFolder, watcher: Observer, max_seconds: float | None = None, started: float | None = None
    ) -> None:
        self._folder, self._watcher, self._most = folder, watcher, max_seconds
        self._number = -1
        self._kept = time.monotonic()
        self._before, self._started = folder.seconds(), self._kept if started is None else started
        self._is_new = False

    @property
    def deadline(self) -> Deadline | None:
        """When the seconds are spent, for work that is told less often than they pass; None for no bound."""
        if self._most is None:
            return None
        return budget(self._started, self._most, self._before)

    @property
    def seconds(self) -> float:
        """Seconds worked on the run, all sittings together."""
        return self._before + time.monotonic() - self._started

    def close(self) -> None:
        """Keep the seconds that were worked."""
        self._folder.keep_seconds(self.seconds)

    def on_node_start(self, node: SearchNode) -> None:
        """Count the node."""
        self._number += 1
        self._watcher.on_node_start(node)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Pass it on, unless the time is spent."""
        self._watcher.on_progress(node, stage, done, total)
        if self._is_new:
            self._refuse_spent()

    def on_training(self, node: SearchNode, training: Training) -> None:
        """Keep the particles."""
        self._folder.keep_particles(self._number, training)
        self._watcher.on_training(node, training)

    def on_node_end(self, node: SearchNode) -> None:
        """Pass it on."""
        self._watcher.on_node_end(node)

    def on_growth(self, growths: list[Growth]) -> None:
        """Pass it on."""
        self._watcher.on_growth(growths)

    def on_note(self, note: str) -> None:
        """Pass it on; what cannot be used is work that is to be done, if there is time."""
        self._watcher.on_note(note)
        self._known(None)

    def recall(self, key: str) -> NodeRecord | None:
        """The record of a finished node; None where it is to be done, if there is time."""
        return self._known(self._folder.recall(key))

    def keep(self, record: NodeRecord) -> None:
        """Keep a finished node."""
        self._folder.keep(record)
        self._keep_seconds()

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The exact test of a candidate; None where it is to be done, if there is time."""
        return self._known(self._folder.recall_test(name))

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Keep a finished test."""
        self._folder.keep_test(name, test)
        self._keep_seconds()

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """The diagnosis of a rejected group; None where it is to be done, if there is time."""
        return self._known(self._folder.recall_diagnosis(name))

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Keep a finished diagnosis."""
        self._folder.keep_diagnosis(name, diagnosis)
        self._keep_seconds()

    def _known(self, kept: Kept | None) -> Kept | None:
        self._is_new = kept is None
        if self._is_new:
            self._refuse_spent()
        return kept

    def _refuse_spent(self) -> None:
        """End the search when the time is spent; while it runs, keep count of it now and then."""
        self._keep_seconds()
        if self._most is not None and self.seconds >= self._most:
            raise BudgetSpent(
                f"{setting('max_seconds')} {self._most:g}: {self.seconds:.1f} s were worked, all sittings together"
            )

    def _keep_seconds(self) -> None:
        now = time.monotonic()
        if now - self._kept >= KEEP_SECONDS:
            self._kept = now
            self._folder.keep_seconds(self.seconds)
