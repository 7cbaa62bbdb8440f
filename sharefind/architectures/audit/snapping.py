"""A network made exactly equivariant: each layer projected on its exact space under the hidden actions that were read,
and, if wanted, tuned within these spaces to what the network gave on average over the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.architectures.audit.elements import Element
from sharefind.architectures.audit.end_to_end import error_of
from sharefind.architectures.audit.findings import Audit
from sharefind.architectures.audit.hidden_action import HiddenAction
from sharefind.architectures.audit.layer_chain import LayerChain, Pointwise
from sharefind.architectures.audit.layer_spaces import LayerSpace, layer_spaces
from sharefind.architectures.audit.reduced_chain import Parameters
from sharefind.errors import InputError
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class TuneSettings:
    """How a projected network is tuned.

    Attributes:
        rate: Step of Adam, relative to the root mean square of the weights of a layer.
        batch: Rows of a step.
        kept: Share of the rows that decides which step is kept.
        look: Number of steps between two looks at these rows.
        difference: Step by which activations are differentiated.
        elements: Largest number of elements over which outputs are averaged.
        seed: Seed of the batches.
    """

    rate: float = 0.003
    batch: int = 64
    kept: float = 0.2
    look: int = 25
    difference: float = 1e-6
    elements: int = 64
    seed: int = 0


TUNE = TuneSettings()
"""Default settings."""


@dataclass(frozen=True, eq=False)
class Snapped:
    """A network that was made exactly equivariant.

    Attributes:
        chain: Its layers.
        error: Its largest equivariance error, relative to the spread of its outputs, in float64.
        change: Root mean square of the change of the outputs on the rows, relative to their spread.
        tuned: Number of steps after which the kept weights were reached; 0 for projection alone.
    """

    chain: LayerChain
    error: float
    change: float
    tuned: int = 0


def snap(audit: Audit, steps: int = 0, settings: TuneSettings = TUNE) -> Snapped:
    """Return a network with every layer in its exact space.

    Args:
        audit: The audit of the network.
        steps: Number of steps of tuning; 0 for projection alone.
        settings: How it is tuned.

    Raises:
        InputError: The action on a hidden layer was not read, or weights cannot be averaged over the group.
    """
    if audit.reduced is None or not audit.is_read:
        reason = audit.unread or "the action on a hidden layer is undecided"
        raise InputError(f"{audit.network.name} cannot be made exact: {reason}; train a network with shared weights")
    actions = [layer.action for layer in audit.layers if layer.action is not None]
    spaces = _all_spaces(actions, audit)
    elements = [error.element for error in audit.end_to_end.errors]
    projected = _projected(audit, spaces)
    done = 0
    if steps:
        projected, done = _tuned(audit, spaces, projected, elements, steps, settings)
    chain = audit.reduced.restored(projected)
    before, after = audit.reduced.chain(audit.x), chain(audit.x)
    spread = np.maximum(np.sqrt(np.square(before - before.mean(axis=0)).mean()), np.finfo(float).tiny)
    change = float(np.sqrt(np.square(after - before).mean()) / spread)
    return Snapped(chain, error_of(chain, elements, audit.x, audit.end_to_end.part_of), change, done)


def _all_spaces(actions: Sequence[HiddenAction], audit: Audit) -> list[LayerSpace]:
    spaces = [space for space in layer_spaces(actions, audit.in_rep, audit.out_rep) if space is not None]
    if len(spaces) < len(audit.layers):
        raise InputError(
            f"{audit.network.name} cannot be made exact: {audit.in_rep.group.name} has too many elements to average "
            "over; take a subgroup"
        )
    return spaces


def _projected(audit: Audit, spaces: Sequence[LayerSpace]) -> list[Parameters]:
    layers = () if audit.reduced is None else audit.reduced.layers
    return [space.project((layer.weight, layer.bias)) for space, layer in zip(spaces, layers, strict=True)]


def _tuned(
    audit: Audit,
    spaces: Sequence[LayerSpace],
    start: list[Parameters],
    elements: Sequence[Element],
    steps: int,
    settings: TuneSettings,
) -> tuple[list[Parameters], int]:
    """Return the weights that are best on rows kept apart, and the step at which they were reached."""
    if audit.reduced is None:
        return start, 0
    plain = audit.reduced.plain().with_parameters(start)
    x, target = audit.reduced.seen(audit.x), _averaged(audit, elements[: settings.elements])
    rng = named_stream(settings.seed, "audit", "tuning")
    order = rng.permutation(len(x))
    kept, used = np.split(order, [int(np.ceil(settings.kept * len(x)))])
    used = used if len(used) else kept
    best, found, reached = _loss(plain, x[kept], target[kept]), start, 0
    adam = _Adam(plain, spaces, settings)
    for step in range(1, steps + 1):
        chosen = rng.choice(used, size=min(settings.batch, len(used)), replace=False)
        plain = adam.stepped(plain, x[chosen], target[chosen])
        if step % settings.look == 0 or step == steps:
            loss = _loss(plain, x[kept], target[kept])
            if loss < best:
                best, found, reached = loss, [(layer.weight, layer.bias) for layer in plain.layers], step
    return found, reached


def _averaged(audit: Audit, elements: Sequence[Element]) -> FloatArray:
    """Return the mean of g^-1 f(g x) over elements and the identity, shape (n, d_out)."""
    total = audit.network.predict(audit.x)
    for element in elements:
        total = total + element.on_outputs.undone(audit.network.predict(element.on_inputs(audit.x)))
    return total / (len(elements) + 1)


def _loss(chain: LayerChain, x: FloatArray, target: FloatArray) -> float:
    return float(np.square(chain(x) - target).mean())


class _Adam:
    """Adam (Kingma and Ba 2015) within the exact spaces: gradients and weights are projected.

    Args:
        chain: The network before the first step.
        spaces: The spaces of its layers.
        settings: Its step.
    """

    def __init__(self, chain: LayerChain, spaces: Sequence[LayerSpace], settings: TuneSettings) -> None:
        self.spaces, self.settings, self.steps = spaces, settings, 0
        sizes = [np.sqrt(np.square(layer.weight).mean()) if layer.weight.size else 0.0 for layer in chain.layers]
        self.rates = [settings.rate * float(size) for size in sizes]
        self.first = [(np.zeros_like(layer.weight), np.zeros_like(layer.bias)) for layer in chain.layers]
        self.second = [(np.zeros_like(layer.weight), np.zeros_like(layer.bias)) for layer in chain.layers]

    def stepped(self, chain: LayerChain, x: FloatArray, target: FloatArray) -> LayerChain:
        """Return the network after a step on some rows."""
        self.steps += 1
        gradients = _gradients(chain, x, target, self.settings.difference)
        found = list[Parameters]()
        for k, (layer, space) in enumerate(zip(chain.layers, self.spaces, strict=True)):
            gradient = space.project(gradients[k])
            moved = [
                value - self.rates[k] * self._direction(k, side, gradient[side])
                for side, value in enumerate((layer.weight, layer.bias))
            ]
            found.append(space.project((moved[0], moved[1])))
        return chain.with_parameters(found)

    def _direction(
        self, k: int, side: int, gradient: FloatArray, fading: tuple[float, float] = (0.9, 0.999), least: float = 1e-12
    ) -> FloatArray:
        first, second = self.first[k][side], self.second[k][side]
        first += (1 - fading[0]) * (gradient - first)
        second += (1 - fading[1]) * (np.square(gradient) - second)
        unbiased = [value / (1 - fade**self.steps) for value, fade in zip((first, second), fading, strict=True)]
        return np.asarray(unbiased[0] / (np.sqrt(unbiased[1]) + least))


def _gradients(chain: LayerChain, x: FloatArray, target: FloatArray, difference: float) -> list[Parameters]:
    """Return the gradients of the mean squared error by weights and biases, by back-propagation."""
    inputs, slopes = [x], list[FloatArray]()
    for layer in chain.layers:
        values = layer.values(inputs[-1])
        slopes.append(_slope(layer.activation, values, difference))
        inputs.append(values if layer.activation is None else layer.activation.value(values))
    delta = 2 * (inputs[-1] - target) / target.size
    found = list[Parameters]()
    for layer, value, slope in zip(reversed(chain.layers), reversed(inputs[:-1]), reversed(slopes), strict=True):
        delta = delta * slope
        found.append((delta.T @ value, delta.sum(axis=0)))
        delta = delta @ layer.weight
    return found[::-1]


def _slope(activation: Pointwise | None, values: FloatArray, difference: float) -> FloatArray:
    if activation is None:
        return np.ones_like(values)
    above, below = activation.value(values + difference), activation.value(values - difference)
    return np.asarray((above - below) / (2 * difference))
