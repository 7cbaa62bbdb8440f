"""Rows as tensors that a module can be trained on: its device, its floating type, and nothing that is not finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from sharefind.errors import DataError


def row_tensor(values: ArrayLike | Tensor, name: str, like: Tensor) -> Tensor:
    """Rows on the device of the module, floating ones in its type, whole numbers as they are for y alone.

    Args:
        values: Rows, shape (n, ...).
        name: "x" or "y".
        like: A parameter of the module.

    Returns:
        The rows, shape (n, ...).

    Raises:
        DataError: There is no row, a value is not finite or no real number, or all are so small that squares vanish.
    """
    given = values.detach() if isinstance(values, Tensor) else torch.from_numpy(_numeric(values, name))
    if given.dim() == 0 or len(given) == 0:
        raise DataError(f"{name} has shape {tuple(given.shape)}; give at least one row")
    if given.is_floating_point() and not given.isfinite().all():
        row = int(given.reshape(len(given), -1).isfinite().all(1).int().argmin())
        raise DataError(f"{name} is not finite in row {row}; remove that row or fill the value in")
    floating = like.dtype if like.is_floating_point() else torch.get_default_dtype()
    is_class = name == "y" and not given.is_floating_point()
    rows = given.to(like.device) if is_class else given.to(like.device, floating)
    largest = float(rows.abs().max()) if rows.is_floating_point() else 1.0
    if 0 < largest < math.sqrt(torch.finfo(floating).tiny):
        raise DataError(f"{name} holds no value above {largest:.3g}, whose squares vanish; multiply it by a constant")
    return rows


def _numeric(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.array(values)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} has dtype {array.dtype}, which is not real numbers; give floats")
    # torch knows neither another byte order nor floats longer than double.
    is_long = array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(np.float64).itemsize
    return array.astype(np.float64 if is_long else array.dtype.newbyteorder("="), copy=False)
