"""The exact randomisation test: a statistic of the data against the same statistic of copies moved by the hypothesis.

If the hypothesis holds, the data and the copies are exchangeable, so the rank of the observed statistic gives a p-value
that is valid in finite samples, whatever the statistic (Hemerik & Goeman 2018). The proof is in docs/statistics.
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
from sharefind.inference.ambient_moves import Moves
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
    """A test that is to be made.

    Attributes:
        moves: The group.
        statistic: What is compared.
        seed: Of its streams, one a block.
        copies: m, the most that are evaluated.
        max_exceedances: Ends the test early, see `randomisation_test`.
        design: Looks at growing numbers of copies, in place of `copies` and `max_exceedances`; None for a fixed number.
        units: The unit of each row, from 0, shape (n,), int64; one element moves all rows of a unit. None: each row is
            one.
        block_bytes: Bytes that the copies evaluated at a time hold; one copy is always evaluated whole.
        block_rows: Most copies evaluated at a time: more are no faster, and this is the step at which a clear answer
            may end a test.

    Raises:
        ConfigError: No copies, or `max_exceedances` below 1.
    """

    __test__ = False  # for pytest, which collects classes by their name

    moves: Moves
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
        """Shares with at least one block each; an early end reads one copy after the other, so there is one share."""
        ends_early = self.max_exceedances is not None or self.design is not None
        return 1 if ends_early else -(-self.copies // self.block_rows)

    def rows_at_once(self, fitted: FittedStatistic, x: Tensor) -> int:
        """Copies in a block, which follows from x (n, d_in) and the statistic."""
        return max(1, min(self.block_rows, self.block_bytes // fitted.copy_bytes(x, self.moves)))


@warns_of_rows
def randomisation_test(
    x: Tensor,
    y: Tensor,
    moves: Moves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int = 199,
    max_exceedances: int | None = None,
    workers: Workers | None = None,
    units: Tensor | None = None,
    alpha: float | None = None,
) -> RandomisationTest:
    """Test that the law of (X, Y) is invariant under a group.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        moves: The group.
        statistic: What is compared.
        rng: Of the copies.
        copies: m, the most that are evaluated.
        max_exceedances: Ends the test once so many copies are at least as extreme as the data, with
            p = max_exceedances / copies so far (Besag & Clifford 1991); a statistic of several components is always
            read whole.
        workers: Share the copies, with the same result; this process alone if None.
        units: The unit of each row, from 0, shape (n,), int64: rows of one unit depend on each other, and one group
            element moves all of them. None: rows are independent.
        alpha: A level near which the number of copies grows from `copies` to 64 times as many, so that the verdict does
            not depend on chance (`sequential.CopiesDesign`); the number is fixed where None.

    Returns:
        The test.

    Raises:
        ConfigError: No copies, or `max_exceedances` below 1.
        InputError: The samples are empty, do not match or are not finite, or the statistic of the data is no number.
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
    """Several tests of the same samples as they get done, each with its place; in order where one process works.

    Workers get whole tests, or shares of one where there are fewer tests than workers. Blocks of copies draw from
    streams of their own, so that it makes no difference.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        specs: The tests.
        workers: This process alone if None.
        shares_of_worker: Tasks for each worker, where tests are few enough to be cut: each binds its statistic again.
        on_copies: Called with the place of the test under way and the copies that it has looked at, where this process
            works alone.

    Yields:
        The place of a test, and what it found.

    Raises:
        InputError: The samples are empty, do not match or are not finite, or the statistic of the data is no number.
            What the deadline of the workers says, when it passes.
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
    """One of `cut` runs of neighbouring blocks of a test; data: x (n, d_in) and y (n, d_out); worker: who does it.

    on_copies: called with the copies that were looked at.
    """

    data: tuple[NDArray[Any], ...]
    spec: TestSpec
    number: int
    cut: int
    worker: Workers
    on_copies: Callable[[int], None] | None = None

    def refuse_late(self, copies: int) -> None:
        """End when the time is spent; say how many copies were looked at."""
        self.worker.refuse_late()
        if self.on_copies is not None:
            self.on_copies(copies)


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
    spec = share.spec
    x, y = (torch.tensor(v) for v in share.data)
    # What a statistic chooses at random, such as landmarks, is the same for every seed: so is the verdict, but for the
    # copies.
    # A statistic of one's own need not know of units where each row is one.
    units = {} if spec.units is None else {"units": spec.units}
    fitted = spec.statistic.bind(spec.moves, x, y, named_stream(0, "statistic", spec.statistic.name), **units)
    observed = _numbers(fitted.observed(x))
    if not np.isfinite(observed).all():
        raise InputError(f"{spec.statistic.name}: the statistic of the data is no number; rescale the data")
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
    """Components of the copies of one block, (count, K)."""
    elements = draw_elements(spec.moves, count, len(x), spec.units, named_stream(spec.seed, "copies", block))
    return _numbers(fitted.of_copies(x, spec.moves, elements))


def _grown(
    share: _Share, design: CopiesDesign, fitted: FittedStatistic, x: Tensor, observed: NDArray[np.float64]
) -> RandomisationTest:
    """A test whose number of copies grows."""
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
    """Rows (R, K); infinities count as no numbers: numpy warns of means that hold them."""
    rows = values.double()
    return np.asarray(torch.where(torch.isfinite(rows), rows, torch.nan).numpy())
