"""Tests a family of symmetries of a law from the largest group down, with one error rate.

A group is tested only after every group of the family that contains it was rejected. The largest group that holds is
rejected with probability at most alpha, and nothing that holds is rejected before it. Therefore, with probability at
least 1 - alpha, no true symmetry is rejected, for any number of tests (closed testing: Marcus, Peritz & Gabriel 1976;
on graphs of hypotheses: Meijer & Goeman 2015). docs/symmetry-tests has the proof.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from typing import Protocol

from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.fitted_statistic import Statistic
from sharefind.inference.tests.families import CandidateFamily
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.inference.tests.wave_tests import CopiesOfTests, WaveTests
from sharefind.parallel import Workers


class TestMemory(Protocol):
    """Storage of finished tests, so that an interrupted family can be resumed."""

    def recall_test(self, name: str) -> RandomisationTest | None:
        """Return the test of a candidate that an earlier run finished, or None.

        Args:
            name: Name of the candidate.
        """
        ...

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Store a finished test.

        Args:
            name: Name of the candidate.
            test: The test.
        """
        ...


def remembered(memory: TestMemory | None, name: str, test: Callable[[], RandomisationTest]) -> RandomisationTest:
    """Return a stored test, or perform and store it.

    Args:
        memory: Storage; None if nothing is stored.
        name: Name of the test.
        test: Performs the test.
    """
    known = None if memory is None else memory.recall_test(name)
    if known is not None:
        return known
    found = test()
    if memory is not None:
        memory.keep_test(name, found)
    return found


Progress = Callable[[str, int, int], None]
"""Callback for progress: (candidate, tests done, number of candidates)."""


class Verdict(StrEnum):
    """Conclusion about a candidate.

    Attributes:
        ACCEPTED: The candidate is not rejected.
        REJECTED: The candidate is rejected.
        UNDECIDED: The candidate is not rejected, but conflicts with an accepted one.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class FamilyTest:
    """The result of a family of tests.

    Attributes:
        verdicts: Verdict on every candidate.
        tests: Tests of the candidates that were tested; every other candidate lies inside one that was not rejected.
        p_adjusted: For every candidate, the largest p-value among it and the tested groups that contain it. It is at
            most alpha exactly if the candidate is rejected.
        maximal: Accepted candidates inside no other accepted one.
        alpha: Family-wise error rate.
        conflict: Candidates that were not rejected although the group that they generate was, so at least one of them
            must fail. The one with the most evidence is accepted; without evidence, the one with the largest p-value.
            The others are undecided.
    """

    verdicts: Mapping[str, Verdict]
    tests: Mapping[str, RandomisationTest]
    p_adjusted: Mapping[str, float]
    maximal: tuple[str, ...]
    alpha: float
    conflict: tuple[str, ...]

    def names(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the candidates with a verdict.

        Args:
            verdict: The verdict.
        """
        return tuple(name for name, found in self.verdicts.items() if found is verdict)

    @property
    def accepted(self) -> tuple[str, ...]:
        """Candidates that were not rejected and do not conflict. This does not prove that they hold; the power of the
        tests is limited.
        """
        return self.names(Verdict.ACCEPTED)

    @property
    def rejected(self) -> tuple[str, ...]:
        """Candidates that were rejected; with probability at least 1 - alpha, none of them holds."""
        return self.names(Verdict.REJECTED)

    @property
    def open(self) -> tuple[str, ...]:
        """Candidates that were not rejected, but whose verdict at the largest number of copies still depends
        on chance.
        """
        return tuple(name for name, test in self.tests.items() if test.is_open)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Candidates that were not rejected, but conflict with an accepted one."""
        return self.names(Verdict.UNDECIDED)


@warns_of_rows
def family_test(
    x: Tensor,
    y: Tensor,
    family: CandidateFamily,
    statistic: Statistic,
    *,
    alpha: float = 0.01,
    copies: int = 199,
    seed: int = 0,
    max_exceedances: int | None = None,
    progress: Progress | None = None,
    memory: TestMemory | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    grow: bool = False,
    on_copies: Callable[[str, int], None] | None = None,
    evidence: Mapping[str, float] | None = None,
    first: Callable[[str], Statistic | None] | None = None,
) -> FamilyTest:
    """Test a family of symmetries of the law of (X, Y), in waves.

    Each wave contains the groups that are only inside rejected ones.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        family: The candidates.
        statistic: Statistic of the tests.
        alpha: Family-wise error rate.
        copies: Number m of randomised copies in each test, with 1 / (m + 1) <= alpha.
        seed: Seed; each candidate has a random stream of its own name.
        max_exceedances: Ends a test early if its result is clear, see `randomisation_test`.
        progress: Called before each test; with several workers it names the first test in progress.
        memory: Tests that were finished earlier with the same data and settings; it stores each new test immediately.
        workers: Processes that share the tests of a wave; the result does not depend on them. None uses this process.
        units: Unit of each row, shape (n,), int64, see `randomisation_test`; None if each row is a unit.
        grow: Whether the number of copies grows near alpha, from `copies` to 64 times this number, see `CopiesDesign`.
        on_copies: Called with the current candidate and the number of copies evaluated, if this process works alone.
        evidence: Resolves conflicts, see `closed_test`.
        first: Returns the statistic of a candidate, given by name, that is tested before `statistic`, both at half of
            the level; None for candidates without one. It is called once for each candidate that is tested. If this
            statistic rejects, the other one is not computed.

    Returns:
        The verdicts.

    Raises:
        ConfigError: Alpha is not in (0, 1), or the number of copies is too small to reject.
        InputError: The samples cannot be used.
    """
    if not 0 < alpha < 1 or 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"alpha={alpha}, copies={copies}: alpha must lie in (0, 1) and 1 / (copies + 1) not above it; give at "
            f"least {_least_copies(alpha)} copies"
        )
    shared = workers or Workers()
    tests = WaveTests(
        samples=(x, y),
        family=family,
        statistic=statistic,
        first=cache(first or _no_statistic),
        copies=CopiesOfTests(alpha, copies, grow),
        seed=seed,
        max_exceedances=max_exceedances,
        workers=shared,
        units=units,
        on_copies=on_copies,
    )
    with shared.connected():
        return closed_test(family, alpha, tests, progress, memory, evidence)


def _no_statistic(name: str) -> None:
    """Return None, for every candidate."""


Wave = Callable[[Sequence[int]], Iterator[tuple[int, RandomisationTest]]]
"""Performs tests of candidates, given by their positions; yields (number in the wave, test) as tests finish."""


def closed_test(
    family: CandidateFamily,
    alpha: float,
    tests: Wave,
    progress: Progress | None = None,
    memory: TestMemory | None = None,
    evidence: Mapping[str, float] | None = None,
) -> FamilyTest:
    """Perform closed testing with tests of level `alpha`.

    Args:
        family: The candidates, closed under joins.
        alpha: Family-wise error rate.
        tests: Performs the tests of a wave.
        progress: Called before each test; with several workers it names the first test in progress.
        memory: Tests that were finished earlier.
        evidence: Logarithm of the evidence, by candidate. Among several candidates that are not rejected although their
            join is, the one with the most evidence is accepted. No rejection depends on it. If it is None, or lacks one
            of them, p-values decide.

    Returns:
        The verdicts.
    """
    run = _Run(family, alpha, progress, memory)
    while ready := run.ready():
        missing = run.recalled(ready)
        run.tell(missing)
        for number, test in tests(missing):
            run.keep(missing[number], test)
            run.tell(missing)
    return _concluded(family, run.in_order(), alpha, evidence or {})


@dataclass(frozen=True)
class _Run:
    """The finished tests of a family, by the candidate's position."""

    family: CandidateFamily
    alpha: float
    progress: Progress | None
    memory: TestMemory | None
    tests: dict[int, RandomisationTest] = field(default_factory=dict)

    @cached_property
    def order(self) -> list[int]:
        """Positions of the candidates from the largest down: a group comes after every group that contains it."""
        return sorted(range(len(self.family.candidates)), key=lambda i: len(self.family.above(i)))

    def ready(self) -> list[int]:
        """Return untested candidates for which all groups that contain them are rejected."""
        rejected = _rejected(self.tests, self.alpha)
        waiting = (place for place in self.order if place not in self.tests)
        return [place for place in waiting if rejected.issuperset(self.family.above(place))]

    def recalled(self, ready: Sequence[int]) -> list[int]:
        """Take the stored tests of these candidates from memory; return the other candidates."""
        for place in ready:
            known = None if self.memory is None else self.memory.recall_test(self.family.names[place])
            if known is not None:
                self.tests[place] = known
        return [place for place in ready if place not in self.tests]

    def keep(self, place: int, test: RandomisationTest) -> None:
        """Store a finished test in memory immediately."""
        if self.memory is not None:
            self.memory.keep_test(self.family.names[place], test)
        self.tests[place] = test

    def tell(self, wave: Sequence[int]) -> None:
        """Report the first test of the wave that is not finished."""
        left = next((place for place in wave if place not in self.tests), None)
        if self.progress is not None and left is not None:
            self.progress(self.family.names[left], len(self.tests), len(self.order))

    def in_order(self) -> dict[int, RandomisationTest]:
        """Return the tests in an order that does not depend on the order in which they finished."""
        return {place: self.tests[place] for place in self.order if place in self.tests}


def _rejected(tests: Mapping[int, RandomisationTest], alpha: float) -> set[int]:
    return {place for place, test in tests.items() if test.p_value <= alpha}


def _least_copies(alpha: float) -> int:
    return max(1, math.ceil(1 / alpha) - 1) if 0 < alpha < 1 else 1


def _concluded(
    family: CandidateFamily, tests: Mapping[int, RandomisationTest], alpha: float, evidence: Mapping[str, float]
) -> FamilyTest:
    names, rejected = family.names, _rejected(tests, alpha)
    kept = [place for place in tests if place not in rejected]
    # If the join of several kept groups was rejected, at most one is the largest that holds; take the likeliest.
    is_told = all(names[i] in evidence for i in kept)
    scores = {i: evidence[names[i]] if is_told else 0.0 for i in kept}
    best = max(kept, key=lambda i: (scores[i], tests[i].p_value, -tests[i].z)) if kept else None
    common = [] if best is None else [i for i in range(len(names)) if i == best or family.inside[i, best]]
    verdicts = {
        name: Verdict.REJECTED if i in rejected else Verdict.ACCEPTED if i in common else Verdict.UNDECIDED
        for i, name in enumerate(names)
    }
    adjusted = {names[i]: max(tests[j].p_value for j in (i, *family.above(i)) if j in tests) for i in range(len(names))}
    maximal = () if best is None else (names[best],)
    conflict = tuple(names[k] for k in kept) if len(kept) > 1 else ()
    return FamilyTest(verdicts, {names[i]: t for i, t in tests.items()}, adjusted, maximal, alpha, conflict)
