"""What is kept of a node must be possible in the search at hand."""

from dataclasses import replace

import pytest

from sharefind.search import Decision, Growth, NodeEvidence, SearchLattice, SearchNode
from sharefind.search.engine import NO_DIRECTION
from sharefind.search.node_record import NodeRecord
from sharefind.search.persistence.recalled_nodes import belongs, misfit
from sharefind.search.rules.growth import Proposal, candidate_node
from sharefind.spaces import Subspace
from tests.search.problems import problem, teacher_task

CASE = problem(teacher_task("C3", 3, 60, 0), "S3")
ZERO = SearchNode("{0}", Subspace.zero(9), CASE.lattice.zero.index, "{0}")
NEXT = candidate_node(next(p for p in CASE.lattice.nodes if p.label == "E^S3"))
LEFT = NodeEvidence(0.5, 0.1, 0.2, None, None, 0.5, 0.01, 1.0, 10, Decision.GROW, "randomisation", "particles leave")
STAYED = replace(LEFT, decision=Decision.STAY)
GROWTH = Growth("{0}", "E^S3", "invariant", 0.7)
ELSEWHERE = replace(GROWTH, source="x")
NAMELESS = replace(NEXT, key="E^C7", label="E^C7")

RECORDS = {
    "": NodeRecord("{0}", LEFT, (Proposal(NEXT, GROWTH),)),
    "it holds and is left": NodeRecord("{0}", STAYED, (Proposal(NEXT, GROWTH),)),
    "it is left, and nothing is proposed": NodeRecord("{0}", LEFT, ()),
    "a growth is not from it to a larger space": NodeRecord("{0}", LEFT, (Proposal(NEXT, ELSEWHERE),)),
    "a growth is none of the rule invariant": NodeRecord("{0}", LEFT, (Proposal(NEXT, replace(GROWTH, rule="mean")),)),
    "a space is none of this problem": NodeRecord("{0}", LEFT, (Proposal(NAMELESS, GROWTH),)),
}


def lattice(*more: SearchNode) -> SearchLattice:
    """A search that has come to {0}."""
    made = SearchLattice()
    for node in (ZERO, *more):
        made.add(node)
    return made


@pytest.mark.parametrize("reason", RECORDS)
def test_the_reason_is_told(reason: str) -> None:
    assert misfit(RECORDS[reason], CASE, lattice(), "invariant") == reason


def test_a_search_without_a_direction_may_end_at_a_node_that_is_left() -> None:
    ended = NodeRecord("{0}", replace(LEFT, reason=f"{NO_DIRECTION}: give more data"), ())
    assert misfit(ended, CASE, lattice(), "invariant") == ""


def test_one_name_has_one_space() -> None:
    other = replace(NEXT, space=Subspace.full(9))
    assert misfit(RECORDS[""], CASE, lattice(other), "invariant") == "two spaces have one name"


def test_nodes_of_another_problem_do_not_belong() -> None:
    assert belongs(CASE, ZERO) and belongs(CASE, NEXT)
    assert not belongs(CASE, replace(ZERO, space=Subspace.zero(4)))
    assert not belongs(CASE, replace(NEXT, candidate=None))
    assert not belongs(CASE, replace(NEXT, candidate=99))
    assert belongs(CASE, SearchNode("mean:1", Subspace.full(9), None, "Z"))
