"""The exact randomisation test: a statistic of the data against the same statistic of copies moved by the hypothesis.

If the hypothesis holds, the data and the copies are exchangeable, so the rank of the observed statistic gives a p-value
that is valid in finite samples, whatever the statistic (Hemerik & Goeman 2018). The proof is in docs/statistics.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import ConfigError, InputError
from sharefind.inference.moves import Moves

TIE = 1e-9
"""Difference, relative above 1, below which two statistics count as tied: copies that move nothing differ so."""

ROWS = 25
"""Copies evaluated at a time. It bounds memory, and is the step at which a clear answer may end a test."""


@dataclass(frozen=True)
class Bound:
    """A statistic made ready for one hypothesis; large against it, each row on its own, K components.

    Attributes:
        labels: (n, d_out), what is moved together with x in place of y, such as centred labels or residuals.
        evaluate: x (R, n, d_in), labels (R, n, d_out) -> (R, K).
        of_moves: for finite groups in place of `evaluate`, where moving what was computed from the samples costs less
            than moving the samples: numbers of elements (R, n) -> (R, K), element 0 being the identity.

    Raises:
        ConfigError: not exactly one of the two is given.
    """

    labels: Tensor
    evaluate: Callable[[Tensor, Tensor], Tensor] | None = None
    of_moves: Callable[[Tensor], Tensor] | None = None

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


def randomisation_test(
    x: Tensor,
    y: Tensor,
    moves: Moves,
    statistic: Statistic,
    rng: np.random.Generator,
    copies: int = 199,
    enough: int | None = None,
) -> RandomisationTest:
    """Test that the law of (X, Y) is invariant under a group.

    Args:
        x: (n, d_in). y: (n, d_out). moves: the group. statistic: what is compared. rng: of the copies.
        copies: m, the most that are evaluated. enough: ends the test once so many copies are at least as extreme as the
            data, with p = enough / copies so far (Besag & Clifford 1991); a statistic of several components is always
            read whole.

    Raises:
        ConfigError: no copies, or `enough` below 1. InputError: the samples are empty, do not match or are not finite,
            or the statistic of the data is no number.
    """
    if copies < 1 or (enough is not None and enough < 1):
        raise ConfigError(f"randomisation test: copies={copies}, enough={enough}; give 1 or more")
    refuse_bad_samples(x, y)
    started = time.perf_counter()
    bound = statistic.bind(moves, x, y, rng)
    rows = [_row(bound.observed(x))]
    if not np.isfinite(rows[0]).all():
        raise InputError(f"{statistic.name}: the statistic of the data is no number; rescale the data")
    exceeding = 0
    while len(rows) <= copies:
        elements = moves.draw((min(ROWS, copies + 1 - len(rows)), len(x)), rng)
        for value in bound.of_copies(x, moves, elements):
            rows.append(_row(value))
            if enough is not None and rows[0].size == 1:
                exceeding += exceeding_rows(np.concatenate([rows[0], rows[-1]]))
                if exceeding >= enough:
                    p_value = enough / (len(rows) - 1)
                    return found_test(statistic.name, np.stack(rows), time.perf_counter() - started, p_value)
    return found_test(statistic.name, np.stack(rows), time.perf_counter() - started)


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


def _row(values: Tensor) -> NDArray[np.float64]:
    row = values.double().reshape(-1)
    # Infinities count as no numbers: numpy warns of means that hold them.
    return np.asarray(torch.where(torch.isfinite(row), row, torch.nan).numpy())


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


def refuse_bad_samples(x: Tensor, y: Tensor) -> None:
    """Refuse samples x (n, d_in), y (n, d_out) that are empty, do not match or are not finite: InputError."""
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or 0 in (*x.shape, *y.shape):
        raise InputError(
            f"samples x {tuple(x.shape)} and y {tuple(y.shape)} do not match; give (n, d_in) and (n, d_out)"
        )
    if not bool(torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise InputError("samples hold values that are not finite; drop those rows")
