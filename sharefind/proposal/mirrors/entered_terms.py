"""Products of inputs that enter a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class Entered:
    """Products that enter the fit.

    Attributes:
        pairs: Pairs of two inputs, a <= b, int64 (p, 2).
        triples: Triples of three, a <= b <= c, int64 (q, 3).
    """

    pairs: IntArray
    triples: IntArray

    @classmethod
    def none(cls) -> Entered:
        """Return no products."""
        return cls(np.empty((0, 2), dtype=np.int64), np.empty((0, 3), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.pairs) + len(self.triples)

    def of(self, degree: int) -> IntArray:
        """Return the products of a number of inputs.

        Args:
            degree: 2 or 3.
        """
        return self.pairs if degree == 2 else self.triples

    def with_products(self, products: IntArray) -> Entered:
        """Return these with other products of as many inputs.

        Args:
            products: The other products, shape (p, degree).
        """
        return Entered(products, self.triples) if products.shape[1] == 2 else Entered(self.pairs, products)


@dataclass(frozen=True, eq=False)
class ChosenTerms:
    """Products that matter.

    Attributes:
        entered: These.
        is_whole: Whether all products of three were looked at.
    """

    entered: Entered
    is_whole: bool
