"""The entries of a tying space made from its free coefficients in torch, without a dense matrix: for layers that train.

The gradient of a coefficient is the sum over its class. Which space a layer has is decided elsewhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.errors import SpaceError


def is_transformed() -> bool:
    """Return whether torch records or transforms the running code: torch.compile, torch.export, jit.trace or
    torch.func.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return True
    return bool(torch._C._are_functorch_transforms_active())


class TiedEntries(nn.Module):
    """Coefficients `(*lead, dim)` to entries `(*lead, n)` of the tying space with these labels, twice differentiable.

    Entry i is the coefficient number labels[i], or minus that of -labels[i], or zero. It has no parameters; its buffers
    follow `to` and stay out of the state; they are made anew from the labels where memory was not kept, as by
    `to_empty`. Forward and backward cost O(n) each, twelve bytes an entry are kept. Under torch.compile, torch.export,
    torch.jit.trace and the transforms of torch.func the entries come from operations of torch alone.

    Attributes:
        small_class: Up to this mean size of a class its gradient is a row of a sparse product; above it entries are
            added in order.
        spread: Sums are kept in several partial sums up to this number in all: additions to one number wait for each
            other.
        max_partial_sums: Largest number of partial sums of one sum.
        plain_entries: Up to this many entries in all, torch's own backward pass costs less than a call of the sums.
        index: For each entry, its place in the table of values.
        sums: Where each entry is added.
        starts: Row starts of the sparse matrix.
        ones: Entries of the sparse matrix.
        partial_sums: Number of partial sums of one sum.
        dim: Number of coefficients.
        is_sparse_sum: Whether a sparse product computes the gradient.

    Args:
        labels: Integers, shape (n,), 0 = zero, k or -k = class k with sign; every class 1..dim occurs.
        device: Where the buffers are.

    Raises:
        SpaceError: The labels are not one axis of integers, are empty, or skip a class.
    """

    small_class: int = 64
    spread: int = 4096
    max_partial_sums: int = 16
    plain_entries: int = 2**15

    index: Tensor
    sums: Tensor
    starts: Tensor
    ones: Tensor

    def __init__(self, labels: NDArray[np.integer] | Tensor, device: torch.device | str | None = None) -> None:
        super().__init__()
        array = labels.cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
        tying = _checked(torch.from_numpy(np.array(array)))
        self.labels = array.astype(np.int32, copy=False)
        self.dim = int(tying.abs().max())
        self.has_signs, self.has_zeros = bool((tying < 0).any()), bool((tying == 0).any())
        self.is_sparse_sum = len(tying) <= self.small_class * self.width
        self.partial_sums = 1 if self.is_sparse_sum else max(1, min(self.max_partial_sums, self.spread // self.width))
        for name, table in self._tables(tying).items():
            self.register_buffer(name, table.to(device), persistent=False)

    def _tables(self, tying: Tensor) -> dict[str, Tensor]:
        """The buffers on the processor, from labels int64 (n,) there; no default device has a say."""
        slots = torch.where(tying > 0, tying - 1, self.dim - 1 - tying)
        slots[tying == 0] = self.width - 1
        starts = torch.zeros(self.width + 1, dtype=torch.int32, device="cpu")
        if self.is_sparse_sum:
            sums = torch.argsort(slots, stable=True).to(torch.int32)
            starts[1:] = torch.bincount(slots, minlength=self.width).cumsum(0)
        else:
            sums = slots + self.width * (torch.arange(len(slots), device="cpu") % self.partial_sums)
        ones = torch.ones(len(slots) if self.is_sparse_sum else 0, device="cpu")
        return {"index": slots.to(torch.int32), "sums": sums, "starts": starts, "ones": ones}

    def place(self, device: torch.device) -> None:
        """Build the buffers again from the labels, on a device.

        Args:
            device: The device.
        """
        for name, table in self._tables(torch.from_numpy(np.array(self.labels, dtype=np.int64))).items():
            setattr(self, name, table.to(device))

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        before = self.index
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.index is not before and not self.index.is_meta:
            self.place(self.index.device)
        return self

    @property
    def width(self) -> int:
        """Different values that entries have: coefficients, their negatives where signs occur, zero where it occurs."""
        return self.dim * (2 if self.has_signs else 1) + self.has_zeros

    def forward(self, coefficient: Tensor) -> Tensor:
        """Return the entries that belong to coefficients.

        Args:
            coefficient: Shape (*lead, dim).

        Returns:
            Shape (*lead, n).
        """
        values = [coefficient]
        if self.has_signs:
            values.append(-coefficient)
        if self.has_zeros:
            values.append(coefficient.new_zeros(*coefficient.shape[:-1], 1))
        table = torch.cat(values, -1) if len(values) > 1 else coefficient
        if is_transformed() or table.shape[:-1].numel() * len(self.labels) <= self.plain_entries:
            return table.index_select(-1, self.index)
        entries: Tensor = _Entries.apply(table, self)  # type: ignore[no-untyped-call]
        return entries

    def class_sums(self, entries: Tensor) -> Tensor:
        """Return the sums over the entries of each value: the transpose of reading from the table of values.

        Args:
            entries: Shape (*lead, n).

        Returns:
            Shape (*lead, width).
        """
        if is_transformed():
            return entries.new_zeros(*entries.shape[:-1], self.width).index_add(-1, self.index, entries)
        flat = entries.reshape(-1, entries.shape[-1])
        if self.is_sparse_sum:
            return self._by_product(flat).reshape(*entries.shape[:-1], self.width)
        sums = flat.new_zeros(len(flat), self.partial_sums * self.width)
        if len(flat) == 1:
            sums[0].scatter_add_(0, self.sums, flat[0])
        else:
            sums.scatter_add_(1, self.sums.expand(len(flat), -1), flat)
        return sums.reshape(*entries.shape[:-1], self.partial_sums, self.width).sum(-2)

    def _by_product(self, flat: Tensor) -> Tensor:
        """Rows (r, n) -> (r, width)."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            membership = torch.sparse_csr_tensor(
                self.starts, self.sums, self.ones.to(flat.dtype), (self.width, flat.shape[1]),
                device=flat.device, check_invariants=False,
            )  # fmt: skip
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
        return _summed(gradients[0], ctx.ties), None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        tangent: Tensor = tangents[0].index_select(-1, ctx.ties.index)
        return tangent


def _summed(entries: Tensor, ties: TiedEntries) -> Tensor:
    """`class_sums`, differentiable."""
    if is_transformed():
        return ties.class_sums(entries)
    sums: Tensor = _Sums.apply(entries, ties)  # type: ignore[no-untyped-call]
    return sums


class _Sums(torch.autograd.Function):
    """Entries (*lead, n) summed over those of one value."""

    @staticmethod
    def forward(ctx: Any, entries: Tensor, ties: TiedEntries) -> Tensor:
        ctx.ties = ties
        return ties.class_sums(entries)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient = gradients[0]
        if is_transformed():
            return gradient.index_select(-1, ctx.ties.index), None
        entries: Tensor = _Entries.apply(gradient, ctx.ties)  # type: ignore[no-untyped-call]
        return entries, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        sums: Tensor = ctx.ties.class_sums(tangents[0])
        return sums
