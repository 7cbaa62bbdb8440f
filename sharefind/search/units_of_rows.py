"""Units of rows that belong together: the units that the task names, cut into blocks; and messages about rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.errors import ConfigError, setting
from sharefind.inference.dependence import check_rows
from sharefind.inference.row_blocks import rearrangements
from sharefind.meanfield.clouds.standardise import refuse_magnitude
from sharefind.search.config import SearchConfig
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class RowUnits:
    """The units of all rows of a task.

    Attributes:
        units: (n,), int64, numbered from 0; None where every row is a unit.
        warnings: what must be said about the rows, a line each.
    """

    units: Tensor | None = None
    warnings: tuple[str, ...] = ()

    def of(self, rows: IntArray | None) -> Tensor | None:
        """Return the units of some of the rows, numbered from 0 again.

        Args:
            rows: Numbers of the rows; None for all.
        """
        if self.units is None or rows is None:
            return self.units
        return torch.from_numpy(np.unique(self.units.numpy()[rows], return_inverse=True)[1].astype(np.int64))


def row_units(
    config: SearchConfig, x: FloatArray | None, y: FloatArray | None, units: IntArray | None, name: str
) -> RowUnits:
    """Return the units that a search uses; where it uses none, the rows are checked for dependence.

    Args:
        config: `rows_of` and `block_length` are used.
        x: Inputs, shape (n, d_in), or None for fresh samples.
        y: Labels, shape (n, d_out), or None for fresh samples.
        units: The units that the task names, shape (n,), or None.
        name: Name of the task, for messages.

    Raises:
        DataError: Squares of the values overflow or vanish.
        ConfigError: `rows_of` names no units, or `block_length` is used with fresh samples or gives a single block.
    """
    if x is None or y is None:
        option = "rows_of" if config.rows_of is not None else "block_length"
        if config.rows_of is None and config.block_length is None:
            return RowUnits()
        raise ConfigError(f"{setting(option)}: {name} gives fresh samples, which are independent; drop it")
    for side, values in (("x", x), ("y", y)):
        refuse_magnitude(values, side)
    if config.rows_of is not None and units is None:
        raise ConfigError(
            f"{setting('rows_of')} {config.rows_of}: {name} names no units; give {setting('data')} with a file that "
            "has it"
        )
    found = units if config.block_length is None else blocks(len(x), units, config.block_length)
    if found is None:
        return RowUnits(None, check_rows(x, y, config.seed).warnings)
    count = int(found.max()) + 1
    if count < 2:
        raise ConfigError(
            f"{setting('block_length')} {config.block_length}: {name} has {len(x)} rows, which make one block; give "
            "at most "
            f"{len(x) // 2}"
        )
    if count == len(x):
        option = "rows_of" if config.block_length is None else "block_length"
        checked = check_rows(x, y, config.seed).warnings
        return RowUnits(None, (f"{setting(option)} changes nothing: each row is a unit of its own", *checked))
    tensor = torch.from_numpy(np.array(found))
    return RowUnits(tensor, _few(count, config))


def blocks(n: int, units: IntArray | None, length: int) -> IntArray:
    """Rows cut into blocks of `length` in the order of the file, within each unit where there are units.

    Args:
        n: rows.
        units: (n,), or None.
        length: rows of a block; the last block of each unit may be shorter.

    Returns:
        (n,), int64, numbers of blocks from 0.
    """
    if units is None:
        return np.arange(n, dtype=np.int64) // length
    order = np.argsort(units, kind="stable")
    ordered = units[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    place = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    is_first = place % length == 0
    found = np.empty(n, dtype=np.int64)
    found[order] = np.cumsum(is_first) - 1
    return found


def _few(count: int, config: SearchConfig) -> tuple[str, ...]:
    """The limits of tests with few units."""
    if config.alpha * 2.0 ** min(count, 1000) < 2:
        least = math.ceil(math.log2(2 / config.alpha))
        few = f"{count} units are too few to reject a group of two elements at alpha {config.alpha:g}"
        return (f"{few}: {least} are needed, and a group that is accepted may fail",)
    return ()


def can_permute(units: Tensor | None, alpha: float) -> bool:
    """Return whether labels of whole units have enough orders for a rejection of independence.

    Args:
        units: The unit of each row, or None.
        alpha: The level.
    """
    return units is None or rearrangements(units) * alpha >= 1


def unpermutable() -> str:
    """Return the warning for units where `can_permute` is false."""
    return (
        "independence of labels and inputs cannot be tested with these units: too few of them have the same number of "
        "rows; the search takes the labels to depend on the inputs; cut units into blocks of one length with "
        f"{setting('block_length')} L, or drop rows until their sizes agree"
    )
