"""The tests of several candidates at once, each by one statistic or by two that share the level.

`closed_testing` decides which candidates are tested together, and draws the conclusions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from sharefind.inference.fitted_statistic import Statistic
from sharefind.inference.tests.families import CandidateFamily
from sharefind.inference.tests.p_values import RandomisationTest, smallest_of
from sharefind.inference.tests.randomisation import TestSpec, randomisation_tests
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.parallel import Workers
from sharefind.rng import named_stream

Design = tuple[int, CopiesDesign | None]
"""Number of copies of a test, and how it grows; None for a fixed number."""


@dataclass(frozen=True)
class CopiesOfTests:
    """Numbers of copies of the tests of a family, and how they grow.

    Attributes:
        alpha: Level of a candidate.
        copies: Number of copies of a statistic that has the level for itself.
        grow: Whether the number of copies grows near the level.
        few: Looks of the second of two statistics, in multiples of the first look. There are few, since this statistic
            is expensive; a p-value near half of the level is left open.
    """

    alpha: float
    copies: int
    grow: bool
    few: tuple[int, ...] = (1, 2, 3, 4)

    @cached_property
    def alone(self) -> Design:
        """Copies of a statistic that has the level for itself."""
        return self.copies, CopiesDesign(self.alpha, self.copies) if self.grow else None

    @cached_property
    def earlier(self) -> Design:
        """Copies of the first of two statistics: twice as many, since each has half of the level."""
        return self._twice, CopiesDesign(self.alpha / 2, self._twice) if self.grow else None

    @cached_property
    def later(self) -> Design:
        """Copies of the second of two statistics."""
        return self._twice, CopiesDesign(self.alpha / 2, self._twice, self.few) if self.grow else None

    @property
    def _twice(self) -> int:
        return 2 * self.copies + 1


@dataclass(frozen=True, eq=False)
class WaveTests:
    """Performs tests of candidates.

    Attributes:
        samples: Inputs, shape (n, d_in), and labels, shape (n, d_out).
        family: The candidates.
        statistic: Statistic of the tests.
        first: Returns the statistic of a candidate, given by name, that is tested before `statistic`; None for none.
            Both then have half of the level, and `statistic` is computed only if the first one does not reject.
        copies: Numbers of copies.
        seed: Seed; each candidate has a random stream of its own name.
        max_exceedances: Ends a test early if its result is clear.
        workers: Processes that share the tests.
        units: Unit of each row, shape (n,), int64; None if each row is a unit.
        on_copies: Called with the current candidate and the number of copies evaluated.
    """

    samples: tuple[Tensor, Tensor]
    family: CandidateFamily
    statistic: Statistic
    first: Callable[[str], Statistic | None]
    copies: CopiesOfTests
    seed: int
    max_exceedances: int | None
    workers: Workers
    units: Tensor | None
    on_copies: Callable[[str, int], None] | None

    def __call__(self, wave: Sequence[int]) -> Iterator[tuple[int, RandomisationTest]]:
        """Test candidates.

        Args:
            wave: Positions of the candidates in the family.

        Yields:
            The number of a candidate in the wave, and its test, as tests finish.
        """
        firsts = [self.first(self.family.names[place]) for place in wave]
        begun = [k for k, by in enumerate(firsts) if by is not None]
        before = dict[int, RandomisationTest]()
        for number, test in self._performed([(wave[k], by) for k in begun if (by := firsts[k]) is not None]):
            found = smallest_of([test], self.copies.alpha, 2)
            if found.p_value <= self.copies.alpha:
                yield begun[number], found
            else:
                before[begun[number]] = test
        rest = [k for k, by in enumerate(firsts) if k in before or by is None]
        for number, test in self._performed([(wave[k], self.statistic) for k in rest]):
            k = rest[number]
            yield k, smallest_of([before[k], test], self.copies.alpha, 2) if k in before else test

    def _performed(self, pairs: Sequence[tuple[int, Statistic]]) -> Iterator[tuple[int, RandomisationTest]]:
        names = [self.family.names[place] for place, _ in pairs]
        hear = self.on_copies
        heard = None if hear is None else lambda place, copies: hear(names[place], copies)
        specs = [self._spec(place, by) for place, by in pairs]
        with closing(randomisation_tests(*self.samples, specs, self.workers, on_copies=heard)) as results:
            yield from results

    def _spec(self, place: int, by: Statistic) -> TestSpec:
        candidate, own = self.family.candidates[place], self.copies
        rng = named_stream(self.seed, "family test", by.name, candidate.name)
        stream, first = int(rng.integers(2**63)), self.first(candidate.name)
        most, design = own.alone if first is None else own.earlier if by is first else own.later
        return TestSpec(candidate.moves, by, stream, most, self.max_exceedances, design, self.units)
