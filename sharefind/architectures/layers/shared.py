"""Parameters in a shared space, made of free coefficients: what every layer of this package is built on.

What a layer learns is `coefficient`, under the name that it has in the modules that `sharefind.architectures` writes.
Tables and bases follow from the specification: they stay out of the state and are made anew where memory was not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures import initial_values as initial
from sharefind.architectures.certificate.group_names import shown
from sharefind.architectures.spec import SharingSpec
from sharefind.errors import InputError
from sharefind.meanfield.dynamics.tied import TiedEntries, is_transformed

Device = torch.device | str | None


@dataclass(frozen=True)
class _Kept:
    """Entries made in eval mode, with a copy of what they were made from: no counter sees every change in place."""

    coefficient: Tensor
    entries: Tensor
    entries_version: int

    def is_true_of(self, coefficient: nn.Parameter) -> bool:
        given, kept = coefficient.detach(), self.coefficient
        is_like = (given.dtype, given.device, given.shape) == (kept.dtype, kept.device, kept.shape)
        return is_like and self.entries_version == self.entries._version and torch.equal(given, kept)


class SharedModule(nn.Module):
    """Blocks of parameters in the space of a specification, differentiable in `coefficient` (*lead, dim).

    In eval mode, while no gradient can reach the coefficients, their entries are made once and kept until a coefficient
    changes, in whatever way. The state is the same in both modes. A module made on the device "meta" computes what it
    should after `to_empty` and `load_state_dict`, or after `load_state_dict(..., assign=True)`.

    Args:
        spec: The space.
        lead: Leading axes of the coefficients.
        start: Standard deviations of their start, shape (dim,).
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.
    """

    coefficient: nn.Parameter
    basis: Tensor

    def __init__(
        self,
        spec: SharingSpec,
        *lead: int,
        start: NDArray[np.float64],
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.start = spec, start
        self._kept: _Kept | None = None
        self.coefficient = nn.Parameter(torch.empty(*lead, spec.space.dim, device=device, dtype=dtype))
        labels = spec.space.tying
        self.ties = None if labels is None else TiedEntries(labels, self.coefficient.device)
        if self.ties is None:
            self.register_buffer("basis", self._exact_basis(), persistent=False)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new coefficients."""
        nn.init.normal_(self.coefficient)
        self.coefficient.mul_(torch.from_numpy(self.start).to(self.coefficient))

    @torch.no_grad()
    def load_coefficients(self, coefficient: NDArray[np.float64]) -> None:
        """Take coefficients (*lead, dim) over.

        Raises:
            InputError: they have another shape.
        """
        if coefficient.shape != tuple(self.coefficient.shape):
            needed = tuple(self.coefficient.shape)
            raise InputError(f"the coefficients have shape {coefficient.shape}; this module needs {needed}")
        self.coefficient.copy_(torch.from_numpy(np.array(coefficient, dtype=np.float64)))

    @property
    def entries(self) -> Tensor:
        """All entries of the blocks, in the order of the specification, row-major: (*lead, D)."""
        coefficient = self.coefficient
        if is_transformed() or coefficient.is_meta:
            return self._made()
        needs_gradient = torch.is_grad_enabled() and coefficient.requires_grad
        # torch.func puts plain tensors in the parameter's place, and inference tensors count no changes.
        is_plain = type(coefficient) is nn.Parameter and not coefficient.is_inference()
        if self.training or needs_gradient or not is_plain:
            return self._made()
        if self._kept is None or not self._kept.is_true_of(coefficient):
            with torch.inference_mode(False), torch.no_grad():
                entries = self._made()
                self._kept = _Kept(coefficient.detach().clone(), entries, entries._version)
        return self._kept.entries

    @property
    def blocks(self) -> dict[str, Tensor]:
        """The blocks by name, each (*lead, *shape)."""
        pieces = torch.split(self.entries, [block.size for block in self.spec.blocks], dim=-1)
        return {
            block.name: piece.reshape(*piece.shape[:-1], *block.shape)
            for block, piece in zip(self.spec.blocks, pieces, strict=True)
        }

    @property
    def weight(self) -> Tensor:
        """W: (*lead, rows, d_in)."""
        return self.blocks["weight"]

    @property
    def bias(self) -> Tensor | None:
        """b: (*lead, rows), None for a unit without one."""
        return self.blocks.get("bias")

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as in torch.nn.Module."""
        self._kept = None
        return super().train(mode)

    def extra_repr(self) -> str:
        """Widths and what is shared."""
        spec = self.spec
        return (
            f"{spec.d_in}, {spec.d_out}, group={shown(spec.group_name)}, dim={spec.space.dim} of {spec.space.ambient}"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None}

    def _made(self) -> Tensor:
        if self.ties is None:
            return self.coefficient @ self.basis
        entries: Tensor = self.ties(self.coefficient)
        return entries

    def _exact_basis(self) -> Tensor:
        """(dim, D), rounded once, to the type of the coefficients."""
        return torch.from_numpy(np.array(initial.basis(self.spec))).to(self.coefficient)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._kept = None
        if self.ties is None:
            self.basis = self._exact_basis()
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take a state over; one that is assigned brings its own device and type, and the tables follow."""
        super()._load_from_state_dict(state_dict, prefix, *rest)
        if self.ties is None:
            self.basis = self._exact_basis()
        elif self.ties.index.device != self.coefficient.device:
            self.ties.place(self.coefficient.device)
