"""The mean-field shallow network with shared parameters, the same as the exported class of that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from sharefind.architectures import SharingSpec, TrainedNetwork
from sharefind.architectures.initial_values import network_start
from sharefind.architectures.layers import dense
from sharefind.architectures.layers.shared import Device, SharedModule
from sharefind.architectures.layers.specification_source import Source, read_source
from sharefind.architectures.scaling import CENTRE, STATISTICS, statistics, with_statistics
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.clouds.standardise import Standardisation


class SharedShallowNetwork(SharedModule):
    """x -> shift + scale mean_i sigma_*(x - centre, z_i) with particles z_i in the shared space.

    sigma_*(x, z) is sigma(W x [+ b]), or A sigma(W x + b) for a unit with a hidden layer; centre, shift and scale undo
    the change of data of the search, so that x and y are in the user's coordinates. They are part of the state: weights
    that were trained about another centre bring it along. A state of coefficients alone, as earlier versions wrote it,
    has centre 0. The gradient of one particle is of order 1 / width: train with Adam (`fit`), or with a step
    proportional to the width.

    Attributes:
        width: N.
        centre: Shape (2, d_in): rounded to 24 bits, and the rest, so that float32 inputs lose no digit to it.
        shift: Shape (d_out,), in the units of y.
        scale: Shape (), in the units of y.

    Args:
        spec: The architecture.
        width: N, that of the search where None.
        device: As in torch.nn.Linear.
        dtype: As in torch.nn.Linear.

    Raises:
        InputError: The width is below 1.
    """

    centre: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(
        self, spec: SharingSpec, width: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        width = spec.particles if width is None else width
        if width < 1:
            raise InputError(f"width is {width}; a network needs 1 particle or more")
        super().__init__(spec, width, start=network_start(spec), device=device, dtype=dtype)
        self.width, self.sigma = width, spec.activation.value
        for name, value in self._exact().items():
            self.register_buffer(name, value.to(self.coefficient))

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
            ExportError: The generators are none of a group, or of another one than its name says.
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
        values = self.sigma(dense.inner(blocks, x - self.centre[0] - self.centre[1]))
        if self.spec.has_hidden:
            mean = nn.functional.linear(values, dense.outer(blocks))
        else:
            mean = values.reshape(*values.shape[:-1], self.width, self.spec.d_out).mean(-2)
        return self.shift + self.scale * mean

    @property
    def change(self) -> Standardisation:
        """The change of data that the state holds: that of the specification, unless weights brought another one."""
        if all(self._is_own(name) for name in STATISTICS):
            return self.spec.change
        return with_statistics(self.spec.change, {n: _on_host(getattr(self, n)).numpy() for n in STATISTICS})

    @torch.no_grad()
    def to_dense(self) -> nn.Sequential:
        """Two plain nn.Linear and the activation that compute the same now, and no longer share anything.

        The centre becomes part of the first bias, b - W centre, in double precision; where inputs lie far from 0 beside
        their spread, use the result in float64.
        """
        blocks, d_out = self.blocks, self.spec.d_out
        bias, weight = blocks.get("bias"), blocks["weight"].flatten(0, 1)
        first = dense.centred_linear(weight, None if bias is None else bias.flatten(), self.centre)
        if self.spec.has_hidden:
            mean = dense.outer(blocks)
        else:
            like = self.coefficient
            one = torch.eye(d_out, device=like.device, dtype=like.dtype)
            mean = one.repeat(1, self.width) / self.width
        last = dense.plain_linear(self.scale * mean, self.shift if self.change.rescales_labels else None)
        return nn.Sequential(first, dense.plain_activation(self.spec.activation), last).train(self.training)

    def to_trained(self) -> TrainedNetwork:
        """The weights of now with the specification, as `sharefind.architectures` writes them.

        Raises:
            InputError: A weight is not finite.
        """
        coefficient = _on_host(self.coefficient).numpy().copy()
        return TrainedNetwork(replace(self.spec, change=self.change), np.asarray(coefficient))

    def extra_repr(self) -> str:
        """Widths and what is shared."""
        return f"{super().extra_repr()}, unit={self.spec.unit}, width={self.width}"

    def _exact(self) -> dict[str, Tensor]:
        """Centre, shift and scale of the specification, float64."""
        return {name: torch.from_numpy(value) for name, value in statistics(self.spec.change).items()}

    def _is_own(self, name: str) -> bool:
        """Whether a buffer holds what the specification says, in its own precision; on the device meta it would."""
        buffer: Tensor = getattr(self, name)
        return buffer.is_meta or torch.equal(buffer, self._exact()[name].to(buffer))

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        own = [name for name in STATISTICS if self._is_own(name)]
        super()._apply(fn, recurse)
        for name in own:
            setattr(self, name, self._exact()[name].to(self.coefficient))
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take a state over; one of earlier versions has coefficients alone, of inputs that were not centred."""
        if f"{prefix}coefficient" in state_dict:
            like = state_dict[f"{prefix}coefficient"]
            for name, value in self._exact().items():
                read = torch.zeros_like(value) if name == CENTRE else value
                state_dict.setdefault(f"{prefix}{name}", read.to(like))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _on_host(values: Tensor) -> Tensor:
    """Values on the processor in double precision."""
    return values.detach().to("cpu").to(torch.float64)
