"""Which symmetries would keep particles on a node, and what they are called.

The exact part comes from the candidate's invariant lattice; testing a hypothesis is left to `tests_at_node`.
"""

from __future__ import annotations

from sharefind.groups import FiniteGroup, Group, subgroup_label
from sharefind.search.lattice import SearchNode
from sharefind.search.problem import Problem
from sharefind.spaces import LatticeNode, Subspace

Hypothesis = Group | None
"""A symmetry of the law of (X, Y); None is "Y is independent of X", under which nothing can be learned."""


def lattice_node(problem: Problem, node: SearchNode) -> LatticeNode | None:
    """The node's place among the candidate's invariant subspaces, or None."""
    if problem.lattice is None or node.candidate is None:
        return None
    return problem.lattice.nodes[node.candidate]


def hypotheses(problem: Problem, node: SearchNode) -> list[Hypothesis]:
    """The symmetries that would keep particles on E_j, the largest first.

    E_j holds if any group with exactly this fixed space is a symmetry, so the largest and the inclusion-minimal ones
    are tested and the node is rejected only when all of them are (an intersection-union test).
    """
    place = lattice_node(problem, node)
    if place is None or not place.groups:
        return [None]
    minimal: list[Hypothesis] = [g for g in place.minimal_groups if g != place.group]
    return [place.group, *minimal]


def directions(problem: Problem, node: SearchNode) -> tuple[Subspace, ...]:
    """Spaces along which an escape is looked for: the candidates next above the node, and Z last."""
    full = Subspace.full(problem.space.dim)
    place = lattice_node(problem, node)
    if place is None or problem.lattice is None:
        return (full,)
    return (*(n.space for n in problem.lattice.covers(place) if n.space != full), full)


def allowed_subgroups(problem: Problem, node: SearchNode, null: FiniteGroup) -> list[FiniteGroup]:
    """Subgroups of `null` that stay possible when it fails: those of every candidate above, the trivial one last."""
    trivial = FiniteGroup("C1", null.degree, ())
    place = lattice_node(problem, node)
    if place is None or problem.lattice is None:
        return [trivial]
    above = [n.group for n in problem.lattice.above(place)]
    inside = [g for g in above if isinstance(g, FiniteGroup) and g.order > 1 and g.is_subgroup_of(null)]
    return [*inside, trivial]


def is_within(inner: Group, outer: Group) -> bool:
    """Whether `inner` is a subgroup of `outer`; for infinite groups whether they are the same."""
    if isinstance(inner, FiniteGroup) and isinstance(outer, FiniteGroup):
        return inner.is_subgroup_of(outer)
    return inner == outer


def label_of(problem: Problem, group: Group) -> str:
    """The group's unique name among the candidate's subgroups."""
    return problem.labels.get(group) or _label_alone(problem, group)


def _label_alone(problem: Problem, group: Group) -> str:
    parent = problem.candidate.group
    if isinstance(group, FiniteGroup) and isinstance(parent, FiniteGroup):
        return subgroup_label(group, parent)
    return group.name


def labels(problem: Problem, groups: tuple[Group, ...] | list[Group]) -> tuple[str, ...]:
    """`label_of` for several groups."""
    return tuple(label_of(problem, g) for g in groups)
