"""The drop-in for nn.Linear whose weights are shared."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from sharefind.architectures.layers import dense, standalone
from sharefind.architectures.layers.shared import Device, SharedModule
from sharefind.architectures.layers.specification_source import Source, read_source, single
from sharefind.architectures.sharing import Sharing
from sharefind.architectures.spec import SharingSpec
from sharefind.errors import InputError
from sharefind.limits import DEFAULT_LIMITS, Limits


class SharedLinear(SharedModule, standalone.SharedLinear):
    """x -> W x [+ b] with shared parameters: a drop-in for nn.Linear(d_in, d_out).

    On average an entry of W starts with the variance of one of nn.Linear, so that depth and step size need no change.
    Of a specification it takes the space alone: the change of data belongs to `SharedShallowNetwork`. As the first
    layer of a network of your own it works best on x - `spec.change.centre`, which breaks no symmetry.

    Attributes:
        in_features, out_features, weight, bias: as in nn.Linear; bias is None for a unit without one.

    Args:
        spec: of a matrix unit. device, dtype: as in nn.Linear.

    Raises:
        InputError: the unit has a hidden layer.
    """

    def __init__(self, spec: SharingSpec, device: Device = None, dtype: torch.dtype | None = None) -> None:
        if spec.has_hidden:
            raise InputError(f"the unit {spec.unit} has a hidden layer; build a SharedTwoLayer from {spec.name}")
        super().__init__(Sharing(spec), device=device, dtype=dtype)

    @classmethod
    def from_spec(
        cls,
        source: Source,
        device: Device = None,
        dtype: torch.dtype | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Self:
        """The layer of a specification or of the file that holds one; with its weights where there are some.

        Raises:
            ExportError: The generators are none of a group, or of another one than its name says.
            InputError: as in `SharedLinear`, the file cannot be read, or it has the weights of several particles.
        """
        spec, coefficient = read_source(source, limits)
        return cls(spec, device, dtype)._loaded(None if coefficient is None else single(spec, coefficient))

    @torch.no_grad()
    def to_linear(self, centre: ArrayLike | None = None) -> nn.Linear:
        """A plain nn.Linear that computes the same now, and no longer shares anything.

        Args:
            centre: Shape (d_in,), such as `spec.change.centre`: the result computes at x what this layer computes at
                x - centre. Its bias is b - W centre, also where this layer has none.

        Raises:
            InputError: The centre has another shape or is not finite.
        """
        blocks = self.blocks
        origin = np.zeros(self.in_features) if centre is None else np.array(centre, dtype=np.float64)
        if origin.shape != (self.in_features,) or not np.isfinite(origin).all():
            raise InputError(f"the centre has shape {origin.shape}; give {self.in_features} finite numbers")
        plain = dense.centred_linear(blocks["weight"], blocks.get("bias"), torch.from_numpy(origin)[None])
        return plain.train(self.training)
