"""Coordinates of a shared space for training and for files: orthonormal ones, and those of the reduced basis.

In orthonormal coordinates a step of Adam treats large and small classes of entries alike. The reduced basis is exact
and the same on every machine: its coordinates are some of the entries themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from sharefind.exact.matrices import rows_of, to_float
from sharefind.meanfield.dynamics.tied import TiedEntries
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class SpaceCoordinates:
    """Both coordinates of an exact space.

    Attributes:
        space: The space.
    """

    space: Subspace

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.space.dim

    @cached_property
    def entries_count(self) -> int:
        """Number of entries that are not zero everywhere on the space."""
        labels = self.space.tying
        return self.space.ambient if labels is None else int(np.count_nonzero(labels))

    @property
    def share(self) -> float:
        """Mean number of these entries that a coordinate is shared by."""
        return self.entries_count / max(self.dim, 1)

    @cached_property
    def _ties(self) -> TiedEntries | None:
        labels = self.space.tying
        return None if labels is None or self.space.is_zero else TiedEntries(labels)

    @cached_property
    def _lengths(self) -> Tensor:
        """The length of each row of the pattern, shape (dim,): the root of the size of its class."""
        labels = np.abs(self.space.tying if self.space.tying is not None else np.zeros(0, dtype=np.int32))
        return torch.from_numpy(np.sqrt(np.bincount(labels, minlength=self.dim + 1)[1:].astype(np.float64)))

    @cached_property
    def _dense(self) -> Tensor:
        return torch.from_numpy(np.array(self.space.orthonormal(), dtype=np.float64))

    def entries(self, coordinates: Tensor) -> Tensor:
        """Return vectors of the space, shape (R, n), differentiable.

        Args:
            coordinates: Orthonormal coordinates, shape (R, dim).
        """
        if self.space.is_zero:
            return coordinates.new_zeros(len(coordinates), self.space.ambient)
        if self._ties is None:
            return coordinates @ self._dense.to(coordinates)
        entries: Tensor = self._ties(coordinates / self._lengths.to(coordinates))
        return entries

    @cached_property
    def _rows(self) -> Any:
        """The orthonormal basis, one vector a row: sparse where entries are tied."""
        labels = self.space.tying
        if labels is None:
            return self._dense.numpy()
        places = np.flatnonzero(labels)
        classes = np.abs(labels[places]).astype(np.int64) - 1
        values = np.sign(labels[places]) / self._lengths.numpy()[classes]
        return csr_array((values, (classes, places)), shape=(self.dim, self.space.ambient))

    def projected(self, vectors: FloatArray) -> FloatArray:
        """Return the orthonormal coordinates of the projections of vectors, shape (dim, k).

        Args:
            vectors: One vector a column, shape (n, k).
        """
        if self.space.is_zero:
            return np.zeros((0, vectors.shape[1]))
        return np.asarray(self._rows @ vectors)

    def vector(self, coordinates: FloatArray) -> FloatArray:
        """Return the vector with given orthonormal coordinates, shape (n,); `projected` gives them back.

        Args:
            coordinates: Shape (dim,).
        """
        if self.space.is_zero:
            return np.zeros(self.space.ambient)
        return np.asarray(coordinates @ self._rows)

    @cached_property
    def pivots(self) -> NDArray[np.int64]:
        """The entry that each coordinate of the reduced basis is equal to, shape (dim,)."""
        labels = self.space.tying
        if labels is None:
            rows = rows_of(self.space.exact_rows())
            return np.array([min(rows[k]) for k in range(self.dim)], dtype=np.int64)
        found = np.unique(np.abs(labels), return_index=True)
        return np.asarray(found[1][found[0] > 0], dtype=np.int64)

    def reduced(self, entries: FloatArray) -> FloatArray:
        """Return the coordinates of a vector of the space in the reduced basis, shape (dim,).

        Args:
            entries: The vector, shape (n,).
        """
        return np.asarray(entries[self.pivots], dtype=np.float64)

    def from_reduced(self, coordinates: FloatArray) -> FloatArray:
        """Return the vector with given coordinates in the reduced basis, shape (n,); the inverse of `reduced`.

        Args:
            coordinates: Shape (dim,).
        """
        labels = self.space.tying
        if labels is None:
            return np.asarray(coordinates @ to_float(self.space.exact_rows()))
        padded = np.concatenate([[0.0], coordinates])
        return np.asarray(padded[np.abs(labels)] * np.sign(labels))
