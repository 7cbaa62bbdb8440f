"""Which candidate groups the law of the data has: exact tests of all of them, before anything is trained.

The statistics and the closed testing are `sharefind.inference`; here is what a problem asks of them. What follows for
the search, which spaces hold and where it goes, is left to `stopping` and `growth`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.groups import FiniteGroup, Group
from sharefind.inference import (
    Candidate,
    CandidateFamily,
    Diagnosis,
    FamilyTest,
    RandomisationTest,
    Verdict,
    diagnose,
    family_test,
    independence_test,
    moved_coordinates,
    rotation_test,
)
from sharefind.inference.continuous.rotations import LARGEST, least_copies
from sharefind.inference.dependence import rows_looked_at
from sharefind.inference.relation.risk_gap import CrossValidation
from sharefind.inference.row_blocks import renumbered
from sharefind.inference.statistics.registry import statistic_of
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.inference.tests.closed_testing import TestMemory
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.parallel import Workers
from sharefind.rng import named_stream
from sharefind.search.blind import tying_p_value
from sharefind.search.experiments import StageProgress
from sharefind.search.hypotheses import label_of
from sharefind.search.problem import Problem
from sharefind.search.searched_unit import searched_unit
from sharefind.search.unit_registry import can_permute

INDEPENDENCE = "independence"
"""Name under which the test of "Y is independent of X" is kept."""

FRESH_SAMPLES = 2000
"""Samples that are drawn for the tests where a task has no finite data."""

DIAGNOSED = 4
"""Most groups that are looked at closely: each costs seconds."""

CONSTANT = 1e-10
"""Relative difference of labels that is rounding."""

FEWEST_DIAGNOSED = 20
"""Fewest samples for a risk gap by cross-validation."""


@dataclass(frozen=True)
class Symmetries:
    """What the tests of the candidate's subgroups found.

    Attributes:
        independence: test that Y is independent of X; None where {0} is the fixed space of a group, which is tested
            instead. family: tests of the groups; None when the labels look independent of the inputs, or when no group
            is a candidate. orders: of the groups, None for infinity. tying_p_value: of a space that no group ties.
    """

    independence: RandomisationTest | None
    family: FamilyTest | None
    orders: Mapping[str, int | None] = field(default_factory=dict)
    tying_p_value: float | None = None

    @property
    def deciding(self) -> tuple[str, RandomisationTest] | None:
        """The test on which E_* depends: of the largest group that was accepted, or of independence."""
        if self.family is None:
            return None if self.independence is None else (INDEPENDENCE, self.independence)
        return next(((n, self.family.tests[n]) for n in self.family.maximal if n in self.family.tests), None)

    def verdicts(self, names: Iterable[str]) -> dict[str, Verdict]:
        """Verdicts of these groups, those that were candidates."""
        return {} if self.family is None else {n: self.family.verdicts[n] for n in names if n in self.family.verdicts}


def symmetries(
    problem: Problem, memory: TestMemory | None, progress: StageProgress, *, whole: bool = False
) -> Symmetries | None:
    """Test the candidate's subgroups; None where no test is evidence: a blind search, or a scheme that imposes them.

    Y is tested for independence of X first, unless {0} is the fixed space of a candidate; groups are tested when that
    is rejected.

    Args:
        problem: What is searched.
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
    gate = (
        None if _needs_no_gate(problem) or not _can_permute(problem) else _independence(problem, x, y, memory, progress)
    )
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
    statistic = _statistic_of(problem)
    rows = _rows(len(x), statistic.most_samples)
    units = _units(problem, rows)
    found = family_test(
        x[rows],
        y[rows],
        family,
        statistic,
        alpha=settings.alpha,
        copies=settings.copies,
        seed=settings.seed,
        progress=lambda name, done, total: progress(f"test of {name}", done, total),
        memory=memory,
        workers=settings.workers,
        grow=settings.grows,
        units=units,
    )
    return Symmetries(gate, found, {c.name: c.order for c in family.candidates})


def _can_permute(problem: Problem) -> bool:
    """Whether labels of units can be exchanged in enough ways; a warning of the problem says where they cannot."""
    return can_permute(problem.units, problem.settings.alpha)


def _units(problem: Problem, rows: Tensor) -> Tensor | None:
    """The units of some rows, numbered from 0; None where every row is one."""
    return None if problem.units is None else renumbered(problem.units[rows])


def left_open(problem: Problem) -> str | None:
    """Why the exact tests leave E_* to chance, where they decide: the deciding test is open; None where it is not."""
    found = problem.symmetries
    deciding = None if found is None or not problem.settings.stopping.decides_by_tests else found.deciding
    if deciding is None or not deciding[1].is_open:
        return None
    (name, test), alpha = deciding, problem.settings.alpha
    low, high = test.interval
    return (
        f"the test of {name} is open: with {test.copies} copies its p-value lies between {low:.3g} and {high:.3g}, and "
        f"alpha is {alpha:g}; give more rows, or another --alpha"
    )


def _needs_no_gate(problem: Problem) -> bool:
    """Whether {0} is the fixed space of a candidate, or X never changes, so that independence says nothing."""
    constant = problem.x is not None and bool((problem.x == problem.x[0]).all())
    return constant or (problem.lattice is not None and bool(problem.lattice.zero.groups))


def _tying_p_value(problem: Problem) -> float | None:
    """Of what a blind search found that no group ties, in the units of the data as they were given."""
    blind, task = problem.blind, problem.task
    if blind is None or blind.tying is None:
        return None
    if task.x is None or task.y is None or blind.rows is None:
        x, y = tested_samples(problem)
        return tying_p_value(blind.finding, x.numpy(), y.numpy())
    return tying_p_value(blind.finding, task.x[blind.rows], task.y[blind.rows])


def turned_plane(problem: Problem) -> tuple[int, int] | None:
    """The coordinate plane of X that SO(2) turns while labels stay; None for other groups, actions and statistics.

    There the closed subgroups C_2, ..., C_24 are candidates too.
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
    memory: TestMemory | None,
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
        memory=memory,
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


def tested_samples(problem: Problem) -> tuple[Tensor, Tensor]:
    """The data as they were given, since each test has an origin and a scale of its own; or fresh samples."""
    task = problem.task
    if task.x is not None and task.y is not None:
        rows = slice(None) if problem.blind is None or problem.blind.rows is None else problem.blind.rows
        return torch.tensor(task.x[rows]), torch.tensor(task.y[rows])
    x, y = problem.task.sample(named_stream(problem.settings.seed, "symmetries", "samples"), FRESH_SAMPLES)
    return torch.from_numpy(x), torch.from_numpy(y)


class DiagnosisMemory(Protocol):
    """Where finished diagnoses are kept, so that a search that was interrupted among them goes on."""

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """The diagnosis of a group that an earlier run finished, or None."""
        ...

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Keep a diagnosis that has just been finished."""
        ...


def diagnoses(problem: Problem, memory: DiagnosisMemory, progress: StageProgress) -> dict[str, Diagnosis]:
    """A closer look at the rejected groups nearest to what holds, and at the candidate itself when it is rejected.

    At most `DIAGNOSED` of them, the largest first; none where there are too few samples or units for a risk gap, or
    where all labels are equal and nothing can be predicted.
    """
    family = None if problem.symmetries is None else problem.symmetries.family
    nodes = () if problem.lattice is None else problem.lattice.nodes
    groups = {label_of(problem, g): g for node in nodes for g in node.groups}
    if family is None or not family.rejected:
        return {}
    x, y = tested_samples(problem)
    few = problem.units is not None and int(problem.units.max()) + 1 < 2 * CrossValidation.folds
    if few or len(x) < FEWEST_DIAGNOSED or bool(((y - y[0]).abs() <= CONSTANT * y.abs().max()).all()):
        return {}
    chosen, settings = _nearest_rejected(family, groups)[:DIAGNOSED], problem.settings
    data = x.numpy(), y.numpy()
    known = {name: memory.recall_diagnosis(name) for name in chosen}
    found = {name: diagnosis for name, diagnosis in known.items() if diagnosis is not None}
    missing, worker = [name for name in chosen if name not in found], settings.workers.alone
    looks = [
        _Look(
            data,
            problem.joint_action(groups[name]),
            name,
            settings.seed,
            settings.alpha,
            settings.copies,
            worker,
            problem.units,
        )
        for name in missing
    ]

    def tell() -> None:
        left = next((name for name in chosen if name not in found), None)
        if left is not None:
            progress(f"diagnosis of {left}", len(found), len(chosen))

    tell()
    with closing(settings.workers.map(_look_closely, looks)) as results:
        for place, diagnosis in results:
            memory.keep_diagnosis(missing[place], diagnosis)
            found[missing[place]] = diagnosis
            tell()
    return {name: found[name] for name in chosen}


@dataclass(frozen=True)
class _Look:
    """A diagnosis that is to be made; data: x (n, d_in) and y (n, d_out)."""

    data: tuple[NDArray[np.float64], NDArray[np.float64]]
    moves: JointAction
    name: str
    seed: int
    alpha: float
    copies: int
    worker: Workers
    units: Tensor | None = None


def _look_closely(look: _Look) -> Diagnosis:
    x, y = (torch.tensor(v) for v in look.data)
    rng = named_stream(look.seed, "diagnosis", look.name)
    with rows_looked_at():  # this may be a process of its own
        return diagnose(x, y, look.moves, rng, look.alpha, look.copies, look.worker, look.units)


def _nearest_rejected(family: FamilyTest, groups: Mapping[str, Group]) -> list[str]:
    """Rejected groups that contain what is accepted and no smaller rejected one that does; the largest of all first."""
    rejected = [n for n in family.rejected if n in groups]
    order = {n: math.inf if groups[n].order is None else float(groups[n].order or 0) for n in rejected}
    kept = [groups[n] for n in family.maximal if n in groups]
    above = [n for n in rejected if all(_is_inside(k, groups[n]) for k in kept)]
    least = [n for n in above if not any(_is_inside(groups[m], groups[n]) for m in above)]
    if not rejected:
        return []
    largest = max(rejected, key=lambda n: order[n])
    return [largest, *sorted((n for n in least if n != largest), key=lambda n: (-order[n], n))]


def candidate_family(problem: Problem, *, whole: bool = False) -> CandidateFamily | None:
    """The non-trivial subgroups that the candidate's lattice lists, by their names; None when there are none.

    whole: the candidate itself alone.
    """
    listed = [g for node in problem.lattice.nodes for g in node.groups if g.order != 1] if problem.lattice else []
    if whole:
        listed = [g for g in listed if g.order == problem.candidate.group.order]
    if not listed:
        return None
    candidates = [
        Candidate(label_of(problem, g), problem.joint_action(g), g.order, g if isinstance(g, FiniteGroup) else None)
        for g in listed
    ]
    inside = np.array([[_is_inside(a, b) for b in listed] for a in listed], dtype=bool)
    return CandidateFamily(tuple(candidates), inside.reshape(len(listed), len(listed)))


def _is_inside(inner: Group, outer: Group) -> bool:
    if not isinstance(inner, FiniteGroup) or not isinstance(outer, FiniteGroup):
        return False
    return inner.order < outer.order and outer.order % inner.order == 0 and inner.is_subgroup_of(outer)


def _statistic_of(problem: Problem) -> SearchStatistic:
    """The statistic that the settings name, or the one with the most power for the problem."""
    candidate, config = problem.candidate, problem.settings.config
    groups = [g for node in problem.lattice.nodes for g in node.groups] if problem.lattice else []
    listed = tuple(g for g in groups if isinstance(g, FiniteGroup) and g.order > 1)
    # Not the problem's own method: a test carries its statistic to the workers, which need nothing else of the problem.
    unit = partial(searched_unit, problem.unit.name, config.hidden_rep, limits=config.limits)
    traits = ProblemTraits(candidate.in_rep, candidate.out_rep, listed, problem.samples, unit)
    return statistic_of(traits, problem.settings.statistic)


def _rows(n: int, most: int) -> Tensor:
    """The samples that are used, in their order: some rows of each unit, since more units tell more.

    They are the same for every seed, so that no verdict depends on it.
    """
    chosen = named_stream(0, "symmetries", "rows").permutation(n)[:most]
    return torch.from_numpy(np.sort(chosen))


def _independence(
    problem: Problem, x: Tensor, y: Tensor, memory: TestMemory | None, progress: StageProgress
) -> RandomisationTest:
    known = None if memory is None else memory.recall_test(INDEPENDENCE)
    if known is not None:
        return known
    progress(f"test of {INDEPENDENCE}", 0, 1)
    rng = named_stream(problem.settings.seed, "symmetries", INDEPENDENCE)
    moves = problem.joint_action(problem.candidate.group)
    moved = moved_coordinates(moves, x.shape[1], y.shape[1], rng)
    settings = problem.settings
    level = settings.alpha if settings.grows else None
    test = independence_test(x, y, rng, settings.copies, moved, settings.workers, units=problem.units, alpha=level)
    if memory is not None:
        memory.keep_test(INDEPENDENCE, test)
    return test
