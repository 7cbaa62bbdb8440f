"""A deep network with weights in the shared spaces of its layers: what is trained, written to files and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.column_names import default_names
from sharefind.errors import InputError
from sharefind.groups import FiniteGroup
from sharefind.limits import Limits
from sharefind.meanfield.units import DeepUnit
from sharefind.typing import FloatArray

Matrices = tuple[tuple[FloatArray, FloatArray], ...]
"""W (rows, columns) and b (rows,) of each layer, from the inputs up."""


KEPT = 50
"""The limit of a deep network is this multiple of that of a search, which holds as many numbers for each of its
particles."""


def most_numbers(limits: Limits) -> int:
    """Return how many numbers a deep network may have, free ones and others.

    Args:
        limits: `dim` bounds the numbers of a particle.
    """
    return KEPT * limits.dim


@dataclass(frozen=True, eq=False)
class Affine:
    """One layer's weight and bias, in the coordinates of the reduced bases of their spaces.

    Attributes:
        weight: Coordinates of the weight, shape (dim Hom_G,).
        bias: Coordinates of the bias, shape (dim of what the group fixes,).
    """

    weight: FloatArray
    bias: FloatArray


@dataclass(frozen=True, eq=False)
class DeepNetwork:
    """f(x) = sigma*(x, z) for a deep unit and z in E^G, in the coordinates of the data.

    Attributes:
        name: Name of the training and of its rows.
        unit: The unit, with the representations of all layers.
        layers: Coordinates of each layer, from the inputs up.
        inputs: Names of the columns of x; x0, x1, ... where left out.
        outputs: Names of the columns of y; y0, y1, ... where left out.
        classes: Names of the classes whose logits the network gives; empty where its outputs are numbers.
        evidence: How the network was chosen, a JSON object.
        group_name: Name of the group; that of the unit's where left out.
        group_order: Its order, a multiple of that of its image on the layers; that of the unit's where left out.

    Raises:
        InputError: The parts do not fit each other, or a number is not finite.
    """

    name: str
    unit: DeepUnit
    layers: tuple[Affine, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    group_name: str = ""
    group_order: int = 0

    def __post_init__(self) -> None:
        if len(self.layers) != len(self.unit.reps) - 1:
            raise InputError(f"{len(self.layers)} layers of weights for {len(self.unit.reps) - 1} maps; give one each")
        for number, (layer, (weight, bias)) in enumerate(zip(self.layers, self.coordinates, strict=True), 1):
            if layer.weight.shape != (weight.dim,) or layer.bias.shape != (bias.dim,):
                raise InputError(
                    f"layer {number} has {layer.weight.shape} and {layer.bias.shape} coordinates; its spaces have "
                    f"dimension {weight.dim} and {bias.dim}"
                )
            if not (np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()):
                raise InputError(f"a coordinate of layer {number} is not finite; train again with a smaller step")
        object.__setattr__(self, "group_name", self.group_name or self.group.name)
        object.__setattr__(self, "group_order", self.group_order or self.group.order)
        for side, letter, width in (("inputs", "x", self.unit.d_in), ("outputs", "y", self.unit.d_out)):
            names = tuple(getattr(self, side)) or default_names(letter, width)
            if len(names) != width:
                raise InputError(f"{side} has {len(names)} names for {width} columns; give one for each, or none")
            object.__setattr__(self, side, names)

    @property
    def group(self) -> FiniteGroup:
        """The group under which the network is equivariant."""
        return self.unit.in_rep.finite_group

    @cached_property
    def coordinates(self) -> tuple[tuple[SpaceCoordinates, SpaceCoordinates], ...]:
        """Coordinates of each layer's weight and bias."""
        spaces = zip(self.unit.weight_spaces, self.unit.bias_spaces, strict=True)
        return tuple((SpaceCoordinates(weight), SpaceCoordinates(bias)) for weight, bias in spaces)

    @property
    def parameters(self) -> int:
        """Numbers that are free."""
        return sum(len(layer.weight) + len(layer.bias) for layer in self.layers)

    @cached_property
    def matrices(self) -> Matrices:
        """W (rows, columns) and b (rows,) of each layer."""
        found = []
        for layer, (weight, bias), block in zip(
            self.layers, self.coordinates, self.unit.space.blocks[::2], strict=True
        ):
            found.append((weight.from_reduced(layer.weight).reshape(block.shape), bias.from_reduced(layer.bias)))
        return tuple(found)

    @property
    def particle(self) -> FloatArray:
        """z, all blocks one after another, shape (dim Z,)."""
        return np.concatenate([part.ravel() for pair in self.matrices for part in pair])

    def predict(self, x: FloatArray) -> FloatArray:
        """Return f at x (B, d_in), shape (B, d_out), by the code of the unit.

        Args:
            x: Inputs.
        """
        rows, theta = torch.from_numpy(np.asarray(x, dtype=np.float64)), torch.from_numpy(self.particle)
        values = self.unit.values(rows[None], theta[None, :, None])[0, :, :, 0]
        return np.asarray(values.T.numpy())

    @classmethod
    def from_matrices(cls, name: str, unit: DeepUnit, matrices: Matrices, **more: Any) -> DeepNetwork:
        """Return the network with given weights and biases, which lie in the shared spaces.

        Args:
            name: Name of the training.
            unit: The unit.
            matrices: W (rows, columns) and b (rows,) of each layer.
            **more: Further attributes.
        """
        spaces = zip(unit.weight_spaces, unit.bias_spaces, matrices, strict=True)
        layers = tuple(
            Affine(SpaceCoordinates(weight).reduced(w.ravel()), SpaceCoordinates(bias).reduced(b))
            for weight, bias, (w, b) in spaces
        )
        return cls(name, unit, layers, **more)
