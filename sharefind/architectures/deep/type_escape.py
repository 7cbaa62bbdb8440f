"""Whether hidden types are rich enough: how far training leaves the shared weights E^G when nothing keeps it there.

A network starts in E^G with a little noise off it, and all its weights are trained by stochastic gradients. On rows
completed by their images under the group, the gradient at a point of E^G lies in E^G: what leaves E^G then does so
because the network fits better without these types. On the rows as they are, it also leaves where the group fails, and
where there are few rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import row_losses
from sharefind.errors import NotConvergedError
from sharefind.meanfield.units import DeepUnit
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class EscapeRule:
    """How networks are trained that may leave E^G, and when types are called too poor.

    Attributes:
        threshold: Share of a layer's energy off E^G, on completed rows, above which types are too poor.
        noise: Standard deviation of the first noise, relative to the root of the mean square of a layer's weights.
        steps: Steps of training.
        step: Step of stochastic gradients, times the mean width of the hidden layers.
        momentum: Their momentum.
        batch: Rows of a minibatch, images counted, about.
        fewest: Fewest rows of a minibatch that come with all their images.
        halvings: How often the step is halved where training diverges.
    """

    threshold: float = 0.1
    noise: float = 1e-3
    steps: int = 1_000
    step: float = 2.0
    momentum: float = 0.9
    batch: int = 256
    fewest: int = 4
    halvings: int = 5


@dataclass(frozen=True)
class TypeEscape:
    """How far a network of some types left E^G, layer by layer from the inputs up.

    Attributes:
        on_rows: Share of each layer's energy off E^G after training on the rows: dist^2 over the squared length.
        on_orbits: The same on the rows completed by their images under the group.
        dist2_on_rows: dist^2 of each layer to E^G after training on the rows.
        dist2_on_orbits: The same on completed rows.
        threshold: Share of the worst layer on completed rows above which types are too poor.
        step: The step that was taken, times the mean width of the hidden layers.
    """

    on_rows: tuple[float, ...]
    on_orbits: tuple[float, ...]
    dist2_on_rows: tuple[float, ...]
    dist2_on_orbits: tuple[float, ...]
    threshold: float
    step: float

    @property
    def is_poor(self) -> bool:
        """Whether the worst layer's share on completed rows is above the threshold."""
        return max(self.on_orbits) > self.threshold


def escape_of(unit: DeepUnit, rows: DeepRows, rule: EscapeRule, seed: int) -> TypeEscape:
    """Return how far networks of a unit leave E^G, on rows and on rows with all their images.

    Args:
        unit: The unit.
        rows: The rows, with a group of two elements or more.
        rule: How they are trained.
        seed: Seed of first weights, noise and minibatches.

    Raises:
        NotConvergedError: Training diverged at the smallest step.
    """
    step = rule.step
    for _ in range(rule.halvings + 1):
        layers = _trained(unit, rows, rule, step, seed)
        if layers is not None:
            return _measured(unit, layers, rule.threshold, step)
        step /= 2
    raise NotConvergedError(
        f"training off E^G diverged at the step {2 * step:g} over the width; bring inputs and outputs to unit scale"
    )


def _measured(unit: DeepUnit, layers: list[FloatArray], threshold: float, step: float) -> TypeEscape:
    dist2 = [space.distance2(layer) for space, layer in zip(unit.layer_spaces, layers, strict=True)]
    tiny = float(np.finfo(np.float64).tiny)
    shares = [one / np.maximum((layer**2).sum(axis=1), tiny) for one, layer in zip(dist2, layers, strict=True)]
    on_rows, on_orbits = (tuple(float(share[number]) for share in shares) for number in (0, 1))
    far_on_rows, far_on_orbits = (tuple(float(one[number]) for one in dist2) for number in (0, 1))
    return TypeEscape(on_rows, on_orbits, far_on_rows, far_on_orbits, threshold, step)


def _trained(unit: DeepUnit, rows: DeepRows, rule: EscapeRule, step: float, seed: int) -> list[FloatArray] | None:
    """Weights and biases of each layer, shape (2, entries), on rows and on completed rows; None where they diverge."""
    rng = named_stream(seed, "deep", "escape")
    weights = _start(unit, rule.noise, rng)
    width = float(np.mean([rep.dim for rep in unit.hidden_reps]))
    flat = [part for pair in weights for part in pair]
    optimiser = torch.optim.SGD(flat, lr=step / width, momentum=rule.momentum)
    for _ in range(rule.steps):
        x, y = _minibatches(rows, rule, rng)
        optimiser.zero_grad(set_to_none=True)
        loss = row_losses(deep_values(unit, weights, x)[-1], y, bool(rows.classes)).mean(-1).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    if not all(bool(torch.isfinite(part).all()) for part in flat):
        return None
    return [torch.cat([w.flatten(1), b], dim=1).detach().double().numpy() for w, b in weights]


def _start(unit: DeepUnit, noise: float, rng: np.random.Generator) -> list[tuple[Tensor, Tensor]]:
    """W (2, rows, columns) and b (2, rows) of each layer, twice the same point close to E^G."""
    tied = DeepBatch(unit, 1, int(rng.integers(2**62)), torch.float64).arrays(0)
    found = []
    for weight, bias in tied:
        size = noise * max(float(np.sqrt(np.mean(weight**2))), float(np.finfo(np.float32).tiny))
        near = [part + size * rng.standard_normal(part.shape) for part in (weight, bias)]
        twice = [torch.from_numpy(np.stack([part, part])).float().requires_grad_() for part in near]
        found.append((twice[0], twice[1]))
    return found


def _minibatches(rows: DeepRows, rule: EscapeRule, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """x (2, B, d_in) and y (2, B, d_out): rows, and fewer rows with all their images."""
    n, order = len(rows.x), rows.group.order
    few = rng.choice(n, min(n, max(rule.fewest, rule.batch // order)), replace=False)
    many = rng.choice(n, len(few) * order, replace=len(few) * order > n)
    elements, repeated = np.repeat(np.arange(order), len(few)), np.tile(few, order)
    x = np.stack([rows.scaled_x[many], rows.in_rep.act_float(elements, rows.scaled_x[repeated])])
    y = np.stack([rows.scaled_y[many], rows.out_rep.act_float(elements, rows.scaled_y[repeated])])
    return torch.from_numpy(x).float(), torch.from_numpy(y).float()
