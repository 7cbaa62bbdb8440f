"""Coordinates of a small group in which all maps that commute with it are block-diagonal.

Functions on the group fall into parts without smaller ones. The equivariant maps of a part to itself are the real
numbers, the complex ones or the quaternions: a part has coordinates (k, l), with as many l as these have dimensions, in
which such a map acts on l, alike for each k. Parts of one kind get the same coordinates, so that a map between two of
them acts in this way, too (Serre, Linear representations of finite groups, 13.2). Parts are found as eigenspaces of an
equivariant random matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Kind:
    """All parts of one kind.

    Attributes:
        bases: Coordinates of each part, each of shape (order of the group, dimension), where l changes fastest.
        character: Traces of the group elements on one part, shape (order,).
        numbers: 1, 2 or 4: the dimension of the equivariant maps of a part to itself.
    """

    bases: list[FloatArray]
    character: FloatArray
    numbers: int

    @property
    def repeats(self) -> int:
        """The number of values of k; a map acts alike for each."""
        return int(self.bases[0].shape[1]) // self.numbers

    @property
    def width(self) -> int:
        """The number of coordinates (part, l) on which a map acts."""
        return len(self.bases) * self.numbers

    def rows(self) -> FloatArray:
        """Return the coordinates by rows, k by k, shape (repeats times width, order)."""
        size = self.numbers
        return np.concatenate(
            [basis[:, k * size : (k + 1) * size].T for k in range(self.repeats) for basis in self.bases]
        )


class Kinds:
    """The kinds of parts of a group.

    Attributes:
        found: All kinds.
        products: As in the parameters.
        tolerance: As in the parameters.

    Args:
        products: The multiplication table, shape (order, order).
        tolerance: Differences of eigenvalues below this value count as rounding.
    """

    products: NDArray[np.int64]
    tolerance: float

    def __init__(self, products: NDArray[np.int64], tolerance: float = 1e-8) -> None:
        self.products, self.tolerance = products, tolerance
        self._generator = np.random.default_rng(0)
        self.found: list[Kind] = []
        for basis in self._parts():
            self._add(basis)

    def _random_map(self) -> FloatArray:
        """A matrix that commutes with the group, (order, order)."""
        matrix = self._generator.standard_normal(self.products.shape)
        return np.asarray(matrix[self.products[:, :, None], self.products[:, None, :]].mean(axis=0))

    def _parts(self, draws: int = 16) -> list[FloatArray]:
        """The eigenspaces of a symmetric equivariant map: parts without smaller ones, with probability 1.

        It uses the map whose eigenvalues lie farthest apart, since rounding is divided by their distances.
        """
        found: list[FloatArray] = []
        widest = 0.0
        for _ in range(draws):
            matrix = self._random_map()
            values, vectors = np.linalg.eigh(matrix + matrix.T)
            gaps = np.diff(values) / float(abs(values).max())
            ends = np.flatnonzero(gaps > self.tolerance) + 1
            gap = float(gaps[ends - 1].min(initial=1.0))
            if gap > widest:
                widest, found = gap, np.split(vectors, ends, axis=1)
        return found

    def _add(self, basis: FloatArray) -> None:
        """Give a part the coordinates of its kind."""
        character = np.einsum("gik,ik->g", basis[self.products], basis)
        for kind in self.found:
            if np.allclose(kind.character, character, atol=1e-6):
                between = basis.T @ self._random_map() @ kind.bases[0]
                kind.bases.append(basis @ between * np.sqrt(len(between)) / np.linalg.norm(between))
                return
        numbers = round(float((character**2).mean()))
        self.found.append(Kind([basis @ self._coordinates(basis, numbers)], character, numbers))

    def _coordinates(self, basis: FloatArray, numbers: int) -> FloatArray:
        """An orthogonal matrix to coordinates (k, l)."""
        size, units = basis.shape[1], [np.eye(basis.shape[1])]
        if numbers > 1:
            units.append(self._unit(basis, units))
        if numbers == 4:
            units.append(self._unit(basis, units))
            units.append(units[1] @ units[2])
        found = np.zeros((size, 0))
        while found.shape[1] < size:
            rest = np.eye(size) - found @ found.T
            vector = rest[:, np.argmax(np.diag(rest))]
            vector = vector / np.linalg.norm(vector)
            found = np.column_stack([found, *(unit @ vector for unit in units)])
        return found

    def _unit(self, basis: FloatArray, known: list[FloatArray]) -> FloatArray:
        """An equivariant map whose square is -1, which anticommutes with the known ones beside 1."""
        matrix = basis.T @ self._random_map() @ basis
        matrix = matrix - matrix.T
        for unit in known[1:]:
            matrix = matrix + unit @ matrix @ unit
        return np.asarray(matrix * np.sqrt(len(matrix)) / np.linalg.norm(matrix))
