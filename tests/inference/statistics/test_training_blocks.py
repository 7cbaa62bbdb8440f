"""Blocks of rows: every row is in one, they fit the cache, and neither their order nor the workers matter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sharefind.inference.statistics.training_blocks import TrainingBlock, blocks, in_blocks
from sharefind.meanfield.dynamics.sgd import Progress
from sharefind.parallel import Workers


@pytest.mark.parametrize("rows", [1, 7, 40, 200])
@pytest.mark.parametrize("activations", [1, 640, 10**9])
def test_blocks_cut_the_rows_and_fit_the_cache(rows: int, activations: int) -> None:
    cut = blocks(rows, activations, cache_bytes=2**15)
    assert [row for b in cut for row in range(b.first, b.first + b.rows)] == list(range(rows))
    assert [b.number for b in cut] == list(range(len(cut)))
    assert all(b.rows == 1 or 8 * b.rows * activations <= 2**15 for b in cut)


def reader() -> Callable[..., list[int]]:
    """A function that workers get by value: they cannot import this module."""

    def names(block: TrainingBlock, progress: Progress | None = None) -> list[int]:
        """The rows of a block, and a report of half and all of its work."""
        if progress is not None:
            progress(1, 2)
            progress(2, 2)
        return [block.number, block.first, block.rows]

    return names


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_blocks_are_read_in_order_whoever_trains_them(jobs: int) -> None:
    cut, told = blocks(10, 2**15, cache_bytes=2**19), list[tuple[int, int]]()
    found = in_blocks(reader(), cut, Workers(jobs=jobs), lambda done, total: told.append((done, total)))
    assert found == [[b.number, b.first, b.rows] for b in cut]
    assert told[-1][0] == told[-1][1] and [done for done, _ in told] == sorted(done for done, _ in told)
