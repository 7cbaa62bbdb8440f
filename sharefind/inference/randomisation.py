"""The exact randomisation test: a statistic of the data against the same statistic of copies moved by the hypothesis.

If the hypothesis holds, the data and the copies are exchangeable, so the rank of the observed statistic gives a p-value
that is valid in finite samples, whatever the statistic (Hemerik & Goeman 2018). The proof is in docs/statistics.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.moves import Moves, element_bytes
from sharefind.inference.samples import refuse_bad_samples
from sharefind.inference.units import draw_elements
from sharefind.streams import named_stream
from sharefind.workers import Workers

TIE = 1e-9
"""Difference, relative above 1, below which two statistics count as tied: copies that move nothing differ so."""

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

    Raises:
        ConfigError: not exactly one of the two is given.
    """

    labels: Tensor
    evaluate: Callable[[Tensor, Tensor], Tensor] | None = None
    of_moves: Callable[[Tensor], Tensor] | None = None
    row_bytes: int = 0

    def __post_init__(self) -> None:
        if (self.evaluate is None) == (self.of_moves is None):
            raise ConfigError("a bound statistic needs `evaluate` or `of_moves`, one of the two")

    def observed(self, x: Tensor) -> Tensor:
        """Of the data: x (n, d_in) -> (1, K)."""
        if self.of_moves is not None:
            return self.of_moves(torch.zeros(1, len(x), dtype=torch.int64))
        return self._evaluated(x.unsqueeze(0), self.labels.unsqueeze(0))

    def of_copies(self, x: Tensor, moves: Moves, elements: Any) -> Tensor:
        """Of copies moved by elements (R, n): x (n, d_in) -> (R, K)."""
        if self.of_moves is not None:
            return self.of_moves(elements)
        return self._evaluated(*moves.move(elements, x.unsqueeze(0), self.labels.unsqueeze(0)))

    def rows_at_once(self, x: Tensor, moves: Moves) -> int:
        """Copies in a block: `BLOCK_BYTES` of them, `ROWS` at most. It follows from x (n, d_in) and the statistic."""
        moved = element_bytes(moves, x, self.labels)
        if self.evaluate is not None:
            moved += x.element_size() * x.numel() + self.labels.element_size() * self.labels.numel()
        return max(1, min(ROWS, BLOCK_BYTES // (self.row_bytes + moved)))

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
        scales that the group leaves alone) and on `rng`.
        """
        ...


@dataclass(frozen=True)
class RandomisationTest:
    """What a test found.

    Attributes:
        p_value: exact, P(p <= a) <= a for all a under the hypothesis. statistic: its name.
        copies: those that were evaluated. exceeding: those at least as extreme as the data.
        z: standard deviations of the copies by which the data lie above their mean, in the most extreme component.
        seconds: what it cost; no part of what was found.
    """

    p_value: float
    statistic: str
    copies: int
    exceeding: int
    z: float
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Trial:
    """A test that is to be made.

    Attributes:
        moves: the group. statistic: what is compared. seed: of its streams, one for the statistic and one a block.
        copies: m, the most that are evaluated. enough: ends the test early, see `randomisation_test`.
        units: (n,), int64, one group element a unit; None for one a row.

    Raises:
        ConfigError: no copies, or `enough` below 1.
    """

    moves: Moves
    statistic: Statistic
    seed: int
    copies: int
    enough: int | None = None
    units: Tensor | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.copies < 1 or (self.enough is not None and self.enough < 1):
            raise ConfigError(f"randomisation test: copies={self.copies}, enough={self.enough}; give 1 or more")

    def most_shares(self) -> int:
        """Shares with at least one block each; an early end reads one copy after the other, so there is one share."""
        return 1 if self.enough is not None else -(-self.copies // ROWS)


def trial_of(
    moves: Moves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int,
    enough: int | None,
    units: Tensor | None = None,
) -> Trial:
    """The test whose streams are derived from `rng`."""
    return Trial(moves, statistic, int(rng.integers(2**63)), copies, enough, units)


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
) -> RandomisationTest:
    """Test that the law of (X, Y) is invariant under a group.

    Args:
        x: (n, d_in). y: (n, d_out). moves: the group. statistic: what is compared. rng: of the copies.
        copies: m, the most that are evaluated. enough: ends the test once so many copies are at least as extreme as the
            data, with p = enough / copies so far (Besag & Clifford 1991); a statistic of several components is always
            read whole.
        workers: share the copies, with the same result; this process alone if None.
        units: (n,), int64, numbered from 0: rows of one unit may depend on each other, and one group element moves all
            of them; None where rows are independent.

    Raises:
        ConfigError: no copies, or `enough` below 1. InputError: the samples are empty, do not match or are not finite,
            or the statistic of the data is no number.
    """
    ((_, found),) = randomisation_tests(x, y, [trial_of(moves, statistic, rng, copies, enough, units)], workers)
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
    """What a share gave: components (rows, K), those of the data in row 0 of share 0; p_value: of an early end."""

    rows: NDArray[np.float64]
    seconds: float
    p_value: float | None = None


def _evaluate(share: _Share) -> _Part:
    """The rows of one share."""
    started = time.perf_counter()
    trial = share.trial
    x, y = (torch.tensor(v) for v in share.data)
    bound = trial.statistic.bind(trial.moves, x, y, named_stream(trial.seed, "statistic"))
    size = bound.rows_at_once(x, trial.moves)
    blocks = -(-trial.copies // size)
    first, last = (k * blocks // share.cut for k in (share.number, share.number + 1))
    observed = _numbers(bound.observed(x))
    if not np.isfinite(observed).all():
        raise InputError(f"{trial.statistic.name}: the statistic of the data is no number; rescale the data")
    # One array for all rows: small arrays kept between large ones that are freed would scatter the memory.
    rows = np.empty((1 + min(trial.copies, last * size) - first * size, observed.shape[1]))
    rows[:1], done, exceeding = observed, 1, 0
    for block in range(first, last):
        share.worker.refuse_late()
        rng = named_stream(trial.seed, "copies", str(block))
        elements = draw_elements(trial.moves, min(size, trial.copies - block * size), len(x), trial.units, rng)
        for value in _numbers(bound.of_copies(x, trial.moves, elements)):
            rows[done], done = value, done + 1
            if trial.enough is not None and value.size == 1:
                exceeding += exceeding_rows(np.concatenate([rows[0], value]))
                if exceeding >= trial.enough:
                    return _Part(rows[:done], time.perf_counter() - started, trial.enough / (done - 1))
    return _Part(rows if share.number == 0 else rows[1:], time.perf_counter() - started)


def _joined(trial: Trial, parts: Sequence[_Part]) -> RandomisationTest:
    rows = np.concatenate([p.rows for p in parts])
    return found_test(trial.statistic.name, rows, sum(p.seconds for p in parts), parts[0].p_value)


def randomisation_p_value(components: NDArray[np.float64]) -> float:
    """(1 + #{T_k >= T_0}) / (m + 1) for the components (m + 1, K) of the data, row 0, and of m copies."""
    return (1 + exceeding_rows(combined(components))) / len(components)


def combined(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """One statistic a row, the data in row 0: (m + 1, K) -> (m + 1,); the largest standardised component.

    Mean and standard deviation are taken over all rows, the data included, so that rows stay exchangeable. Components
    that are the same in every row carry nothing and are left out, like those that are no number in some row. A single
    component stays as it is.
    """
    if components.shape[1] == 1:
        return components[:, 0]
    spread = components.std(axis=0)
    useful = spread > TIE * np.maximum(np.abs(components).max(axis=0), np.finfo(float).tiny)
    if not useful.any():
        return np.zeros(len(components))
    centred = components[:, useful] - components[:, useful].mean(axis=0)
    return np.asarray((centred / spread[useful]).max(axis=1), dtype=np.float64)


def exceeding_rows(values: NDArray[np.float64]) -> int:
    """Copies at least as extreme as row 0, up to rounding; one that is no number speaks against a rejection."""
    slack = TIE * max(1.0, abs(float(values[0])))
    return int(np.count_nonzero(~(values[1:] < values[0] - slack)))


def _numbers(values: Tensor) -> NDArray[np.float64]:
    """Rows (R, K); infinities count as no numbers: numpy warns of means that hold them."""
    rows = values.double()
    return np.asarray(torch.where(torch.isfinite(rows), rows, torch.nan).numpy())


def found_test(
    name: str, components: NDArray[np.float64], seconds: float, p_value: float | None = None
) -> RandomisationTest:
    """The record of a test from its components (m + 1, K), the data in row 0; `p_value` where it ended early."""
    copies = components[1:]
    spread = copies.std(axis=0)
    above = np.divide(components[0] - copies.mean(axis=0), spread, out=np.zeros_like(spread), where=spread > 0)
    exceeding = exceeding_rows(combined(components))
    p_value = randomisation_p_value(components) if p_value is None else p_value
    return RandomisationTest(p_value, name, len(copies), exceeding, float(above.max()), seconds)
