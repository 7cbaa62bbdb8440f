"""The mean-field shallow network with shared parameters, the same as the exported class of that name."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import nn

from sharefind.architectures import SharingSpec, TrainedNetwork
from sharefind.architectures.layers import dense, standalone
from sharefind.architectures.layers.shared import Device, SharedModule
from sharefind.architectures.layers.specification_source import Source
from sharefind.architectures.scaling import STATISTICS, with_statistics
from sharefind.architectures.sharing import Sharing
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.meanfield.clouds.standardise import Standardisation


class SharedShallowNetwork(SharedModule, standalone.SharedShallowNetwork):
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

    def __init__(
        self, spec: SharingSpec, width: int | None = None, device: Device = None, dtype: torch.dtype | None = None
    ) -> None:
        if width is not None and width < 1:
            raise InputError(f"width is {width}; a network needs 1 particle or more")
        super().__init__(Sharing(spec), width, device=device, dtype=dtype)

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
        return cls._read(source, limits, width, device=device, dtype=dtype)

    @property
    def change(self) -> Standardisation:
        """The change of data that the state holds: that of the specification, unless weights brought another one."""
        if all(self._is_own(name, value) for name, value in self._exact().items()):
            return self.spec.change
        return with_statistics(self.spec.change, {n: dense.on_host(getattr(self, n)).numpy() for n in STATISTICS})

    def to_dense(self) -> nn.Sequential:
        """Two plain nn.Linear and the activation that compute the same now, and no longer share anything.

        The centre becomes part of the first bias, b - W centre, in double precision; where inputs lie far from 0 beside
        their spread, use the result in float64.
        """
        return self._dense(self.centre, self.scale, self.shift if self.change.rescales_labels else None)

    def to_trained(self) -> TrainedNetwork:
        """The weights of now with the specification, as `sharefind.architectures` writes them.

        Raises:
            InputError: A weight is not finite.
        """
        coefficient = dense.on_host(self.coefficient).numpy().copy()
        return TrainedNetwork(replace(self.spec, change=self.change), np.asarray(coefficient))

    def extra_repr(self) -> str:
        """Widths and what is shared."""
        return f"{super().extra_repr()}, unit={self.spec.unit}, width={self.width}"
