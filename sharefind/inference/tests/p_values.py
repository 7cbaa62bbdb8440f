"""From the statistic of the data and of its copies to a p-value: ranks, ties, and several components at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sharefind.inference.fitted_statistic import TIE
from sharefind.inference.tests.sequential import CopiesDesign, Outcome, monte_carlo_interval


@dataclass(frozen=True)
class RandomisationTest:
    """What a test found.

    Attributes:
        p_value: Exact, P(p <= a) <= a for all a under the hypothesis.
        statistic: Its name.
        copies: Those that were compared.
        exceeding: Those at least as extreme as the data.
        z: Standard deviations of the copies by which the data lie above their mean, in the most extreme component.
        seconds: What it cost; no part of what was found.
        is_open: Whether even the largest number of copies left the verdict at the level to chance.
        shared: Statistics that shared the level: the p-value is so many times the smallest of theirs (Bonferroni).
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
        """95 % interval of the p-value that infinitely many copies would give."""
        low, high = monte_carlo_interval(self.exceeding, self.copies)
        return min(1.0, self.shared * low), min(1.0, self.shared * high)


def smallest_of(tests: Sequence[RandomisationTest], alpha: float, shared: int) -> RandomisationTest:
    """One test of several statistics of the same hypothesis, by Bonferroni.

    Args:
        tests: Those that were made; the others are left out because these reject.
        alpha: The level of the one test.
        shared: How many statistics share the level, those that were left out too.

    Returns:
        The one with the smallest p-value, that times `shared`.
    """
    best = min(tests, key=lambda t: t.p_value)
    p_value = min(1.0, shared * best.p_value)
    is_open = p_value > alpha and any(t.is_open for t in tests)
    return replace(best, p_value=p_value, seconds=sum(t.seconds for t in tests), is_open=is_open, shared=shared)


def randomisation_p_value(components: NDArray[np.float64]) -> float:
    """(1 + #{T_k >= T_0}) / (m + 1) for the components (m + 1, K) of the data, row 0, and of m copies."""
    return (1 + _exceeding(components, TIE)) / len(components)


Scored = tuple[NDArray[np.float64], float | None]
"""One value a row, (rows,), and the difference up to which two of them are ties; None: relative to the two."""


def scoring(
    components: NDArray[np.float64], tie: float = TIE, useful_ties: float = 100.0
) -> Callable[[NDArray[np.float64]], Scored]:
    """How rows of components become one value each: the largest component, standardised.

    Components whose spread is rounding carry nothing and are left out, like those that are no number in some row. A
    single component stays as it is.

    Args:
        components: Rows that give mean and spread, shape (rows, K).
        tie: Difference, relative to a component's largest value, that is rounding.
        useful_ties: Ties within which the spread of a component is rounding.

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
    """One statistic a row, the data in row 0: (m + 1, K) -> (m + 1,).

    Mean and standard deviation are taken over all rows, the data included, so that rows stay exchangeable.
    """
    return scoring(components)(components)[0]


def exceeding_rows(values: NDArray[np.float64], tie: float = TIE, slack: float | None = None) -> int:
    """Copies at least as extreme as row 0, up to rounding; one that is no number speaks against a rejection.

    Args:
        values: One value a row, the data in row 0, shape (m + 1,).
        tie: Difference, relative to the larger of the two values, that is rounding.
        slack: The same in the units of the values, in place of `tie`.

    Returns:
        Their number.
    """
    rounding = tie * np.maximum(np.abs(values[1:]), abs(values[0])) if slack is None else slack
    return int(np.count_nonzero(~(values[1:] < values[0] - rounding)))


def _exceeding(components: NDArray[np.float64], tie: float) -> int:
    """Copies at least as extreme as row 0, from their components (m + 1, K)."""
    values, slack = scoring(components, tie)(components)
    return exceeding_rows(values, tie, slack)


def found_test(
    name: str, components: NDArray[np.float64], seconds: float, p_value: float | None = None, tie: float = TIE
) -> RandomisationTest:
    """The record of a test from its components (m + 1, K), the data in row 0; `p_value` where it ended early."""
    copies = components[1:]
    spread = copies.std(axis=0)
    rounding = tie * np.abs(components).max(axis=0)
    varies = spread > rounding
    above = np.divide(components[0] - copies.mean(axis=0), spread, out=np.zeros_like(spread), where=varies)
    exceeding = _exceeding(components, tie)
    p_value = (1 + exceeding) / len(components) if p_value is None else p_value
    return RandomisationTest(p_value, name, len(copies), exceeding, float(above.max()), seconds)


Copies = Callable[[str, int, int], Iterable[NDArray[np.float64]]]
"""(purpose, first, last): components of the copies numbered first to last - 1, in parts (rows, K)."""


def grown_test(
    name: str, observed: NDArray[np.float64], copies: Copies, design: CopiesDesign, tie: float = TIE
) -> RandomisationTest:
    """A test that looks at growing numbers of copies until its verdict is clear.

    Several components are combined by the mean and the spread of reference copies that are not compared: given these,
    the data and all other copies stay exchangeable, however many there are.

    Args:
        name: Of the statistic.
        observed: Components of the data, shape (1, K).
        copies: Draws copies.
        design: Where each look ends the test.
        tie: Difference, relative to a component's largest value, that is rounding.

    Returns:
        The test, without the seconds it took.
    """
    # Not the data: among so few they would bound their own score, and no longer be one row among the others.
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
