"""Which symmetries would keep particles on a node, and what they are called.

The exact part comes from the candidate's invariant lattice, the verdicts from `symmetries`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sharefind.groups import FiniteGroup, Group, subgroup_label
from sharefind.inference import Verdict
from sharefind.search.problem import Problem
from sharefind.search.search_lattice import SearchNode
from sharefind.spaces import LatticeNode, Subspace

Hypothesis = Group | None
"""A symmetry of the law of (X, Y); None is "Y is independent of X", under which nothing can be learned."""


ZERO = "{0}"
"""Key and label of the first node of every search, whatever group fixes it."""


def lattice_node(problem: Problem, node: SearchNode) -> LatticeNode | None:
    """The node's place among the candidate's invariant subspaces, or None."""
    if problem.lattice is None or node.candidate is None:
        return None
    return problem.lattice.nodes[node.candidate]


def belongs(problem: Problem, node: SearchNode) -> bool:
    """Whether a node that was read can be of this problem: its space lies in Z, space and names are the candidate's.

    A node that says to be no candidate must not have the name of one.
    """
    if node.space.ambient != problem.space.dim:
        return False
    places = () if problem.lattice is None else problem.lattice.nodes
    if node.candidate is None:
        return all(node.key != place.label for place in places)
    if not 0 <= node.candidate < len(places):
        return False
    place = places[node.candidate]
    name = ZERO if place.space.is_zero else place.label
    return node.key == node.label == name and node.space == place.space


def directions(problem: Problem, node: SearchNode) -> tuple[Subspace, ...]:
    """Spaces along which an escape is looked for: the candidates next above the node, and Z last."""
    full = Subspace.full(problem.space.dim)
    place = lattice_node(problem, node)
    if place is None or problem.lattice is None:
        return (full,)
    return (*(n.space for n in problem.lattice.covers(place) if n.space != full), full)


@dataclass(frozen=True)
class Judgement:
    """What the exact tests say about a node.

    Attributes:
        null: the likeliest of its symmetries, by whose moves copies are made; None for "Y is independent of X".
        p_value, p_adjusted: of the node: the largest of its symmetries'; None where none of them was tested.
        holds: whether a symmetry of the node was accepted. preferred: what was accepted in place of one that was not
            rejected either, where the two exclude each other.
    """

    null: Hypothesis
    p_value: float | None
    p_adjusted: float | None
    holds: bool
    preferred: str | None = None
    is_tying: bool = False


def judgement(problem: Problem, node: SearchNode) -> Judgement:
    """The exact tests of the symmetries that would keep particles on E_j, an intersection-union test.

    E_j holds if any group with exactly this fixed space is a symmetry, so it is rejected when all of them are.
    """
    place, found = lattice_node(problem, node), problem.symmetries
    gate = None if found is None or found.independence is None else found.independence.p_value
    if found is not None and is_tying(place):
        p = found.tying_p_value
        return Judgement(None, p, p, p is not None and p > problem.settings.alpha, is_tying=True)
    if found is None or place is None or not place.groups or found.family is None:
        holds = gate is not None and gate > problem.settings.alpha
        return Judgement(None, gate, gate, holds)
    family = found.family
    names = {label_of(problem, g): g for g in place.groups}
    tested = [n for n in names if n in family.tests]
    kept = [n for n in names if family.verdicts.get(n) is Verdict.ACCEPTED]
    undecided = any(family.verdicts.get(n) is Verdict.UNDECIDED for n in names)
    preferred = family.maximal[0] if undecided and not kept and family.maximal else None
    if not tested:
        return Judgement(place.group, None, None, bool(kept), preferred)
    best = max(tested, key=lambda n: family.tests[n].p_value)
    adjusted = max(family.p_adjusted[best], gate or 0.0)
    return Judgement(names[best], family.tests[best].p_value, adjusted, bool(kept), preferred)


def is_tying(place: LatticeNode | None) -> bool:
    """Whether a candidate space is that of no group: a translation on windows, say."""
    return place is not None and not place.groups and not place.space.is_zero


def identity_of(null: Hypothesis) -> str:
    """Words that name the hypothesis in random streams, however its generators are listed, if it is small."""
    if null is None:
        return "independence"
    if isinstance(null, FiniteGroup) and not null.is_listable:
        return f"{null.degree} points, {sorted(null.generators)}"
    if isinstance(null, FiniteGroup):
        return repr(sorted(map(tuple, null.elements().tolist())))
    return null.name


def leads_to_accepted(problem: Problem, node: SearchNode) -> bool:
    """Whether the node lies inside the space of a group that the exact tests accepted; of Z when they accepted none."""
    place = lattice_node(problem, node)
    if place is None or problem.lattice is None or problem.symmetries is None or problem.symmetries.family is None:
        return False
    homes = [n for n in problem.lattice.nodes if accepted_groups(problem, n)] or [problem.lattice.full]
    smallest = min(homes, key=lambda n: n.dim)
    return smallest.index == place.index or bool(problem.lattice.below[place.index, smallest.index])


def accepted_groups(problem: Problem, place: LatticeNode) -> list[Group]:
    """The groups with exactly this fixed space that the exact tests accepted."""
    return [g for g in place.groups if _verdict(problem, g) is Verdict.ACCEPTED]


def is_rejected(problem: Problem, place: LatticeNode) -> bool:
    """Whether the exact tests leave no group that would keep particles there."""
    family = None if problem.symmetries is None else problem.symmetries.family
    if family is None or problem.lattice is None:
        return False
    return place.index != problem.lattice.full.index and not accepted_groups(problem, place)


def _verdict(problem: Problem, group: Group) -> Verdict | None:
    family = None if problem.symmetries is None else problem.symmetries.family
    return None if family is None else family.verdicts.get(label_of(problem, group))


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
