"""The subgroups of a group that samples support, for groups of any size; no list of subgroups is needed.

Elements that nearly keep the least-squares coefficients (`subgroup_search`) are joined as long as the evidence grows
(`climb`); what has most of the posterior is proposed, with the subgroups below it and all joins. Exact tests on other
samples decide whether one of them holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.joins import JoinClosed, generated_subgroup, subgroups_below
from sharefind.groups.joint_points import JointPoints
from sharefind.groups.stabiliser_chain import Permutations, StabiliserChain
from sharefind.inference.partitions.linear_estimates import finite_array
from sharefind.proposal.climb import Climb, Generators
from sharefind.proposal.coefficients import About
from sharefind.proposal.least_squares import has_origin, least_squares
from sharefind.proposal.log_evidence import Labels, LogEvidence, of_classes
from sharefind.proposal.noisy_automorphisms import Effort
from sharefind.proposal.posterior import Posterior, TiedSpace, posterior
from sharefind.proposal.subgroup_search import SubgroupSearch, Table, coordinate_chain, keepers
from sharefind.proposal.tied_relations import TiedRelations, on_layout
from sharefind.recognition import Layout
from sharefind.recognition.layout import Axis
from sharefind.recognition.naming import permutation_group_name
from sharefind.spaces import tying
from sharefind.typing import IntArray


@dataclass(frozen=True)
class SubgroupProposing:
    """How widely subgroups are searched, and how many are proposed.

    Attributes:
        credible: Posterior share of the groups that are proposed together.
        most_proposed: Groups that are proposed at most.
        fallbacks: Groups inside the proposed ones that follow them, for the case that these are rejected.
        most_tested: Groups that are tested at most, with all joins.
        most_below: Subgroups of a proposed group at most.
        rounds: Times that elements are looked for again, with coefficients tied by the best groups so far: these are
            known better.
        refined: Groups by which coefficients are tied in a round.
        effort: How long elements are searched.
    """

    credible: float = 0.95
    most_proposed: int = 5
    fallbacks: int = 3
    most_tested: int = 150
    most_below: int = 60
    rounds: int = 4
    refined: int = 3
    effort: Effort = field(default_factory=lambda: Effort(expansions=400))


PROPOSING_SUBGROUPS = SubgroupProposing()


@dataclass(frozen=True, eq=False)
class ProposedSubgroup:
    """A subgroup that samples support.

    Attributes:
        group: The subgroup on the points of the whole group.
        share: Share of the posterior over the groups that were looked at; None where the search was cut short.
        log_odds: Log evidence over that of no symmetry.
    """

    group: FiniteGroup
    share: float | None
    log_odds: float


@dataclass(frozen=True, eq=False)
class SubgroupFinding:
    """The subgroups of a group that samples propose.

    Attributes:
        whole: The group.
        proposed: Subgroups that samples support, the likeliest first; none where they show no signal.
        family: Groups to test: these, subgroups below them and all joins, the whole group among them.
        log_evidence: Log evidence of each member of the family.
        samples: n that proposed.
        has_signal: Whether coefficients differ from noise at all.
        is_exhaustive: Whether the search was not cut short.
        relations: The relation that they expect under the ties of each member of the family; None without a signal.
    """

    whole: FiniteGroup
    proposed: tuple[ProposedSubgroup, ...]
    family: tuple[FiniteGroup, ...]
    log_evidence: Mapping[FiniteGroup, float]
    samples: int
    has_signal: bool
    is_exhaustive: bool
    relations: TiedRelations | None = None


def propose_subgroups(
    x: Any,
    y: Any,
    in_rep: Representation,
    out_rep: Representation,
    *,
    settings: SubgroupProposing = PROPOSING_SUBGROUPS,
    names: Sequence[str] = (),
) -> SubgroupFinding:
    """Return the subgroups of a finite group that n samples support.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        in_rep: How the group acts on x, by signed permutations.
        out_rep: How it acts on y, the same.
        settings: How widely subgroups are searched.
        names: Names of the columns of x, for messages.

    Returns:
        What is proposed and what is to be tested.

    Raises:
        InputError: There are too few samples, a value is not finite, or one input determines another.
        RepresentationError: The group acts by other matrices.
    """
    x, y = finite_array(x, "x", 2), finite_array(y, "y", 2)
    points = JointPoints.of((out_rep, in_rep))
    layout = Layout((Axis("out", out_rep.dim, "signed"), Axis("in", in_rep.dim, "signed")), ((0, 1),))
    is_signed = any(np.any(np.asarray(rep.sparse_generators[1]) < 0) for rep in (in_rep, out_rep))
    about: About = "origin" if is_signed and has_origin(x) else "mean"
    coefficients = least_squares(x, y, layout, about, names=names)
    start = points.group.degree
    ambient = tuple(np.asarray(g[start:], dtype=np.int64) - start for g in points.generators)
    return _Exploration(points, LogEvidence(coefficients, ambient=ambient), settings).finding()


@dataclass(frozen=True, eq=False)
class _GroupClimb(Climb):
    """A climb among groups that differ in any block of coefficients, not in the weights alone."""

    known: dict[tuple[bytes, ...], list[Labels]] = field(default_factory=dict)

    def _patterns(self, generators: Generators) -> list[Labels]:
        key = tuple(g.tobytes() for g in generators)
        if key not in self.known:
            self.known[key] = self.evidence.patterns(generators)
        return self.known[key]

    def _log(self, generators: Generators) -> float:
        return self.evidence.log_of(self._patterns(generators))

    def _pattern(self, generators: Generators) -> Labels:
        return tying.side_by_side(self._patterns(generators))

    def _space(self, generators: Generators) -> bytes:
        return self._pattern(generators).tobytes()

    def _keeps(self, generators: Generators, g: IntArray) -> bool:
        patterns = dict(zip(self.evidence.speaking, self._patterns(generators), strict=True))
        return self.evidence.keeps(g, patterns)

    def spaces(self) -> list[TiedSpace]:
        return [TiedSpace("", self._pattern(found), log, found) for log, found in self.visited.values()]


@dataclass(frozen=True, eq=False)
class _Exploration:
    """A group with its ties of the coefficients.

    points: of the group, outputs and inputs. evidence: of the coefficients.
    """

    points: JointPoints
    evidence: LogEvidence
    settings: SubgroupProposing

    @cached_property
    def chain(self) -> StabiliserChain:
        return coordinate_chain(self.points)

    @cached_property
    def kernel(self) -> list[IntArray]:
        """Generators of the elements that move no coordinate; they belong to every proposal."""
        degree = self.points.group.degree
        level = next((level for level in self.chain.levels if level.point < degree), None)
        return [] if level is None else [np.asarray(g[:degree], dtype=np.int64) for g in level.generators]

    def finding(self) -> SubgroupFinding:
        """The proposals of the samples."""
        whole, samples = self.points.group, self.evidence.coefficients.samples
        if not self.evidence.has_signal:
            return SubgroupFinding(whole, (), (whole,), {}, samples, False, True)
        climb, is_exhaustive = self._climbed()
        found = posterior(climb.spaces())
        proposed = self._proposed(found, climb.look(()), is_exhaustive)
        family = self._family(found, proposed)
        relations = TiedRelations(self.points, self.evidence, family)
        logs = {group: relations.log(group) for group in family}
        return SubgroupFinding(whole, proposed, family, logs, samples, True, is_exhaustive, relations)

    def _climbed(self) -> tuple[_GroupClimb, bool]:
        """All groups that were looked at, and whether no search was cut short."""
        climb = _GroupClimb(self.evidence)
        search = self._search(self._tables())
        climb.run(on_layout(self.points, search.candidates()))
        climb.look(tuple(self.evidence.ambient or ()))
        is_exhaustive, refined = search.is_exhaustive, set[bytes]()
        for _ in range(self.settings.rounds):
            ranked = sorted(climb.visited.items(), key=lambda item: -item[1][0])[: self.settings.refined]
            fresh = [(key, generators) for key, (_, generators) in ranked if generators and key not in refined]
            if not fresh:
                break
            refined |= {key for key, _ in fresh}
            elements: list[IntArray] = []
            for _, generators in fresh:
                again = self._search(self._tied_tables(generators))
                elements += [*generators, *on_layout(self.points, again.candidates())]
                is_exhaustive &= again.is_exhaustive
            climb.run(list({g.tobytes(): g for g in elements}.values()))
        return climb, is_exhaustive

    def _search(self, tables: Sequence[Table]) -> SubgroupSearch:
        return SubgroupSearch(self.points, tables, self.chain, self.settings.effort)

    def _tables(self) -> list[Table]:
        """The coefficients that say how y depends on x; noise alone would only hide what these say."""
        return [Table.of(self.evidence.blocks[k].block) for k in self.evidence.telling]

    def _tied_tables(self, generators: Generators) -> list[Table]:
        """The same under the ties of a group, which are known better, the more it ties."""
        patterns = dict(zip(self.evidence.speaking, self.evidence.patterns(generators), strict=True))
        tables = []
        for k in self.evidence.telling:
            block, labels = self.evidence.blocks[k].block, patterns[k]
            values, errors = self.evidence.blocks[k].refit(labels) if labels.max() else (np.empty(0), np.empty(0))
            tied, spread = of_classes(values, labels), of_classes(errors**2, np.abs(labels))
            shape = block.values.shape
            tables.append(replace(Table.of(block, tied.reshape(shape)), variances=spread.reshape(shape)))
        return tables

    def _proposed(self, found: Posterior, alone: float, is_exhaustive: bool) -> tuple[ProposedSubgroup, ...]:
        """The likeliest groups, each the largest that ties the same coefficients; the trivial one is none."""
        chosen: dict[FiniteGroup, ProposedSubgroup] = {}
        credible = found.first(self.settings.credible)[: self.settings.most_proposed]
        for space, share in zip(credible, found.shares, strict=False):
            group = self._closure(space)
            if group.order > 1 and group not in chosen:
                chosen[group] = ProposedSubgroup(group, share if is_exhaustive else None, space.log - alone)
        return tuple(chosen.values())

    def _closure(self, space: TiedSpace) -> FiniteGroup:
        """The largest subgroup that leaves fixed in all blocks what the generators of a space do."""
        blocks, patterns = self.evidence.coefficients.blocks, self.evidence.patterns(space.generators or ())
        tables = [
            Table.of(blocks[k], labels.reshape(blocks[k].values.shape).astype(np.float64))
            for k, labels in zip(self.evidence.speaking, patterns, strict=True)
            if k < len(blocks)
        ]
        degree = self.points.group.degree
        found = keepers(self.points, tables, self.chain)
        return self._named([g[:degree] for g in found])

    def _named(self, moves: Sequence[IntArray] | Sequence[Permutations]) -> FiniteGroup:
        whole = self.points.group
        group = generated_subgroup(whole, (*moves, *self.kernel))
        if group.order == whole.order:
            return whole
        return generated_subgroup(whole, group.generators, permutation_group_name(group))

    def _family(self, found: Posterior, proposed: Sequence[ProposedSubgroup]) -> tuple[FiniteGroup, ...]:
        """The groups to test: proposals while their joins are not too many, and subgroups of the first.

        It follows from the proposing samples alone.
        """
        settings, whole = self.settings, self.points.group
        family = JoinClosed(whole, settings.most_tested)
        for one in proposed:
            family.add([one.group])
        first = next((one.group for one in proposed if one.group != whole), None)
        if first is not None:
            family.add(subgroups_below(first, settings.most_below), is_closed=True)
        for group in self._inside(found, proposed):
            family.add([group])
        return tuple(self._titled(group) for group in family.members)

    def _inside(self, found: Posterior, proposed: Sequence[ProposedSubgroup]) -> list[FiniteGroup]:
        """The likeliest groups that lie inside a proposal and are none."""
        taken, inside = {one.group for one in proposed}, list[FiniteGroup]()
        for space in found.ranked[: self.settings.most_proposed * (1 + self.settings.fallbacks)]:
            group = self._closure(space)
            if group.order > 1 and group not in taken and any(_is_inside(group, one.group) for one in proposed):
                inside.append(group)
                taken.add(group)
        return inside[: self.settings.fallbacks]

    def _titled(self, group: FiniteGroup) -> FiniteGroup:
        """The same with a name that says what it is, where a join has none yet."""
        if group.name != "?":
            return group
        return generated_subgroup(self.points.group, group.generators, permutation_group_name(group))


def _is_inside(inner: FiniteGroup, outer: FiniteGroup) -> bool:
    return inner.order < outer.order and outer.order % inner.order == 0 and inner.is_subgroup_of(outer)
