"""Caches a constant tensor per device and dtype, so that no step of a training sends it again."""

from __future__ import annotations

import torch
from torch import Tensor


class DeviceTensor:
    """A constant tensor on the processor, with copies on other devices and in other types, made when they are needed.

    Args:
        values: any tensor; not to be written.
    """

    def __init__(self, values: Tensor) -> None:
        self._values = values
        self._copies: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    @property
    def shape(self) -> torch.Size:
        """Its sizes."""
        return self._values.shape

    def like(self, other: Tensor) -> Tensor:
        """Return the tensor with the device and the type of another.

        Args:
            other: The other tensor.
        """
        return self._at(other.device, other.dtype)

    def beside(self, other: Tensor) -> Tensor:
        """Return the tensor, for example indices, on the device of another and in its own type.

        Args:
            other: The other tensor.
        """
        return self._at(other.device, self._values.dtype)

    def _at(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        key = device, dtype
        if key not in self._copies:
            self._copies[key] = self._values.to(device=device, dtype=dtype)
        return self._copies[key]
