"""Which columns of X or Y a group moves onto each other, and with which signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.exact.matrices import rows_of
from sharefind.groups import Representation
from sharefind.spaces.tying import canonical, components, connected, tied
from sharefind.typing import IntArray
from sharefind.written import class_name


@dataclass(frozen=True)
class ColumnOrbits:
    """The orbits of a group on columns; where it mixes columns, the smallest sets of columns that it keeps together.

    Attributes:
        numbers: (n,), int64, the orbit of each column, numbered from 0 by their first columns.
        signs: (n,), int64, the sign with which a column moves onto the first one of its orbit; 0 where it moves onto
            itself with either sign.
        is_mixed: Whether some element is no signed permutation.
    """

    numbers: IntArray
    signs: IntArray
    is_mixed: bool

    @property
    def count(self) -> int:
        """Number of orbits."""
        return int(self.numbers.max()) + 1

    def members(self, orbit: int) -> list[int]:
        """Return the columns of an orbit.

        Args:
            orbit: Number of the orbit.
        """
        return [int(k) for k in np.flatnonzero(self.numbers == orbit)]

    def mark(self, column: int) -> str:
        """Return the letter of a column's orbit, with its sign where that is not 1.

        Args:
            column: Number of the column.
        """
        sign = {1: "", -1: "-", 0: "±"}[int(self.signs[column])]
        return f"{sign}{class_name(int(self.numbers[column]) + 1)}"


def column_orbits(rep: Representation) -> ColumnOrbits:
    """Return the orbits of a representation's group on its coordinates.

    Args:
        rep: The representation.
    """
    if rep.is_sparse:
        perms, signs = rep.sparse_generators
        numbers = canonical(components(perms) + 1) - 1
        oriented = np.sign(tied(perms, signs))
        return ColumnOrbits(numbers.astype(np.int64), oriented.astype(np.int64), is_mixed=False)
    heads, tails = _joined(rep)
    numbers = canonical(connected(heads, tails, rep.dim) + 1) - 1
    return ColumnOrbits(numbers.astype(np.int64), np.ones(rep.dim, dtype=np.int64), is_mixed=True)


def _joined(rep: Representation) -> tuple[IntArray, IntArray]:
    """Pairs of columns of which some generator, or element of the Lie algebra, moves one partly into the other."""
    rows = [item for matrix in (*rep.group_matrices, *rep.lie) for item in rows_of(matrix).items()]
    pairs = [(i, j) for i, row in rows for j in row if i != j]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]
