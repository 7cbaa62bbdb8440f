"""The exact space of a layer, Hom_G of the actions before and after it: projections, and the distance of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sharefind.architectures.audit.elements import Element, generator_matrices
from sharefind.architectures.audit.end_to_end import error_of
from sharefind.architectures.audit.hidden_action import HiddenAction, image_rows
from sharefind.architectures.audit.reduced_chain import Parameters, ReducedChain, ReducedLayer
from sharefind.groups import FiniteGroup, Representation, hom
from sharefind.spaces import Subspace, fixed_space
from sharefind.typing import FloatArray, IntArray

Projection = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class SpaceSettings:
    """Settings of what is reported about a layer, and of the largest sums over elements.

    Attributes:
        shown: Largest number of weights that are named as off the space.
        largest_order: Largest group over whose elements weights are averaged, where inputs or outputs are moved by
            matrices other than signed permutations.
    """

    shown: int = 5
    largest_order: int = 5_000


SPACES = SpaceSettings()
"""Default settings."""


@dataclass(frozen=True, eq=False)
class LayerSpace:
    """The exact space of a layer.

    Attributes:
        dim: Its dimension, the bias included.
        ambient: Number of weights and biases.
        weight: Projects a weight, (out, in).
        bias: Projects a bias, (out,).
    """

    dim: int
    ambient: int
    weight: Projection
    bias: Projection

    def project(self, parameters: Parameters) -> Parameters:
        """Return weight and bias projected on the space.

        Args:
            parameters: Weight (out, in) and bias (out,).
        """
        return self.weight(parameters[0]), self.bias(parameters[1])


@dataclass(frozen=True, eq=False)
class OffEntry:
    """A weight that is off the exact space.

    Attributes:
        unit: Unit of the layer, as in the network, counted from 0.
        source: Unit or input before it, counted from 0; None for the bias.
        deviation: Its distance from the projection, relative to the root mean square of the layer's weights.
    """

    unit: int
    source: int | None
    deviation: float


@dataclass(frozen=True, eq=False)
class LayerDistance:
    """How far a layer is from its exact space.

    Attributes:
        dim: Dimension of the space.
        ambient: Number of weights and biases.
        distance: Euclidean distance of weights and bias, relative to the norm of the weights.
        rounding: Distance that rounding explains.
        by_generator: Norm of P W - W rho(g) (and of P b - b) for each generator, relative to that of the weights.
        error_if_projected: Largest error of the network end to end, under the generators, if this layer alone is
            projected, relative to the spread of the outputs.
        off: The weights that are farthest off.
    """

    dim: int
    ambient: int
    distance: float
    rounding: float
    by_generator: tuple[float, ...]
    error_if_projected: float
    off: tuple[OffEntry, ...]

    @property
    def is_exact(self) -> bool:
        """Whether rounding explains the distance."""
        return self.distance <= self.rounding


def layer_space(out_rep: Representation, in_rep: Representation, settings: SpaceSettings = SPACES) -> LayerSpace | None:
    """Return the exact space of a layer; None if it would need a sum over too many elements.

    Args:
        out_rep: The action after the layer.
        in_rep: The action before it.
        settings: The largest sums.
    """
    ambient = out_rep.dim * in_rep.dim + out_rep.dim
    if out_rep.is_sparse and in_rep.is_sparse:
        weights, biases = fixed_space(hom(out_rep, in_rep)), fixed_space(out_rep)
        dim = weights.dim + biases.dim
        return LayerSpace(dim, ambient, lambda w: _projected(weights, w), lambda b: _projected(biases, b))
    group = out_rep.finite_group
    if not group.is_small or group.order > settings.largest_order:
        return None
    return _averaged(group, out_rep, in_rep, ambient)


def _projected(space: Subspace, values: FloatArray) -> FloatArray:
    return np.asarray(space.project(values.ravel()).reshape(values.shape), dtype=np.float64)


def _averaged(group: FiniteGroup, out_rep: Representation, in_rep: Representation, ambient: int) -> LayerSpace:
    """Return the space by sums over all elements."""
    lefts = _along_words(group, generator_matrices(out_rep))
    rights = _along_words(group, [np.asarray(np.linalg.inv(m)).T for m in generator_matrices(in_rep)])

    def on_weight(weight: FloatArray) -> FloatArray:
        return np.asarray(sum(left @ weight @ right.T for left, right in zip(lefts, rights, strict=True)) / group.order)

    def on_bias(bias: FloatArray) -> FloatArray:
        return np.asarray(np.mean([left @ bias for left in lefts], axis=0))

    traces = np.array([[np.trace(left), np.trace(right)] for left, right in zip(lefts, rights, strict=True)])
    dim = round(float((traces[:, 0] * traces[:, 1]).mean() + traces[:, 0].mean()))
    return LayerSpace(dim, ambient, on_weight, on_bias)


def _along_words(group: FiniteGroup, generators: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the matrices of all elements: each element is its parent times a generator."""
    parent, letter = group.words()
    dim = len(generators[0]) if generators else 1
    found = [np.eye(dim)]
    for k in range(1, group.order):
        found.append(found[parent[k]] @ generators[letter[k]])
    return found


def layer_distances(
    chain: ReducedChain,
    actions: Sequence[HiddenAction],
    in_rep: Representation,
    out_rep: Representation,
    elements: Sequence[Element],
    x: FloatArray,
    part_of: IntArray,
    settings: SpaceSettings = SPACES,
) -> tuple[LayerDistance | None, ...]:
    """Return how far each layer is from its exact space; None where the action on one of its sides is undecided.

    Args:
        chain: The reduced network.
        actions: The actions on its hidden layers.
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
        elements: The elements under which errors are measured.
        x: Inputs, shape (n, d_in).
        part_of: The part of each output, shape (d_out,).
        settings: Settings of what is reported.
    """
    found = list[LayerDistance | None]()
    spaces = layer_spaces(actions, in_rep, out_rep)
    reps = [in_rep, *(action.action for action in actions), out_rep]
    for k, (layer, space) in enumerate(zip(chain.layers, spaces, strict=True)):
        before, after = reps[k], reps[k + 1]
        if space is None or before is None or after is None:
            found.append(None)
            continue
        projected = space.project((layer.weight, layer.bias))
        parameters = [(other.weight, other.bias) for other in chain.layers]
        changed = chain.restored([*parameters[:k], projected, *parameters[k + 1 :]])
        error = error_of(changed, elements, x, part_of)
        found.append(_distance(chain, k, space, projected, _by_generator(layer, before, after), error, settings))
    return tuple(found)


def layer_spaces(
    actions: Sequence[HiddenAction], in_rep: Representation, out_rep: Representation
) -> tuple[LayerSpace | None, ...]:
    """Return the exact space of each layer; None where the action on one of its sides is undecided.

    Args:
        actions: The actions on hidden layers.
        in_rep: How the group acts on inputs.
        out_rep: How it acts on outputs.
    """
    reps = [in_rep, *(action.action for action in actions), out_rep]
    return tuple(None if a is None or b is None else layer_space(b, a) for a, b in pairwise(reps))


def _size(layer: ReducedLayer) -> float:
    norm = float(np.linalg.norm(layer.weight)) or float(np.linalg.norm(layer.bias))
    return norm or 1.0


def _by_generator(layer: ReducedLayer, before: Representation, after: Representation) -> tuple[float, ...]:
    found = []
    for k, matrix in enumerate(generator_matrices(after)):
        weights = matrix @ layer.weight - image_rows(layer.weight, before, k)
        biases = matrix @ layer.bias - layer.bias
        found.append(float(np.hypot(np.linalg.norm(weights), np.linalg.norm(biases)) / _size(layer)))
    return tuple(found)


def _distance(
    chain: ReducedChain, k: int, space: LayerSpace, projected: Parameters, by_generator: tuple[float, ...],
    error: float, settings: SpaceSettings,
) -> LayerDistance:  # fmt: skip
    layer = chain.layers[k]
    rows = layer.rows - np.column_stack(projected)
    size = _size(layer)
    usual = size / np.sqrt(max(layer.weight.size, 1))
    order = np.argsort(-np.abs(rows), axis=None, kind="stable")[: settings.shown]
    off = []
    for unit, column in zip(*np.unravel_index(order, rows.shape), strict=True):
        if abs(rows[unit, column]) > layer.rounding[unit]:
            source = None if column == layer.weight.shape[1] else _original(chain, k - 1, int(column))
            off.append(OffEntry(_original(chain, k, int(unit)), source, float(abs(rows[unit, column]) / usual)))
    rounding = float(np.linalg.norm(layer.rounding) / size)
    distance = float(np.linalg.norm(rows) / size)
    return LayerDistance(space.dim, space.ambient, distance, rounding, by_generator, error, tuple(off))


def _original(chain: ReducedChain, layer: int, unit: int) -> int:
    """Return the first unit of the network that a unit of the reduced chain stands for; inputs are as they are."""
    return unit if layer < 0 else chain.layers[layer].members[unit][0][0]
