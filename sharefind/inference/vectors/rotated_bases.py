"""Functions of bounded vectors that rotations mix by orthogonal matrices, and rotations that fill SO(n)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray


def exponents_up_to(n: int, degree: int) -> IntArray:
    """Return the exponent of each coordinate in each monomial, by ascending degree.

    Args:
        n: Number of coordinates.
        degree: Largest degree.

    Returns:
        Shape (p, n), int64.
    """
    chosen = (c for d in range(degree + 1) for c in combinations_with_replacement(range(n), d))
    return np.array([[c.count(k) for k in range(n)] for c in chosen], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Basis:
    """Functions of bounded vectors, closed under rotations: monomials, and of one vector in the plane harmonics.

    Attributes:
        n: Dimension of a vector.
        degree: Degree of the monomials, or the largest harmonic.
        together: Vectors whose coordinates stand in one monomial.
    """

    n: int
    degree: int
    together: int = 1

    @property
    def _is_harmonic(self) -> bool:
        return self.n == 2 and self.together == 1

    def values(self, u: FloatArray) -> FloatArray:
        """Return the functions, a constant first, at vectors inside the unit ball.

        Args:
            u: Coordinates of the vectors, one vector after the other, shape (..., together n).

        Returns:
            Shape (..., p).
        """
        return self._harmonics(u) if self._is_harmonic else self._monomials(u)

    def _harmonics(self, u: FloatArray) -> FloatArray:
        length = np.hypot(u[..., 0], u[..., 1])
        turn = (u[..., 0] + 1j * u[..., 1]) / np.where(length > 0, length, 1.0)
        powers = turn[..., None] ** np.arange(1, self.degree + 1)
        waves = np.concatenate([np.ones((*length.shape, 1)), powers.real, powers.imag], axis=-1)
        one = np.ones((*length.shape, 1))
        return np.concatenate([one, length[..., None] * waves, length[..., None] ** 2 * waves], axis=-1)

    def _monomials(self, u: FloatArray) -> FloatArray:
        powers = u[..., None] ** np.arange(self.degree + 1)
        values = powers[..., 0, self._exponents[:, 0]]
        for k in range(1, self.together * self.n):
            values = values * powers[..., k, self._exponents[:, k]]
        return np.asarray(values)

    @cached_property
    def _exponents(self) -> IntArray:
        """Exponent of each coordinate in each monomial, shape (p, n)."""
        return exponents_up_to(self.together * self.n, self.degree)

    @cached_property
    def size(self) -> int:
        """p."""
        return int(self.values(np.zeros((1, self.together * self.n))).shape[1])

    @cached_property
    def _probes(self) -> tuple[FloatArray, FloatArray]:
        """Points (count, together, n) inside the ball, and the inverse of the functions' values there."""
        drawn = named_stream(0, "vector features", "probes").normal(size=(2 * self.size + 20, self.together, self.n))
        points = np.asarray(drawn / np.sqrt((drawn**2).sum(-1, keepdims=True) + 1))
        return points, np.asarray(np.linalg.pinv(self.values(_in_line(points))), dtype=np.float64)

    @cached_property
    def _scales(self) -> FloatArray:
        """Factors that normalise the functions in a product that rotations keep (Bombieri's for monomials), (p,)."""
        if self._is_harmonic:
            return np.ones(self.size)
        factorials = np.vectorize(math.factorial, otypes=[float])
        return np.asarray(np.sqrt(factorials(self._exponents.sum(1)) / factorials(self._exponents).prod(1)))

    def coefficients_basis(self) -> FloatArray:
        """Return the functions of an orthonormal basis in terms of `values`, one a column, shape (p, p)."""
        return np.diag(self._scales)

    def turned(self, turn: FloatArray) -> FloatArray:
        """Return R, orthogonal, with f(Q x) = sum_k (R c)_k f_k(x) for f = sum_k c_k f_k.

        Args:
            turn: Q, shape (..., n, n).

        Returns:
            Shape (..., p, p).
        """
        points, _ = self._probes
        to_coefficients, back = self._ends
        moved = points @ np.swapaxes(turn, -1, -2)[..., None, :, :]
        return np.asarray(to_coefficients @ self.values(_in_line(moved)) @ back)

    @cached_property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        """The factors left and right of the values at turned probes."""
        return np.asarray(self._probes[1] / self._scales[:, None]), np.diag(self._scales)


def _in_line(points: FloatArray) -> FloatArray:
    """Points (..., together, n) with their coordinates one after the other."""
    return points.reshape(*points.shape[:-2], -1)


def random_turns(n: int, count: int) -> FloatArray:
    """Return rotations that fill SO(n) evenly enough, always the same.

    Args:
        n: The dimension.
        count: Number of rotations.

    Returns:
        Shape (count, n, n).
    """
    if n == 2:
        angles = 2 * np.pi * np.arange(count) / count
        cos, sin = np.cos(angles), np.sin(angles)
        return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], 1)
    seed = int(named_stream(0, "vector features", "turns").integers(2**31))
    if n == 3:
        from scipy.spatial.transform import Rotation

        return np.asarray(Rotation.random(count, random_state=seed).as_matrix())
    from scipy.stats import special_ortho_group

    return np.asarray(special_ortho_group.rvs(n, size=count, random_state=seed)).reshape(count, n, n)
