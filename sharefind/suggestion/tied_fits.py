"""Least squares with coefficients tied by a group, and with a free coefficient for each feature."""

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
        orbits: For each orbit of labels, its labels; each comes with the permutation of features, shape (p,), that
            carries the coefficients of the first label to those of this label.
        ties: For each orbit, shape (p,), integers: equal numbers mark equal coefficients of its first label.
    """

    orbits: tuple[tuple[tuple[int, IntArray], ...], ...]
    ties: tuple[IntArray, ...]

    @property
    def coefficients(self) -> int:
        """Number of free coefficients."""
        return sum(int(tie.max()) + 1 for tie in self.ties)


def tie_of(features: Sequence[IntArray], outputs: Sequence[IntArray]) -> Tie:
    """Return the tie of the coefficients that commute with generators.

    Args:
        features: For each generator, the permutation of the features, shape (p,).
        outputs: For each generator, the permutation of the labels, shape (m,).
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
    """Yield each label of an orbit, with the permutation of features by an element that carries the first
    label there.
    """
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
    """Return the coefficients of least squares, shape (p, m).

    Args:
        moments: Moments of the rows.
    """
    return _solve(moments.inner, moments.cross, np.diag(moments.inner))


def tied_weights(moments: Moments, tie: Tie) -> FloatArray:
    """Return the least-squares coefficients that commute with a group, shape (p, m).

    Args:
        moments: Moments of the rows.
        tie: The tie.
    """
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
    """Return the coefficients of least squares among filters, shape (d, d).

    The coefficients of a filter depend only on the distance between column and label.

    Args:
        moments: Moments of the rows.
        inside: The labels that are fitted, away from the borders.
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
    """Solve least squares with features of one label added up, shape (p, m)."""
    tie = np.zeros((len(label), int(label.max()) + 1))
    tie[np.arange(len(label)), label] = 1.0
    parts = np.asarray(np.bincount(label, np.diag(inner)), dtype=np.float64)
    return np.asarray(_solve(tie.T @ inner @ tie, tie.T @ cross, parts)[label])


def _solve(
    gram: FloatArray, cross: FloatArray, parts: FloatArray, ridge: float = 1e-6, rounding: float = 1e-10
) -> FloatArray:
    """Solve least squares with a small ridge, so that features may be linearly dependent.

    Args:
        gram: Inner products of features, shape (p, p).
        cross: Inner products of features and labels, shape (p, m).
        parts: For each feature, the sum of squares of the features that it adds up, shape (p,).
        ridge: Ridge, as a share of the squared length of each feature.
        rounding: Share of `parts` below which a feature is constant up to rounding.
    """
    square = np.diag(gram)
    scale = np.sqrt(np.where(square > rounding * parts, square, 1.0))
    scaled = gram / scale[:, None] / scale[None, :]
    scaled[np.diag_indices_from(scaled)] += ridge
    return np.asarray(np.linalg.solve(scaled, cross / scale[:, None]) / scale[:, None])
