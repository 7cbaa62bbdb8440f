"""Units of rows: one group element a unit, where rows of one unit depend on each other and units are independent.

Which rows belong to one unit is decided elsewhere (`datasets` reads a column, `search` cuts blocks); here is what
tests do with it. Units are int64 (n,): row i belongs to unit units[i], and units are numbered from 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy
import torch
from torch import Tensor

from sharefind.errors import ConfigError, InputError, setting
from sharefind.meanfield.objectives.row_units import equal_units, exchanged, rows_of_units


def how_to() -> str:
    """Return words for settings that make tests valid for rows that depend on each other."""
    return (
        f"name the units of rows with {setting('rows_of')} COLUMN (groups= in Python), or cut a time series into "
        f"blocks with {setting('block_length')} L (block_length= in Python)"
    )


def unit_count(units: Tensor, n: int) -> int:
    """Return the number of units of n rows.

    Args:
        units: The unit of each row, shape (n,), int64, numbered from 0.
        n: Number of rows.

    Raises:
        InputError: The shape differs, numbers are no integers from 0, or there are fewer than two units.
    """
    if units.dtype != torch.int64 or units.shape != (n,):
        raise InputError(f"units have shape {tuple(units.shape)} and dtype {units.dtype}; give int64 ({n},)")
    if int(units.min()) < 0 or int(units.max()) >= n:
        raise InputError(f"units are numbered {int(units.min())} to {int(units.max())}; number them from 0")
    if int(units.min()) == int(units.max()):
        raise InputError("all rows belong to one unit, which nothing can be tested with; give 2 units or more")
    return int(units.max()) + 1


def draw_elements(moves: Any, rows: int, n: int, units: Tensor | None, rng: np.random.Generator) -> Any:
    """Haar elements (rows, n) of a group, one for each unit where there are units.

    Args:
        moves: the group.
        rows: copies R.
        n: samples.
        units: (n,), int64; None where every sample is a unit.
        rng: of the elements.

    Returns:
        Elements (R, n), as `moves.draw` gives them.
    """
    if units is None:
        return moves.draw((rows, n), rng)
    return of_rows(moves.draw((rows, unit_count(units, n)), rng), units)


def of_rows(elements: Any, units: Tensor) -> Any:
    """Return elements of units as elements of their rows.

    Args:
        elements: Elements of units, shape (R, U).
        units: The unit of each row, shape (n,), int64.

    Returns:
        Shape (R, n).

    Raises:
        ConfigError: The elements are neither a tensor nor several tensors.
    """
    if isinstance(elements, Tensor):
        return elements[:, units]
    if isinstance(elements, (tuple, list)) and all(isinstance(e, Tensor) for e in elements):
        return tuple(e[:, units] for e in elements)
    raise ConfigError("elements for units of rows must be a tensor (R, U, ...) or a tuple of them; change draw()")


def unit_orders(units: Tensor, copies: int, rng: np.random.Generator) -> Tensor:
    """Return `exchanged` of units as a tensor, shape (R, n), int64.

    Args:
        units: The unit of each row, shape (n,), int64.
        copies: Number R of orders.
        rng: Source of the draws.
    """
    return torch.from_numpy(exchanged(units.numpy(), copies, rng))


def rearrangements(units: Tensor) -> float:
    """Return the number of orders that `unit_orders` chooses from: the product of c! over the numbers c of units of a
    size.

    Args:
        units: The unit of each row, shape (n,), int64.

    Returns:
        The number; infinity where it overflows.
    """
    logarithm = sum(float(scipy.special.gammaln(len(block) + 1)) for block in equal_units(units.numpy()))
    return math.exp(logarithm) if logarithm < math.log(float(np.finfo(float).max)) else math.inf


def refuse_unpermutable(units: Tensor) -> None:
    """Refuse units that all have different numbers of rows: their labels cannot be exchanged.

    Args:
        units: The unit of each row, shape (n,), int64.

    Raises:
        InputError: No two units have the same number of rows.
    """
    if rearrangements(units) < 2:
        raise InputError(
            "independence cannot be tested with these units: no two have the same number of rows; cut them into blocks "
            f"of one length ({setting('block_length')} L, which can be combined with {setting('rows_of')}), or "
            "drop rows until sizes agree"
        )


def subsample(units: Tensor, most: int, rng: np.random.Generator, fewest_units: int = 20) -> Tensor:
    """Row numbers of whole units, at most about `most` rows; units of a common size first, which can be exchanged.

    Where fewer than `fewest_units` would be left, the rows of more units are thinned, those of one size alike. The
    choice depends on the sizes of units alone.

    Args:
        units: (n,), int64.
        most: rows.
        rng: of the choice.
        fewest_units: that are kept at least, as far as there are any; their rows are thinned instead.

    Returns:
        (k,), int64, ascending.
    """
    rows = units.numpy()
    if len(rows) <= most:
        return torch.arange(len(rows))
    blocks = sorted(equal_units(rows), key=lambda block: -len(block)) or [
        unit.reshape(1, -1) for unit in rows_of_units(rows)
    ]
    ordered = [unit for block in blocks for unit in block[rng.permutation(len(block))]]
    sizes = np.cumsum([len(unit) for unit in ordered])
    count = max(int(np.searchsorted(sizes, most, side="right")), min(fewest_units, len(ordered)))
    share = min(1.0, most / int(sizes[count - 1]))
    places = {len(unit): np.arange(len(unit)) for unit in ordered[:count]}
    if share < 1:
        places = {s: np.sort(rng.permutation(s)[: max(1, math.floor(share * s))]) for s in places}
    return torch.from_numpy(np.sort(np.concatenate([unit[places[len(unit)]] for unit in ordered[:count]])))


def renumbered(units: Tensor) -> Tensor:
    """Return the same units of some of the rows, numbered from 0 without gaps.

    Args:
        units: The unit of each row, shape (n,), int64.
    """
    return torch.from_numpy(np.unique(units.numpy(), return_inverse=True)[1].reshape(-1).astype(np.int64))


def held_units(units: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Rows to work with and rows kept apart, whole units in each; about a share of the rows is kept apart.

    Args:
        units: (n,), int64.
        share: of the rows, between 0 and 1.
        rng: of the choice.

    Returns:
        Two tensors of row numbers, ascending, at least one unit in each.

    Raises:
        InputError: fewer than two units.
    """
    members = rows_of_units(units.numpy())
    if len(members) < 2:
        raise InputError("all rows belong to one unit, so that none can be held out; give 2 units or more")
    drawn = [members[k] for k in rng.permutation(len(members))]
    sizes = np.cumsum([len(unit) for unit in drawn])
    cut = int(np.argmin(np.abs(sizes - share * len(units)))) + 1
    cut = min(max(1, cut), len(drawn) - 1)
    apart, kept = np.concatenate(drawn[:cut]), np.concatenate(drawn[cut:])
    return torch.from_numpy(np.sort(kept)), torch.from_numpy(np.sort(apart))
