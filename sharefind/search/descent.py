"""Which of the proposals of a blind search holds? They are tested one after the other, in the order of the data.

A proposal that is rejected is left for its subgroups, where these can be listed, and then for the next one. The rows
that test took no part in the proposals, so the order is fixed before any test. The first of the tested families that
holds a true symmetry is left only if a true symmetry is rejected in it: with probability alpha at most (a fixed
sequence: Maurer, Hothorn & Lehmacher 1995). So the family-wise level is that of one family, however many proposals
there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sharefind.inference import Verdict
from sharefind.progress import StageProgress
from sharefind.search.blind import Tried
from sharefind.search.building import opened, proposals
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.memory import TEST, Memory, MemoryOfProposal
from sharefind.search.problem import Problem
from sharefind.search.symmetries import Symmetries, symmetries


def proposal_number(problem: Problem) -> int:
    """Return which proposal of its data a problem searches, counted from 1.

    Args:
        problem: The problem.
    """
    return 1 if problem.blind is None else problem.blind.number


def tested(problem: Problem, memory: Memory, progress: StageProgress, note: Callable[[str], None]) -> TestedProblem:
    """The problem with its exact tests; of a blind search that of the first proposal that holds.

    Args:
        problem: The problem of the search.
        memory: Tests that were finished before.
        progress: Called before each test.
        note: Called with a line when a proposal is rejected, or an infinite candidate.

    Returns:
        The problem with its tests. Where no proposal holds, nor a subgroup of one, that of the first proposal.

    Raises:
        ConfigError: so few copies cannot reject at alpha.
    """
    if problem.blind is None or not problem.blind.alternatives:
        found = symmetries(problem, memory, progress)
        return _opened(problem, found, memory, progress, note) or TestedProblem.of(problem, found)
    known: dict[tuple[str, str], Any] = {}
    tried: tuple[Tried, ...] = ()
    first: TestedProblem | None = None
    for current in (problem, *proposals(problem)):
        start = replace(current.blind or problem.blind, tried=tried)
        mine = replace(current, blind=start)
        kept = MemoryOfProposal(memory, start.number, known)
        whole = symmetries(mine, kept, progress, whole=True)
        # The subgroups of what holds are accepted with it, without another test.
        full = TestedProblem.of(mine, symmetries(mine, kept, progress))
        holds_in_part = full.family is not None and bool(full.family.accepted)
        if whole is None or not _is_rejected(whole, problem.settings.alpha) or holds_in_part:
            return full
        first = first or full
        p_value, finding = _p_value(whole), start.finding
        note(f"{finding.name} is rejected on the other rows (p = {p_value:.3g}); the next proposal is tested")
        tried = (*tried, Tried(finding, p_value))
    return first or full


def _opened(
    problem: Problem,
    found: Symmetries | None,
    memory: Memory,
    progress: StageProgress,
    note: Callable[[str], None],
) -> TestedProblem | None:
    """An infinite candidate that is rejected as a whole, with its tests among subgroups that some rows propose.

    The test that rejected it stays its test: the smaller sample that is left might not reject it again.
    """
    name = problem.candidate.group.name
    whole = None if found is None or found.law is None else found.law.tests.get(name)
    if whole is None or found is None or found.decided_by != "law" or found.law is None or found.law.accepted:
        return None
    inner = opened(problem)
    if inner is None:
        return None
    note(f"{name} is rejected (p = {whole.p_value:.3g}); half of the rows propose subgroups, the others test them")
    kept = MemoryOfProposal(memory, 2)
    kept.put(TEST, name, whole)
    return TestedProblem.of(inner, symmetries(inner, kept, progress))


def _is_rejected(found: Symmetries, alpha: float) -> bool:
    """Whether the tests leave nothing of a proposal as a whole."""
    if found.family is not None:
        return all(verdict is Verdict.REJECTED for verdict in found.family.verdicts.values())
    return found.tying_p_value is not None and found.tying_p_value <= alpha


def _p_value(found: Symmetries) -> float:
    """Return the p-value of the proposal as a whole."""
    if found.family is not None:
        return max(found.family.p_adjusted.values())
    return 1.0 if found.tying_p_value is None else found.tying_p_value
