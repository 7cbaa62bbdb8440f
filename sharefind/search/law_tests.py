"""The law of (X, Y) under a candidate's subgroups: which are tested, on which rows, by which statistic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import CompactGroup, FiniteGroup, Group
from sharefind.groups.orthogonal_subgroups import is_compact_subgroup
from sharefind.inference import Candidate, CandidateFamily, FamilyTest, family_test
from sharefind.inference.fitted_statistic import Statistic
from sharefind.inference.row_blocks import renumbered
from sharefind.inference.statistics.registry import statistic_of
from sharefind.inference.statistics.traits import ProblemTraits, SearchStatistic
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.inside import SubgroupStart
from sharefind.search.memory import KeptTests, Memory
from sharefind.search.mirror_start import kept_columns
from sharefind.search.problem import Problem
from sharefind.search.searched_unit import searched_unit


def law_test(
    problem: Problem,
    family: CandidateFamily,
    memory: Memory,
    progress: StageProgress,
    evidence: Mapping[str, float] | None = None,
) -> FamilyTest:
    """Exact tests that the law of (X, Y) is invariant, by the statistic of the problem.

    Args:
        problem: The problem of the search.
        family: The candidates.
        memory: Tests that were finished before.
        progress: Called before each test.
        evidence: Settles conflicts.

    Returns:
        The verdicts.
    """
    settings, statistic = problem.settings, statistic_of_problem(problem)
    x, y, units = tested_rows(problem)
    stage = _TestStage(progress, statistic.name)
    return family_test(
        x,
        y,
        family,
        statistic,
        alpha=settings.alpha,
        copies=settings.copies,
        seed=settings.seed,
        progress=stage.begin,
        memory=KeptTests(memory),
        workers=settings.workers,
        grow=settings.grows,
        units=units,
        on_copies=stage.follow,
        evidence=evidence,
        first=proposed_relations(problem, family),
    )


def proposed_relations(problem: Problem, family: CandidateFamily) -> Callable[[str], Statistic | None] | None:
    """Return what rows that proposed subgroups expect of the others, by candidate; None where a statistic was chosen.

    It is made when a candidate is tested: most of a family lie inside one that is not rejected.

    Args:
        problem: The problem.
        family: The candidates.
    """
    inside = problem.inside
    if problem.settings.statistic is not None or not isinstance(inside, SubgroupStart):
        return None
    groups = {c.name: c.group for c in family.candidates if c.group is not None}
    return lambda name: inside.contrast(groups[name]) if name in groups else None


@dataclass
class _TestStage:
    """Words for the test under way, with the tests that are done and the candidates in all."""

    progress: StageProgress
    statistic: str
    done: int = 0
    total: int = 1

    def begin(self, name: str, done: int, total: int) -> None:
        """A test begins, or a wave of them."""
        self.done, self.total = done, total
        self.progress(f"test of {name}", done, total)

    def follow(self, name: str, copies: int) -> None:
        """Report the number of copies that were examined."""
        self.progress(f"in test of {name}: {self.statistic}, {copies} copies", self.done, self.total)


def tested_rows(problem: Problem) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the samples that the statistic reads: inputs (n, d_in), labels (n, d_out), and the unit of each, from 0,
    if any.

    They are in their order, some rows of each unit, since more units tell more.

    Args:
        problem: The problem.
    """
    return _at_most(problem, statistic_of_problem(problem).most_samples)


def relation_rows(problem: Problem, most: int = 20_000) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the samples that test the inputs and the relation, whatever the statistic of the law, as `tested_rows`.

    Args:
        problem: The problem.
        most: Most samples that are read; others are left out at random.
    """
    return _at_most(problem, most)


def _at_most(problem: Problem, most: int) -> tuple[Tensor, Tensor, Tensor | None]:
    x, y = tested_samples(problem)
    rows = _rows(len(x), most)
    return x[rows], y[rows], None if problem.units is None else renumbered(problem.units[rows])


def tested_samples(problem: Problem, fresh: int = 2000) -> tuple[Tensor, Tensor]:
    """The data as they were given, since each test has an origin and a scale of its own; or fresh samples.

    Args:
        problem: The problem of the search.
        fresh: Samples that are drawn where the task has no finite data.

    Returns:
        Inputs (n, d_in) and labels (n, d_out), float64.
    """
    task = problem.task
    if task.x is not None and task.y is not None:
        rows = slice(None) if problem.rows is None else problem.rows
        maps = None if problem.blind is None else problem.blind.maps
        if maps is not None:
            kept = kept_columns(task.x[rows], maps.aside_inputs), kept_columns(task.y[rows], maps.aside_outputs)
            return torch.from_numpy(kept[0]), torch.from_numpy(kept[1])
        return torch.tensor(task.x[rows]), torch.tensor(task.y[rows])
    x, y = problem.task.sample(named_stream(problem.settings.seed, "symmetries", "samples"), fresh)
    return torch.from_numpy(x), torch.from_numpy(y)


def candidate_family(problem: Problem, *, whole: bool = False) -> CandidateFamily | None:
    """Return the non-trivial subgroups that the candidate's lattice lists, by their names; None when there are none.

    Args:
        problem: The problem.
        whole: Whether the candidate itself is tested alone.
    """
    listed = [g for node in problem.lattice.nodes for g in node.groups if g.order != 1] if problem.lattice else []
    if whole:
        listed = [g for g in listed if g.order == problem.candidate.group.order]
    if not listed:
        return None
    candidates = [
        Candidate(problem.label_of(g), problem.joint_action(g), g.order, g if isinstance(g, FiniteGroup) else None)
        for g in listed
    ]
    inside = np.array([[is_inside(a, b) for b in listed] for a in listed], dtype=bool)
    return CandidateFamily(tuple(candidates), inside.reshape(len(listed), len(listed)))


def is_inside(inner: Group, outer: Group) -> bool:
    """Return whether a group is a proper subgroup of another.

    Args:
        inner: The group.
        outer: The other group.
    """
    if isinstance(inner, CompactGroup) and isinstance(outer, CompactGroup):
        return is_compact_subgroup(inner, outer) and not is_compact_subgroup(outer, inner)
    if not isinstance(inner, FiniteGroup) or not isinstance(outer, FiniteGroup):
        return False
    return inner.order < outer.order and outer.order % inner.order == 0 and inner.is_subgroup_of(outer)


def statistic_of_problem(problem: Problem) -> SearchStatistic:
    """Return the statistic that the settings name, or the one with the most power for the problem.

    Args:
        problem: The problem.
    """
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
