"""A session of a run: time, particles, and what is kept of nodes."""

from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from sharefind.inference import RandomisationTest
from sharefind.search import Decision, NodeEvidence, Observer, RunFolder, SearchLattice, SearchNode, hypotheses
from sharefind.search.memory import TEST
from sharefind.search.node_record import NODE, NodeRecord
from sharefind.search.observer import BudgetSpent
from sharefind.search.persistence.run_session import RunSession, budget
from sharefind.spaces import Subspace
from tests.search.problems import problem, teacher_task

CASE = problem(teacher_task("C3", 3, 60, 0), "S3")
ZERO = SearchNode("{0}", Subspace.zero(9), CASE.lattice.zero.index, "{0}")
STAYED = NodeEvidence(0.5, 0.1, 0.2, None, None, 0.5, 0.01, 1.0, 10, Decision.STAY, "randomisation", "because")
DONE = RandomisationTest(0.5, "known", 199, 99, 0.0)


class Notes(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_note(self, note: str) -> None:
        """A line."""
        self.lines.append(note)


def folder(path: Path) -> RunFolder:
    """A new run of the problem."""
    return RunFolder.create(path / "run", CASE.resolved)


def test_what_is_finished_costs_nothing_and_new_work_needs_time(tmp_path: Path) -> None:
    made = folder(tmp_path)
    made.put(TEST, "S3", DONE)
    session = RunSession(made, Observer(), "invariant", max_seconds=1.0, started=monotonic() - 10)
    assert session.get(TEST, "S3") == DONE
    session.on_progress(ZERO, "training", 1, 2)
    with pytest.raises(BudgetSpent, match=r"max_seconds 1: 1\d\.\d s were worked"):
        session.get(TEST, "C3")
    with pytest.raises(BudgetSpent):
        session.on_progress(ZERO, "training", 2, 2)


def test_seconds_of_all_sessions_count(tmp_path: Path) -> None:
    made = folder(tmp_path)
    made.keep_seconds(5.0)
    session = RunSession(made, Observer(), "invariant", max_seconds=7.0, started=100.0, keep_every=0.0)
    assert session.deadline is not None and session.deadline.at == 102.0 == budget(100.0, 7.0, 5.0).at
    session.close()
    assert RunFolder.open(made.path).seconds() >= 5.0
    assert RunSession(made, Observer(), "invariant").deadline is None


@pytest.mark.parametrize("is_true", [True, False])
def test_a_node_that_cannot_be_of_this_search_is_done_again(tmp_path: Path, is_true: bool) -> None:
    made, notes = folder(tmp_path), Notes()
    evidence = STAYED if is_true else replace(STAYED, decision=Decision.GROW)
    made.put(NODE, "{0}", NodeRecord("{0}", evidence, ()))
    session, lattice = RunSession(made, notes, "invariant"), SearchLattice()
    lattice.add(ZERO)
    session.on_start(hypotheses.TestedProblem.of(CASE, None), lattice)
    assert (session.get(NODE, "{0}") is not None) == is_true
    told = "what is kept of {0} cannot be used: it is left, and nothing is proposed; that work is done again"
    assert notes.lines == ([] if is_true else [told])
