"""Families of candidate symmetries and their inclusions: which hypotheses are tested, and what follows from what.

If a group holds, so do its subgroups, and so does the group that two of them generate. Families are closed under such
joins, so that one member is the largest that holds; that is what controls the error of `closed_testing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from sharefind.errors import GroupError
from sharefind.groups import FiniteGroup, Representation, subgroup_labels, subgroups
from sharefind.inference.ambient_moves import Moves
from sharefind.meanfield.clouds.actions import JointAction


@dataclass(frozen=True, eq=False)
class Candidate:
    """One symmetry that the law may have.

    Attributes:
        name: unique in its family. moves: how it acts on samples. order: number of elements, None for infinity.
        group: the group itself where it is finite.
    """

    name: str
    moves: Moves = field(repr=False)
    order: int | None
    group: FiniteGroup | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class CandidateFamily:
    """Candidates and their inclusions.

    Attributes:
        candidates: any order. inside: bool (k, k), inside[i, j] when candidate i is a proper subgroup of j.

    Raises:
        GroupError: names repeat, `inside` is no strict order, or two candidates have no least upper bound here: then
            the family is not closed under joins.
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
        """The candidates' names."""
        return tuple(c.name for c in self.candidates)

    def place(self, name: str) -> int:
        """The index of a candidate.

        Raises:
            GroupError: the family has none of this name.
        """
        if name not in self.names:
            raise GroupError(f"{name} is no candidate of this family; use one of {', '.join(self.names)}")
        return self.names.index(name)

    def above(self, place: int) -> list[int]:
        """Candidates that properly contain this one."""
        return [int(j) for j in np.flatnonzero(self.inside[place])]

    def below(self, place: int) -> list[int]:
        """Proper subgroups of this one."""
        return [int(i) for i in np.flatnonzero(self.inside[:, place])]

    def hasse(self) -> nx.DiGraph[str]:
        """The Hasse diagram: an edge from each candidate to those next above it, nodes by name."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.names)
        graph.add_edges_from((self.names[i], self.names[j]) for i, j in np.argwhere(self.inside))
        reduced: nx.DiGraph[str] = nx.transitive_reduction(graph)
        return reduced


def _is_transitive(inside: NDArray[np.bool_]) -> bool:
    return not bool(((inside.astype(np.int64) @ inside.astype(np.int64) > 0) & ~inside).any())


def _refuse_without_joins(family: CandidateFamily) -> None:
    """Every two candidates must have a least upper bound: one of the common bounds with as many above as there are."""
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
    """The subgroups of a finite group, or those that a list of them generates; the trivial group is no candidate.

    Args:
        in_rep, out_rep: how the whole group acts on X and Y. chosen: subgroups; the family holds all their joins.

    Raises:
        RepresentationError: the group is infinite. GroupError: it has too many subgroups, the list is empty, or one is
            no subgroup.
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
    """The members of `listed` that some of the chosen generate."""
    for group in chosen:
        if not group.is_subgroup_of(whole):
            raise GroupError(f"{group.name} is no subgroup of {whole.name}; give subgroups on the same points")
    kept = []
    for group in listed:
        generators = tuple(g for c in chosen if c.is_subgroup_of(group) for g in c.generators)
        if generators and FiniteGroup("join", whole.degree, generators).order == group.order:
            kept.append(group)
    if not kept:
        raise GroupError("no candidate is left: give at least one subgroup that is not trivial")
    return kept


def named_family(moves: Mapping[str, Moves], inside: Iterable[tuple[str, str]]) -> CandidateFamily:
    """A family of groups known by how they move samples, such as rotations about several axes within SO(3).

    Args:
        moves: by name. inside: pairs (smaller, larger); what follows from them is added. The least group that contains
            two candidates must be the one that they generate, which samplers cannot tell: with C2, C3 and SO2 but no
            C6, both true ones are tested, and the family-wise error is nearly 2 alpha.

    Raises:
        GroupError: a pair names no candidate, or the family is not closed under joins.
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
