"""Which of a family of groups does the relation E[Y | X] have? Closed testing with the tests of `relation_test`.

The hypothesis of a group is that the relation is equivariant on the whole space: such hypotheses are closed under
joins, those about the support of the inputs are not. What inputs cannot show is undecided, however large the p-value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.relation.relation_test import RelationSettings, RelationTest, relation_test
from sharefind.inference.tests.closed_testing import FamilyTest, Progress, Verdict, closed_test
from sharefind.inference.tests.families import CandidateFamily
from sharefind.inference.tests.p_values import RandomisationTest
from sharefind.parallel import Workers
from sharefind.rng import named_stream


class RelationMemory(Protocol):
    """Where finished tests are kept."""

    def recall_relation(self, name: str) -> RelationTest | None:
        """The test of a candidate that an earlier run finished, or None."""
        ...

    def keep_relation(self, name: str, test: RelationTest) -> None:
        """Keep a test that has just been finished."""
        ...


@dataclass(frozen=True)
class RelationFamily:
    """What the tests of a family of relations found.

    Attributes:
        family: Verdicts and p-values; UNDECIDED where a group is one-sided too.
        tests: Those that were made.
        one_sided: Groups that were not rejected, of which the inputs show one side only.
        unassured: Groups that were rejected at so small an overlap that the level is not assured.
    """

    family: FamilyTest
    tests: Mapping[str, RelationTest]
    one_sided: tuple[str, ...]
    unassured: tuple[str, ...]


@dataclass(frozen=True)
class OverlapBounds:
    """What an overlap must be for a verdict.

    Attributes:
        accepted: Overlap below which what is not rejected is undecided.
        assured: Overlap below which the level of a rejection is not assured.
    """

    accepted: float = 0.25
    assured: float = 0.1


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
    """Test which groups of a family leave the relation E[Y | X] alone.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out), one-hot where they are classes.
        family: The candidates, finite and listed, closed under joins.
        alpha: Family-wise error rate, by simulation.
        copies: Of each test.
        seed: Each candidate's stream is named after it.
        units: The unit of each row, shape (n,), int64; None where each row is one.
        has_classes: Whether labels are classes.
        progress: Called before each test.
        memory: Tests that were finished before; it gets each as soon as it is done.
        workers: Share the tests of a wave; this process alone if None.
        bounds: What an overlap must be; `OverlapBounds()` where None.
        settings: How relations are tested; `RelationSettings()` where None.
        evidence: Settles conflicts, see `closed_test`.

    Returns:
        The verdicts.

    Raises:
        GroupError: A candidate is infinite, or too large to be listed.
        InputError: The samples cannot be used.
    """
    made: dict[str, RelationTest] = {}
    bounds = bounds or OverlapBounds()

    def tests(wave: Sequence[int]) -> Iterator[tuple[int, RandomisationTest]]:
        for number, place in enumerate(wave):
            candidate = family.candidates[place]
            found = None if memory is None else memory.recall_relation(candidate.name)
            if found is None:
                rng = named_stream(seed, "relation", candidate.name)
                found = relation_test(
                    x, y, candidate.moves, rng, copies, units, has_classes=has_classes, settings=settings
                )
                if memory is not None:
                    memory.keep_relation(candidate.name, found)
            made[candidate.name] = found
            yield number, found.test

    closed = closed_test(family, alpha, tests, progress, evidence=evidence)
    return _concluded(closed, made, bounds)


def _concluded(closed: FamilyTest, made: Mapping[str, RelationTest], bounds: OverlapBounds) -> RelationFamily:
    one_sided = tuple(n for n, t in made.items() if n not in closed.rejected and t.overlap < bounds.accepted)
    unassured = tuple(n for n, t in made.items() if n in closed.rejected and t.overlap < bounds.assured)
    doubtful = set(one_sided) if not set(closed.maximal) <= set(one_sided) else set(closed.accepted) | set(one_sided)
    verdicts = {n: Verdict.UNDECIDED if n in doubtful else v for n, v in closed.verdicts.items()}
    maximal = tuple(n for n in closed.maximal if n not in doubtful)
    return RelationFamily(replace(closed, verdicts=verdicts, maximal=maximal), made, one_sided, unassured)
