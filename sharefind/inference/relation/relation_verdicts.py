r"""Closed testing of relations where inputs may show one side of a group only: what is tested next, what is concluded.

Pure functions of p-values, overlaps and inclusions. A group is *decidable* where its overlap is large enough to accept
it, else *one-sided*. The local test of a decidable group rejects where p <= alpha. The local test of a one-sided group
spends half of alpha on its own p-value and shares the other half among its decidable subgroups that lie inside no other
one; the `most_shares` largest count (where there are none, it has all of alpha):

$$p_{loc}(G) = \min(2 p_G,\; 2 m \min_{i \le m} p_{K_i}).$$

If the relation has G, it has every $K_i$. So each of these p-values is at most a share of alpha with no more than that
probability, and the local test has the level alpha, whatever their dependence (Bonferroni), as long as overlaps follow
from the inputs alone: then which subgroups count, and how much, is fixed once the inputs are. A group is rejected where
the local tests of it and of all groups that contain it reject. Hypotheses are closed under joins, so that there is a
largest true group, and no true one is rejected unless the local test of that one rejects: the family-wise error is at
most alpha (Marcus, Peritz & Gabriel 1976). Subgroups of a group that is not rejected may be tested, accepted or left
undecided, but never rejected; so looking at them costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sharefind.inference.relation.overlap import OverlapBounds
from sharefind.inference.tests.closed_testing import Verdict
from sharefind.inference.tests.families import CandidateFamily


class Doubt(StrEnum):
    """Why a group is undecided.

    Attributes:
        ONE_SIDED: The inputs show one side of the symmetry only.
        CONTRADICTED: Its own test speaks against it, but a larger group is not rejected.
        CONFLICT: It cannot hold together with the accepted group, for which there is more evidence.
        BESIDE: There is more evidence for the accepted group, and the two together are undecided.
        LARGER: It lies inside a group that is undecided.
    """

    ONE_SIDED = "the inputs show one side of the symmetry only"
    CONTRADICTED = "its own test speaks against it, but a larger group is not rejected"
    CONFLICT = "it cannot hold together with the accepted group, for which there is more evidence"
    BESIDE = "there is more evidence for the accepted group, and the two together are undecided"
    LARGER = "it lies inside a group that is undecided"


@dataclass(frozen=True)
class Found:
    """The result of the test of one group.

    Attributes:
        p_value: p-value of its own test.
        overlap: Overlap of the inputs with the group, see `overlap`.
    """

    p_value: float
    overlap: float


@dataclass(frozen=True)
class RelationClosure:
    """The finished tests of a family, by the place of the candidate, and what follows from them.

    Attributes:
        family: The candidates.
        found: The results of candidates that were tested.
        alpha: Family-wise error rate.
        bounds: Bounds on the overlap.
        most_shares: Most subgroups of a one-sided group that share their half of alpha.
    """

    family: CandidateFamily
    found: Mapping[int, Found]
    alpha: float
    bounds: OverlapBounds
    most_shares: int = 3

    def is_decidable(self, place: int) -> bool:
        """Return whether the inputs show enough of a tested group to accept it.

        Args:
            place: Place of the group in the family.
        """
        return self.found[place].overlap >= self.bounds.accepted

    def ready(self) -> list[int]:
        """Return candidates that must be tested next, the largest first.

        These are candidates inside rejected groups alone, and inside groups that cannot be accepted: one-sided, or
        contradicted by their own test or that of a subgroup.
        """
        left = [place for place in self.order if place not in self.found]
        return [place for place in left if self._is_needed(place)]

    @cached_property
    def order(self) -> list[int]:
        """Candidates from the largest down: a group comes after every group that contains it."""
        return sorted(range(len(self.family.candidates)), key=lambda i: len(self.family.above(i)))

    def _is_needed(self, place: int) -> bool:
        above = self.family.above(place)
        if all(j in self.found and not self.is_acceptable(j) for j in above):
            return True
        return any(self._wants(j, place) for j in above)

    def _wants(self, larger: int, place: int) -> bool:
        """Whether the local test of a one-sided group waits for a subgroup: only one-sided ones lie between them."""
        between = [j for j in self.family.above(place) if self.family.inside[j, larger]]
        return all(j in self.found and not self.is_decidable(j) for j in (larger, *between))

    @cached_property
    def local(self) -> dict[int, float]:
        """p-values of the local tests of all tested groups."""
        return {place: self._local(place) for place in self.found}

    def _local(self, place: int) -> float:
        own, shared = self.found[place].p_value, self.shared(place)
        return own if shared is None else min(1.0, 2 * own, shared)

    def shared(self, place: int) -> float | None:
        """Return the p-value of a one-sided group from its decidable subgroups: 2 m times the least p; None where there
        are none.

        Args:
            place: Place of the group in the family.
        """
        parts = [] if self.is_decidable(place) else self.parts(place)
        return 2 * len(parts) * min(self.found[part].p_value for part in parts) if parts else None

    def parts(self, place: int) -> list[int]:
        """Return the decidable subgroups of a one-sided group inside no other one of them, the largest first.

        Args:
            place: Place of the group in the family.
        """
        tested = [i for i in self.family.below(place) if i in self.found and self.is_decidable(i)]
        outer = [i for i in tested if not any(self.family.inside[i, j] for j in tested)]
        return sorted(outer, key=self._rank)[: self.most_shares]

    def _rank(self, place: int) -> tuple[int, float, int]:
        """Largest group first, then largest overlap: nothing that labels decide."""
        return -len(self.family.below(place)), -self.found[place].overlap, place

    @cached_property
    def rejected(self) -> frozenset[int]:
        """Tested groups whose local test rejects, as do those of all that contain them."""
        fails = {place for place, p in self.local.items() if p <= self.alpha}
        return frozenset(place for place in fails if fails.issuperset(self.family.above(place)))

    def is_acceptable(self, place: int) -> bool:
        """Return whether nothing speaks against accepting a tested group, and the inputs show enough of it.

        Args:
            place: Place of the group in the family.
        """
        return place not in self.rejected and self.is_decidable(place) and not self._is_contradicted(place)

    def _is_contradicted(self, place: int) -> bool:
        """Whether its own test speaks against it, or that of a subgroup does."""
        looked_at = (place, *self.family.below(place))
        return any(self.found[i].p_value <= self.alpha for i in looked_at if i in self.found)

    @cached_property
    def standing(self) -> list[int]:
        """Acceptable groups inside no other one."""
        acceptable = [place for place in self.order if place in self.found and self.is_acceptable(place)]
        return [i for i in acceptable if not any(self.family.inside[i, j] for j in acceptable)]

    @cached_property
    def conflict(self) -> list[int]:
        """Standing groups that generate a rejected one with another of them: at least one of these must fail."""
        return [i for i in self.standing if any(self._clash(i, j) for j in self.standing if j != i)]

    def _clash(self, one: int, other: int) -> bool:
        """Whether the group that two standing ones generate is rejected."""
        both = set(self.family.above(one)) & set(self.family.above(other))
        return min(both, key=lambda i: len(self.family.below(i))) in self.rejected

    def verdicts(self, best: int | None) -> Iterator[tuple[int, Verdict, Doubt | None]]:
        """The verdict of each candidate and why it is undecided.

        Args:
            best: The standing group that is accepted; None where none stands.

        Yields:
            The place of a candidate, its verdict, and the doubt of an undecided one.
        """
        for place in range(len(self.family.candidates)):
            if place in self.rejected:
                yield place, Verdict.REJECTED, None
            elif best is not None and (place == best or self.family.inside[place, best]):
                yield place, Verdict.ACCEPTED, None
            else:
                yield place, Verdict.UNDECIDED, self._doubt(place, best)

    def _doubt(self, place: int, best: int | None) -> Doubt:
        if place not in self.found:
            return Doubt.LARGER
        if self._is_contradicted(place):
            return Doubt.CONTRADICTED
        if not self.is_decidable(place):
            return Doubt.ONE_SIDED
        if place not in self.standing:
            return Doubt.LARGER
        return Doubt.CONFLICT if best is not None and self._clash(place, best) else Doubt.BESIDE

    @cached_property
    def one_sided(self) -> list[int]:
        """Tested groups that were not rejected although the inputs show only one side of them."""
        return [i for i in self.order if i in self.found and i not in self.rejected and not self.is_decidable(i)]

    @cached_property
    def unassured(self) -> list[int]:
        """Groups that only their own test rejects, at so small an overlap that its level is not assured."""
        return [place for place in self.order if place in self.rejected and self._is_unassured(place)]

    def _is_unassured(self, place: int) -> bool:
        shared = self.shared(place)
        by_parts = shared is not None and shared <= self.alpha
        return self.found[place].overlap < self.bounds.assured and not by_parts

    def adjusted(self, place: int) -> float:
        """Return the largest local p-value of a candidate and of the groups that contain it, as far as they were
        tested.

        Args:
            place: Place of the group in the family.
        """
        return max(self.local[j] for j in (place, *self.family.above(place)) if j in self.found)
