"""Trains deep networks of equal widths whose layers are tied by different groups, side by side in one tensor.

Each way to tie layers has a network for each fold. All networks of a fold see the same rows in the same order, so that
their losses on rows kept apart can be compared row by row; each way stops at its own best step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sharefind.architectures.deep.batch import bias_steps, deep_values, first_weights, weight_steps
from sharefind.architectures.deep.coordinates import SpaceCoordinates
from sharefind.architectures.deep.layer_groups import LayerGroups, layer_spaces
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.temperature import best_temperature
from sharefind.architectures.deep.training import Plan, Told, adam_steps, row_losses
from sharefind.groups import FiniteGroup
from sharefind.meanfield.units import DeepUnit
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class JointlyTrained:
    """Networks of one way to tie layers after training.

    Attributes:
        losses: Loss of each row, by the network that did not see it, shape (n,).
        predictions: Scaled predictions of the rows, shape (n, d_out); for classes logits over one temperature.
        step: The step of the smallest mean loss.
        parameters: Numbers of one network that are free.
        networks: W and b of each layer of each network at this step, a network for each fold, whose logits are not
            over the temperature.
    """

    losses: FloatArray
    predictions: FloatArray
    step: int
    parameters: int
    networks: tuple[Matrices, ...]


class _SharedPart(nn.Module):
    """The weights and biases of one layer in all networks whose groups tie it alike."""

    def __init__(
        self, unit: DeepUnit, layer: int, group: FiniteGroup, numbers: Sequence[int], rng: torch.Generator
    ) -> None:
        super().__init__()
        self.numbers = list(numbers)
        weight, bias = layer_spaces(unit, layer, group)
        self.weight_space, self.bias_space = SpaceCoordinates(weight), SpaceCoordinates(bias)
        self.rows, is_behind_relu = unit.reps[layer + 1].dim, layer > 0 and unit.function.name == "relu"
        drawn = first_weights(self.rows, self.weight_space, len(numbers), rng, is_behind_relu)
        self.weight = nn.Parameter(drawn.float())
        self.bias = nn.Parameter(torch.zeros(len(numbers), bias.dim))

    def step_groups(self, lr: float, weight_decay: float) -> list[dict[str, Any]]:
        """Return the coordinates with their step, as `DeepBatch.step_groups` does."""
        weights = weight_steps(self.rows, self.weight, self.weight_space, lr, weight_decay)
        return [weights, bias_steps(self.bias, self.bias_space, lr)]

    @property
    def parameters_of_one(self) -> int:
        """Numbers that are free in one network."""
        return self.weight_space.dim + self.bias_space.dim


class JointBatch(nn.Module):
    """Networks of each way to tie layers, `folds` of each: number w * folds + f is fold f of way w.

    First weights are drawn as in `DeepBatch`.

    Args:
        unit: The unit, with representations of the whole group on all layers.
        ways: The ways to tie its layers.
        folds: Networks of each.
        seed: Seed of the first weights.

    Attributes:
        unit: The unit.
        folds: Networks of each way.
        shapes: Shape of each layer's weight.
        layers: For each layer its parts, one for each group that ties it.
        registered: The parts of all layers as modules.
        places: For each layer where the networks of its parts stand in the order of all networks.
        free: Free numbers of one network of each way.
    """

    def __init__(self, unit: DeepUnit, ways: Sequence[LayerGroups], folds: int, seed: int) -> None:
        super().__init__()
        self.unit, self.folds = unit, folds
        self.shapes = [(target.dim, source.dim) for source, target in pairwise(unit.reps)]
        rng = torch.Generator().manual_seed(seed)
        self.layers = [self._parts(ways, layer, rng) for layer in range(len(self.shapes))]
        self.registered = nn.ModuleList(part for parts in self.layers for part in parts)
        self.places = list[Tensor]()
        self.free = [0] * len(ways)
        for parts in self.layers:
            self.places.append(torch.from_numpy(np.argsort(np.concatenate([part.numbers for part in parts]))))
            for part in parts:
                for way in sorted({number // folds for number in part.numbers}):
                    self.free[way] += part.parameters_of_one

    def _parts(self, ways: Sequence[LayerGroups], layer: int, rng: torch.Generator) -> list[_SharedPart]:
        numbers = dict[FiniteGroup, list[int]]()
        for way, one in enumerate(ways):
            numbers.setdefault(one.groups[layer], []).extend(range(way * self.folds, (way + 1) * self.folds))
        return [_SharedPart(self.unit, layer, group, found, rng) for group, found in numbers.items()]

    def matrices(self) -> list[tuple[Tensor, Tensor]]:
        """Return W (R, rows, columns) and b (R, rows) of each layer."""
        found = []
        for shape, parts, places in zip(self.shapes, self.layers, self.places, strict=True):
            weights = [part.weight_space.entries(part.weight) for part in parts]
            biases = [part.bias_space.entries(part.bias) for part in parts]
            found.append((_ordered(weights, places).reshape(-1, *shape), _ordered(biases, places)))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs, shape (R, B, d_out).

        Args:
            x: Inputs of each network, shape (R, B, d_in).
        """
        return deep_values(self.unit, self.matrices(), x)[-1]

    def step_groups(self, lr: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """Return the coordinates of each space with their step, for an optimiser.

        Args:
            lr: The step of an entry.
            weight_decay: As in `DeepBatch.step_groups`.
        """
        return [group for parts in self.layers for part in parts for group in part.step_groups(lr, weight_decay)]


def _arrays(layers: Sequence[tuple[Tensor, Tensor]], number: int) -> Matrices:
    return tuple((weight[number].double().numpy(), bias[number].double().numpy()) for weight, bias in layers)


def _ordered(parts: Sequence[Tensor], places: Tensor) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))[places]


def train_jointly(
    unit: DeepUnit,
    ways: Sequence[LayerGroups],
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    plan: Plan,
    seed: int,
    told: Told | None = None,
) -> list[JointlyTrained]:
    """Return what was trained of each way to tie layers, in their order.

    Args:
        unit: The unit, with representations of the whole group on all layers.
        ways: The ways to tie its layers.
        rows: The rows.
        held: Rows that the networks of each fold do not see; together all rows.
        plan: How.
        seed: Seed of first weights and minibatches.
        told: Hears of the progress.

    Raises:
        NotConvergedError: The loss is not finite.
    """
    return _Run(unit, ways, rows, held, plan, seed).finished(told)


class _Run:
    """One training, with what is best so far of each way."""

    def __init__(
        self,
        unit: DeepUnit,
        ways: Sequence[LayerGroups],
        rows: DeepRows,
        held: Sequence[NDArray[np.int64]],
        plan: Plan,
        seed: int,
    ) -> None:
        self.plan, self.rows, self.held = plan, rows, list(held)
        self.rng = named_stream(seed, "deep", "joint minibatches")
        start = int(named_stream(seed, "deep", "joint start").integers(2**62))
        self.model, self.ways = JointBatch(unit, ways, len(held), start), len(ways)
        self.x, self.y = (torch.from_numpy(part).float() for part in (rows.scaled_x, rows.scaled_y))
        n = len(self.x)
        self.seen = [np.setdiff1d(np.arange(n), part) for part in held]
        self.best: list[JointlyTrained | None] = [None] * self.ways

    def finished(self, told: Told | None) -> list[JointlyTrained]:
        plan = self.plan
        optimiser = torch.optim.AdamW(self.model.step_groups(plan.lr, plan.weight_decay), foreach=True)
        is_class = bool(self.rows.classes)
        for step in adam_steps(self.model, optimiser, plan, plan.steps, self._minibatch, is_class=is_class):
            if step % plan.every == 0 or step == plan.steps:
                if told is not None:
                    told(step, plan.steps)
                if self._is_over(step):
                    break
        return [one for one in self.best if one is not None]

    def _minibatch(self) -> tuple[Tensor, Tensor]:
        """Rows of each fold, the same for each way."""
        count = min(self.plan.batch, min(len(part) for part in self.seen))
        drawn = np.stack([part if count == len(part) else self.rng.choice(part, count, False) for part in self.seen])
        return self._for_each_way(self.x[drawn]), self._for_each_way(self.y[drawn])

    def _for_each_way(self, part: Tensor) -> Tensor:
        return part.expand(self.ways, *part.shape).reshape(-1, *part.shape[1:])

    @torch.no_grad()
    def _is_over(self, step: int) -> bool:
        """Keep what is best of each way; whether none of them was better for a while."""
        losses, predictions = self._held_out()
        layers = self.model.matrices()
        for way, loss in enumerate(losses):
            known = self.best[way]
            if known is None or loss.mean() < known.losses.mean():
                networks = tuple(_arrays(layers, way * len(self.held) + fold) for fold in range(len(self.held)))
                self.best[way] = JointlyTrained(loss, predictions[way], step, self.model.free[way], networks)
        latest = max(one.step for one in self.best if one is not None)
        return step >= self.plan.fewest and step - latest >= self.plan.every * self.plan.patience

    def _cooled(self, values: Tensor, padded: NDArray[np.int64]) -> Tensor:
        """Logits over the best temperature of each way, as `training.train` has them."""
        is_own = torch.from_numpy(np.stack([np.arange(padded.shape[1]) < len(part) for part in self.held]))
        y, by_way = self.y[padded][is_own], values.reshape(self.ways, len(self.held), *values.shape[1:])
        return torch.cat([one / best_temperature(one[is_own], y) for one in by_way])

    def _held_out(self) -> tuple[FloatArray, FloatArray]:
        """Losses (ways, n) and predictions (ways, n, d_out) of all rows by the networks that did not see them."""
        n, d_out = self.y.shape
        longest = max(len(part) for part in self.held)
        padded = np.stack([np.resize(part, longest) for part in self.held])
        pieces = np.array_split(padded, -(-padded.size * self.ways // self.plan.most_rows), axis=1)
        values = torch.cat([self.model(self._for_each_way(self.x[piece])) for piece in pieces], dim=1)
        if self.rows.classes:
            values = self._cooled(values, padded)
        found = row_losses(values, self._for_each_way(self.y[padded]), bool(self.rows.classes))
        losses, predictions = np.full((self.ways, n), np.nan), np.full((self.ways, n, d_out), np.nan)
        shaped = found.double().numpy().reshape(self.ways, len(self.held), -1)
        guessed = values.double().numpy().reshape(self.ways, len(self.held), -1, d_out)
        for fold, part in enumerate(self.held):
            losses[:, part], predictions[:, part] = shaped[:, fold, : len(part)], guessed[:, fold, : len(part)]
        return losses, predictions
