"""Bases of orbits in which all equivariant maps between them are block-diagonal, found by equivariant random matrices.

The functions on an orbit fall into parts without smaller ones. The equivariant maps of a part to itself are the real
numbers, the complex ones or the quaternions: a part has coordinates (k, l), with as many l as these have dimensions, in
which such a map acts on l, alike for each k. Parts of one kind get the same coordinates, so that a map between two of
them acts in this way, too (Serre, Linear representations of finite groups, 13.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sharefind.architectures.forms.orbit_types import OrbitType
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of parts.

    Attributes:
        home: The key of the orbit type in which it was found first.
        basis: Its coordinates there, shape (points, dimension).
        character: Traces of the group elements on it, shape (order,).
        numbers: 1, 2 or 4: the dimension of its equivariant maps.
    """

    home: int
    basis: FloatArray
    character: FloatArray
    numbers: int

    @property
    def repeats(self) -> int:
        """Return for how many k a map acts alike."""
        return self.basis.shape[1] // self.numbers


@dataclass(eq=False)
class Parts:
    """The parts of orbits of several types, by kind.

    Attributes:
        types: The orbit types by key.
        kinds: The kinds that were found.
        bases: For each type and kind the coordinates of its parts, each (points, dimension).
        tolerance: Differences below it are rounding.
    """

    types: dict[int, OrbitType]
    kinds: list[Kind] = field(default_factory=list)
    bases: dict[int, dict[int, list[FloatArray]]] = field(default_factory=dict)
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        self._generator = np.random.default_rng(0)
        for key in self.types:
            self.bases[key] = {}
            for basis in self._parts_of(key):
                self._add(key, basis)

    def _random_map(self, source: int, target: int) -> FloatArray:
        """An equivariant map between orbits, (points of target, points of source)."""
        start, end = self.types[source], self.types[target]
        matrix = self._generator.standard_normal((end.length, start.length))
        return np.asarray(matrix[end.moves[:, :, None], start.moves[:, None, :]].mean(axis=0))

    def _parts_of(self, key: int) -> list[FloatArray]:
        """The eigenspaces of a symmetric equivariant map: parts without smaller ones, with probability 1."""
        matrix = self._random_map(key, key)
        values, vectors = np.linalg.eigh(matrix + matrix.T)
        ends = np.flatnonzero(np.diff(values) > self.tolerance * max(float(abs(values).max()), 1.0)) + 1
        return np.split(vectors, ends, axis=1)

    def _add(self, key: int, basis: FloatArray) -> None:
        """Give a part the coordinates of its kind."""
        moves = self.types[key].moves
        character = np.einsum("gik,ik->g", basis[moves], basis)
        for number, kind in enumerate(self.kinds):
            if np.allclose(kind.character, character, atol=1e-6):
                between = basis.T @ self._random_map(kind.home, key) @ kind.basis
                between *= np.sqrt(len(between)) / np.linalg.norm(between)
                self.bases[key].setdefault(number, []).append(basis @ between)
                return
        numbers = round(float((character**2).mean()))
        basis = basis @ self._coordinates(key, basis, numbers)
        self.bases[key][len(self.kinds)] = [basis]
        self.kinds.append(Kind(key, basis, character, numbers))

    def _coordinates(self, key: int, basis: FloatArray, numbers: int) -> FloatArray:
        """An orthogonal matrix to coordinates (k, l), l quickest."""
        size, units = basis.shape[1], [np.eye(basis.shape[1])]
        if numbers > 1:
            units.append(self._unit(key, basis, units))
        if numbers == 4:
            units.append(self._unit(key, basis, units))
            units.append(units[1] @ units[2])
        found = np.zeros((size, 0))
        while found.shape[1] < size:
            rest = np.eye(size) - found @ found.T
            vector = rest[:, np.argmax(np.diag(rest))]
            vector = vector / np.linalg.norm(vector)
            found = np.column_stack([found, *(unit @ vector for unit in units)])
        return found

    def _unit(self, key: int, basis: FloatArray, known: list[FloatArray]) -> FloatArray:
        """An equivariant map whose square is -1, which anticommutes with those that are known beside 1."""
        matrix = basis.T @ self._random_map(key, key) @ basis
        matrix = matrix - matrix.T
        for unit in known[1:]:
            matrix = matrix + unit @ matrix @ unit
        return np.asarray(matrix * np.sqrt(len(matrix)) / np.linalg.norm(matrix))
