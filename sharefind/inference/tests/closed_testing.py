"""Which of a family's symmetries does the law have? Exact tests from the largest group down, with one error rate.

A group is tested only after every group of the family that contains it was rejected. The largest group that holds is
rejected with probability at most alpha, and nothing that holds is rejected before it: so with probability at least
1 - alpha no true symmetry is rejected at all, however many are tested (closed testing: Marcus, Peritz & Gabriel 1976;
on graphs of hypotheses: Meijer & Goeman 2015). The proof is in docs/symmetry-tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.fitted_statistic import Statistic
from sharefind.inference.tests.families import CandidateFamily
from sharefind.inference.tests.p_values import RandomisationTest, smallest_of
from sharefind.inference.tests.randomisation import TestSpec, randomisation_tests
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.parallel import Workers
from sharefind.rng import named_stream


class TestMemory(Protocol):
    """Where finished tests are kept, so that a family that was interrupted goes on."""

    def recall_test(self, name: str) -> RandomisationTest | None:
        """The test of a candidate that an earlier run finished, or None."""
        ...

    def keep_test(self, name: str, test: RandomisationTest) -> None:
        """Keep a test that has just been finished."""
        ...


def remembered(memory: TestMemory | None, name: str, test: Callable[[], RandomisationTest]) -> RandomisationTest:
    """A test that memory has, or that is made now and kept there.

    Args:
        memory: None where nothing is kept.
        name: Of the test.
        test: Makes it.

    Returns:
        The test.
    """
    known = None if memory is None else memory.recall_test(name)
    if known is not None:
        return known
    found = test()
    if memory is not None:
        memory.keep_test(name, found)
    return found


Progress = Callable[[str, int, int], None]
"""(candidate, tests done, candidates in all)."""


class Verdict(StrEnum):
    """What was concluded about a candidate."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class FamilyTest:
    """What a family of tests found.

    Attributes:
        verdicts: Of every candidate.
        tests: Of those that were tested; the others lie inside one that was not rejected.
        p_adjusted: Of every candidate: the largest p-value of it and of the groups that contain it, as far as they were
            tested. At most alpha exactly where it is rejected.
        maximal: Accepted candidates inside no other accepted one.
        alpha: The family-wise level.
        conflict: Candidates of which at least one must fail: not rejected, though the group they generate was. The one
            with the most evidence is accepted, or that with the largest p-value where no evidence was given; the others
            are undecided.
    """

    verdicts: Mapping[str, Verdict]
    tests: Mapping[str, RandomisationTest]
    p_adjusted: Mapping[str, float]
    maximal: tuple[str, ...]
    alpha: float
    conflict: tuple[str, ...]

    def names(self, verdict: Verdict) -> tuple[str, ...]:
        """The candidates with this verdict."""
        return tuple(name for name, found in self.verdicts.items() if found is verdict)

    @property
    def accepted(self) -> tuple[str, ...]:
        """Not rejected, and inside one group. No proof that they hold: see the power of the tests."""
        return self.names(Verdict.ACCEPTED)

    @property
    def rejected(self) -> tuple[str, ...]:
        """With probability at least 1 - alpha, none of these holds."""
        return self.names(Verdict.REJECTED)

    @property
    def open(self) -> tuple[str, ...]:
        """Candidates that were not rejected, by a test that the largest number of copies left to chance."""
        return tuple(name for name, test in self.tests.items() if test.is_open)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Not rejected, but in conflict with what is accepted."""
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
    first: Mapping[str, Statistic] | None = None,
) -> FamilyTest:
    """Test a family of symmetries of the law of (X, Y), in waves: all groups inside rejected ones alone come next.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        family: The candidates.
        statistic: Of the tests.
        alpha: Family-wise error rate.
        copies: m of each test, so many that 1 / (m + 1) <= alpha.
        seed: Each candidate's stream is named after it.
        max_exceedances: Ends a test whose answer is clear, see `randomisation_test`.
        progress: Called before each test; with several workers it names the first of those under way.
        memory: Tests that were finished before, with the same data and settings; it gets each as soon as it is done.
        workers: Share the tests of a wave, with the same result; this process alone if None.
        units: The unit of each row, shape (n,), int64, see `randomisation_test`; None where each row is one.
        grow: Whether the number of copies grows near alpha, from `copies` to 64 times as many, see `CopiesDesign`.
        on_copies: Called with the candidate under test and the copies that were looked at, where this process works
            alone.
        evidence: Settles conflicts, see `closed_test`.
        first: Of some candidates, by name: a statistic that is tested before `statistic`, each of the two at half of
            the level. Where it rejects, the other one is not computed.

    Returns:
        The verdicts.

    Raises:
        ConfigError: Alpha is not in (0, 1), or so few copies cannot reject.
        InputError: The samples cannot be used.
    """
    if not 0 < alpha < 1 or 1 / (copies + 1) > alpha:
        raise ConfigError(
            f"alpha={alpha}, copies={copies}: alpha must lie in (0, 1) and 1 / (copies + 1) not above it; give at "
            f"least {_least_copies(alpha)} copies"
        )
    shared, earlier = workers or Workers(), first or {}
    design = {parts: CopiesDesign(alpha / parts, _share_of(copies, parts)) for parts in (1, 2) if grow}

    def spec(place: int, by: Statistic) -> TestSpec:
        candidate = family.candidates[place]
        parts = 2 if candidate.name in earlier else 1
        rng = named_stream(seed, "family test", by.name, candidate.name)
        own, most = int(rng.integers(2**63)), _share_of(copies, parts)
        return TestSpec(candidate.moves, by, own, most, max_exceedances, design.get(parts), units)

    def made(wave: Sequence[tuple[int, Statistic]]) -> Iterator[tuple[int, RandomisationTest]]:
        heard = _named(on_copies, [family.names[place] for place, _ in wave])
        with closing(randomisation_tests(x, y, [spec(*one) for one in wave], shared, on_copies=heard)) as results:
            yield from results

    def tests(wave: Sequence[int]) -> Iterator[tuple[int, RandomisationTest]]:
        begun = [(k, earlier[family.names[place]]) for k, place in enumerate(wave) if family.names[place] in earlier]
        before = dict[int, RandomisationTest]()
        for number, test in made([(wave[k], by) for k, by in begun]):
            k = begun[number][0]
            found = smallest_of([test], alpha, 2)
            if found.p_value <= alpha:
                yield k, found
            else:
                before[k] = test
        rest = [k for k, place in enumerate(wave) if k in before or family.names[place] not in earlier]
        for number, test in made([(wave[k], statistic) for k in rest]):
            k = rest[number]
            yield k, smallest_of([before[k], test], alpha, 2) if k in before else test

    with shared.connected():
        return closed_test(family, alpha, tests, progress, memory, evidence)


def _share_of(copies: int, parts: int) -> int:
    """Copies that tell as much at a part of the level."""
    return parts * (copies + 1) - 1


Wave = Callable[[Sequence[int]], Iterator[tuple[int, RandomisationTest]]]
"""Tests of candidates, given by their places; yields (number in the wave, test) as they get done."""


def closed_test(
    family: CandidateFamily,
    alpha: float,
    tests: Wave,
    progress: Progress | None = None,
    memory: TestMemory | None = None,
    evidence: Mapping[str, float] | None = None,
) -> FamilyTest:
    """Closed testing by any tests of the candidates that have the level `alpha`.

    Args:
        family: The candidates, closed under joins.
        alpha: Family-wise error rate.
        tests: Makes the tests of a wave.
        progress: Called before each test; with several workers it names the first of those under way.
        memory: Tests that were finished before.
        evidence: Logarithms, by candidate: of several that are not rejected though their join is, the one with the most
            is accepted. No rejection depends on it. Where it is None, or lacks one of them, p-values decide.

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


def _named(hear: Callable[[str, int], None] | None, names: Sequence[str]) -> Callable[[int, int], None] | None:
    return hear and (lambda place, copies: hear(names[place], copies))


@dataclass(frozen=True)
class _Run:
    """The tests of a family that are done so far, by the candidate's place."""

    family: CandidateFamily
    alpha: float
    progress: Progress | None
    memory: TestMemory | None
    tests: dict[int, RandomisationTest] = field(default_factory=dict)

    @cached_property
    def order(self) -> list[int]:
        """Candidates from the largest down: a group comes after those that contain it."""
        return sorted(range(len(self.family.candidates)), key=lambda i: len(self.family.above(i)))

    def ready(self) -> list[int]:
        """Candidates that are not tested yet, though all that contain them are rejected."""
        rejected = _rejected(self.tests, self.alpha)
        waiting = (place for place in self.order if place not in self.tests)
        return [place for place in waiting if rejected.issuperset(self.family.above(place))]

    def recalled(self, ready: Sequence[int]) -> list[int]:
        """Take from memory what it has of these candidates; the others."""
        for place in ready:
            known = None if self.memory is None else self.memory.recall_test(self.family.names[place])
            if known is not None:
                self.tests[place] = known
        return [place for place in ready if place not in self.tests]

    def keep(self, place: int, test: RandomisationTest) -> None:
        """A test that has just been done, which memory gets before anything else happens."""
        if self.memory is not None:
            self.memory.keep_test(self.family.names[place], test)
        self.tests[place] = test

    def tell(self, wave: Sequence[int]) -> None:
        """Name the first test of the wave that is not done."""
        left = next((place for place in wave if place not in self.tests), None)
        if self.progress is not None and left is not None:
            self.progress(self.family.names[left], len(self.tests), len(self.order))

    def in_order(self) -> dict[int, RandomisationTest]:
        """The tests, in an order that does not depend on who finished first."""
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
    # Of several kept groups, whose join was rejected, one at most is the largest that holds: the likeliest is taken.
    is_told = all(names[i] in evidence for i in kept)
    told = {i: evidence[names[i]] if is_told else 0.0 for i in kept}
    best = max(kept, key=lambda i: (told[i], tests[i].p_value, -tests[i].z)) if kept else None
    common = [] if best is None else [i for i in range(len(names)) if i == best or family.inside[i, best]]
    verdicts = {
        name: Verdict.REJECTED if i in rejected else Verdict.ACCEPTED if i in common else Verdict.UNDECIDED
        for i, name in enumerate(names)
    }
    adjusted = {names[i]: max(tests[j].p_value for j in (i, *family.above(i)) if j in tests) for i in range(len(names))}
    maximal = () if best is None else (names[best],)
    conflict = tuple(names[k] for k in kept) if len(kept) > 1 else ()
    return FamilyTest(verdicts, {names[i]: t for i, t in tests.items()}, adjusted, maximal, alpha, conflict)
