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
        """Receive the problem after all exact tests; the first node comes next.

        Args:
            problem: The problem, with its tests.
            lattice: The lattice, which grows during the search.
        """

    def on_node_start(self, node: SearchNode) -> None:
        """Receive a node that is about to be trained.

        Args:
            node: The node.
        """

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Receive progress of one training at the node.

        Before the first node, `done` counts exact tests. A stage begins with "test of" as a test begins, and with "in
        test of" during its copies. After the last node: "diagnosis of" a group, "explanation of" a map, and
        "yardstick".

        Args:
            node: The node.
            stage: Name of the stage.
            done: Steps done.
            total: Steps in all, at most.
        """

    def on_training(self, node: SearchNode, training: Training) -> None:
        """Receive the node's observed training when it has ended.

        Args:
            node: The node.
            training: Its particles before and after.
        """

    def on_node_end(self, node: SearchNode) -> None:
        """Receive a node that has its evidence.

        Args:
            node: The node.
        """

    def on_growth(self, growths: list[Growth]) -> None:
        """Receive the nodes that a growth rule proposed.

        Args:
            growths: The growths.
        """

    def on_note(self, note: str) -> None:
        """Receive a note for the user, for example that finished work cannot be used.

        Args:
            note: The note, one line.
        """

    def on_error(self, error: Exception) -> None:
        """Receive the error of a search or of an observer; it is raised when this returns. `StopSearch` is no error.

        Args:
            error: The error.
        """


class Observers(Observer):
    """Forwards every event to other observers, in their order; subclasses add something of their own.

    Args:
        observers: The observers.
    """

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_start(self, problem: TestedProblem, lattice: SearchLattice) -> None:
        """Forward the event.

        Args:
            problem: As in `Observer`.
            lattice: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_start(problem, lattice)

    def on_node_start(self, node: SearchNode) -> None:
        """Forward the event.

        Args:
            node: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_node_start(node)

    def on_progress(self, node: SearchNode, stage: str, done: int, total: int) -> None:
        """Forward the event.

        Args:
            node: As in `Observer`.
            stage: As in `Observer`.
            done: As in `Observer`.
            total: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_progress(node, stage, done, total)

    def on_training(self, node: SearchNode, training: Training) -> None:
        """Forward the event.

        Args:
            node: As in `Observer`.
            training: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_training(node, training)

    def on_node_end(self, node: SearchNode) -> None:
        """Forward the event.

        Args:
            node: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_node_end(node)

    def on_growth(self, growths: list[Growth]) -> None:
        """Forward the event.

        Args:
            growths: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_growth(growths)

    def on_note(self, note: str) -> None:
        """Forward the event.

        Args:
            note: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_note(note)

    def on_error(self, error: Exception) -> None:
        """Forward the event.

        Args:
            error: As in `Observer`.
        """
        for observer in self._observers:
            observer.on_error(error)


class StopSearch(Exception):
    """Raised by an observer to end a search; what was found so far is kept. Its text, if any, says why."""


class BudgetSpent(StopSearch):
    """The search has visited as many nodes, or worked as long, as it may."""
