"""Which of a family of groups does the relation E[Y | X] have? Closed testing with the tests of `relation_test`.

The hypothesis of a group is that the relation is equivariant on the whole space: such hypotheses are closed under
joins, those about the support of the inputs are not. What inputs cannot show is undecided, however large the p-value.
`relation_verdicts` decides what is tested next and what follows.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.dependence import rows_looked_at, warns_of_rows
from sharefind.inference.relation.overlap import OverlapBounds
from sharefind.inference.relation.relation_test import RelationSettings, RelationTest, relation_test
from sharefind.inference.relation.relation_verdicts import Doubt, Found, RelationClosure
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.closed_testing import FamilyTest, Progress
from sharefind.inference.tests.families import CandidateFamily
from sharefind.parallel import Workers
from sharefind.rng import named_stream


class RelationMemory(Protocol):
    """Where finished tests are kept."""

    def recall_relation(self, name: str) -> RelationTest | None:
        """Return the test of a candidate that an earlier run finished, or None.

        Args:
            name: Name of the candidate.
        """
        ...

    def keep_relation(self, name: str, test: RelationTest) -> None:
        """Keep a test that has just been finished.

        Args:
            name: Name of the candidate.
            test: The test.
        """
        ...


@dataclass(frozen=True)
class RelationFamily:
    """The results of the tests of a family of relations.

    Attributes:
        family: Verdicts and p-values. No group is accepted where the inputs show too little of every remaining group.
        tests: The tests that were made.
        one_sided: Groups that were not rejected although the inputs show only one side of them.
        unassured: Groups that were rejected at an overlap so small that the level is not assured.
        doubts: The reason why a group is undecided, by its name.
    """

    family: FamilyTest
    tests: Mapping[str, RelationTest]
    one_sided: tuple[str, ...]
    unassured: tuple[str, ...]
    doubts: Mapping[str, Doubt] = field(default_factory=dict)


@warns_of_rows
def relation_family_test(
    x: Tensor,
    y: Tensor,
    family: CandidateFamily,
    *,
    alpha: float = 0.01,
    copies: int = 199,
    seed: int = 0,
    units: Tensor | None = None,
    has_classes: bool = False,
    progress: Progress | None = None,
    memory: RelationMemory | None = None,
    workers: Workers | None = None,
    bounds: OverlapBounds | None = None,
    settings: RelationSettings | None = None,
    evidence: Mapping[str, float] | None = None,
) -> RelationFamily:
    """Test which groups of a family leave the relation E[Y | X] unchanged.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out), one-hot where they are classes.
        family: The candidates, finite and listed, closed under joins.
        alpha: Family-wise error rate, by simulation.
        copies: Copies of each test, enough for 1 / (copies + 1) <= alpha. Tests that have only a part of alpha, see
            `relation_verdicts`, get more copies so that they can use it.
        seed: Each candidate's stream is named after it.
        units: The unit of each row, shape (n,), int64; None where each row is one.
        has_classes: Whether labels are classes.
        progress: Called before each test; with several workers it names the first test in progress.
        memory: Tests that were finished before, with the same data and settings; it gets each as soon as it is done.
        workers: Share the tests of a wave, with the same result; this process alone if None.
        bounds: Bounds on the overlap; `OverlapBounds()` where None.
        settings: How relations are tested; `RelationSettings()` where None.
        evidence: Evidence for each candidate, such as `GroupShares.log_evidence`. It chooses between groups that could
            be accepted but not together; where None, the largest p-value chooses.

    Returns:
        The verdicts.

    Raises:
        ConfigError: Alpha is not in (0, 1), or `copies` is too small for a rejection.
        GroupError: A candidate is infinite, or too large to be listed.
        InputError: The samples cannot be used.
    """
    if not 0 < alpha < 1 or 1 / (copies + 1) > alpha:
        raise ConfigError(f"alpha={alpha}, copies={copies}: alpha must lie in (0, 1) and 1 / (copies + 1) not above it")
    refuse_bad_samples(x, y, units)
    workers = workers or Workers()
    plan = _Plan(family, alpha, copies, seed, bounds or OverlapBounds())
    shared = _Shared(x, y, units, has_classes, settings, alpha, workers.alone)
    made: dict[int, RelationTest] = {}
    with workers.connected():
        while ready := plan.closure(made).ready():
            _recall(family, ready, memory, made)
            missing = [place for place in ready if place not in made]
            tasks = [plan.task(place, made, shared) for place in missing]
            _tell(family, missing, made, progress)
            with closing(_tests(tasks, workers)) as results:
                for number, test in results:
                    made[missing[number]] = test
                    if memory is not None:
                        memory.keep_relation(family.names[missing[number]], test)
                    _tell(family, missing, made, progress)
    return _concluded(plan.closure(made), made, evidence)


def _recall(
    family: CandidateFamily, ready: Sequence[int], memory: RelationMemory | None, made: dict[int, RelationTest]
) -> None:
    for place in ready:
        known = None if memory is None else memory.recall_relation(family.names[place])
        if known is not None:
            made[place] = known


def _tell(
    family: CandidateFamily, wave: Sequence[int], made: Mapping[int, RelationTest], progress: Progress | None
) -> None:
    """Name the first test of the wave that is not done."""
    left = next((place for place in wave if place not in made), None)
    if progress is not None and left is not None:
        progress(family.names[left], len(made), len(family.candidates))


@dataclass(frozen=True)
class _Shared:
    """The common arguments of all tests of a family."""

    x: Tensor
    y: Tensor
    units: Tensor | None
    has_classes: bool
    settings: RelationSettings | None
    alpha: float
    worker: Workers


@dataclass(frozen=True)
class _Task:
    """One test; arrays, since workers share these."""

    data: tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]
    moves: AmbientMoves
    stream: tuple[int, str]
    copies: int
    has_classes: bool
    settings: RelationSettings | None
    alpha: float
    worker: Workers


@dataclass(frozen=True)
class _Plan:
    family: CandidateFamily
    alpha: float
    copies: int
    seed: int
    bounds: OverlapBounds

    def closure(self, made: Mapping[int, RelationTest]) -> RelationClosure:
        """The verdicts from the tests so far."""
        found = {place: Found(test.p_value, test.overlap) for place, test in made.items()}
        return RelationClosure(self.family, found, self.alpha, self.bounds)

    def task(self, place: int, made: Mapping[int, RelationTest], shared: _Shared) -> _Task:
        """The test of a candidate."""
        x, y, units = shared.x, shared.y, shared.units
        data = (x.numpy(force=True), y.numpy(force=True), None if units is None else units.numpy(force=True))
        candidate = self.family.candidates[place]
        copies = self._copies(place, self.closure(made))
        return _Task(
            data,
            candidate.moves,
            (self.seed, candidate.name),
            copies,
            shared.has_classes,
            shared.settings,
            self.alpha,
            shared.worker,
        )

    def _copies(self, place: int, closure: RelationClosure) -> int:
        """Return the number of copies with which a part of alpha can be used: half of it, or in a one-sided group a
        share of half.
        """
        is_part = any(j in closure.found and not closure.is_decidable(j) for j in self.family.above(place))
        parts = 2 * (closure.most_shares if is_part else 1)
        return max(self.copies, math.ceil(parts / self.alpha) - 1)


def _tests(tasks: Sequence[_Task], workers: Workers) -> Generator[tuple[int, RelationTest], None, None]:
    yield from workers.map(_made, tasks)


def _made(task: _Task) -> RelationTest:
    task.worker.refuse_late()
    x, y = (torch.tensor(values) for values in task.data[:2])
    units = None if task.data[2] is None else torch.tensor(task.data[2])
    seed, name = task.stream
    with rows_looked_at():
        return relation_test(
            x,
            y,
            task.moves,
            named_stream(seed, "relation", name),
            task.copies,
            units,
            has_classes=task.has_classes,
            settings=task.settings,
            alpha=task.alpha,
            workers=task.worker,
        )


def _concluded(
    closure: RelationClosure, made: Mapping[int, RelationTest], evidence: Mapping[str, float] | None
) -> RelationFamily:
    names = closure.family.names

    def preferred(place: int) -> tuple[float, float]:
        test = made[place].test
        return (test.p_value, -test.z) if evidence is None else (evidence[names[place]], test.p_value)

    best = max(closure.standing, key=preferred) if closure.standing else None
    verdicts = list(closure.verdicts(best))
    tests = {place: made[place] for place in closure.order if place in made}
    closed = FamilyTest(
        {names[place]: verdict for place, verdict, _ in verdicts},
        {names[place]: found.test for place, found in tests.items()},
        {name: closure.adjusted(place) for place, name in enumerate(names)},
        () if best is None else (names[best],),
        closure.alpha,
        tuple(names[place] for place in closure.conflict),
    )
    return RelationFamily(
        closed,
        {names[place]: found for place, found in tests.items()},
        tuple(names[place] for place in closure.one_sided),
        tuple(names[place] for place in closure.unassured),
        {names[place]: doubt for place, _, doubt in verdicts if doubt is not None},
    )
