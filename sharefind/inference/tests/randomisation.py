"""The exact randomisation test: a statistic of the data against the same statistic of copies moved by the hypothesis.

If the hypothesis holds, the data and the copies are exchangeable, so the rank of the observed statistic gives a p-value
that is valid in finite samples, whatever the statistic (Hemerik & Goeman 2018). The proof is in docs/statistics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.ambient_moves import Moves, element_bytes
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.row_blocks import draw_elements
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import TIE, RandomisationTest, exceeding_rows, found_test, grown_test
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.parallel import Workers
from sharefind.rng import named_stream

OFFSET_TIE = 10.0
"""The same in units of the samples' resolution, where an offset makes that coarser."""

BLOCK_BYTES = 2**26
"""Bytes that the copies evaluated at a time hold, whatever their number; one copy is always evaluated whole."""

ROWS = 25
"""Most copies evaluated at a time: more are no faster, and this is the step at which a clear answer may end a test."""

SHARES = 2
"""Tasks for each worker, where tests are few enough to be cut: each binds its statistic again."""


@dataclass(frozen=True)
class Bound:
    """A statistic made ready for one hypothesis; large against it, each row on its own, K components.

    Attributes:
        labels: (n, d_out), what is moved together with x in place of y, such as centred labels or residuals.
        evaluate: x (R, n, d_in), labels (R, n, d_out) -> (R, K).
        of_moves: for finite groups in place of `evaluate`, where moving what was computed from the samples costs less
            than moving the samples: numbers of elements (R, n) -> (R, K), element 0 being the identity.
        row_bytes: that one row holds at most while it is evaluated, besides the moved samples themselves.
        inputs: (n, d_in), what is moved in place of x, such as scaled inputs; x itself where None.
        resolution: relative rounding error of what is moved, from the offset of the samples.

    Raises:
        ConfigError: not exactly one of `evaluate` and `of_moves` is given.
    """

    labels: Tensor
    evaluate: Callable[[Tensor, Tensor], Tensor] | None = None
    of_moves: Callable[[Tensor], Tensor] | None = None
    row_bytes: int = 0
    inputs: Tensor | None = None
    resolution: float = 0.0

    def __post_init__(self) -> None:
        if (self.evaluate is None) == (self.of_moves is None):
            raise ConfigError("a bound statistic needs `evaluate` or `of_moves`, one of the two")

    def observed(self, x: Tensor) -> Tensor:
        """Of the data: x (n, d_in) -> (1, K)."""
        if self.of_moves is not None:
            return self.of_moves(torch.zeros(1, len(x), dtype=torch.int64))
        return self._evaluated(self._moved(x).unsqueeze(0), self.labels.unsqueeze(0))

    def of_copies(self, x: Tensor, moves: Moves, elements: Any) -> Tensor:
        """Of copies moved by elements (R, n): x (n, d_in) -> (R, K)."""
        if self.of_moves is not None:
            return self.of_moves(elements)
        return self._evaluated(*moves.move(elements, self._moved(x).unsqueeze(0), self.labels.unsqueeze(0)))

    def rows_at_once(self, x: Tensor, moves: Moves) -> int:
        """Copies in a block: `BLOCK_BYTES` of them, `ROWS` at most. It follows from x (n, d_in) and the statistic."""
        moved = element_bytes(moves, x, self.labels)
        if self.evaluate is not None:
            moved += x.element_size() * x.numel() + self.labels.element_size() * self.labels.numel()
        return max(1, min(ROWS, BLOCK_BYTES // (self.row_bytes + moved)))

    @property
    def tie(self) -> float:
        """Difference, relative to the statistic's scale, below which two values count as tied."""
        return max(TIE, OFFSET_TIE * self.resolution)

    def _moved(self, x: Tensor) -> Tensor:
        return x if self.inputs is None else self.inputs

    def _evaluated(self, x: Tensor, labels: Tensor) -> Tensor:
        if self.evaluate is None:
            raise ConfigError("a bound statistic needs `evaluate` or `of_moves`, one of the two")
        return self.evaluate(x, labels)


class Statistic(Protocol):
    """What a test compares. One's own needs a name and this one method."""

    @property
    def name(self) -> str:
        """What the record calls it."""
        ...

    def bind(self, moves: Moves, x: Tensor, y: Tensor, rng: np.random.Generator) -> Bound:
        """The statistic for one hypothesis; several components K are looked at together.

        The test is exact when what is bound depends on x (n, d_in) and y (n, d_out) through orbits alone (sizes, and
        scales that the group leaves alone) and on `rng`. `origin.orbit_scale` takes out what no verdict may depend on.
        """
        ...


@dataclass(frozen=True)
class Trial:
    """A test that is to be made.

    Attributes:
        moves: the group. statistic: what is compared. seed: of its streams, one a block.
        copies: m, the most that are evaluated. enough: ends the test early, see `randomisation_test`.
        design: looks at growing numbers of copies, in place of `copies` and `enough`; None for a fixed number.
        units: (n,), int64, the unit of each row, from 0; one element moves all rows of a unit. None: each row is one.

    Raises:
        ConfigError: no copies, or `enough` below 1.
    """

    moves: Moves
    statistic: Statistic
    seed: int
    copies: int
    enough: int | None = None
    design: CopiesDesign | None = None
    units: Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.copies < 1 or (self.enough is not None and self.enough < 1):
            raise ConfigError(f"randomisation test: copies={self.copies}, enough={self.enough}; give 1 or more")

    def most_shares(self) -> int:
        """Shares with at least one block each; an early end reads one copy after the other, so there is one share."""
        return 1 if self.enough is not None or self.design is not None else -(-self.copies // ROWS)


def trial_of(
    moves: Moves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int,
    enough: int | None,
    design: CopiesDesign | None = None,
    units: Tensor | None = None,
) -> Trial:
    """The test whose streams are derived from `rng`."""
    return Trial(moves, statistic, int(rng.integers(2**63)), copies, enough, design, units)


@warns_of_rows
def randomisation_test(
    x: Tensor,
    y: Tensor,
    moves: Moves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int = 199,
    enough: int | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    alpha: float | None = None,
) -> RandomisationTest:
    """Test that the law of (X, Y) is invariant under a group.

    Args:
        x: (n, d_in). y: (n, d_out). moves: the group. statistic: what is compared. rng: of the copies.
        copies: m, the most that are evaluated. enough: ends the test once so many copies are at least as extreme as the
            data, with p = enough / copies so far (Besag & Clifford 1991); a statistic of several components is always
            read whole.
        workers: share the copies, with the same result; this process alone if None.
        units: (n,), int64, the unit of each row, from 0: rows of one unit depend on each other, and one group element
            moves all of them. None: rows are independent.
        alpha: a level near which the number of copies grows from `copies` to 64 times as many, so that the verdict does
            not depend on chance (`sequential.CopiesDesign`); the number is fixed where None.

    Raises:
        ConfigError: no copies, or `enough` below 1. InputError: the samples are empty, do not match or are not finite,
            or the statistic of the data is no number.
    """
    design = None if alpha is None else CopiesDesign(alpha, copies)
    trial = trial_of(moves, statistic, rng, copies, enough, design, units)
    ((_, found),) = randomisation_tests(x, y, [trial], workers)
    return found


def randomisation_tests(
    x: Tensor, y: Tensor, trials: Sequence[Trial], workers: Workers | None = None
) -> Generator[tuple[int, RandomisationTest], None, None]:
    """Several tests of the same samples as they get done, each with its place; in order where one process works.

    Workers get whole tests, or shares of one where there are fewer tests than workers. Blocks of copies draw from
    streams of their own, so that it makes no difference.

    Args:
        x: (n, d_in). y: (n, d_out). trials: the tests. workers: this process alone if None.

    Raises:
        InputError: the samples are empty, do not match or are not finite, or the statistic of the data is no number.
            What the deadline of the workers says, when it passes.
    """
    for units in {id(t.units): t.units for t in trials}.values() or [None]:
        refuse_bad_samples(x, y, units)
    workers = workers or Workers()
    data = tuple(np.ascontiguousarray(v.detach().double().numpy()) for v in (x, y))
    wanted = 1 if workers.is_here else min(workers.count(), -(-SHARES * workers.count() // max(1, len(trials))))
    cuts = [min(wanted, trial.most_shares()) for trial in trials]
    shares = [_Share(data, t, k, cut, workers.alone) for t, cut in zip(trials, cuts, strict=True) for k in range(cut)]
    places = [place for place, cut in enumerate(cuts) for _ in range(cut)]
    parts: dict[int, dict[int, _Part]] = {place: {} for place in range(len(trials))}
    with closing(workers.map(_evaluate, shares)) as results:
        for number, part in results:
            place = places[number]
            parts[place][shares[number].number] = part
            if len(parts[place]) == cuts[place]:
                yield place, _joined(trials[place], [p for _, p in sorted(parts.pop(place).items())])


@dataclass(frozen=True)
class _Share:
    """One of `cut` runs of neighbouring blocks of a test; data: x (n, d_in) and y (n, d_out); worker: who does it."""

    data: tuple[NDArray[Any], ...]
    trial: Trial
    number: int
    cut: int
    worker: Workers


@dataclass(frozen=True)
class _Part:
    """What a share gave: components (rows, K), those of the data in row 0 of share 0.

    tie: relative rounding of the statistic. p_value: of an early end. found: the whole test, where its copies grew.
    """

    rows: NDArray[np.float64]
    seconds: float
    tie: float
    p_value: float | None = None
    found: RandomisationTest | None = None


def _evaluate(share: _Share) -> _Part:
    """The rows of one share."""
    started = time.perf_counter()
    trial = share.trial
    x, y = (torch.tensor(v) for v in share.data)
    # What a statistic chooses at random, such as landmarks, is the same for every seed: so is the verdict, but for the
    # copies.
    bound = trial.statistic.bind(trial.moves, x, y, named_stream(0, "statistic", trial.statistic.name))
    observed = _numbers(bound.observed(x))
    if not np.isfinite(observed).all():
        raise InputError(f"{trial.statistic.name}: the statistic of the data is no number; rescale the data")
    if trial.design is not None:
        return _grown(share, trial.design, bound, x, observed, started)
    size = bound.rows_at_once(x, trial.moves)
    blocks = -(-trial.copies // size)
    first, last = (k * blocks // share.cut for k in (share.number, share.number + 1))
    # One array for all rows: small arrays kept between large ones that are freed would scatter the memory.
    rows = np.empty((1 + min(trial.copies, last * size) - first * size, observed.shape[1]))
    rows[:1], done, exceeding = observed, 1, 0
    for block in range(first, last):
        share.worker.refuse_late()
        for value in _copies(trial, bound, x, str(block), min(size, trial.copies - block * size)):
            rows[done], done = value, done + 1
            if trial.enough is not None and value.size == 1:
                exceeding += exceeding_rows(np.concatenate([rows[0], value]), bound.tie)
                if exceeding >= trial.enough:
                    seconds = time.perf_counter() - started
                    return _Part(rows[:done], seconds, bound.tie, trial.enough / (done - 1))
    return _Part(rows if share.number == 0 else rows[1:], time.perf_counter() - started, bound.tie)


def _copies(trial: Trial, bound: Bound, x: Tensor, block: str, count: int) -> NDArray[np.float64]:
    """Components of the copies of one block, (count, K)."""
    elements = draw_elements(trial.moves, count, len(x), trial.units, named_stream(trial.seed, "copies", block))
    return _numbers(bound.of_copies(x, trial.moves, elements))


def _grown(
    share: _Share, design: CopiesDesign, bound: Bound, x: Tensor, observed: NDArray[np.float64], started: float
) -> _Part:
    """A test whose number of copies grows."""
    trial, size = share.trial, bound.rows_at_once(x, share.trial.moves)

    def copies(purpose: str, first: int, last: int) -> Iterator[NDArray[np.float64]]:
        for start in range(first, last, size):
            share.worker.refuse_late()
            yield _copies(trial, bound, x, f"{purpose}{start}", min(size, last - start))

    found = grown_test(trial.statistic.name, observed, copies, design, bound.tie)
    return _Part(observed, 0.0, bound.tie, found=replace(found, seconds=time.perf_counter() - started))


def _joined(trial: Trial, parts: Sequence[_Part]) -> RandomisationTest:
    rows, first = np.concatenate([p.rows for p in parts]), parts[0]
    if first.found is not None:
        return first.found
    return found_test(trial.statistic.name, rows, sum(p.seconds for p in parts), first.p_value, first.tie)


def _numbers(values: Tensor) -> NDArray[np.float64]:
    """Rows (R, K); infinities count as no numbers: numpy warns of means that hold them."""
    rows = values.double()
    return np.asarray(torch.where(torch.isfinite(rows), rows, torch.nan).numpy())
