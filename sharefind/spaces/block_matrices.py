"""Flat vectors of Z as the matrices of its blocks, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class BlockLike(Protocol):
    """A named block of Z."""

    @property
    def name(self) -> str:
        """How the block is called."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""


def matrices(vector: NDArray[Any], blocks: Sequence[BlockLike]) -> Iterator[tuple[BlockLike, NDArray[Any]]]:
    """Blocks of a flat vector (D,) as matrices; a bias becomes one row."""
    start = 0
    for block in blocks:
        size = int(np.prod(block.shape))
        shape = (1, size) if len(block.shape) == 1 else (block.shape[0], -1)
        yield block, vector[start : start + size].reshape(shape)
        start += size
