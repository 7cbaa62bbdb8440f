"""Rows in units: their rows, their exchange, their folds. Rows of one unit may depend on each other.

Units are int64 (n,): row i belongs to unit units[i], numbered from 0. Nothing here looks at the values of rows, so that
what is chosen depends on the sizes of units alone. `sharefind.inference.row_blocks` says what tests do with units.
"""

from __future__ import annotations

import numpy as np

from sharefind.typing import IntArray


def rows_of_units(units: IntArray) -> list[IntArray]:
    """Return the rows of each unit, in their order: a list of arrays of row numbers.

    Args:
        units: The unit of each row, shape (n,), int64.
    """
    order = np.argsort(units, kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(units[order])) + 1))


def equal_units(units: IntArray) -> list[IntArray]:
    """Return units that share their size with another: row numbers (c, s) for each size s, ascending.

    Args:
        units: The unit of each row, shape (n,), int64.
    """
    by_size: dict[int, list[IntArray]] = {}
    for rows in rows_of_units(units):
        by_size.setdefault(len(rows), []).append(rows)
    return [np.stack(by_size[size]) for size in sorted(by_size) if len(by_size[size]) > 1]


def exchanged(units: IntArray, copies: int, rng: np.random.Generator) -> IntArray:
    """Random orders that exchange whole units of equal size: row k of a unit takes the place of row k of another.

    Args:
        units: (n,), int64.
        copies: R.
        rng: of the orders.

    Returns:
        (R, n), int64, each a permutation of the n rows. A unit whose size no other has keeps its place.
    """
    orders = np.tile(np.arange(len(units)), (copies, 1))
    for block in equal_units(units):
        shuffled = np.argsort(rng.random((copies, len(block))), axis=1)
        orders[:, block.reshape(-1)] = block[shuffled].reshape(copies, -1)
    return orders


def dealt_folds(units: IntArray, folds: int, rng: np.random.Generator) -> list[IntArray]:
    """Return the row numbers of each fold, ascending: whole units, dealt out so that folds have about equal numbers of
    rows.

    Args:
        units: The unit of each row, shape (n,), int64; at least `folds` different ones.
        folds: Number of folds.
        rng: Source of the order in which units of equal size are dealt.
    """
    members = rows_of_units(units)
    dealt: list[list[IntArray]] = [[] for _ in range(folds)]
    filled = np.zeros(folds, dtype=np.int64)
    for rows in sorted((members[k] for k in rng.permutation(len(members))), key=len, reverse=True):
        fold = int(np.argmin(filled))
        dealt[fold].append(rows)
        filled[fold] += len(rows)
    return [np.sort(np.concatenate(parts)) for parts in dealt]
