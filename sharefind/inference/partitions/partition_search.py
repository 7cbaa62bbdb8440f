"""Turns refuted equalities into one partition: parameters that may be equal, joined; or the simplest one not refuted.

Both work on the tests of `equality_tests`; `partitions` refits the tied parameters. Labels here are signed and never 0,
shape (J,): where 0 takes part it is the last parameter, and its class is the one that vanishes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sharefind.inference.partitions.equality_tests import EqualityTests
from sharefind.typing import BoolArray, FloatArray

Classes = NDArray[np.int64]


def joined(tests: EqualityTests) -> Classes:
    """Return the finest partition that keeps together all pairs with an equality that was not refuted, shape (J,).

    Where no true equality is refuted, no two equal parameters are split. Parameters that differ may be joined through
    others between them. Signs are those of the likeliest equalities, the ones with the smallest |t|, that join a class.

    Args:
        tests: The tests of all equalities.
    """
    kept = ~tests.refuted & np.triu(np.ones(tests.refuted.shape[1:], dtype=bool), k=1)
    places, first, second = np.nonzero(kept)
    size = tests.values.size
    classes = np.arange(1, size + 1)
    missing = size - 1
    for i in np.argsort(tests.statistics[places, first, second], kind="stable"):
        if missing == 0:
            break
        k, other = int(first[i]), int(second[i])
        if abs(classes[k]) != abs(classes[other]):
            _join(classes, k, other, tests.signs[places[i]])
            missing -= 1
    return classes


def _join(classes: Classes, k: int, other: int, sign: int) -> None:
    """Put the class of `other` into that of k, so that w_k = sign w_other."""
    moved = np.abs(classes) == abs(classes[other])
    turn = sign * np.sign(classes[k]) * np.sign(classes[other])
    classes[moved] = np.sign(classes[moved]) * turn * abs(classes[k])


def simplest(tests: EqualityTests, weights: FloatArray) -> Classes:
    """Return the partition with the fewest classes without a refuted equality inside a class, by dynamic programming.

    It searches partitions into intervals of the sorted estimates (sorted by size where signs are free, each with the
    sign of its estimate). Among several, it takes the one with least weighted sum of squares within classes, which is
    the residual sum of squares of the tied model where the estimates are uncorrelated.

    Where no true equality is refuted, and the estimates are uncorrelated and equally precise, it has at most as many
    classes as the true partition: then pairs are refuted exactly when they lie farther apart than some distance, and
    the fewest sets of bounded diameter that cover points of a line can be taken to be intervals. Costs O(J^2).

    Args:
        tests: The tests of all equalities.
        weights: One over the variances, shape (J,).

    Returns:
        Shape (J,).
    """
    oriented = np.where(tests.values < 0, -1, 1) if len(tests.signs) > 1 else np.ones(tests.values.size, dtype=int)
    order = np.argsort(oriented * tests.values, kind="stable")
    starts = _starts(tests, oriented, order)
    zero = int(np.flatnonzero(order == order.size - 1)[0]) if tests.zeros else order.size
    cuts = _best_cuts((oriented * tests.values)[order], weights[order], starts, zero)
    classes = np.zeros(order.size, dtype=np.int64)
    classes[order] = 1 + np.cumsum(cuts)
    return classes * oriented


def _starts(tests: EqualityTests, oriented: NDArray[np.integer], order: NDArray[np.integer]) -> list[int]:
    """Return, for each place in the order, the first place with which it can share a class."""
    conflicts, unlike = (a[np.ix_(order, order)] for a in (tests.conflicts(oriented), tests.unlike))
    zero = int(np.flatnonzero(order == order.size - 1)[0]) if tests.zeros else order.size
    starts: list[int] = []
    for j in range(order.size):
        start = starts[-1] if starts else 0
        while start < j and _clash(unlike if start <= zero <= j else conflicts, start, j):
            start += 1
        starts.append(start)
    return starts


def _clash(pairs: BoolArray, start: int, end: int) -> bool:
    return bool(pairs[start : end + 1, start : end + 1].any())


def _best_cuts(values: FloatArray, weights: FloatArray, starts: list[int], zero: int) -> NDArray[np.int64]:
    """1 where a new class begins, but for the first, (J,): fewest classes, then the least sum of squares."""
    best: list[tuple[int, float]] = [(0, 0.0)]
    begins: list[int] = []
    for j in range(values.size):
        options = [((best[i][0] + 1, best[i][1] + cost), i) for i, cost in _costs(values, weights, starts[j], j, zero)]
        least, begin = min(options)
        best.append(least)
        begins.append(begin)
    cuts = np.zeros(values.size, dtype=np.int64)
    place = values.size
    while place > 0:
        place = begins[place - 1]
        cuts[place] = int(place > 0)
    return cuts


def _costs(values: FloatArray, weights: FloatArray, start: int, end: int, zero: int) -> list[tuple[int, float]]:
    """(i, sum of squares of the class of places i to end) for i from end down to start; about 0 where it vanishes."""
    total = mean = spread = about_zero = 0.0
    costs = []
    for i in range(end, start - 1, -1):
        if i != zero:
            total += weights[i]
            shift = values[i] - mean
            mean += shift * weights[i] / total
            spread += weights[i] * shift * (values[i] - mean)
            about_zero += weights[i] * values[i] ** 2
        costs.append((i, float(about_zero if i <= zero <= end else spread)))
    return costs
