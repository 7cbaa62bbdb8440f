"""Images that are left of the columns of one side, as coefficients refute them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from sharefind.proposal.mirrors.cubes import squared_gaps
from sharefind.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Pair:
    """Coefficients of the same kind here and there; each of the former may become each of the latter.

    Attributes:
        here: The former, shape (p,).
        there: The latter, shape (p,).
        errors: Variances of the former, shape (p,).
        errors_there: Variances of the latter, shape (p,).
    """

    here: FloatArray
    there: FloatArray
    errors: FloatArray
    errors_there: FloatArray

    def squares(self, sign: int, same: BoolArray) -> FloatArray:
        """Return squared differences over their variances, shape (p, p).

        Args:
            sign: Sign of the coefficients there.
            same: Which pairs are one coefficient, compared with itself or its own negative, shape (p, p).
        """
        return squared_gaps((self.here, self.errors), (self.there, self.errors_there), sign, same)


@dataclass(eq=False)
class ColumnsLeft:
    """Images that are left on one side, and the squared differences that refute others.

    Attributes:
        left: bool (2, p, p), for the signs + and -.
        own: Images of the map itself, which nothing refutes, bool (2, p, p).
        total: Sums of squared differences, (2, p, p).
        largest: The largest of them, (2, p, p).
        count: Their number, (2, p, p).
        denied: Images that are refuted by more than differences of coefficients, with either sign, bool (p, p).
        told: Columns whose coefficients were examined.
        level: Level of refuting an image.
        dispersion: Variance of a squared difference over twice its mean.
    """

    left: BoolArray
    own: BoolArray
    total: FloatArray
    largest: FloatArray
    count: FloatArray
    denied: BoolArray
    told: list[int]
    level: float
    dispersion: float

    @classmethod
    def of(cls, images: IntArray, signs: IntArray, reach: BoolArray, level: float, dispersion: float) -> ColumnsLeft:
        """Return all images that rows reach, and those of a map.

        Args:
            images: Images of the map, shape (p,).
            signs: Their signs, shape (p,).
            reach: Images that rows reach, bool (2, p, p).
            level: Level of refuting an image.
            dispersion: Variance of a squared difference over twice its mean.
        """
        own = np.zeros_like(reach)
        own[np.where(signs > 0, 0, 1), np.arange(len(images)), images] = True
        total, largest, count = (np.zeros(reach.shape) for _ in range(3))
        return cls(reach | own, own, total, largest, count, np.zeros_like(reach[0]), [], level, dispersion)

    def copied(self, is_free: bool = False) -> ColumnsLeft:
        """Return a copy.

        Args:
            is_free: Whether the images of the map can be refuted like others.
        """
        total, largest, count = (a.copy() for a in (self.total, self.largest, self.count))
        own, told = np.zeros_like(self.own) if is_free else self.own, list(self.told)
        left, denied = self.left.copy(), self.denied.copy()
        return ColumnsLeft(left, own, total, largest, count, denied, told, self.level, self.dispersion)

    @property
    def is_settled(self) -> BoolArray:
        """Which columns have one image left, bool (p,)."""
        return np.asarray(self.left.sum(axis=(0, 2)) == 1)

    @property
    def is_possible(self) -> bool:
        """Whether each column has an image left, and is one."""
        either = np.asarray(self.left.any(axis=0))
        return bool(either.any(axis=0).all() and either.any(axis=1).all())

    def image(self, column: int) -> tuple[int, int]:
        """Return the image of a column that is settled, with its sign.

        Args:
            column: Number of the column.
        """
        return _first(self.left[:, column])

    def settle_own(self, column: int) -> None:
        """Settle a column on the image of the map.

        Args:
            column: Number of the column.
        """
        self.settle(column, *_first(self.own[:, column]))

    def settle(self, column: int, b: int, sign: int) -> None:
        """Settle a column on an image that no other column has.

        Args:
            column: Number of the column.
            b: Number of the image.
            sign: Its sign.
        """
        self.left[:, column, :] = False
        self.left[:, :, b] = False
        self.left[0 if sign > 0 else 1, column, b] = True

    def untold(self) -> list[int]:
        """Return settled columns whose coefficients were not examined."""
        return [int(a) for a in np.flatnonzero(self.is_settled) if a not in self.told]

    def compare(self, pair: Pair, same: BoolArray, known: BoolArray | None = None, is_even: bool = False) -> None:
        """Add squared differences of coefficients that change sign with the column, or do not (`is_even`).

        Args:
            pair: The coefficients, each of which becomes one of the others, with the sign of all else in it.
            same: Which of them are one and the same, bool (p, p).
            known: Which are compared; None for all.
            is_even: Whether the coefficient has the column squared.
        """
        if known is not None and not known.any():
            return
        for side, sign in enumerate((1, 1 if is_even else -1)):
            squares = pair.squares(sign, same)
            counted = np.isfinite(squares) & (known if known is not None else True)
            squares = np.where(counted, squares, 0.0)
            self.total[side] += squares
            self.largest[side] = np.maximum(self.largest[side], squares)
            self.count[side] += counted

    def deny(self, largest: FloatArray, count: IntArray) -> None:
        """Refute images, with either sign, by the largest of some squared differences.

        Args:
            largest: The largest squared difference, shape (p, p).
            count: Number of differences, shape (p,).
        """
        self.denied |= (2 * count[:, None] * scipy.special.chdtrc(1, largest) < self.level) & (count > 0)[:, None]

    def narrowed(self) -> int:
        """Drop refuted images, and images that another column has for itself.

        Returns:
            The number of columns that this settles.
        """
        before, left = int(self.is_settled.sum()), -1
        self.left &= ~(self._is_refuted() | self.denied) | self.own
        while self.is_possible and left != (left := int(self.left.sum())):
            for a in np.flatnonzero(self.is_settled):
                self.settle(int(a), *self.image(int(a)))
            for b in np.flatnonzero(self.left.sum(axis=(0, 1)) == 1):
                turned, a = np.argwhere(self.left[:, :, b])[0]
                self.settle(int(a), int(b), -1 if turned else 1)
        return int(self.is_settled.sum()) - before

    def _is_refuted(self) -> BoolArray:
        """Return images that the largest difference refutes, or all differences together."""
        count = np.maximum(self.count, 1)
        alone = count * scipy.special.chdtrc(1, self.largest)
        together = scipy.special.chdtrc(count / self.dispersion, self.total / self.dispersion)
        return np.asarray(2 * np.minimum(alone, together) < self.level)


def _first(left: BoolArray) -> tuple[int, int]:
    """The first image in bool (2, p), with its sign."""
    turned, b = np.argwhere(left)[0]
    return int(b), -1 if turned else 1
