"""Computes a p-value from the statistic of the data and of its copies: ranks, ties, and several components at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sharefind.inference.fitted_statistic import TIE
from sharefind.inference.tests.sequential import CopiesDesign, Outcome, monte_carlo_interval


@dataclass(frozen=True)
class RandomisationTest:
    """The result of a test.

    Attributes:
        p_value: Exact: P(p <= a) <= a for all a under the hypothesis.
        statistic: Name of the statistic.
        copies: Number of copies that were compared.
        exceeding: Number of copies at least as extreme as the data.
        z: Number of standard deviations of the copies by which the data lie above their mean, in the most extreme
            component.
        seconds: Duration; it is not part of the result.
        is_open: Whether the verdict at the level depends on chance even with the largest number of copies.
        shared: Number of statistics that share the level; the p-value is this number times the smallest of theirs
            (Bonferroni).
    """

    p_value: float
    statistic: str
    copies: int
    exceeding: int
    z: float
    seconds: float = field(default=0.0, compare=False)
    is_open: bool = False
    shared: int = 1

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the p-value with infinitely many copies."""
        low, high = monte_carlo_interval(self.exceeding, self.copies)
        return min(1.0, self.shared * low), min(1.0, self.shared * high)


def smallest_of(tests: Sequence[RandomisationTest], alpha: float, shared: int) -> RandomisationTest:
    """Return one test of several statistics of the same hypothesis, by Bonferroni.

    Args:
        tests: The tests that were performed; the others were skipped because one of these rejects.
        alpha: Level of the combined test.
        shared: Number of statistics that share the level, including skipped ones.

    Returns:
        The test with the smallest p-value, which is multiplied by `shared`.
    """
    best = min(tests, key=lambda t: t.p_value)
    p_value = min(1.0, shared * best.p_value)
    is_open = p_value > alpha and any(t.is_open for t in tests)
    return replace(best, p_value=p_value, seconds=sum(t.seconds for t in tests), is_open=is_open, shared=shared)


def randomisation_p_value(components: NDArray[np.float64]) -> float:
    """Return (1 + #{T_k >= T_0}) / (m + 1).

    Args:
        components: Shape (m + 1, K), float64: components of the data, row 0, and of m copies.
    """
    return (1 + _exceeding(components, TIE)) / len(components)


Scored = tuple[NDArray[np.float64], float | None]
"""One value per row, shape (rows,), and the difference up to which two values are ties; None means
relative to the two.
"""


def scoring(
    components: NDArray[np.float64], tie: float = TIE, useful_ties: float = 100.0
) -> Callable[[NDArray[np.float64]], Scored]:
    """Return the function that turns rows of components into one value each: the largest standardised component.

    Components whose spread is a rounding error, or that are NaN in some row, are left out. A single component is
    returned unchanged.

    Args:
        components: Rows that determine mean and spread, shape (rows, K).
        tie: Difference, relative to a component's largest value, that counts as rounding error.
        useful_ties: Number of ties within which the spread of a component counts as rounding error.

    Returns:
        A function of rows (r, K).
    """
    largest = np.abs(components).max(axis=0)
    if components.shape[1] == 1:
        return lambda rows: (rows[:, 0], None)
    mean, spread = components.mean(axis=0), components.std(axis=0)
    useful = spread > useful_ties * tie * np.maximum(largest, np.finfo(float).tiny)
    if not useful.any():
        return lambda rows: (np.zeros(len(rows)), 0.0)
    slack = tie * float((largest[useful] / spread[useful]).max())

    def scored(rows: NDArray[np.float64]) -> Scored:
        values = (rows[:, useful] - mean[useful]) / spread[useful]
        return np.asarray(values.max(axis=1), dtype=np.float64), slack

    return scored


def combined(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one statistic per row, shape (m + 1,).

    Mean and standard deviation are taken over all rows, including the data, so that rows stay exchangeable.

    Args:
        components: Shape (m + 1, K), float64; row 0 is the data.
    """
    return scoring(components)(components)[0]


def exceeding_rows(values: NDArray[np.float64], tie: float = TIE, slack: float | None = None) -> int:
    """Return the number of copies at least as extreme as row 0, up to rounding; a NaN counts as extreme.

    Args:
        values: One value per row, shape (m + 1,); row 0 is the data.
        tie: Difference, relative to the larger of two values, that counts as rounding error.
        slack: The same in the units of the values; it replaces `tie`.
    """
    rounding = tie * np.maximum(np.abs(values[1:]), abs(values[0])) if slack is None else slack
    return int(np.count_nonzero(~(values[1:] < values[0] - rounding)))


def _exceeding(components: NDArray[np.float64], tie: float) -> int:
    """Return the number of copies at least as extreme as row 0, from their components (m + 1, K)."""
    values, slack = scoring(components, tie)(components)
    return exceeding_rows(values, tie, slack)


def found_test(
    name: str, components: NDArray[np.float64], seconds: float, p_value: float | None = None, tie: float = TIE
) -> RandomisationTest:
    """Return the record of a test.

    Args:
        name: Name of the statistic.
        components: Shape (m + 1, K), float64; row 0 is the data.
        seconds: Duration.
        p_value: The p-value of a test that ended early; None computes it.
        tie: Difference, relative to a component's largest value, that counts as rounding error.
    """
    copies = components[1:]
    spread = copies.std(axis=0)
    rounding = tie * np.abs(components).max(axis=0)
    varies = spread > rounding
    above = np.divide(components[0] - copies.mean(axis=0), spread, out=np.zeros_like(spread), where=varies)
    exceeding = _exceeding(components, tie)
    p_value = (1 + exceeding) / len(components) if p_value is None else p_value
    return RandomisationTest(p_value, name, len(copies), exceeding, float(above.max()), seconds)


Copies = Callable[[str, int, int], Iterable[NDArray[np.float64]]]
"""Draws copies: (purpose, first, last) -> components of the copies numbered first to last - 1, in parts (rows, K)."""


def grown_test(
    name: str, observed: NDArray[np.float64], copies: Copies, design: CopiesDesign, tie: float = TIE
) -> RandomisationTest:
    """Return a test with a growing number of copies, until its verdict is clear.

    Several components are combined by the mean and the spread of reference copies that are not compared. Given these,
    the data and all other copies stay exchangeable, for any number of copies.

    Args:
        name: Name of the statistic.
        observed: Components of the data, shape (1, K).
        copies: Draws copies.
        design: The looks, and the bounds at which each ends the test.
        tie: Difference, relative to a component's largest value, that counts as rounding error.

    Returns:
        The test, without its duration.
    """
    # Without the data: in a small reference the data would bound their own score and not be exchangeable.
    reference = np.concatenate([*copies("reference ", 0, design.reference)]) if observed.shape[1] > 1 else observed
    scored = scoring(reference, tie)
    value = scored(observed)[0]
    rows, exceeding, done = [observed], 0, 0
    look, outcome = 0, Outcome.OPEN
    for look, most in enumerate(design.looks):
        for part in copies("", done, most):
            rows.append(part)
            values, slack = scored(np.concatenate([observed, part]))
            exceeding += exceeding_rows(np.concatenate([value, values[1:]]), tie, slack)
        done, outcome = most, design.outcome(look, exceeding)
        if outcome is not Outcome.OPEN:
            break
    z = found_test(name, np.concatenate(rows), 0.0, tie=tie).z
    p_value, is_open = design.p_value(look, exceeding), outcome is Outcome.OPEN
    return RandomisationTest(p_value, name, done, exceeding, z, is_open=is_open)
