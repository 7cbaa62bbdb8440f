"""Outputs that a group mixes among themselves: the covariance of a tied process is block diagonal over these.

Outputs that a group mixes in the same way have the same covariance, and are columns of one system of equations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class LabelBlock:
    """Outputs of one kind.

    Attributes:
        on_y: How the group mixes them, shape (h, m, m).
        places: The outputs, shape (r, m), one row for each set of outputs that is mixed in this way.
        fixed: Orthonormal vectors that the group leaves alone, shape (m, f): constants that a tied function may have.
    """

    on_y: Tensor
    places: NDArray[np.int64]
    fixed: Tensor

    @property
    def size(self) -> int:
        """m."""
        return self.on_y.shape[1]

    def labels(self, y: Tensor) -> Tensor:
        """y (n, q) -> (n m, r)."""
        return y[:, self.places].permute(0, 2, 1).reshape(-1, len(self.places))

    def constants(self, n: int) -> Tensor:
        """The constants at n rows, shape (n m, f)."""
        return self.fixed.repeat(n, 1)

    def covariance(self, kernels: Tensor) -> Tensor:
        """mean_h k(x_i, h x_j) rho(h) from kernels (h, n, n): (n m, n m), symmetric."""
        count, n, m = len(kernels), kernels.shape[1], self.size
        if m == 1:
            mean = torch.mv(kernels.reshape(count, -1).t(), self.on_y[:, 0, 0]).reshape(n, n) / count
        else:
            mixed = self.on_y.reshape(count, m * m).t() @ kernels.reshape(count, -1) / count
            mean = mixed.reshape(m, m, n, n).permute(2, 0, 3, 1).reshape(n * m, n * m)
        return (mean + mean.t()) / 2


def label_blocks(on_y: Tensor, rounding: float = 1e-9) -> list[LabelBlock]:
    """The blocks of a group that acts on Y by orthogonal matrices.

    Args:
        on_y: Its elements, shape (h, q, q).
        rounding: Largest entry that is 0.
    """
    matrices = on_y.numpy()
    kinds: dict[tuple[int, bytes], list[NDArray[np.int64]]] = {}
    for places in _mixed(matrices, rounding):
        block = matrices[:, places][:, :, places]
        kinds.setdefault((len(places), (block.round(9) + 0.0).tobytes()), []).append(places)
    found = [np.stack(places) for places in kinds.values()]
    return [_block(torch.from_numpy(matrices[:, p[0]][:, :, p[0]]), p, rounding) for p in found]


def _mixed(matrices: FloatArray, rounding: float) -> Iterator[NDArray[np.int64]]:
    """Outputs that some element mixes, each set in the order in which the elements reach them from the first."""
    reached = np.abs(matrices) > rounding
    rows, columns = np.nonzero(reached.any(0))
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=reached.shape[1:])
    numbers = connected_components(graph, directed=False)[1]
    for number in range(int(numbers.max()) + 1):
        places = np.flatnonzero(numbers == number)
        first = [reached[:, p, places[0]].argmax() for p in places]
        yield places[np.argsort(first, kind="stable")].astype(np.int64)


def _block(on_y: Tensor, places: NDArray[np.int64], rounding: float) -> LabelBlock:
    values, vectors = torch.linalg.eigh((on_y.mean(0) + on_y.mean(0).t()) / 2)
    return LabelBlock(on_y, places, vectors[:, values > 1 - 1e3 * rounding])
