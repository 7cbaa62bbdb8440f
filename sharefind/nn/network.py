"""The mean-field shallow network with shared parameters, the same as the exported class of that name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from sharefind.errors import InputError
from sharefind.export import SharingSpec, TrainedNetwork
from sharefind.export.initial import network_start
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.nn import dense
from sharefind.nn.shared import Device, SharedModule
from sharefind.nn.source import Source, read_source


class SharedShallowNetwork(SharedModule):
    """x -> shift + scale mean_i sigma_*(x, z_i) with particles z_i in the shared space.

    sigma_*(x, z) is sigma(W x [+ b]), or A sigma(W x + b) for a unit with a hidden layer; shift and scale undo the
    change of labels of the search, so that x and y are in the user's coordinates. The gradient of one particle is of
    order 1 / width: train with Adam (`fit`), or with a step proportional to the width.

    Attributes:
        width: N. shift (d_out,), scale: the change of labels.

    Args:
        spec: the architecture. width: N, that of the search where None. device, dtype: as in torch.nn.Linear.

    Raises:
        InputError: the width is below 1.
    """

    shift: Tensor

    def __init__(
        self, spec: SharingSpec, width: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        width = spec.particles if width is None else width
        if width < 1:
            raise InputError(f"width is {width}; a network needs 1 particle or more")
        super().__init__(spec, width, start=network_start(spec), device=device, dtype=dtype)
        self.width, self.scale, self.sigma = width, float(spec.change.scale), spec.activation.value
        self.register_buffer("shift", self._exact_shift(), persistent=False)

    @classmethod
    def from_spec(
        cls,
        source: Source,
        width: int | None = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """The network of a specification or of the file that holds one; with its weights where there are some.

        Raises:
            InputError: the file cannot be read, or its weights have another width.
        """
        spec, coefficient = read_source(source, limits)
        if width is None and coefficient is not None:
            width = len(coefficient)
        network = cls(spec, width, device, dtype)
        if coefficient is not None:
            network.load_coefficients(coefficient)
        return network

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_in) -> (..., d_out)."""
        blocks = self.blocks
        values = self.sigma(dense.inner(blocks, x))
        if self.spec.has_hidden:
            mean = nn.functional.linear(values, dense.outer(blocks))
        else:
            mean = values.reshape(*values.shape[:-1], self.width, self.spec.d_out).mean(-2)
        return self.shift + self.scale * mean if self.spec.change.rescales_labels else mean

    @torch.no_grad()
    def to_dense(self) -> nn.Sequential:
        """Two plain nn.Linear and the activation that compute the same now, and no longer share anything."""
        blocks, d_out = self.blocks, self.spec.d_out
        bias = blocks.get("bias")
        first = dense.plain_linear(blocks["weight"].flatten(0, 1), None if bias is None else bias.flatten())
        if self.spec.has_hidden:
            mean = dense.outer(blocks)
        else:
            mean = torch.eye(d_out).to(self.coefficient).repeat(1, self.width) / self.width
        last = dense.plain_linear(self.scale * mean, self.shift if self.spec.change.rescales_labels else None)
        return nn.Sequential(first, dense.plain_activation(self.spec.activation), last).train(self.training)

    def to_trained(self) -> TrainedNetwork:
        """The weights of now with the specification, as `sharefind.export` writes them.

        Raises:
            InputError: a weight is not finite.
        """
        coefficient = self.coefficient.detach().to("cpu", torch.float64).numpy().copy()
        return TrainedNetwork(self.spec, np.asarray(coefficient))

    def extra_repr(self) -> str:
        """Widths and what is shared."""
        return f"{super().extra_repr()}, unit={self.spec.unit}, width={self.width}"

    def _exact_shift(self) -> Tensor:
        """(d_out,), rounded once."""
        return torch.from_numpy(np.array(self.spec.change.shift, dtype=np.float64)).to(self.coefficient)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        if not self.shift.is_meta:
            self.shift = self._exact_shift()
        return self
