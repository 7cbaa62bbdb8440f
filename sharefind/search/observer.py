"""Who watches a search: hooks that the engine calls, all optional."""

from __future__ import annotations

from sharefind.search.experiments import Training
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.search_lattice import Growth, SearchLattice, SearchNode

WARNING = "warning: "
"""How notes begin that put the result in doubt."""


class Observer:
    """Does nothing; subclasses override what they need. Raising `StopSearch` ends the search cleanly."""

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """All exact tests are done, and the first node comes next; the lattice grows as the search goes on."""

    def on_node_start(self, node: SearchNode) -> None:
        """A node is about to be trained."""

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Steps done of one training at the node; `stage` names it.

        Before the first node: exact tests done, of at most `total`. A stage begins with "test of" as a test begins, and
        with "in test of" as its copies go on. After the last: "diagnosis of" a group, "explanation of" a
        map, and "yardstick".
        """

    def on_training(self, node: SearchNode, training: Training) -> None:
        """The node's observed training ended: its particles before and after."""

    def on_node_end(self, node: SearchNode) -> None:
        """The node has its evidence."""

    def on_growth(self, growths: list[Growth]) -> None:
        """A growth rule proposed nodes."""

    def on_note(self, note: str) -> None:
        """Something about the run that people should know, on one line: finished work that cannot be used, say."""

    def on_error(self, error: Exception) -> None:
        """The search failed, or an observer did; the error is raised when this returns. `StopSearch` is no error."""


class Observers(Observer):
    """Passes everything on to other observers, in their order; subclasses do something of their own beside that."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_start(problem, lattice)

    def on_node_start(self, node: SearchNode) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_node_start(node)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_progress(node, stage, done, total)

    def on_training(self, node: SearchNode, training: Training) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_training(node, training)

    def on_node_end(self, node: SearchNode) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_node_end(node)

    def on_growth(self, growths: list[Growth]) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_growth(growths)

    def on_note(self, note: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_note(note)

    def on_error(self, error: Exception) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.on_error(error)


class StopSearch(Exception):
    """Raised by an observer to end a search; what was found so far is kept. Its text, if any, says why."""


class BudgetSpent(StopSearch):
    """The search has visited as many nodes, or worked as long, as it may."""
