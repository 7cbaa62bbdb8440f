"""Can what is kept of a node be true of the search at hand? A run folder may come from a stranger."""

from __future__ import annotations

from sharefind.search.engine import NO_DIRECTION
from sharefind.search.node_evidence import Decision
from sharefind.search.node_record import NodeRecord
from sharefind.search.own_groups import own_label, weights_layout
from sharefind.search.problem import Problem
from sharefind.search.rules.registry import is_named
from sharefind.search.search_lattice import ZERO, SearchLattice, SearchNode


def misfit(record: NodeRecord, problem: Problem, lattice: SearchLattice, growth: str) -> str:
    """Return why a record cannot be what this search would keep of a node; empty if it can.

    Args:
        record: The record.
        problem: The problem that is searched.
        lattice: The search so far, with the node.
        growth: The growth rule's name.
    """
    proposed, node = record.proposals, lattice.node(record.key)
    if record.evidence.decision is Decision.STAY:
        return "it holds and is left" if proposed else ""
    is_last = not proposed and all(growth.target == node.key for growth in lattice.open_growths())
    if is_last and not record.evidence.reason.startswith(NO_DIRECTION):
        return "it is left, and nothing is proposed"
    if any(p.growth.source != node.key or p.node.space.dim <= node.space.dim for p in proposed):
        return "a growth is not from it to a larger space"
    if any(p.growth.rule != growth or not is_named(p, node) for p in proposed):
        return f"a growth is none of the rule {growth}"
    if not all(belongs(problem, p.node) for p in proposed):
        return "a space is none of this problem"
    spaces = {p.node.key: p.node.space for p in proposed}
    is_same = all(lattice.node(key).space == space for key, space in spaces.items() if key in lattice)
    return "" if is_same else "two spaces have one name"


def belongs(problem: Problem, node: SearchNode) -> bool:
    """Return whether a node that was read can belong to this problem.

    Its space must lie in Z, and space and names must be the candidate's. A node that claims no candidate must not have
    the name of a candidate's node.

    Args:
        problem: The problem.
        node: The node.
    """
    if node.space.ambient != problem.space.dim:
        return False
    places = () if problem.lattice is None else problem.lattice.nodes
    if problem.lattice is None and problem.settings.growing.snaps and not node.space.is_zero:
        layout = weights_layout(problem.space.blocks)
        return node.candidate is None and node.space.tying is not None and node.label == own_label(node.space, layout)
    if node.candidate is None:
        return all(node.key != place.label for place in places)
    if not 0 <= node.candidate < len(places):
        return False
    place = places[node.candidate]
    name = ZERO if place.space.is_zero else place.label
    return node.key == node.label == name and node.space == place.space
