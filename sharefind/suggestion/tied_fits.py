"""Least squares whose coefficients are tied by a group, against least squares with a coefficient for each feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.suggestion.moments import Moments
from sharefind.suggestion.orbits_of_entries import orbit_labels, pair_labels
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Tie:
    """Coefficients, a matrix from p features to m labels, that commute with a group.

    Attributes:
        orbits: Labels of each orbit of labels, with the permutation of features that carries the coefficients of its
            first label to those of each.
        ties: For each orbit, which coefficients of its first label are equal, shape (p,) each.
    """

    orbits: tuple[tuple[tuple[int, IntArray], ...], ...]
    ties: tuple[IntArray, ...]

    @property
    def coefficients(self) -> int:
        """Free numbers."""
        return sum(int(tie.max()) + 1 for tie in self.ties)


def tie_of(features: Sequence[IntArray], outputs: Sequence[IntArray]) -> Tie:
    """The coefficients that commute with generators.

    Args:
        features: How each generator permutes features, shape (p,) each.
        outputs: How it permutes labels, shape (m,) each.
    """
    if all(np.array_equal(g, np.arange(len(g))) for g in outputs):
        same, none = orbit_labels(features, len(features[0])), np.arange(len(features[0]))
        m = len(outputs[0])
        return Tie(tuple(((o, none),) for o in range(m)), (same,) * m)
    labels = pair_labels(outputs, features)
    orbits = tuple(tuple(_carried(first, features, outputs)) for first in _first(orbit_labels(outputs, len(labels))))
    return Tie(orbits, tuple(np.unique(labels[orbit[0][0]], return_inverse=True)[1] for orbit in orbits))


def _first(label: IntArray) -> list[int]:
    return [int(k) for k in np.unique(label, return_index=True)[1]]


def _carried(first: int, features: Sequence[IntArray], outputs: Sequence[IntArray]) -> Iterator[tuple[int, IntArray]]:
    """Each label of an orbit, with the move of features by an element that carries the first label there."""
    moves = {first: np.arange(len(features[0]))}
    waiting = [first]
    while waiting:
        output = waiting.pop()
        yield output, moves[output]
        for on_features, on_outputs in zip(features, outputs, strict=True):
            reached = int(on_outputs[output])
            if reached not in moves:
                moves[reached] = on_features[moves[output]]
                waiting.append(reached)


def free_weights(moments: Moments) -> FloatArray:
    """Coefficients (p, m) of least squares."""
    return _solve(moments.inner, moments.cross, np.diag(moments.inner))


def tied_weights(moments: Moments, tie: Tie) -> FloatArray:
    """Coefficients (p, m) of least squares among those that commute with a group."""
    weights = np.empty_like(moments.cross)
    shared: dict[int, FloatArray] = {}
    for orbit, label in zip(tie.orbits, tie.ties, strict=True):
        if len(orbit) == 1:
            if id(label) not in shared:
                shared[id(label)] = _tied_solution(moments.inner, moments.cross, label)
            weights[:, orbit[0][0]] = shared[id(label)][:, orbit[0][0]]
            continue
        inner = np.zeros_like(moments.inner)
        cross = np.zeros(len(inner))
        for output, move in orbit:
            inner += moments.inner[np.ix_(move, move)]
            cross += moments.cross[move, output]
        solution = _tied_solution(inner, cross[:, None], label)[:, 0]
        for output, move in orbit:
            weights[move, output] = solution
    return weights


def filter_weights(moments: Moments, inside: IntArray) -> FloatArray:
    """Coefficients (d, d) of least squares among filters: those that depend on the distance of column and label.

    Args:
        moments: Of the rows.
        inside: Labels that are fitted, away from the borders.
    """
    d = len(moments.cross)
    place = np.arange(d)
    gram, cross = np.zeros((2 * d - 1, 2 * d - 1)), np.zeros(2 * d - 1)
    for output in inside:
        lag = place - output + d - 1
        gram[np.ix_(lag, lag)] += moments.inner
        cross[lag] += moments.cross[:, output]
    solution = _solve(gram, cross[:, None], np.diag(gram))[:, 0]
    return np.asarray(solution[place[:, None] - place[None, :] + d - 1])


def _tied_solution(inner: FloatArray, cross: FloatArray, label: IntArray) -> FloatArray:
    """Least squares with features of one label added up, shape (p, m)."""
    tie = np.zeros((len(label), int(label.max()) + 1))
    tie[np.arange(len(label)), label] = 1.0
    parts = np.asarray(np.bincount(label, np.diag(inner)), dtype=np.float64)
    return np.asarray(_solve(tie.T @ inner @ tie, tie.T @ cross, parts)[label])


def _solve(
    gram: FloatArray, cross: FloatArray, parts: FloatArray, ridge: float = 1e-6, rounding: float = 1e-10
) -> FloatArray:
    """Coefficients of least squares, with a trace of ridge so that features may repeat each other.

    Args:
        gram: Inner products of features, shape (p, p).
        cross: Inner products of features and labels, shape (p, m).
        parts: Sums of squares of what each feature is the sum of, shape (p,).
        ridge: Added to the squared length of each feature, as a share of it.
        rounding: Share of `parts` below which a feature is constant but for rounding.
    """
    square = np.diag(gram)
    scale = np.sqrt(np.where(square > rounding * parts, square, 1.0))
    scaled = gram / scale[:, None] / scale[None, :]
    scaled[np.diag_indices_from(scaled)] += ridge
    return np.asarray(np.linalg.solve(scaled, cross / scale[:, None]) / scale[:, None])
