"""Shows flat parameter vectors as the matrices of their blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class BlockLike(Protocol):
    """A named block of the parameter space Z."""

    @property
    def name(self) -> str:
        """Name of the block."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its array of parameters."""


def matrices(vector: NDArray[Any], blocks: Sequence[BlockLike]) -> Iterator[tuple[BlockLike, NDArray[Any]]]:
    """Split a flat parameter vector into one matrix per block.

    Args:
        vector: Shape (D,), the blocks one after another, each flattened row by row. Any dtype.
        blocks: The blocks, in this order; their sizes add up to D.

    Yields:
        Each block with its part of the vector: shape (1, size) for a block with one axis, such as a bias, else (first
            axis, all other axes).
    """
    start = 0
    for block in blocks:
        size = int(np.prod(block.shape))
        shape = (1, size) if len(block.shape) == 1 else (block.shape[0], -1)
        yield block, vector[start : start + size].reshape(shape)
        start += size
