"""The two-layer block with shared parameters, for use inside larger networks."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from sharefind.architectures.initial_values import block_start, runs
from sharefind.architectures.layers.shared import Device, SharedModule
from sharefind.architectures.layers.specification_source import Source
from sharefind.architectures.sharing import Sharing
from sharefind.architectures.spec import SharingSpec
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits


class SharedTwoLayer(SharedModule):
    """x -> mean_c A_c sigma(W_c x + b_c) with shared parameters: two linear layers and what is between them.

    Its hidden layer has channels d_hidden units. It computes what `SharedShallowNetwork` does with `channels` particles
    before labels are changed back, and starts as two nn.Linear do.

    Attributes:
        in_features, out_features: d_in and d_out. hidden_features: channels d_hidden.
        output (channels, d_out, d_hidden), weight (channels, d_hidden, d_in), bias (channels, d_hidden): A, W and b.

    Args:
        spec: Of a two-layer unit.
        channels: Copies of the hidden representation; 1 where None.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Raises:
        InputError: the unit has no hidden layer, or there is no channel.
    """

    def __init__(
        self, spec: SharingSpec, channels: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        channels = 1 if channels is None else channels
        if not spec.has_hidden:
            raise InputError(f"the unit {spec.unit} has no hidden layer; build a SharedLinear from {spec.name}")
        if channels < 1:
            raise InputError(f"channels is {channels}; give 1 or more")
        start = runs(block_start(spec, channels))
        super().__init__(Sharing(spec), channels, start=start, device=device, dtype=dtype)
        self.channels = channels
        self.in_features, self.out_features = spec.d_in, spec.d_out
        self.hidden_features = channels * spec.block("weight").shape[0]

    @classmethod
    def from_spec(
        cls,
        source: Source,
        channels: int | None = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """The block of a specification or of the file that holds one, with as many channels as its weights have.

        Raises:
            ExportError: The generators are none of a group, or of another one than its name says.
            InputError: as in `SharedTwoLayer`, the file cannot be read, or its weights have other channels.
        """
        return cls._read(source, limits, channels, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_in) -> (..., d_out)."""
        return self.mean(x)

    def to_dense(self) -> nn.Sequential:
        """Two plain nn.Linear and the activation that compute the same now, and no longer share anything."""
        return self._dense(torch.zeros(1, self.in_features), 1.0, None)

    def extra_repr(self) -> str:
        """Widths and what is shared."""
        return f"{super().extra_repr()}, channels={self.channels}, hidden_features={self.hidden_features}"
