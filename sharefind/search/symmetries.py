"""Which candidate groups the law of the data has: exact tests of all of them, before anything is trained.

The statistics and the closed testing are `sharefind.inference`; here is what a problem asks of them. `stopping` and
`growth` decide which spaces hold and where the search goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.groups.vector_types import vector_labels
from sharefind.inference import (
    FamilyTest,
    RandomisationTest,
    Verdict,
    independence_test,
    moved_coordinates,
    rotation_test,
)
from sharefind.inference.continuous.rotations import LARGEST, least_copies
from sharefind.inference.inner_products import inner_products
from sharefind.inference.relation.group_shares import GroupShares
from sharefind.inference.tests.closed_testing import remembered
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.blind import tying_p_value
from sharefind.search.law_tests import candidate_family, law_test, tested_samples
from sharefind.search.memory import KeptTests, Memory
from sharefind.search.problem import Problem
from sharefind.search.relations import likeliest_group, relations_of
from sharefind.search.units_of_rows import can_permute

if TYPE_CHECKING:
    from sharefind.inference.relation.relation_family import RelationFamily

INDEPENDENCE = "independence"
"""Name under which the test of "Y is independent of X" is kept."""


@dataclass(frozen=True)
class Symmetries:
    """The results of the tests of the candidate's subgroups.

    Attributes:
        independence: Test that Y is independent of X; None where {0} is the fixed space of a group, which is tested
            instead.
        law: Exact tests that the law of (X, Y) is invariant; None when the labels look independent of the inputs, when
            no group is a candidate, or when the relation alone was asked for.
        orders: Orders of the groups, None for infinity.
        tying_p_value: p-value of a space that no group ties.
        inputs: Exact tests that the law of X alone is invariant, where these were asked for.
        relation: Tests that E[Y | X] is equivariant, where these were made.
        likeliest: The group that the evidence favours, beside the tested ones.
        decided_by: The symmetry that determines E_*.
    """

    independence: RandomisationTest | None
    law: FamilyTest | None
    orders: Mapping[str, int | None] = field(default_factory=dict)
    tying_p_value: float | None = None
    inputs: FamilyTest | None = None
    relation: RelationFamily | None = None
    likeliest: GroupShares | None = None
    decided_by: Literal["law", "relation"] = "law"

    @property
    def family(self) -> FamilyTest | None:
        """The tests that decide: of the law, or of the relation."""
        if self.decided_by == "law" or self.relation is None:
            return self.law
        return self.relation.family

    @property
    def deciding(self) -> tuple[str, RandomisationTest] | None:
        """The test on which E_* depends: of the largest group that was accepted, or of independence."""
        if self.family is None:
            return None if self.independence is None else (INDEPENDENCE, self.independence)
        return next(((n, self.family.tests[n]) for n in self.family.maximal if n in self.family.tests), None)

    def verdicts(self, names: Iterable[str]) -> dict[str, Verdict]:
        """Return verdicts of groups, as far as they were candidates.

        Args:
            names: Names of the groups.
        """
        return {} if self.family is None else {n: self.family.verdicts[n] for n in names if n in self.family.verdicts}


def symmetries(problem: Problem, memory: Memory, progress: StageProgress, *, whole: bool = False) -> Symmetries | None:
    """Test the candidate's subgroups; None where no test is evidence: a blind search, or a scheme that imposes them.

    Y is tested for independence of X first, unless {0} is the fixed space of a candidate; groups are tested when that
    is rejected.

    Args:
        problem: The problem of the search.
        memory: Tests that were finished before.
        progress: Called before each test.
        whole: Test the candidate alone, and none of its proper subgroups.

    Returns:
        The verdicts; None where there is nothing to test.

    Raises:
        ConfigError: so few copies cannot reject at alpha.
    """
    if problem.lattice is None or not problem.settings.config.scheme.is_evidence:
        return None
    settings, (x, y) = problem.settings, tested_samples(problem)
    gate = _independence(problem, x, y, memory, progress) if has_gate(problem) else None
    if gate is not None and gate.p_value > settings.alpha:
        if problem.blind is None or not problem.blind.finding.has_signal:
            return Symmetries(gate, None)
        gate = None  # The samples that proposed the group show a signal, which settles the matter.
    plane = turned_plane(problem)
    if plane is not None:
        return _rotations(problem, x, y, plane, gate, memory, progress)
    family = candidate_family(problem, whole=whole)
    if family is None:
        return Symmetries(gate, None, tying_p_value=_tying_p_value(problem))
    orders = {c.name: c.order for c in family.candidates}
    likeliest = likeliest_group(problem, family, memory, progress)
    evidence = None if likeliest is None else likeliest.log_evidence
    if evidence is None and problem.inside is not None:
        evidence = problem.inside.evidence(problem.label_of)
    law = None if settings.symmetry == "relation" else law_test(problem, family, memory, progress, evidence)
    relations = relations_of(problem, family, law, likeliest, memory, progress)
    return Symmetries(gate, law, orders, **vars(relations))


def has_gate(problem: Problem) -> bool:
    """Return whether Y is tested for independence of X first.

    It is not where {0} is the fixed space of a candidate, or X never changes, so that independence means nothing.

    Args:
        problem: The problem.
    """
    constant = problem.x is not None and bool((problem.x == problem.x[0]).all())
    is_needed = not constant and (problem.lattice is None or not problem.lattice.zero.groups)
    return is_needed and can_permute(problem.units, problem.settings.alpha)


def _tying_p_value(problem: Problem) -> float | None:
    """Return the p-value of a blind proposal that no group ties, in the units of the user's data."""
    blind, task = problem.blind, problem.task
    if blind is None or blind.tying is None:
        return None
    if task.x is None or task.y is None or blind.rows is None:
        x, y = tested_samples(problem)
        return tying_p_value(blind.finding, x.numpy(), y.numpy())
    return tying_p_value(blind.finding, task.x[blind.rows], task.y[blind.rows])


def turned_plane(problem: Problem) -> tuple[int, int] | None:
    """Return the coordinate plane of X that SO(2) turns while labels stay; None for other groups, actions and
    statistics.

    There the closed subgroups C_2, ..., C_24 are candidates too.

    Args:
        problem: The problem.
    """
    candidate = problem.candidate
    other = problem.settings.statistic is not None
    if other or candidate.group.name != "SO2" or isinstance(candidate.group, FiniteGroup):
        return None
    rng = named_stream(problem.settings.seed, "symmetries", "plane")
    moves = problem.joint_action(candidate.group)
    moved = np.flatnonzero(moved_coordinates(moves, candidate.in_rep.dim, candidate.out_rep.dim, rng))
    basis = torch.eye(candidate.out_rep.dim, dtype=torch.float64).unsqueeze(0)
    x = torch.zeros(1, candidate.out_rep.dim, candidate.in_rep.dim, dtype=torch.float64)
    _, labels = moves.move(moves.draw((1, candidate.out_rep.dim), rng), x, basis)
    stays = bool(torch.allclose(labels, basis))
    return (int(moved[0]), int(moved[1])) if len(moved) == 2 and stays else None


def _rotations(
    problem: Problem,
    x: Tensor,
    y: Tensor,
    plane: tuple[int, int],
    gate: RandomisationTest | None,
    memory: Memory,
    progress: StageProgress,
) -> Symmetries:
    """SO(2) and its subgroups, which have a test of their own: they are not closed under joins.

    Each prime has its share of the level, for which more copies are needed than the settings may say.
    """
    settings = problem.settings
    least = least_copies(settings.alpha, 1)
    (found,) = rotation_test(
        x,
        y,
        [plane],
        alpha=settings.alpha,
        copies=max(least, settings.config.copies or 0),
        seed=settings.seed,
        progress=lambda name, done, total: progress(f"test of {name}", done, total),
        memory=KeptTests(memory),
        workers=settings.workers,
        grow=settings.grows,
        units=problem.units,
    ).planes
    listed = [n for n in found.accepted if n == "SO2" or int(n[1:]) <= LARGEST]
    verdicts = {n: Verdict.ACCEPTED for n in listed} | {n: Verdict.REJECTED for n in found.rejected}
    ordered = {n: verdicts[n] for n in sorted(verdicts, key=_rotation_order)}
    adjusted = {n: found.p_adjusted.get(n, found.p_adjusted["SO2"]) for n in ordered}
    # Beyond the largest candidate a product of what was left standing one by one is no finding of its own.
    maximal = () if found.order == 1 or found.beyond else (found.name,)
    family = FamilyTest(ordered, found.tests, adjusted, maximal, settings.alpha, ())
    return Symmetries(gate, family, {n: None if n == "SO2" else int(n[1:]) for n in ordered})


def _rotation_order(name: str) -> float:
    return math.inf if name == "SO2" else float(name[1:])


def _independence(problem: Problem, x: Tensor, y: Tensor, memory: Memory, progress: StageProgress) -> RandomisationTest:
    def test() -> RandomisationTest:
        progress(f"test of {INDEPENDENCE}", 0, 1)
        settings, moves = problem.settings, problem.joint_action(problem.candidate.group)
        rng = named_stream(settings.seed, "symmetries", INDEPENDENCE)
        moved = moved_coordinates(moves, x.shape[1], y.shape[1], rng)
        level = settings.alpha if settings.grows else None
        units, views = problem.units, _views(problem, x)
        return independence_test(x, y, rng, settings.copies, moved, settings.workers, units, level, views)

    return remembered(KeptTests(memory), INDEPENDENCE, test)


def _views(problem: Problem, x: Tensor) -> list[Tensor]:
    """The invariants of inputs under rotations, which alone show a permutation of points in arbitrary positions."""
    rep = problem.candidate.in_rep
    if not (rep.lie and rep.is_orthogonal):
        return []
    labels = vector_labels(rep)
    return [inner_products(x, labels)] if any(labels) else []
