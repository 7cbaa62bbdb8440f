"""One session of a run: what the engine tells and asks goes through here to the run folder and to whoever watches.

It keeps particles, counts the seconds that are worked, all sessions of the run together, and ends the search when they
are spent. What an earlier session finished costs nothing, however little is left.
"""

from __future__ import annotations

import time

from sharefind.errors import setting
from sharefind.parallel import Deadline
from sharefind.search.experiments import Training
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.memory import Kind, Value
from sharefind.search.node_record import NodeRecord
from sharefind.search.observer import BudgetSpent, Observer, Observers
from sharefind.search.persistence.recalled_nodes import misfit
from sharefind.search.persistence.run_folder import RunFolder
from sharefind.search.search_lattice import SearchLattice, SearchNode


def budget(started: float, most: float, before: float) -> Deadline:
    """Return the deadline at which the seconds of a run are spent.

    Args:
        started: When this session began, in seconds of `time.monotonic`.
        most: Seconds of all sessions.
        before: Seconds of earlier sessions.
    """
    late = BudgetSpent(f"{setting('max_seconds')} {most:g}: they are spent, all sessions together")
    return Deadline(started + most - before, late)


class RunSession(Observers):
    """Observer and memory of one engine. The clock never jumps: it is the time since some moment, not the date.

    Args:
        folder: The run.
        watcher: Hears everything.
        growth: Name of the growth rule: what is kept of a node must be of that.
        max_seconds: Most seconds of work of all sessions, None for no bound.
        started: When the work of this session began, in seconds of `time.monotonic`: what is imported, read and set up
            before the search counts. Now if None.
        keep_every: Seconds between two writings of the time that was worked; as much is not counted when a process is
            killed.
    """

    def __init__(
        self,
        folder: RunFolder,
        watcher: Observer,
        growth: str,
        max_seconds: float | None = None,
        started: float | None = None,
        keep_every: float = 1.0,
    ) -> None:
        super().__init__(watcher)
        self._folder, self._growth, self._most, self._every = folder, growth, max_seconds, keep_every
        self._number = -1
        self._kept = time.monotonic()
        self._before, self._started = folder.seconds(), self._kept if started is None else started
        self._is_new = False
        self._search: tuple[TestedProblem, SearchLattice] | None = None

    @property
    def deadline(self) -> Deadline | None:
        """When the seconds are spent, for work that reports progress rarely; None for no bound."""
        return None if self._most is None else budget(self._started, self._most, self._before)

    @property
    def seconds(self) -> float:
        """Seconds worked on the run, all sessions together."""
        return self._before + time.monotonic() - self._started

    def close(self) -> None:
        """Keep the seconds that were worked."""
        self._folder.keep_seconds(self.seconds)

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """Note the search, which recalled nodes must belong to.

        Args:
            problem: As in `Observer`.
            lattice: As in `Observer`.
        """
        self._search = problem, lattice
        super().on_start(problem, lattice)

    def on_node_start(self, node: SearchNode) -> None:
        """Count the node.

        Args:
            node: As in `Observer`.
        """
        self._number += 1
        super().on_node_start(node)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Forward the event, unless the time is spent.

        Args:
            node: As in `Observer`.
            stage: As in `Observer`.
            done: As in `Observer`.
            total: As in `Observer`.
        """
        super().on_progress(node, stage, done, total)
        if self._is_new:
            self._refuse_spent()

    def on_training(self, node: SearchNode, training: Training) -> None:
        """Keep the particles.

        Args:
            node: As in `Observer`.
            training: As in `Observer`.
        """
        self._folder.keep_particles(self._number, training)
        super().on_training(node, training)

    def on_note(self, note: str) -> None:
        """Forward the note; work that cannot be used is done again, if there is time.

        Args:
            note: As in `Observer`.
        """
        super().on_note(note)
        self._is_new = True
        self._refuse_spent()

    def get(self, kind: Kind[Value], key: str) -> Value | None:
        """Return what is kept and can belong to this search; None where it must be done, if there is time.

        Args:
            kind: As in `Memory`.
            key: As in `Memory`.
        """
        found = self._folder.get(kind, key)
        if isinstance(found, NodeRecord) and self._search is not None:
            problem, lattice = self._search
            if reason := misfit(found, problem, lattice, self._growth):
                label = lattice.node(key).label
                self.on_note(f"what is kept of {label} cannot be used: {reason}; that work is done again")
                found = None
        self._is_new = found is None
        if self._is_new:
            self._refuse_spent()
        return found

    def put(self, kind: Kind[Value], key: str, value: Value) -> None:
        """Keep what was finished.

        Args:
            kind: As in `Memory`.
            key: As in `Memory`.
            value: As in `Memory`.
        """
        self._folder.put(kind, key, value)
        self._keep_seconds()

    def _refuse_spent(self) -> None:
        """End the search when the time is spent; while it runs, keep count of it now and then."""
        self._keep_seconds()
        if self._most is not None and self.seconds >= self._most:
            raise BudgetSpent(
                f"{setting('max_seconds')} {self._most:g}: {self.seconds:.1f} s were worked, all sessions together"
            )

    def _keep_seconds(self) -> None:
        now = time.monotonic()
        if now - self._kept >= self._every:
            self._kept = now
            self._folder.keep_seconds(self.seconds)
