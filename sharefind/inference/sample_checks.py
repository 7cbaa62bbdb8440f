"""Samples that no test can read: of other shapes, not finite, too large or too small for squares, or repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import DataError, InputError, setting
from sharefind.meanfield.clouds.standardise import refuse_magnitude, refuse_offset
from sharefind.typing import FloatArray


def refuse_bad_samples(x: Tensor, y: Tensor, units: Tensor | None = None) -> None:
    """Refuse samples x (n, d_in), y (n, d_out) that no statistic can be computed of.

    Args:
        x: (n, d_in).
        y: (n, d_out).
        units: (n,), int64; rows may repeat within a unit. None where every row is a unit.

    Raises:
        InputError: they are empty, do not match, are not finite, their squares overflow or vanish, or many are copies
            of others.
    """
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or 0 in (*x.shape, *y.shape):
        raise InputError(
            f"samples x {tuple(x.shape)} and y {tuple(y.shape)} do not match; give (n, d_in) and (n, d_out)"
        )
    refuse_bad_values(x, y)
    inputs, labels = (v.detach().double().numpy(force=True) for v in (x, y))
    refuse_repeated_rows(inputs, labels, "samples", None if units is None else units.numpy())


def refuse_bad_values(x: Tensor, y: Tensor) -> None:
    """Refuse samples that are not finite, whose squares overflow or vanish, or whose offset hides the spread.

    Args:
        x: Inputs, shape (..., d_in).
        y: Labels, shape (..., d_out).

    Raises:
        InputError: The samples have such values.
    """
    if not bool(torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise InputError("samples hold values that are not finite; drop those rows")
    for name, values in (("x", x), ("y", y)):
        array = values.detach().double().numpy(force=True)
        refuse_magnitude(array, name)
        refuse_offset(array.reshape(-1, array.shape[-1]), name)


@dataclass(frozen=True)
class RepeatedRows:
    """When rows are copies of others.

    Rows of a discrete law repeat by chance, and then so do the lengths |x| and |y|, which orthogonal moves leave alone:
    a group under which the law is invariant would show other members of the orbits. Rows repeat as copies when nearly
    all distinct ones differ in length. A single row with equal or opposite inputs may be one that a group leaves alone.

    Attributes:
        most: Share of the rows that may repeat others: so few change no test.
        apart: Share of the distinct rows whose lengths differ from those of all others, from which their law is
            continuous.
        rounding: Relative difference of lengths that is rounding.
    """

    most: float = 0.01
    apart: float = 0.95
    rounding: float = 1e-9

    def must_be_few(self, x: FloatArray, y: FloatArray) -> bool:
        """Return whether some column has nearly as many values as there are rows, so that few can repeat: this is fast.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
        """
        columns = (column for values in (x, y) for column in values.T)
        return any(len(x) - len(np.unique(column)) <= self.most * len(x) for column in columns)

    def may_be_chance(self, x: FloatArray, y: FloatArray) -> bool:
        """Return whether distinct rows may be all that a discrete law can show.

        Args:
            x: Distinct inputs, shape (k, d_in).
            y: Their labels, shape (k, d_out).
        """
        if len(x) == 1:
            return bool(len(np.unique(np.abs(x))) < max(2, x.shape[1]))
        scaled = [v / max(float(np.abs(v).max()), np.finfo(float).tiny) for v in (x, y)]
        lengths = np.stack([np.linalg.norm(v, axis=1) for v in scaled], axis=1)
        return len(np.unique(np.round(lengths / self.rounding), axis=0)) < self.apart * len(x)


def refuse_repeated_rows(
    x: FloatArray,
    y: FloatArray,
    source: str,
    units: NDArray[np.int64] | None = None,
    settings: RepeatedRows | None = None,
) -> None:
    """Refuse finite data of which many rows are copies of others: tests take rows as independent.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        source: Opens the message.
        units: Rows of one of which may be copies, shape (n,).
        settings: When rows are copies; `RepeatedRows()` where None.

    Raises:
        DataError: Too many of the rows are copies; the message names two.
    """
    settings = settings or RepeatedRows()
    if settings.must_be_few(x, y):
        return
    if units is not None:
        once = np.unique(_as_bytes(np.hstack([x, y, units[:, None]])), return_index=True)[1]
        x, y = x[np.sort(once)], y[np.sort(once)]
    _, first, place = np.unique(_as_bytes(np.hstack([x, y])), return_index=True, return_inverse=True)
    repeated = len(x) - len(first)
    if repeated <= settings.most * len(x) or settings.may_be_chance(x[first], y[first]):
        return
    copy = int(np.flatnonzero(first[place] != np.arange(len(x)))[0])
    raise DataError(
        f"{source}: row {copy} repeats row {first[place[copy]]} (counted from 0), and {repeated} of {len(x)} rows are "
        "such copies; tests need independent rows: drop the copies, for instance with numpy.unique(rows, axis=0), or "
        f"name the units that they belong to with {setting('rows_of')} COLUMN (groups= in Python)"
    )


def _as_bytes(values: FloatArray) -> NDArray[np.void]:
    """Each row (n, d) as one value, (n,)."""
    both = np.ascontiguousarray(values) + 0.0  # -0 is 0
    return both.view(np.dtype((np.void, both.dtype.itemsize * both.shape[1]))).reshape(-1)
