"""The entries of a tying space made from its free coefficients in torch, without a dense matrix: for layers that train.

The gradient of a coefficient is the sum over its class. Which space a layer has is decided elsewhere.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.errors import SpaceError

SMALL_CLASS = 64
"""Up to this mean size of a class its gradient is a row of a sparse product, above it entries are added in order."""

SPREAD = 4096
"""Sums are kept in several copies up to this many in all: additions to one number in a row wait for each other."""

MAX_COPIES = 16
"""Most copies of a sum."""


class TiedEntries(nn.Module):
    """Coefficients (*lead, dim) to the entries (*lead, n) of the tying space with these labels, differentiable twice.

    Entry i is the coefficient number labels[i], or minus that of -labels[i], or zero. It has no parameters; its buffers
    follow `to` and stay out of the state. Forward and backward cost O(n) each, twelve bytes an entry are kept.

    Args:
        labels: int (n,), 0 = zero, k or -k = class k with sign; every class 1..dim occurs.
        device: where the buffers are.

    Raises:
        SpaceError: not one axis of integers, empty, or a class without entries.
    """

    index: Tensor
    sums: Tensor
    starts: Tensor
    ones: Tensor

    def __init__(self, labels: NDArray[np.integer] | Tensor, device: torch.device | str | None = None) -> None:
        super().__init__()
        tying = _checked(labels.cpu() if isinstance(labels, Tensor) else torch.from_numpy(np.array(labels)))
        self.dim = int(tying.abs().max())
        self.has_signs, self.has_zeros = bool((tying < 0).any()), bool((tying == 0).any())
        slots = torch.where(tying > 0, tying - 1, self.dim - 1 - tying)
        slots[tying == 0] = self.width - 1
        self.is_sparse_sum = len(slots) <= SMALL_CLASS * self.width
        self.copies = 1 if self.is_sparse_sum else max(1, min(MAX_COPIES, SPREAD // self.width))
        starts = torch.zeros(self.width + 1, dtype=torch.int32)
        if self.is_sparse_sum:
            sums = torch.argsort(slots, stable=True).to(torch.int32)
            starts[1:] = torch.bincount(slots, minlength=self.width).cumsum(0)
        else:
            sums = slots + self.width * (torch.arange(len(slots)) % self.copies)
        ones = torch.ones(len(slots) if self.is_sparse_sum else 0)
        for name, buffer in (("index", slots.to(torch.int32)), ("sums", sums), ("starts", starts), ("ones", ones)):
            self.register_buffer(name, buffer.to(device), persistent=False)

    @property
    def width(self) -> int:
        """Different values that entries have: coefficients, their negatives where signs occur, zero where it occurs."""
        return self.dim * (2 if self.has_signs else 1) + self.has_zeros

    def forward(self, coefficient: Tensor) -> Tensor:
        """Coefficients (*lead, dim) -> entries (*lead, n)."""
        values = [coefficient]
        if self.has_signs:
            values.append(-coefficient)
        if self.has_zeros:
            values.append(coefficient.new_zeros(*coefficient.shape[:-1], 1))
        table = torch.cat(values, -1) if len(values) > 1 else coefficient
        entries: Tensor = _Entries.apply(table, self)  # type: ignore[no-untyped-call]
        return entries

    def class_sums(self, entries: Tensor) -> Tensor:
        """Sums over the entries (*lead, n) of one value, (*lead, width): the transpose of reading from a table."""
        flat = entries.reshape(-1, entries.shape[-1])
        if self.is_sparse_sum:
            return self._by_product(flat).reshape(*entries.shape[:-1], self.width)
        sums = flat.new_zeros(len(flat), self.copies * self.width)
        if len(flat) == 1:
            sums[0].scatter_add_(0, self.sums, flat[0])
        else:
            sums.scatter_add_(1, self.sums.expand(len(flat), -1), flat)
        return sums.reshape(*entries.shape[:-1], self.copies, self.width).sum(-2)

    def _by_product(self, flat: Tensor) -> Tensor:
        """Rows (r, n) -> (r, width)."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            membership = torch.sparse_csr_tensor(
                self.starts, self.sums, self.ones.to(flat.dtype), (self.width, flat.shape[1]), check_invariants=False
            )
        if len(flat) == 1:
            return membership.mv(flat[0])[None]
        return (membership @ flat.t()).t()


def _checked(labels: Tensor) -> Tensor:
    """Labels as int64 (n,)."""
    if labels.dim() != 1 or labels.is_floating_point() or labels.numel() == 0:
        raise SpaceError(f"tying labels must be integers of shape (n,), not {labels.dtype} {tuple(labels.shape)}")
    tying = labels.to(torch.int64)
    missing = torch.bincount(tying.abs())[1:] == 0
    if missing.any():
        raise SpaceError(
            f"class {int(missing.int().argmax()) + 1} of the tying labels has no entry; number them from 1"
        )
    return tying


class _Entries(torch.autograd.Function):
    """A table (*lead, width) read at the index of every entry."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ties: TiedEntries) -> Tensor:
        ctx.ties = ties
        return table.index_select(-1, ties.index)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        sums: Tensor = _Sums.apply(gradients[0], ctx.ties)  # type: ignore[no-untyped-call]
        return sums, None


class _Sums(torch.autograd.Function):
    """Entries (*lead, n) summed over those of one value."""

    @staticmethod
    def forward(ctx: Any, entries: Tensor, ties: TiedEntries) -> Tensor:
        ctx.ties = ties
        return ties.class_sums(entries)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        entries: Tensor = _Entries.apply(gradients[0], ctx.ties)  # type: ignore[no-untyped-call]
        return entries, None
