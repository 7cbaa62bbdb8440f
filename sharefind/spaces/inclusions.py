"""The lattice of candidate spaces: the distinct fixed spaces of all subgroups, {0} and Z, ordered by inclusion.

This is the exact part of the search. `sharefind.search` trains and tests at each node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sharefind.groups import CompactGroup, FiniteGroup, Group, Representation
from sharefind.groups.labels import subgroup_labels
from sharefind.groups.orthogonal_subgroups import is_compact_subgroup
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER, subgroups
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.spaces.fixed import fixed_space, fixed_space_of
from sharefind.spaces.subspace import Subspace
from sharefind.typing import BoolArray


@dataclass(frozen=True, eq=False)
class LatticeNode:
    """One candidate space.

    Attributes:
        space: The subspace, exact.
        group: The largest subgroup that fixes every point of the space; the whole group for {0}. None for Z under an
            infinite group, whose kernel is not computed.
        group_name: Name of `group`; no other subgroup has it.
        groups: All subgroups with exactly this fixed space, sorted. Empty if the node is {0} and no subgroup has this
            fixed space.
        minimal_groups: The groups of `groups` that contain no other of them.
        index: Position in `InvariantLattice.nodes`.
    """

    space: Subspace
    group: Group | None
    group_name: str
    groups: tuple[Group, ...] = field(default=(), repr=False)
    minimal_groups: tuple[Group, ...] = field(default=(), repr=False)
    index: int = 0

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return self.space.dim

    @property
    def name(self) -> str:
        """Name of the form "E^H", where H is the largest group that fixes the space; "{0}" if {0} is not a
        fixed space.
        """
        return f"E^{self.group_name}" if self.groups or self.group is None else "{0}"

    @property
    def label(self) -> str:
        """Unique name within the lattice: "{0}", "Z" or `name`."""
        return "{0}" if self.space.is_zero else "Z" if self.space.is_full else self.name


@dataclass(frozen=True, eq=False)
class InvariantLattice:
    """Candidate spaces sorted by (dim, label), and their inclusions.

    Attributes:
        nodes: The k candidates, {0} first and Z last.
        below: Shape (k, k), bool: below[i, j] is true if node i lies strictly inside node j.
        edges: Pairs (i, j) such that node i lies strictly inside node j and no node lies between them.
    """

    nodes: tuple[LatticeNode, ...]
    below: BoolArray = field(repr=False)
    edges: tuple[tuple[int, int], ...] = field(repr=False)

    @property
    def zero(self) -> LatticeNode:
        """Node of the space {0}."""
        return self.nodes[0]

    @property
    def full(self) -> LatticeNode:
        """Node of the whole space Z."""
        return self.nodes[-1]

    def find(self, space: Subspace) -> LatticeNode | None:
        """Return the node with exactly this space, or None.

        Args:
            space: The space.
        """
        return next((node for node in self.nodes if node.space == space), None)

    def above(self, node: LatticeNode) -> tuple[LatticeNode, ...]:
        """Return all nodes that strictly contain a node.

        Args:
            node: A node of this lattice.
        """
        return tuple(self.nodes[k] for k in np.flatnonzero(self.below[node.index]))

    def covers(self, node: LatticeNode) -> tuple[LatticeNode, ...]:
        """Return the smallest nodes strictly above a node: the steps that growth may take.

        Args:
            node: A node of this lattice.
        """
        return tuple(self.nodes[j] for i, j in self.edges if i == node.index)

    def covered_by(self, node: LatticeNode) -> tuple[LatticeNode, ...]:
        """Return the largest nodes strictly inside a node: the steps back.

        Args:
            node: A node of this lattice.
        """
        return tuple(self.nodes[i] for i, j in self.edges if j == node.index)

    def smallest_containing(self, *spaces: Subspace) -> LatticeNode:
        """Return the smallest node that contains all the spaces.

        It is unique, because E^H and E^K intersect in E^<H, K>. A numerical space counts as contained up to its
        tolerance.

        Args:
            *spaces: Subspaces of the same parameter space.

        Raises:
            SpaceError: A space has another ambient dimension.
        """
        # Nodes are sorted by dimension, and any node that contains the spaces contains the smallest one.
        return next(node for node in self.nodes if all(node.space.contains(space) for space in spaces))


def invariant_lattice(
    rep: Representation, max_order: int = MAX_SUBGROUP_ORDER, limits: Limits = DEFAULT_LIMITS
) -> InvariantLattice:
    """Return the lattice of the fixed spaces of all subgroups of the acting group, with {0} and Z.

    The closed subgroups of an infinite group are not enumerated; its lattice is {0}, E^G and Z.

    Args:
        rep: The action.
        max_order: Largest order of a finite group.
        limits: `limits.lattice` bounds the number of subgroups.

    Raises:
        GroupError: The order of a finite group exceeds `max_order`, or it has more subgroups than `limits.lattice`.
    """
    return _ordered(_finite_nodes(rep, max_order, limits)) if rep.group.is_finite else chain_lattice(rep)


def _ordered(unordered: list[LatticeNode]) -> InvariantLattice:
    ordered = sorted(unordered, key=lambda node: (node.dim, node.label))
    nodes = tuple(replace(node, index=k) for k, node in enumerate(ordered))
    below = np.array([[low.dim < high.dim and _inside(low, high) for high in nodes] for low in nodes])
    between = below.astype(np.int64) @ below.astype(np.int64) > 0
    return InvariantLattice(nodes, below, tuple((int(i), int(j)) for i, j in np.argwhere(below & ~between)))


def chain_lattice(rep: Representation) -> InvariantLattice:
    """Return the lattice {0}, E^G and Z, for a group whose subgroups are not listed.

    Args:
        rep: The action.

    Raises:
        SpaceError: The action is on a space without coordinates.
    """
    group, space = rep.group, fixed_space(rep)
    nodes = [LatticeNode(space, group, group.name, (group,), (group,))]
    if not space.is_zero:
        nodes.append(LatticeNode(Subspace.zero(rep.dim), group, group.name))
    if not space.is_full:
        trivial = (FiniteGroup("C1", group.degree, ()),) if isinstance(group, FiniteGroup) else ()
        nodes.append(LatticeNode(Subspace.full(rep.dim), trivial[0] if trivial else None, "C1", trivial, trivial))
    return _ordered(nodes)


def lattice_of_groups(rep: Representation, groups: Sequence[FiniteGroup]) -> InvariantLattice:
    """Return the lattice of {0}, the fixed spaces of chosen subgroups, E^G and Z, for a group with too many subgroups
    to list.

    Args:
        rep: The action of the whole group G.
        groups: Subgroups of G, closed under joins. G and the trivial group are added.

    Raises:
        SpaceError: The action is on a space without coordinates.
    """
    whole = rep.finite_group
    trivial = FiniteGroup("C1", whole.degree, (), whole.natural_blocks)
    listed = sorted(dict.fromkeys((trivial, *groups, whole)), key=lambda g: (g.order, g.name, g.generators))
    return _ordered(_nodes_of(rep, listed))


def lattice_of_compact(rep: Representation, groups: Sequence[CompactGroup]) -> InvariantLattice:
    """Return the lattice of {0}, the fixed spaces of chosen subgroups of an infinite group, and Z.

    Args:
        rep: The action of the whole group. It must record how it was composed, so that it can be restricted.
        groups: Subgroups with unique names, closed under joins, the whole group last.

    Raises:
        SpaceError: The action is on a space without coordinates.
    """
    fixing: dict[Subspace, list[CompactGroup]] = {}
    for group in groups:
        fixing.setdefault(fixed_space_of(rep, group), []).append(group)
    nodes = []
    for space, members in fixing.items():
        largest = next(g for g in reversed(members) if all(is_compact_subgroup(h, g) for h in members))
        smallest = [g for g in members if not any(h is not g and is_compact_subgroup(h, g) for h in members)]
        nodes.append(LatticeNode(space, largest, largest.name, tuple(members), tuple(smallest)))
    if not any(space.is_zero for space in fixing):
        nodes.append(LatticeNode(Subspace.zero(rep.dim), rep.group, rep.group.name))
    if not any(space.is_full for space in fixing):
        nodes.append(LatticeNode(Subspace.full(rep.dim), None, "C1"))
    return _ordered(nodes)


def tying_lattice(rep: Representation, space: Subspace, name: str) -> InvariantLattice:
    """Return the lattice of {0}, one space that need not be the fixed space of a group, and Z, under a trivial group.

    Args:
        rep: The action of the trivial group.
        space: The space.
        name: Name of the space, shown as E^name.
    """
    whole = rep.group
    zero, full = Subspace.zero(rep.dim), Subspace.full(rep.dim)
    fixed = LatticeNode(full, whole, whole.name, (whole,), (whole,))
    return _ordered([LatticeNode(zero, whole, whole.name), LatticeNode(space, None, name), fixed])


def _finite_nodes(rep: Representation, max_order: int, limits: Limits) -> list[LatticeNode]:
    return _nodes_of(rep, subgroups(rep.finite_group, max_order, limits))


def _nodes_of(rep: Representation, listed: Sequence[FiniteGroup]) -> list[LatticeNode]:
    """Return {0} and the distinct fixed spaces of subgroups that are closed under joins and sorted by order."""
    group = rep.finite_group
    labels = dict(zip(listed, subgroup_labels(listed, group), strict=True))
    fixing: dict[Subspace, list[FiniteGroup]] = {}
    for subgroup in listed:
        fixing.setdefault(fixed_space(rep.restrict(subgroup)), []).append(subgroup)
    nodes = []
    for space, groups in fixing.items():
        # The join of these groups has the same fixed space, so it is the group of largest order.
        largest = max(groups, key=lambda group: group.order)
        nodes.append(LatticeNode(space, largest, labels[largest], tuple(groups), _minimal(groups)))
    zero = Subspace.zero(rep.dim)
    return nodes if zero in fixing else [*nodes, LatticeNode(zero, group, labels[listed[-1]])]


def _minimal(groups: Sequence[FiniteGroup]) -> tuple[FiniteGroup, ...]:
    """Return the inclusion-minimal groups of a list sorted by order."""
    chosen: list[FiniteGroup] = []
    for group in groups:
        if not any(smaller.is_subgroup_of(group) for smaller in chosen):
            chosen.append(group)
    return tuple(chosen)


def _inside(low: LatticeNode, high: LatticeNode) -> bool:
    """Return whether E^H lies in E^K: exactly when the largest group of E^H contains that of E^K. The cost does not
    grow with dim Z.
    """
    if low.space.is_zero or high.space.is_full:
        return True
    if isinstance(low.group, FiniteGroup) and isinstance(high.group, FiniteGroup):
        return high.group.is_subgroup_of(low.group)
    if isinstance(low.group, CompactGroup) and isinstance(high.group, CompactGroup):
        return is_compact_subgroup(high.group, low.group)
    return high.space.contains(low.space)
