"""Which of the proposals of a blind search holds? They are tested one after the other, in the order of the data.

A proposal that is rejected is left for its subgroups, where these can be listed, and then for the next one. The rows
that test took no part in the proposals, so the order is fixed before any test. Of the families tested, the first that
holds a true symmetry is left only if a true symmetry is rejected in it: with probability alpha at most (a fixed
sequence: Maurer, Hothorn & Lehmacher 1995). So the family-wise level is that of one family, however many proposals
there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sharefind.inference import Diagnosis, RandomisationTest, Verdict
from sharefind.inference.tests.closed_testing import TestMemory
from sharefind.search.blind import Tried
from sharefind.search.building import proposals
from sharefind.search.experiments import StageProgress
from sharefind.search.problem import Problem
from sharefind.search.symmetries import DiagnosisMemory, Symmetries, symmetries


@dataclass
class KeptUnder:
    """A memory whose names say to which proposal they belong; the first one's are plain.

    What a sitting has tested is known here too, so that nothing is tested twice where no run is kept.
    """

    memory: TestMemory
    proposal: int
    known: dict[str, RandomisationTest] = field(default_factory=dict)

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The test of a candidate of this proposal."""
        known = self.known.get(kept_name(name, self.proposal))
        return known or self.memory.recall_test(kept_name(name, self.proposal))

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Keep a test of this proposal."""
        self.known[kept_name(name, self.proposal)] = test
        self.memory.keep_test(kept_name(name, self.proposal), test)


@dataclass(frozen=True)
class DiagnosesUnder:
    """The same for diagnoses."""

    memory: DiagnosisMemory
    proposal: int

    def recall_diagnosis(self, name: str) -> Diagnosis | None:
        """The diagnosis of a candidate of this proposal."""
        return self.memory.recall_diagnosis(kept_name(name, self.proposal))

    def keep_diagnosis(self, name: str, diagnosis: Diagnosis) -> None:
        """Keep a diagnosis of this proposal."""
        self.memory.keep_diagnosis(kept_name(name, self.proposal), diagnosis)


def kept_name(name: str, proposal: int) -> str:
    """Under which name a run keeps the test of a candidate of a proposal, counted from 1."""
    return name if proposal == 1 else f"proposal {proposal}: {name}"


def proposal_number(problem: Problem) -> int:
    """Which proposal of its data a problem searches, counted from 1."""
    return 1 if problem.blind is None else problem.blind.number


def tested(problem: Problem, memory: TestMemory, progress: StageProgress, note: Callable[[str], None]) -> Problem:
    """The problem with its exact tests; of a blind search that of the first proposal that holds.

    Args:
        problem: What is searched.
        memory: Tests that were finished before.
        progress: Called before each test.
        note: Called with a line when a proposal is rejected.

    Returns:
        The problem with its `symmetries`. Where no proposal holds, nor a subgroup of one, that of the first proposal.

    Raises:
        ConfigError: so few copies cannot reject at alpha.
    """
    if problem.blind is None or not problem.blind.alternatives:
        return replace(problem, symmetries=symmetries(problem, memory, progress))
    known: dict[str, RandomisationTest] = {}
    tried, first = tuple[Tried, ...](), None
    for current in (problem, *proposals(problem)):
        mine = _after(current, tried)
        kept = KeptUnder(memory, proposal_number(mine), known)
        whole = symmetries(mine, kept, progress, whole=True)
        # The subgroups of what holds are accepted with it, without another test.
        full = replace(mine, symmetries=symmetries(mine, kept, progress))
        if whole is None or not _is_rejected(mine, whole) or _holds_in_part(full):
            return full
        first = first or full
        p_value = _p_value(whole)
        finding = mine.blind.finding if mine.blind is not None else problem.blind.finding
        note(f"{finding.name} is rejected on the other rows (p = {p_value:.3g}); the next proposal is tested")
        tried = (*tried, Tried(finding, p_value))
    return first or problem


def _holds_in_part(problem: Problem) -> bool:
    """Whether a proper subgroup of a rejected proposal holds."""
    family = None if problem.symmetries is None else problem.symmetries.family
    return family is not None and bool(family.accepted)


def _after(problem: Problem, tried: tuple[Tried, ...]) -> Problem:
    """The same problem, which remembers the proposals that were rejected before it."""
    return problem if problem.blind is None else replace(problem, blind=replace(problem.blind, tried=tried))


def _is_rejected(problem: Problem, found: Symmetries) -> bool:
    """Whether the tests leave nothing of a proposal as a whole."""
    if found.family is not None:
        return all(verdict is Verdict.REJECTED for verdict in found.family.verdicts.values())
    return found.tying_p_value is not None and found.tying_p_value <= problem.settings.alpha


def _p_value(found: Symmetries) -> float:
    """Of the proposal as a whole."""
    if found.family is not None:
        return max(found.family.p_adjusted.values())
    return 1.0 if found.tying_p_value is None else found.tying_p_value
