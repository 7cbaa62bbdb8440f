"""The verdicts beside the law of (X, Y): the law of X alone, the relation E[Y | X], and the likeliest group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sharefind.groups import FiniteGroup
from sharefind.inference import CandidateFamily, FamilyTest, InputLaw, Verdict, family_test
from sharefind.inference.relation.group_shares import GroupShares, group_shares
from sharefind.progress import StageProgress
from sharefind.rng import named_stream
from sharefind.search.law_tests import relation_rows
from sharefind.search.memory import SHARES, KeptTests, Memory
from sharefind.search.problem import Problem
from sharefind.search.relation_groups import has_relation_test

if TYPE_CHECKING:
    from sharefind.inference.relation.relation_family import RelationFamily


@dataclass(frozen=True)
class Relations:
    """Findings beside the law of (X, Y).

    Attributes:
        inputs: Exact tests that the law of X alone is invariant; None where nothing depends on them.
        relation: Tests of the relation; None where the law decides.
        likeliest: The group that the evidence favours.
        decided_by: The symmetry that determines E_*.
    """

    inputs: FamilyTest | None = None
    relation: RelationFamily | None = None
    likeliest: GroupShares | None = None
    decided_by: Literal["law", "relation"] = "law"


def relations_of(
    problem: Problem,
    family: CandidateFamily,
    law: FamilyTest | None,
    likeliest: GroupShares | None,
    memory: Memory,
    progress: StageProgress,
) -> Relations:
    """Tests that the settings ask for beside the law: of the relation alone, or where the inputs alone break the law.

    Args:
        problem: The problem of the search.
        family: The candidates.
        law: Tests of the law of (X, Y); None where the relation alone was asked for.
        likeliest: Shares of the candidates; their evidence settles conflicts.
        memory: Tests that were finished before.
        progress: Called before each test.

    Returns:
        The verdicts.

    Raises:
        GroupError: The relation was asked for, of a group that cannot be listed.
    """
    if law is not None and not (law.rejected and _may_follow_relation(problem)):
        return Relations(likeliest=likeliest)
    inputs = _input_law(problem, family, memory, progress)
    are_broken = law is None or any(inputs.verdicts[name] is Verdict.REJECTED for name in law.rejected)
    if not are_broken or not has_relation_test(problem.candidate.group):
        return Relations(inputs, likeliest=likeliest)
    evidence = None if likeliest is None else likeliest.log_evidence
    return Relations(inputs, _relation(problem, family, evidence, memory, progress), likeliest, "relation")


def _may_follow_relation(problem: Problem) -> bool:
    """Whether the relation may decide where the inputs alone break the law; not where distances decide."""
    settings = problem.settings
    asked = settings.symmetry == "auto" and settings.stopping.decides_by_tests
    return asked and isinstance(problem.candidate.group, FiniteGroup)


def _input_law(problem: Problem, family: CandidateFamily, memory: Memory, progress: StageProgress) -> FamilyTest:
    settings = problem.settings
    x, y, units = relation_rows(problem)
    return family_test(
        x,
        y,
        family,
        InputLaw(),
        alpha=settings.alpha,
        copies=settings.copies,
        seed=settings.seed,
        progress=lambda name, done, total: progress(f"test of the inputs under {name}", done, total),
        memory=KeptTests(memory, "inputs: "),
        workers=settings.workers,
        units=units,
    )


def _relation(
    problem: Problem,
    family: CandidateFamily,
    evidence: Mapping[str, float] | None,
    memory: Memory,
    progress: StageProgress,
) -> RelationFamily:
    from sharefind.inference.relation.relation_family import relation_family_test

    settings = problem.settings
    x, y, units = relation_rows(problem)
    return relation_family_test(
        x,
        y,
        family,
        alpha=settings.alpha,
        copies=settings.copies,
        seed=settings.seed,
        units=units,
        has_classes=bool(problem.task.classes),
        progress=lambda name, done, total: progress(f"test of the relation under {name}", done, total),
        memory=KeptTests(memory),
        workers=settings.workers,
        evidence=evidence,
    )


def likeliest_group(
    problem: Problem, family: CandidateFamily, memory: Memory, progress: StageProgress
) -> GroupShares | None:
    """Return shares of the candidates; None where there are none, or noise alone explains the labels as well.

    Args:
        problem: The problem.
        family: The candidates.
        memory: Shares that were found before.
        progress: Called before each step.
    """
    key = f"{len(family.candidates)} groups"
    found = memory.get(SHARES, key)
    if found is None:
        x, y, units = relation_rows(problem)
        rng = named_stream(problem.settings.seed, "likeliest")
        found = group_shares(
            *(x, y, family, rng, units),
            progress=lambda done, total: progress("evidence of the groups", done, total),
            workers=problem.settings.workers,
        )
        if found is not None:
            memory.put(SHARES, key, found)
    return None if found is None or not found.has_signal else found
