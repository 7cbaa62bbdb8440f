"""Haar draws of the connected group of an algebra of skew matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import GroupError
from sharefind.inference.ambient_moves import SampledMoves
from sharefind.inference.continuous.vector_parts import Draw, VectorParts
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class GroupDraws:
    """Draws of groups that are neither SO(d) nor a circle are random products, (2 / 256^{1/2})^6 = 4e-6 from Haar.

    Attributes:
        pool: Elements in the pool of a group.
        factors: How many of them a draw multiplies.
        pool_factors: Exponentials in each element of the pool.
        width: Standard deviation of their coefficients: whole turns.
        frequencies: The largest integer among the frequencies of a single generator of a closed group.
        close: One minus the largest difference from an integer that is rounding.
    """

    pool: int = 256
    factors: int = 6
    pool_factors: int = 12
    width: float = 10.0
    frequencies: int = 3
    close: float = 0.9999

    def drawing(self, algebra: FloatArray) -> Callable[[np.random.Generator, int], FloatArray]:
        """Return a function (rng, size) that draws elements (size, d, d) of the group of an algebra.

        Args:
            algebra: Shape (k, d, d).
        """
        k, d, _ = algebra.shape
        if k == d * (d - 1) // 2:
            return lambda rng, size: _special_orthogonal(d, rng, size)
        if k == 1:  # also of a sum of planes that turn together
            return lambda rng, size: self._circle(algebra[0], rng, size)
        pool = self._pool_of(algebra)
        return lambda rng, size: self._products(pool, rng, size)

    def _circle(self, generator: FloatArray, rng: np.random.Generator, size: int) -> FloatArray:
        """e^{tA} for t uniform on a period, (size, d, d)."""
        values, vectors = np.linalg.eigh(1j * generator)
        # Frequencies are integers up to a factor; up to `frequencies` their least multiples have these ratios.
        least = values[values > self.close * values[-1] / self.frequencies].min()
        whole = [
            np.rint(values / least * m) for m in range(1, self.frequencies + 1) if self._all_integer(values / least * m)
        ]
        if not whole:
            raise GroupError(
                "the generator's group is not closed: its frequencies are no small integers; use nearest_algebra"
            )
        angles = rng.uniform(0, 2 * np.pi, size=(size, 1)) * whole[0]
        return np.asarray(np.real(np.einsum("ir,nr,jr->nij", vectors, np.exp(-1j * angles), vectors.conj())))

    def _all_integer(self, values: FloatArray) -> bool:
        return bool(np.abs(values - np.rint(values)).max() < 1 - self.close)

    def _pool_of(self, algebra: FloatArray) -> Tensor:
        """Elements of the group, (pool, d, d): products of exponentials of random generators."""
        rng = named_stream(0, "lie algebra", "pool")
        weights = rng.normal(0, self.width, size=(self.pool, self.pool_factors, len(algebra)))
        factors = torch.linalg.matrix_exp(torch.from_numpy(np.einsum("pfk,kij->pfij", weights, algebra)))
        elements: Tensor = factors[:, 0]
        for place in range(1, self.pool_factors):
            elements = elements @ factors[:, place]
        return elements

    def _products(self, pool: Tensor, rng: np.random.Generator, size: int) -> FloatArray:
        index = torch.from_numpy(rng.integers(len(pool), size=(self.factors, size)))
        elements = pool[index[0]]
        for chosen in index[1:]:
            elements = elements @ pool[chosen]
        return np.asarray(elements.numpy())


def part_drawing(algebra: FloatArray, parts: VectorParts, draws: GroupDraws | None = None) -> Draw:
    """Return a function (rng, size) that draws Haar elements (size, D, D) of the group of an algebra of block diagonal
    matrices.

    Args:
        algebra: Orthonormal, shape (k, D, D).
        parts: The subspaces; where all of their rotations are in the algebra, draws are exact.
        draws: `GroupDraws()` where None.
    """
    if len(algebra) < len(parts.skew):
        return (draws or GroupDraws()).drawing(algebra)

    def whole(rng: np.random.Generator, size: int) -> FloatArray:
        found = np.zeros((size, parts.size, parts.size))
        for start, d in parts.spans:
            found[:, start : start + d, start : start + d] = _special_orthogonal(d, rng, size)
        return found

    return whole


def group_moves(algebra: FloatArray, vectors: int = 1, d_out: int = 1, draws: GroupDraws | None = None) -> SampledMoves:
    """Haar draws of the connected group of an algebra, turning several vectors of R^d alike; labels stay as they are.

    All of SO(d) and single closed generators are drawn exactly, others by random products, see `GroupDraws`.

    Args:
        algebra: Orthonormal skew matrices, shape (k, d, d), such as `nearest_algebra` gives.
        vectors: The vectors that X consists of.
        d_out: Dimension of Y.
        draws: `GroupDraws()` where None.

    Returns:
        The group as it moves samples.

    Raises:
        GroupError: On the first draw, if a single generator has frequencies that are no integers up to a factor.
    """
    d = algebra.shape[-1]
    draw = (draws or GroupDraws()).drawing(algebra)

    def sample(rng: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
        on_x = np.zeros((size, vectors, d, vectors, d))
        on_x[:, range(vectors), :, range(vectors), :] = draw(rng, size)
        return on_x.reshape(size, vectors * d, -1), np.broadcast_to(np.eye(d_out), (size, d_out, d_out)).copy()

    return SampledMoves(sample)


def _special_orthogonal(d: int, rng: np.random.Generator, size: int) -> FloatArray:
    """Haar draws of SO(d), (size, d, d), by QR with positive diagonal (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(size, d, d)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    q[:, :, 0] *= np.linalg.det(q)[:, None]
    return np.asarray(q)
