"""The problem with its exact tests: which symmetries would keep particles on a node, and what was found of them.

The exact part comes from the candidate's invariant lattice, the verdicts from `symmetries`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from sharefind.errors import setting
from sharefind.groups import FiniteGroup, Group
from sharefind.groups.orthogonal_subgroups import is_compact_subgroup
from sharefind.inference import FamilyTest, Verdict
from sharefind.search.problem import Problem
from sharefind.search.search_lattice import SearchNode
from sharefind.search.symmetries import Symmetries
from sharefind.spaces import LatticeNode

Hypothesis = Group | None
"""A symmetry of the law of (X, Y); None is "Y is independent of X", under which nothing can be learned."""


@dataclass(frozen=True)
class Judgement:
    """Result of the exact tests at a node.

    Attributes:
        null: The symmetry of the node with the largest p-value, whose moves make the copies; None for "Y is independent
            of X".
        p_value: p-value of the node, the largest of its symmetries; None where none of them was tested.
        p_adjusted: The same, adjusted.
        holds: Whether a symmetry of the node was accepted.
        preferred: Groups that were accepted, for their evidence, in place of a symmetry that was not rejected either,
            where the two exclude each other.
        is_tying: Whether the space belongs to no group.
        doubt: Why the relation under the node's groups is undecided, where it is; otherwise empty.
    """

    null: Hypothesis
    p_value: float | None
    p_adjusted: float | None
    holds: bool
    preferred: str | None = None
    is_tying: bool = False
    doubt: str = ""


@dataclass(frozen=True)
class TestedProblem(Problem):
    """A problem with the exact tests of its candidate's subgroups.

    Attributes:
        symmetries: Results of the tests; None where there is nothing to test, or a search ended before its tests did.
    """

    symmetries: Symmetries | None = field(kw_only=True)

    @classmethod
    def of(cls, problem: Problem, symmetries: Symmetries | None) -> TestedProblem:
        """Return a problem with its tests.

        Args:
            problem: The problem.
            symmetries: The tests; None where none were made.
        """
        return cls(**{f.name: getattr(problem, f.name) for f in fields(Problem)}, symmetries=symmetries)

    @property
    def family(self) -> FamilyTest | None:
        """The tests of the groups that decide, None where none was tested."""
        return None if self.symmetries is None else self.symmetries.family

    @property
    def independence_p_value(self) -> float | None:
        """p-value of "Y is independent of X", None where that was not tested."""
        gate = None if self.symmetries is None else self.symmetries.independence
        return None if gate is None else gate.p_value

    @property
    def by_relation(self) -> bool:
        """Whether the tests that decide are of the relation E[Y | X], not of the law of (X, Y)."""
        return self.symmetries is not None and self.symmetries.decided_by == "relation"

    @property
    def one_sided(self) -> tuple[str, ...]:
        """Groups whose relation is undecided, since the inputs show one side of it only; none where the law decides."""
        found = None if self.symmetries is None or not self.by_relation else self.symmetries.relation
        return () if found is None else tuple(n for n in found.one_sided if n in found.family.undecided)

    def _doubt(self, names: Iterable[str]) -> str:
        """Why the relation under one of these groups is undecided; empty where none is, or the law decides."""
        found = None if self.symmetries is None or not self.by_relation else self.symmetries.relation
        doubts = {} if found is None else found.doubts
        return next((doubts[name].value for name in names if name in doubts), "")

    def judgement(self, node: SearchNode) -> Judgement:
        """Return the exact tests of the symmetries that would keep particles on E_j, an intersection-union test.

        E_j holds if any group with exactly this fixed space is a symmetry, so it is rejected when all of them are.

        Args:
            node: The node.
        """
        place, found, family, gate = self.lattice_node(node), self.symmetries, self.family, self.independence_p_value
        if found is not None and is_tying(place):
            p = found.tying_p_value
            return Judgement(None, p, p, p is not None and p > self.settings.alpha, is_tying=True)
        if family is None or place is None or not place.groups:
            return Judgement(None, gate, gate, gate is not None and gate > self.settings.alpha)
        names = {self.label_of(g): g for g in place.groups}
        tested = [n for n in names if n in family.tests]
        kept = [n for n in names if family.verdicts.get(n) is Verdict.ACCEPTED]
        undecided = any(family.verdicts.get(n) is Verdict.UNDECIDED for n in names)
        doubt = "" if kept else self._doubt(names)
        preferred = family.maximal[0] if undecided and not kept and family.maximal and not doubt else None
        if not tested:
            return Judgement(place.group, None, None, bool(kept), preferred, doubt=doubt)
        best = max(tested, key=lambda n: family.tests[n].p_value)
        adjusted = max(family.p_adjusted[best], gate or 0.0)
        p = family.tests[best].p_value
        return Judgement(names[best], p, adjusted, bool(kept), preferred, doubt=doubt)

    def leads_to_accepted(self, node: SearchNode) -> bool:
        """Return whether the node lies inside the space of a group that the tests accepted; inside Z when they accepted
        none.

        Args:
            node: The node.
        """
        place, lattice = self.lattice_node(node), self.lattice
        if place is None or lattice is None or self.family is None:
            return False
        homes = [n for n in lattice.nodes if self.accepted_groups(n)] or [lattice.full]
        smallest = min(homes, key=lambda n: n.dim)
        return smallest.index == place.index or bool(lattice.below[place.index, smallest.index])

    def accepted_groups(self, place: LatticeNode) -> list[Group]:
        """Return the groups with exactly this fixed space that the exact tests accepted.

        Args:
            place: Place of the node in the lattice.
        """
        verdicts = {} if self.family is None else self.family.verdicts
        return [g for g in place.groups if verdicts.get(self.label_of(g)) is Verdict.ACCEPTED]

    def is_rejected(self, place: LatticeNode) -> bool:
        """Return whether the exact tests rejected every group that would keep particles there.

        Args:
            place: Place of the node in the lattice.
        """
        if self.family is None or self.lattice is None:
            return False
        return place.index != self.lattice.full.index and not self.accepted_groups(place)

    @property
    def left_open(self) -> str | None:
        """Why the exact tests leave E_* to chance, where they decide: the deciding test is open; None elsewhere."""
        found = self.symmetries
        deciding = None if found is None or not self.settings.stopping.decides_by_tests else found.deciding
        if deciding is None or not deciding[1].is_open:
            return None
        (name, test), alpha = deciding, self.settings.alpha
        low, high = test.interval
        return (
            f"the test of {name} is open: with {test.copies} copies its p-value lies between {low:.3g} and {high:.3g}, "
            f"and alpha is {alpha:g}; give more rows, or another {setting('alpha')}"
        )


def is_tying(place: LatticeNode | None) -> bool:
    """Return whether a candidate space belongs to no group, for example a translation on windows.

    Args:
        place: Place of the node in the lattice.
    """
    return place is not None and not place.groups and not place.space.is_zero


def identity_of(null: Hypothesis) -> str:
    """Return the name of a hypothesis in random streams.

    For a group that is small enough to list, it does not depend on which generators are given, or in which order.

    Args:
        null: The hypothesis.
    """
    if null is None:
        return "independence"
    if isinstance(null, FiniteGroup) and not null.is_small:
        return f"{null.degree} points, {sorted(null.generators)}"
    if isinstance(null, FiniteGroup):
        return repr(sorted(map(tuple, null.elements().tolist())))
    return null.name


def is_within(inner: Group, outer: Group) -> bool:
    """Return whether a group is a subgroup of another.

    Args:
        inner: The group.
        outer: The other group.
    """
    return inner is outer or is_compact_subgroup(inner, outer)
