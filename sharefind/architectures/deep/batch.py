"""Several deep networks of one unit in one tensor: the folds, seeds or restarts of a training, side by side."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.window_maps import window_maps
from sharefind.meanfield.units import DeepUnit

WIDE = 96
"""Entries of a row above which its steps are smaller."""


class DeepBatch(nn.Module):
    """R networks with weights in the shared spaces of a unit, made of orthonormal coordinates.

    A weight starts with variance 1 / columns on average over its entries, so that a layer keeps the size of what it is
    given; twice that behind ReLU, which halves it. Biases start at 0.

    Args:
        unit: The unit.
        count: R.
        seed: Seed of the first weights.
        dtype: Precision of the coordinates.

    Attributes:
        unit: The unit.
        weights: Coordinates of each layer's weight, shape (R, dim).
        biases: Coordinates of each layer's bias, shape (R, dim).
        shapes: Shape of each layer's weight.
        weight_spaces: Coordinates of each layer's weights.
        bias_spaces: Coordinates of each layer's biases.
        window_maps: How layers with a window are computed; None for other layers.
    """

    weights: nn.ParameterList
    biases: nn.ParameterList

    def __init__(self, unit: DeepUnit, count: int, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.unit = unit
        self.shapes = [(target.dim, source.dim) for source, target in pairwise(unit.reps)]
        self.weight_spaces = [SpaceCoordinates(space) for space in unit.weight_spaces]
        self.bias_spaces = [SpaceCoordinates(space) for space in unit.bias_spaces]
        self.window_maps = window_maps(unit)
        rng = torch.Generator().manual_seed(seed)
        weights, biases = list[nn.Parameter](), list[nn.Parameter]()
        halves = unit.function.name == "relu"
        for (rows, _), space, bias in zip(self.shapes, self.weight_spaces, self.bias_spaces, strict=True):
            weights.append(nn.Parameter(first_weights(rows, space, count, rng, halves and bool(weights)).to(dtype)))
            biases.append(nn.Parameter(torch.zeros(count, bias.dim, dtype=dtype)))
        self.weights, self.biases = nn.ParameterList(weights), nn.ParameterList(biases)

    def affine(self, number: int, below: Tensor) -> Tensor:
        """Return W h + b of a layer, shape (R, B, rows).

        Args:
            number: Number of the layer, from 0.
            below: h, shape (R, B, columns).
        """
        bias = self.bias_spaces[number].entries(self.biases[number]).unsqueeze(1)
        window = self.window_maps[number]
        if window is not None:
            return window(self.weights[number], below) + bias
        weight = self.weight_spaces[number].entries(self.weights[number]).reshape(-1, *self.shapes[number])
        return torch.baddbmm(bias, below, weight.transpose(1, 2))

    def step_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """Return the coordinates of each space with their step, for an optimiser.

        A coordinate of length 1 is shared by n / dim of the n entries that are not zero, which move by the root of
        dim / n times its step: without a larger step, tied networks would learn more slowly than free ones. Entries of
        rows with more than `WIDE` of them take smaller steps, in proportion, since an output moves by their sum.

        Args:
            lr: The step of an entry.
            weight_decay: Share of a weight that a step of size 1 of an entry takes off; biases do not decay.
        """
        found = list[dict[str, Any]]()
        for (rows, _), weight, space in zip(self.shapes, self.weights, self.weight_spaces, strict=True):
            found.append(weight_steps(rows, weight, space, lr, weight_decay))
        for bias, space in zip(self.biases, self.bias_spaces, strict=True):
            found.append(bias_steps(bias, space, lr))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (R, B, d_out).

        Args:
            x: Inputs of each network, shape (R, B, d_in).
        """
        return _layers(self.unit, self.affine, x)[-1]

    @torch.no_grad()
    def arrays(self, number: int) -> Matrices:
        """Return W and b of each layer of one network, in double precision and exactly in the shared spaces.

        Args:
            number: Which network, from 0.
        """
        one = slice(number, number + 1)
        found = []
        parts = zip(self.shapes, self.weight_spaces, self.weights, self.bias_spaces, self.biases, strict=True)
        for shape, space, weight, bias_space, bias in parts:
            entries = space.entries(weight[one].double()).numpy(), bias_space.entries(bias[one].double()).numpy()
            found.append((entries[0].reshape(shape), entries[1][0]))
        return tuple(found)


def first_weights(rows: int, space: SpaceCoordinates, count: int, rng: torch.Generator, is_behind_relu: bool) -> Tensor:
    """Return coordinates of the first weights of a layer, shape (count, dim), float64.

    Args:
        rows: Rows of the weight.
        space: Its space.
        count: Number of networks.
        rng: Source of the numbers.
        is_behind_relu: Whether the layer takes what ReLU gives.
    """
    drawn = torch.randn(count, space.dim, generator=rng, dtype=torch.float64)
    size: float = (2 if is_behind_relu else 1) * rows / max(space.dim, 1)
    scaled: Tensor = drawn * size**0.5
    return scaled


def weight_steps(rows: int, weight: Tensor, space: SpaceCoordinates, lr: float, weight_decay: float) -> dict[str, Any]:
    """Return the coordinates of a weight with their step and decay, as `DeepBatch.step_groups` says.

    Args:
        rows: Rows of the weight.
        weight: Its coordinates.
        space: Its space.
        lr: The step of an entry.
        weight_decay: Share of a weight that a step of size 1 of an entry takes off.
    """
    larger = space.share**0.5
    step = lr * min(1.0, WIDE * rows / max(space.entries_count, 1)) * larger
    return {"params": [weight], "lr": step, "weight_decay": weight_decay / larger}


def bias_steps(bias: Tensor, space: SpaceCoordinates, lr: float) -> dict[str, Any]:
    """Return the coordinates of a bias with their step, as `DeepBatch.step_groups` says.

    Args:
        bias: Its coordinates.
        space: Its space.
        lr: The step of an entry.
    """
    return {"params": [bias], "lr": lr * space.share**0.5, "weight_decay": 0.0}


def deep_values(unit: DeepUnit, matrices: list[tuple[Tensor, Tensor]], x: Tensor) -> list[Tensor]:
    """Return all layers of R networks from the first hidden one to the outputs, shape (R, B, width) each.

    Args:
        unit: The unit.
        matrices: W (R, rows, columns) and b (R, rows) of each layer; or one b for each input, shape (R, B, rows).
        x: Inputs, shape (R, B, d_in).
    """

    def affine(number: int, below: Tensor) -> Tensor:
        weight, bias = matrices[number]
        return torch.baddbmm(bias if bias.dim() == 3 else bias.unsqueeze(1), below, weight.transpose(1, 2))

    return _layers(unit, affine, x)


def _layers(unit: DeepUnit, affine: Callable[[int, Tensor], Tensor], x: Tensor) -> list[Tensor]:
    """All layers from the first hidden one to the outputs, by W h + b of each."""
    layers, below, last = list[Tensor](), x, len(unit.reps) - 2
    for number in range(last + 1):
        t = affine(number, below)
        if number < last:
            function = unit.layer_functions[number]
            value = function.function.value(t)
            value = torch.where(function.mask, torch.tanh(t), value) if function.is_mixed else value
            t = below + value if unit.adds_input[number] else value
        layers.append(t)
        below = t
    return layers
