"""Families of candidate symmetries and their inclusions.

If a group holds, so do its subgroups, and so does the group that two holding groups generate. Families are closed under
such joins, so that one member is the largest that holds. `closed_testing` needs this to control its error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, Representation, subgroup_labels, subgroups
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.meanfield.clouds.actions import JointAction


@dataclass(frozen=True, eq=False)
class Candidate:
    """One possible symmetry of the law.

    Attributes:
        name: Its name, unique in its family.
        moves: Its action on samples.
        order: Number of elements; None for an infinite group.
        group: The group itself, if it is finite.
    """

    name: str
    moves: AmbientMoves = field(repr=False)
    order: int | None
    group: FiniteGroup | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class CandidateFamily:
    """Candidates and their inclusions.

    Attributes:
        candidates: The k candidates, in any order.
        inside: Shape (k, k), bool: inside[i, j] is true if candidate i is a proper subgroup of candidate j.

    Raises:
        GroupError: Names repeat, `inside` is not a strict order, or two candidates have no least upper bound in the
            family, so that it is not closed under joins.
    """

    candidates: tuple[Candidate, ...]
    inside: NDArray[np.bool_] = field(repr=False)

    def __post_init__(self) -> None:
        count = len(self.candidates)
        if count == 0 or len(set(self.names)) < count:
            raise GroupError("a family needs candidates, each with a name of its own")
        if self.inside.shape != (count, count) or self.inside.diagonal().any() or not _is_transitive(self.inside):
            raise GroupError("the inclusions of a family must be a strict order, with all that follows from them")
        _refuse_without_joins(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the candidates."""
        return tuple(c.name for c in self.candidates)

    def place(self, name: str) -> int:
        """Return the index of a candidate.

        Args:
            name: Its name.

        Raises:
            GroupError: The family has no candidate of this name.
        """
        if name not in self.names:
            raise GroupError(f"{name} is not a candidate of this family; use one of {', '.join(self.names)}")
        return self.names.index(name)

    def above(self, place: int) -> list[int]:
        """Return the indices of the candidates that properly contain a candidate.

        Args:
            place: Index of the candidate.
        """
        return [int(j) for j in np.flatnonzero(self.inside[place])]

    def below(self, place: int) -> list[int]:
        """Return the indices of the proper subgroups of a candidate.

        Args:
            place: Index of the candidate.
        """
        return [int(i) for i in np.flatnonzero(self.inside[:, place])]

    def hasse(self) -> nx.DiGraph[str]:
        """Return the Hasse diagram: nodes by name, with an edge from each candidate to those next above it."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.names)
        graph.add_edges_from((self.names[i], self.names[j]) for i, j in np.argwhere(self.inside))
        reduced: nx.DiGraph[str] = nx.transitive_reduction(graph)
        return reduced


def _is_transitive(inside: NDArray[np.bool_]) -> bool:
    return not bool(((inside.astype(np.int64) @ inside.astype(np.int64) > 0) & ~inside).any())


def _refuse_without_joins(family: CandidateFamily) -> None:
    """Check that every two candidates have a least upper bound: a common bound below all other common bounds."""
    bounds = family.inside | np.eye(len(family.candidates), dtype=bool)
    above = bounds.sum(1)
    for i in range(len(bounds)):
        common = bounds & bounds[i]
        least, all_common = np.where(common, above, 0).max(1), common.sum(1)
        for j in map(int, np.flatnonzero((least < all_common) | (all_common == 0))):
            first, second = family.names[max(i, j)], family.names[min(i, j)]
            raise GroupError(
                f"{first} and {second} have no least common group in this family; add the group that they generate"
            )


def subgroup_family(
    in_rep: Representation, out_rep: Representation, chosen: Iterable[FiniteGroup] | None = None
) -> CandidateFamily:
    """Return the family of nontrivial subgroups of a finite group, or of the groups that chosen subgroups generate.

    Args:
        in_rep: Action of the whole group on X.
        out_rep: Action of the whole group on Y.
        chosen: Subgroups; the family contains all their joins. None for all subgroups.

    Raises:
        RepresentationError: The group is infinite.
        GroupError: The group has too many subgroups, the list is empty, or one of them is not a subgroup.
    """
    whole = in_rep.finite_group
    listed = [g for g in subgroups(whole) if g.order > 1]
    if chosen is not None:
        listed = _joins(whole, list(chosen), listed)
    labels = subgroup_labels(listed, whole)
    candidates = tuple(
        Candidate(name, JointAction(in_rep.restrict(g), out_rep.restrict(g)), g.order, g)
        for name, g in zip(labels, listed, strict=True)
    )
    inside = np.array([[a != b and a.is_subgroup_of(b) for b in listed] for a in listed], dtype=bool)
    return CandidateFamily(candidates, inside.reshape(len(listed), len(listed)))


def _joins(whole: FiniteGroup, chosen: Sequence[FiniteGroup], listed: Sequence[FiniteGroup]) -> list[FiniteGroup]:
    """Return the members of `listed` that some of the chosen subgroups generate."""
    for group in chosen:
        if not group.is_subgroup_of(whole):
            raise GroupError(f"{group.name} is not a subgroup of {whole.name}; give subgroups on the same points")
    kept = []
    for group in listed:
        generators = tuple(g for c in chosen if c.is_subgroup_of(group) for g in c.generators)
        if generators and FiniteGroup("join", whole.degree, generators).order == group.order:
            kept.append(group)
    if not kept:
        raise GroupError("no candidate is left: give at least one subgroup that is not trivial")
    return kept


def named_family(moves: Mapping[str, AmbientMoves], inside: Iterable[tuple[str, str]]) -> CandidateFamily:
    """Return a family of groups given by their actions on samples, such as rotations about several axes within SO(3).

    The least group that contains two candidates must be the one that they generate; samplers cannot check this. For
    example, with C2, C3 and SO2 but no C6, both true candidates are tested, and the family-wise error is nearly 2
    alpha.

    Args:
        moves: Actions by name.
        inside: Pairs (smaller, larger); implied pairs are added.

    Raises:
        GroupError: A pair names no candidate, or the family is not closed under joins.
    """
    names = list(moves)
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    for smaller, larger in inside:
        if smaller not in moves or larger not in moves:
            raise GroupError(f"the pair ({smaller}, {larger}) names no candidates; use {', '.join(names)}")
        graph.add_edge(smaller, larger)
    order = np.array([[a != b and nx.has_path(graph, a, b) for b in names] for a in names], dtype=bool)
    candidates = tuple(Candidate(name, how, None) for name, how in moves.items())
    return CandidateFamily(candidates, order.reshape(len(names), len(names)))
