"""Images of some columns: how they are closed to a signed permutation, and their orbits."""

from __future__ import annotations

import numpy as np

from sharefind.typing import IntArray

Image = tuple[int, int]
"""The image of a column, with its sign."""


def closed_cycles(images: dict[int, Image], size: int) -> tuple[IntArray, IntArray]:
    """Return a signed permutation of all columns from an injection of some: chains are closed to cycles, other columns
    stay.

    Args:
        images: Images of some columns.
        size: Number of columns.
    """
    target, signs = np.full(size, -1, dtype=np.int64), np.ones(size, dtype=np.int64)
    for a, (b, t) in images.items():
        target[a], signs[a] = b, t
    reached = {b for b, _ in images.values()}
    for first in [a for a in images if a not in reached]:
        last, sign = first, 1
        while target[last] >= 0:
            last, sign = int(target[last]), sign * int(signs[last])
        target[last], signs[last] = first, sign
    stays = target < 0
    target[stays] = np.flatnonzero(stays)
    return target, signs


class SignedOrbits:
    """Orbits of +-columns under maps that are found one after another.

    Args:
        size: Number of columns.
    """

    def __init__(self, size: int) -> None:
        self._size, self._of = size, np.arange(2 * size)

    def has(self, point: int, image: Image) -> bool:
        """Return whether the orbit of a column has an image.

        Args:
            point: Number of the column.
            image: The image.
        """
        return bool(self._of[point] == self._of[image[0] + (self._size if image[1] < 0 else 0)])

    def join(self, *moves: tuple[IntArray, IntArray]) -> None:
        """Join columns that maps move to each other.

        Args:
            *moves: The maps, as images and signs.
        """
        for images, signs in moves:
            plus = np.where(signs > 0, images, images + self._size)
            for here, there in enumerate([*plus, *((plus + self._size) % (2 * self._size))]):
                if self._of[here] != self._of[there]:
                    self._of[self._of == self._of[there]] = self._of[here]
