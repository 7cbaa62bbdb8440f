"""Permutations of inputs and outputs that leave the labels of a layer unchanged, read off the labels alone.

They are found where the labels of one row, or of one column, are all different: the image of this row or column then
determines the permutation. This is so where a point has a trivial stabiliser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.forms.form import Labels

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Move:
    """A permutation of outputs and one of inputs: labels[outputs[i], inputs[j]] = labels[i, j].

    Attributes:
        outputs: Image of each output, shape (d_out,).
        inputs: Image of each input, shape (d_in,).
    """

    outputs: Places
    inputs: Places


class Moves:
    """The moves of labels, one for each image of a point whose labels are all different.

    Attributes:
        images: The points that may be the image of this point, itself among them; empty where there is no such point.
        labels: The labels with the point among the rows, transposed where it is a column.
        is_turned: Whether they are transposed.

    Args:
        labels: Labels of W, shape (d_out, d_in).
    """

    images: Places
    labels: Labels
    is_turned: bool

    def __init__(self, labels: Labels) -> None:
        self.is_turned = _apart(labels) is None
        self.labels = np.ascontiguousarray(labels.T) if self.is_turned else labels
        generator = np.random.default_rng(0)
        kinds = 2 * int(abs(labels).max()) + 1
        # Random numbers of labels and of columns: sums of them tell rows apart, and each match is checked.
        numbers: Places = generator.integers(2**63, size=kinds, dtype=np.int64)
        self._number = numbers[self.labels]
        self._weights = np.asarray(generator.integers(2**63, size=self.labels.shape[1], dtype=np.int64))
        self._rows: Places = np.asarray((self._number * self._weights).sum(axis=1))
        base = _apart(self.labels)
        self.images = np.zeros(0, dtype=np.int64)
        if base is not None and len(np.unique(self._rows)) == len(self._rows):
            sums = self._number.sum(axis=1)
            self._order, self.images = np.argsort(self.labels[base]), np.flatnonzero(sums == sums[base])

    def columns(self, image: int) -> Places:
        """Return the images of the columns if the point has some image; `move` checks whether the rows follow.

        Args:
            image: The image of the point.

        Returns:
            Shape (columns,).
        """
        to = np.empty(len(self._order), dtype=np.int64)
        to[self._order] = np.argsort(self.labels[image])
        return to

    def move(self, image: int) -> Move | None:
        """Return the move that takes the point to an image; None where no move does.

        Args:
            image: The image of the point.
        """
        columns = self.columns(image)
        moved = (self._number * self._weights[columns]).sum(axis=1)
        ordered = np.argsort(self._rows)
        found = np.searchsorted(self._rows[ordered], moved).clip(max=len(moved) - 1)
        rows = ordered[found]
        if not np.array_equal(self.labels[np.ix_(rows, columns)], self.labels):
            return None
        return Move(columns, rows) if self.is_turned else Move(rows, columns)

    def __iter__(self) -> Iterator[Move]:
        """Iterate over all moves."""
        return (move for image in self.images if (move := self.move(int(image))) is not None)


def _apart(labels: Labels) -> int | None:
    """The first row whose labels are all different."""
    ordered = np.sort(labels, axis=1)
    rows = np.flatnonzero((ordered[:, 1:] != ordered[:, :-1]).all(axis=1))
    return int(rows[0]) if len(rows) else None


def order_of(move: Places) -> int:
    """Return the order of a permutation whose cycles all have one length; 0 for any other permutation.

    Args:
        move: Image of each point, shape (points,).
    """
    start, to, order = np.arange(len(move)), move, 1
    while not (to == start).any():
        to, order = move[to], order + 1
    return order if np.array_equal(to, start) else 0
