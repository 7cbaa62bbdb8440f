"""A chain of layers without what its function does not need, in coordinates in which its symmetries are visible.

Inputs are taken about a point that the group fixes, in units of their spread. A constant is taken off activations
such as the logistic function, so that they are odd. Units behind an activation such as ReLU may be scaled to length 1.
Then units that are constant, units that compute the same up to sign, and units that nothing uses are left out: of what
remains, no unit can take the place of another, and a symmetry of the function moves units in one way only
(Shahverdi et al. 2026, arXiv 2601.21645, Theorem 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from sharefind.architectures.audit.layer_chain import Function, Layer, LayerChain, Pointwise
from sharefind.spaces.tying import connected
from sharefind.typing import FloatArray, IntArray

Parameters = tuple[FloatArray, FloatArray]
"""A weight (out, in) and a bias (out,)."""


@dataclass(frozen=True)
class ReductionSettings:
    """When numbers count as equal.

    Attributes:
        places: Units in the last place by which weights that are equal but for rounding may differ.
    """

    places: float = 64.0


REDUCTION = ReductionSettings()
"""Default settings."""


@dataclass(frozen=True, eq=False)
class Origin:
    """About which point and in which units inputs are taken; both commute with the group.

    Attributes:
        centre: Shape (d_in,), float64.
        scale: Shape (d_in,), positive.
    """

    centre: FloatArray
    scale: FloatArray


@dataclass(frozen=True, eq=False)
class ReducedLayer:
    """A layer of the reduced chain.

    Attributes:
        weight: Shape (units, units of the layer before), float64.
        bias: Shape (units,).
        rounding: Size of a difference that rounding explains, for each unit, shape (units,).
        members: For each unit the units of the chain that compute it, with their factors.
        is_odd: Whether its activation is odd, once a constant is taken off.
        constant: How many units are constant.
        unused: How many units nothing uses.
    """

    weight: FloatArray
    bias: FloatArray
    rounding: FloatArray
    members: tuple[tuple[tuple[int, float], ...], ...]
    is_odd: bool = False
    constant: int = 0
    unused: int = 0

    @property
    def width(self) -> int:
        """Number of units."""
        return len(self.bias)

    @property
    def merged(self) -> int:
        """Units that compute the same as another one."""
        return sum(len(group) for group in self.members) - self.width

    @property
    def rows(self) -> FloatArray:
        """Weights with the bias as the last column, shape (units, in + 1)."""
        return np.column_stack([self.weight, self.bias])


@dataclass(frozen=True, eq=False)
class ReducedChain:
    """A chain that computes the same with fewer units.

    Attributes:
        chain: The original.
        layers: Its layers, the last one with the outputs of the network.
        origin: Point and units of its inputs.
    """

    chain: LayerChain
    layers: tuple[ReducedLayer, ...]
    origin: Origin

    def seen(self, x: FloatArray) -> FloatArray:
        """Return inputs about the origin and in its units, shape (n, d_in).

        Args:
            x: Inputs, shape (n, d_in).
        """
        return (x - self.origin.centre) / self.origin.scale

    def plain(self) -> LayerChain:
        """Return the reduced network as a chain of its own, which takes inputs as `seen` gives them."""
        found = []
        for reduced_layer, layer in zip(self.layers, self.chain.layers, strict=True):
            activation, centre = layer.activation, _constant_of(layer)
            if activation is not None and centre:
                activation = Pointwise(activation.name, _without(activation.value, centre))
            found.append(Layer(reduced_layer.weight, reduced_layer.bias, activation))
        return LayerChain(tuple(found))

    def restored(self, parameters: Sequence[Parameters]) -> LayerChain:
        """Return the original chain with the parameters of the reduced one changed.

        Units that compute the same are changed alike; units that are left out stay unchanged.

        Args:
            parameters: New weight and bias of each layer, in the shapes of `layers`.
        """
        found = list[Parameters]()
        before: ReducedLayer | None = None
        for k, (layer, (weight, bias)) in enumerate(zip(self.layers, parameters, strict=True)):
            old = self.chain.layers[k]
            delta = _spread_out(weight - layer.weight, layer, before, old.weight.shape)
            shift = _spread_out((bias - layer.bias)[:, None], layer, None, (len(old.bias), 1))[:, 0]
            if before is None:
                delta = delta / self.origin.scale
                shift = shift - delta @ self.origin.centre
            else:
                shift = shift - delta.sum(axis=1) * _constant_of(self.chain.layers[k - 1])
            found.append((old.weight + delta, old.bias + shift))
            before = layer
        return self.chain.with_parameters(found)


def _without(value: Function, constant: float) -> Function:
    return lambda t: value(t) - constant


def _spread_out(
    change: FloatArray, layer: ReducedLayer, before: ReducedLayer | None, shape: tuple[int, ...]
) -> FloatArray:
    """Return a change of reduced weights as one of the original weights, of least norm for each row."""
    columns = np.zeros((change.shape[1], shape[1]))
    if before is None:
        columns = np.eye(shape[1])
    else:
        for v, members in enumerate(before.members):
            total = sum(factor**2 for _, factor in members)
            for n, factor in members:
                columns[v, n] = factor / total
    rows = np.zeros((shape[0], len(change)))
    for u, members in enumerate(layer.members):
        for m, factor in members:
            rows[m, u] = factor
    return np.asarray(rows @ change @ columns)


def _constant_of(layer: Layer) -> float:
    """Return the constant that is taken off an activation, 0 where it has no half turn."""
    activation = layer.activation
    return 0.0 if activation is None or activation.half_turn is None else activation.half_turn


def reduced(
    chain: LayerChain, origin: Origin, eps: float, *, is_scaled: bool = False, settings: ReductionSettings = REDUCTION
) -> ReducedChain:
    """Return a chain that computes the same with no unit that its function does not need.

    Args:
        chain: The network.
        origin: Point and units of its inputs.
        eps: Distance from 1 to the next number of the precision in which its weights are kept.
        is_scaled: Whether units behind an activation such as ReLU are scaled to length 1.
        settings: When numbers count as equal.
    """
    tolerance = settings.places * eps
    layers = list[ReducedLayer]()
    weight, bias, size = _first(chain.layers[0], origin)
    for k, layer in enumerate(chain.layers):
        is_last = k == len(chain.layers) - 1
        found, constants = _merged(layer, weight, bias, tolerance * size, is_last=is_last, is_scaled=is_scaled)
        layers.append(found)
        if not is_last:
            weight, bias, size = _next(chain.layers[k + 1], found, constants, _constant_of(layer))
    return ReducedChain(chain, _without_unused(layers, tolerance), origin)


def _first(layer: Layer, origin: Origin) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weight and bias about the origin, and the size of the numbers that were added, for each row."""
    weight = layer.weight * origin.scale
    bias = layer.bias + layer.weight @ origin.centre
    added = np.abs(layer.bias) + np.abs(layer.weight) @ np.abs(origin.centre)
    return weight, bias, np.sqrt(np.square(weight).sum(axis=1) + added**2)


def _next(
    layer: Layer, before: ReducedLayer, constants: FloatArray, centre: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weight and bias on reduced units: `constants` (units,) is what each original unit adds to its members."""
    columns = np.zeros((layer.weight.shape[1], before.width))
    for v, members in enumerate(before.members):
        for n, factor in members:
            columns[n, v] = factor
    weight = layer.weight @ columns
    bias = layer.bias + layer.weight @ (constants + centre)
    added = np.abs(layer.bias) + np.abs(layer.weight) @ (np.abs(constants) + abs(centre))
    size = np.square(np.abs(layer.weight) @ np.abs(columns)).sum(axis=1) + added**2
    return weight, bias, np.sqrt(size)


def _merged(
    layer: Layer, weight: FloatArray, bias: FloatArray, rounding: FloatArray, *, is_last: bool, is_scaled: bool
) -> tuple[ReducedLayer, FloatArray]:
    """Return a layer whose equal units are one and whose constant units are left out, and what these are, (units,)."""
    count = len(bias)
    if is_last or layer.activation is None:
        alone = tuple(((k, 1.0),) for k in range(count))
        return ReducedLayer(weight, bias, rounding, alone), np.zeros(count)
    activation = layer.activation
    is_odd = activation.half_turn is not None
    is_constant = np.sqrt(np.square(weight).sum(axis=1)) <= rounding
    constants = np.where(is_constant, activation.value(bias) - _constant_of(layer), 0.0)
    rows, scale = np.column_stack([weight, bias]), np.ones(count)
    if is_scaled and activation.is_homogeneous and not is_odd:
        scale = np.where(is_constant, 1.0, np.sqrt(np.square(rows).sum(axis=1)))
        rows, rounding = rows / scale[:, None], rounding / scale
    kept = np.flatnonzero(~is_constant)
    groups = _groups(rows[kept], rounding[kept], is_odd)
    first = kept[[group[0][0] for group in groups]] if groups else np.empty(0, dtype=np.int64)
    members = tuple(tuple((int(kept[k]), float(sign * scale[kept[k]])) for k, sign in group) for group in groups)
    found = ReducedLayer(rows[first, :-1], rows[first, -1], rounding[first], members, is_odd, int(is_constant.sum()))
    return found, constants


def _groups(rows: FloatArray, rounding: FloatArray, has_signs: bool) -> list[list[tuple[int, float]]]:
    """Return rows that are equal, up to sign where `has_signs`, with their signs relative to the first."""
    if not len(rows):
        return []
    bound = rounding[:, None] + rounding[None, :]
    plus = cdist(rows, rows) <= bound
    minus = cdist(rows, -rows) <= bound if has_signs else np.zeros_like(plus)
    heads, tails = np.nonzero(plus | minus)
    labels = connected(heads, tails, len(rows))
    found = dict[int, list[tuple[int, float]]]()
    for k, label in enumerate(labels.tolist()):
        group = found.setdefault(label, [])
        first = group[0][0] if group else k
        group.append((k, 1.0 if plus[first, k] or not minus[first, k] else -1.0))
    return list(found.values())


def _without_unused(layers: Sequence[ReducedLayer], tolerance: float) -> tuple[ReducedLayer, ...]:
    """Leave out, from the outputs down, units that nothing uses."""
    found = list(layers)
    for k in range(len(found) - 2, -1, -1):
        above = found[k + 1]
        sizes = np.sqrt(np.square(above.weight).sum(axis=0))
        bound = tolerance * np.abs(above.weight).max(initial=0.0)
        kept: IntArray = np.flatnonzero(sizes > bound)
        layer = found[k]
        found[k + 1] = replace(above, weight=above.weight[:, kept])
        found[k] = replace(
            layer,
            weight=layer.weight[kept],
            bias=layer.bias[kept],
            rounding=layer.rounding[kept],
            members=tuple(layer.members[i] for i in kept),
            unused=layer.width - len(kept),
        )
    return tuple(found)
