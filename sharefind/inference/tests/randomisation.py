"""The exact randomisation test: compares a statistic of the data with that of copies moved by the hypothesis.

If the hypothesis holds, the data and the copies are exchangeable. The rank of the observed statistic then gives a
p-value that is valid in finite samples, for every statistic (Hemerik & Goeman 2018). docs/statistics has the proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.ambient_moves import AmbientMoves
from sharefind.inference.dependence import warns_of_rows
from sharefind.inference.fitted_statistic import FittedStatistic, Statistic
from sharefind.inference.row_blocks import draw_elements
from sharefind.inference.sample_checks import refuse_bad_samples
from sharefind.inference.tests.p_values import RandomisationTest, exceeding_rows, found_test, grown_test
from sharefind.inference.tests.sequential import CopiesDesign
from sharefind.parallel import Workers
from sharefind.rng import named_stream


@dataclass(frozen=True)
class TestSpec:
    """A test to be performed.

    Attributes:
        moves: Action of the group.
        statistic: The statistic that is compared.
        seed: Seed of its random streams, one per block.
        copies: Largest number m of copies.
        max_exceedances: Ends the test early, see `randomisation_test`.
        design: Growing numbers of copies, which replace `copies` and `max_exceedances`; None for a fixed number.
        units: Unit of each row, from 0, shape (n,), int64; one element moves all rows of a unit. None if each row is a
            unit.
        block_bytes: Memory in bytes of the copies evaluated at a time; one copy is always evaluated whole.
        block_rows: Largest number of copies evaluated at a time. More are not faster, and a clear result can end a test
            only between blocks.

    Raises:
        ConfigError: `copies` or `max_exceedances` is below 1.
    """

    __test__ = False  # for pytest, which collects classes by their name

    moves: AmbientMoves
    statistic: Statistic
    seed: int
    copies: int
    max_exceedances: int | None = None
    design: CopiesDesign | None = None
    units: Tensor | None = field(default=None, compare=False)
    block_bytes: int = 2**26
    block_rows: int = 25

    def __post_init__(self) -> None:
        if self.copies < 1 or (self.max_exceedances is not None and self.max_exceedances < 1):
            raise ConfigError(
                f"randomisation test: copies={self.copies}, max_exceedances={self.max_exceedances}; give 1 or more"
            )

    @property
    def most_shares(self) -> int:
        """Largest number of shares with at least one block each; a test that can end early reads copies in order and
        has one share.
        """
        ends_early = self.max_exceedances is not None or self.design is not None
        return 1 if ends_early else -(-self.copies // self.block_rows)

    def rows_at_once(self, fitted: FittedStatistic, x: Tensor) -> int:
        """Return the number of copies in a block.

        Args:
            fitted: The statistic.
            x: Inputs, shape (n, d_in).
        """
        return max(1, min(self.block_rows, self.block_bytes // fitted.copy_bytes(x, self.moves)))


@warns_of_rows
def randomisation_test(
    x: Tensor,
    y: Tensor,
    moves: AmbientMoves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int = 199,
    max_exceedances: int | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    alpha: float | None = None,
) -> RandomisationTest:
    """Return the test that the law of (X, Y) is invariant under a group.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        moves: Action of the group.
        statistic: The statistic that is compared.
        rng: Source of the copies.
        copies: Largest number m of copies.
        max_exceedances: Ends the test once this number of copies is at least as extreme as the data, with p =
            max_exceedances / (copies evaluated) (Besag & Clifford 1991). A statistic with several components is always
            evaluated on all copies.
        workers: Processes that share the copies; the result does not depend on them. None uses this process.
        units: Unit of each row, from 0, shape (n,), int64. Rows of one unit may depend on each other, and one group
            element moves all of them. None if rows are independent.
        alpha: A level near which the number of copies grows from `copies` to 64 times this number, so that the verdict
            does not depend on chance (`sequential.CopiesDesign`). None fixes the number.

    Raises:
        ConfigError: `copies` or `max_exceedances` is below 1.
        InputError: The samples are empty, do not match or are not finite, or the statistic of the data is not finite.
    """
    design = None if alpha is None else CopiesDesign(alpha, copies)
    spec = TestSpec(moves, statistic, int(rng.integers(2**63)), copies, max_exceedances, design, units)
    ((_, found),) = randomisation_tests(x, y, [spec], workers)
    return found


def randomisation_tests(
    x: Tensor,
    y: Tensor,
    specs: Sequence[TestSpec],
    workers: Workers | None = None,
    shares_of_worker: int = 2,
    on_copies: Callable[[int, int], None] | None = None,
) -> Generator[tuple[int, RandomisationTest], None, None]:
    """Perform several tests of the same samples.

    Workers get whole tests, or shares of a test if there are fewer tests than workers. Blocks of copies have random
    streams of their own, so the results do not depend on the workers.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        specs: The tests.
        workers: Processes that do the work; None uses this process.
        shares_of_worker: Number of tasks per worker, if tests are split; each task binds its statistic again.
        on_copies: Called with the position of the current test and the number of copies evaluated, if this process
            works alone.

    Yields:
        The position of a test and its result, as tests finish; in order if one process works.

    Raises:
        InputError: The samples are empty, do not match or are not finite, or the statistic of the data is not finite.
            If the deadline of the workers passes, its own exception is raised.
    """
    for units in {id(spec.units): spec.units for spec in specs}.values() or [None]:
        refuse_bad_samples(x, y, units)
    workers = workers or Workers()
    data = tuple(np.ascontiguousarray(v.detach().double().numpy()) for v in (x, y))
    most = 1 if workers.is_here else workers.count()
    wanted = min(most, -(-shares_of_worker * most // max(1, len(specs))))
    cuts = [min(wanted, spec.most_shares) for spec in specs]
    shares = [_Share(data, s, k, cut, workers.alone) for s, cut in zip(specs, cuts, strict=True) for k in range(cut)]
    places = [place for place, cut in enumerate(cuts) for _ in range(cut)]
    if on_copies is not None and workers.is_here:
        shares = [replace(s, on_copies=partial(on_copies, place)) for s, place in zip(shares, places, strict=True)]
    parts: dict[int, dict[int, _Part]] = {place: {} for place in range(len(specs))}
    with closing(workers.map(_evaluate, shares)) as results:
        for number, part in results:
            place = places[number]
            parts[place][shares[number].number] = part
            if len(parts[place]) == cuts[place]:
                yield place, _joined(specs[place], [p for _, p in sorted(parts.pop(place).items())])


@dataclass(frozen=True)
class _Share:
    """One of `cut` runs of neighbouring blocks of a test.

    Attributes:
        data: Inputs x (n, d_in) and labels y (n, d_out).
        spec: The test.
        number: Number of the share.
        cut: Number of shares.
        worker: The process that does it.
        on_copies: Called with the number of copies evaluated.
    """

    data: tuple[NDArray[Any], ...]
    spec: TestSpec
    number: int
    cut: int
    worker: Workers
    on_copies: Callable[[int], None] | None = None

    def refuse_late(self, copies: int) -> None:
        """Raise if the deadline has passed; report the number of copies evaluated."""
        self.worker.refuse_late()
        if self.on_copies is not None:
            self.on_copies(copies)


@dataclass(frozen=True)
class _Part:
    """The result of a share.

    Attributes:
        rows: Components (rows, K); share 0 has those of the data in row 0.
        seconds: Duration.
        tie: Relative rounding error of the statistic.
        p_value: The p-value, if the test ended early.
        found: The whole test, if its number of copies grew.
    """

    rows: NDArray[np.float64]
    seconds: float
    tie: float
    p_value: float | None = None
    found: RandomisationTest | None = None


def _evaluate(share: _Share) -> _Part:
    """Return the rows of one share."""
    started = time.perf_counter()
    spec = share.spec
    x, y = (torch.tensor(v) for v in share.data)
    # What a statistic chooses at random, such as landmarks, is the same for every seed: so is the verdict, but for the
    # copies.
    # A custom statistic need not support units if each row is a unit.
    units = {} if spec.units is None else {"units": spec.units}
    fitted = spec.statistic.bind(spec.moves, x, y, named_stream(0, "statistic", spec.statistic.name), **units)
    observed = _numbers(fitted.observed(x))
    if not np.isfinite(observed).all():
        raise InputError(f"{spec.statistic.name}: the statistic of the data is not finite; rescale the data")
    if spec.design is not None:
        found = _grown(share, spec.design, fitted, x, observed)
        return _Part(observed, 0.0, fitted.tie, found=replace(found, seconds=time.perf_counter() - started))
    size = spec.rows_at_once(fitted, x)
    blocks = -(-spec.copies // size)
    first, last = (k * blocks // share.cut for k in (share.number, share.number + 1))
    # One array for all rows: small arrays kept between large ones that are freed would scatter the memory.
    rows = np.empty((1 + min(spec.copies, last * size) - first * size, observed.shape[1]))
    rows[:1], done, exceeding = observed, 1, 0
    for block in range(first, last):
        share.refuse_late(done - 1)
        for value in _copies(spec, fitted, x, str(block), min(size, spec.copies - block * size)):
            rows[done], done = value, done + 1
            if spec.max_exceedances is not None and value.size == 1:
                exceeding += exceeding_rows(np.concatenate([rows[0], value]), fitted.tie)
                if exceeding >= spec.max_exceedances:
                    seconds = time.perf_counter() - started
                    return _Part(rows[:done], seconds, fitted.tie, spec.max_exceedances / (done - 1))
    return _Part(rows if share.number == 0 else rows[1:], time.perf_counter() - started, fitted.tie)


def _copies(spec: TestSpec, fitted: FittedStatistic, x: Tensor, block: str, count: int) -> NDArray[np.float64]:
    """Return components of the copies of one block, (count, K)."""
    elements = draw_elements(spec.moves, count, len(x), spec.units, named_stream(spec.seed, "copies", block))
    return _numbers(fitted.of_copies(x, spec.moves, elements))


def _grown(
    share: _Share, design: CopiesDesign, fitted: FittedStatistic, x: Tensor, observed: NDArray[np.float64]
) -> RandomisationTest:
    """Return a test whose number of copies grows."""
    spec = share.spec
    size = spec.rows_at_once(fitted, x)

    def copies(purpose: str, first: int, last: int) -> Iterator[NDArray[np.float64]]:
        for start in range(first, last, size):
            share.refuse_late(0 if purpose else start)
            yield _copies(spec, fitted, x, f"{purpose}{start}", min(size, last - start))

    return grown_test(spec.statistic.name, observed, copies, design, fitted.tie)


def _joined(spec: TestSpec, parts: Sequence[_Part]) -> RandomisationTest:
    rows, first = np.concatenate([p.rows for p in parts]), parts[0]
    if first.found is not None:
        return first.found
    return found_test(spec.statistic.name, rows, sum(p.seconds for p in parts), first.p_value, first.tie)


def _numbers(values: Tensor) -> NDArray[np.float64]:
    """Return rows (R, K) with infinities replaced by NaN; numpy warns about means of infinities."""
    rows = values.double()
    return np.asarray(torch.where(torch.isfinite(rows), rows, torch.nan).numpy())
