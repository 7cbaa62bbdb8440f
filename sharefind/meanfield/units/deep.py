"""Deep units: stacks of equivariant linear maps between types, with fixed biases and functions of numbers in between.

`sharefind.groups.hidden_types` lists the types, `layer_functions` has what is applied to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise, starmap
from operator import add

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import Representation, hom
from sharefind.meanfield.units import activations
from sharefind.meanfield.units.activations import by_name
from sharefind.meanfield.units.base import Pullback, Unit
from sharefind.meanfield.units.equivariance import refuse_unless_pointwise_equivariant
from sharefind.meanfield.units.kind import UnitKind, UnitRequest
from sharefind.meanfield.units.layer_functions import (
    POINT_FUNCTIONS,
    LayerFunction,
    PointFunction,
    signed_coordinates,
)
from sharefind.spaces import Block, ParameterSpace, Subspace, fixed_space, supported
from sharefind.typing import IntArray

LAYERS = 2
"""Hidden layers of a unit that is built from one hidden representation."""


def deep_space(reps: Sequence[Representation]) -> ParameterSpace:
    """Return Z = sum over layers l of Hom(H_{l-1}, H_l) + H_l, from the representations H_0 = X, H_1, ..., H_L = Y.

    M_g (W_1, b_1, ...) = (eta_1 W_1 eta_0^{-1}, eta_1 b_1, ...). The blocks are weight_1 (h_1, d_in), bias_1 (h_1,) to
    weight_L (d_out, h_{L-1}), bias_L (d_out,).

    Args:
        reps: The representations of the inputs, of each hidden layer and of the outputs; at least two.
    """
    blocks: list[Block] = []
    actions: list[Representation] = []
    for number, (source, target) in enumerate(pairwise(reps), 1):
        blocks += [Block(f"weight_{number}", (target.dim, source.dim)), Block(f"bias_{number}", (target.dim,))]
        actions += [hom(target, source), target]
    return ParameterSpace(tuple(blocks), reduce(add, actions))


def same_action(first: Representation, second: Representation) -> bool:
    """Return whether two signed permutation representations of one group have the same images, number by number.

    Args:
        first: A representation.
        second: Another one.
    """
    if first.dim != second.dim or not (first.is_sparse and second.is_sparse):
        return False
    pairs = zip(first.sparse_generators, second.sparse_generators, strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


@dataclass(frozen=True, eq=False)
class DeepUnit(Unit):
    """sigma*(x, z) = W_L h_{L-1} + b_L with h_0 = x, h_l = [h_{l-1} +] s_l(W_l h_{l-1} + b_l), z = (W_1, b_1, ...).

    Each hidden layer has a representation by signed permutations, a sum of types. s_l applies the unit's function to
    permuted coordinates, and tanh to coordinates with changes of sign, so that it commutes with the representation.
    With residuals, h_{l-1} is added where both layers have the same representation.

    E^G is the sum over layers of Hom_G(H_{l-1}, H_l) and of the biases that the group fixes. The unit of Maass and
    Fontbona (2024) is any jointly equivariant function: every statement holds for the ensemble of such networks.

    With windows, E is the part of E^G whose weights vanish outside of given orbits of entries: equivariant still.

    Attributes:
        hidden_reps: The representations of the hidden layers, from the inputs up.
        function: Function of the permuted coordinates.
        has_residuals: Whether layers of equal representations are added.
        windows: For each layer, one entry (row * columns + column) of each orbit of entries of its weight that may
            differ from 0; None for all. All layers have all where left out.

    Raises:
        UnitError: A hidden layer is moved by another matrix than a signed permutation; the message names the generator.
    """

    in_rep: Representation
    out_rep: Representation
    hidden_reps: tuple[Representation, ...]
    function: PointFunction
    space: ParameterSpace
    has_residuals: bool = False
    windows: tuple[IntArray | None, ...] = ()

    def __post_init__(self) -> None:
        for rep in self.hidden_reps:
            refuse_unless_pointwise_equivariant(rep, activations.TANH, self.kind_name, "hidden_rep")

    @property
    def kind_name(self) -> str:
        """The name of its kind."""
        return "deep-residual" if self.has_residuals else "deep"

    @property
    def name(self) -> str:
        """The unit expression that builds this unit, such as `deep:tanh`; the hidden representations are apart."""
        return f"{self.kind_name}:{self.function.name}"

    @property
    def reps(self) -> tuple[Representation, ...]:
        """The representations of all layers: inputs, hidden layers, outputs."""
        return (self.in_rep, *self.hidden_reps, self.out_rep)

    @cached_property
    def layer_functions(self) -> tuple[LayerFunction, ...]:
        """The function of each hidden layer."""
        return tuple(LayerFunction(self.function, signed_coordinates(rep)) for rep in self.hidden_reps)

    @cached_property
    def adds_input(self) -> tuple[bool, ...]:
        """Whether each hidden layer adds what it is computed from."""
        pairs = zip(self.reps, self.hidden_reps, strict=False)
        return tuple(self.has_residuals and same_action(source, target) for source, target in pairs)

    @cached_property
    def weight_spaces(self) -> tuple[Subspace, ...]:
        """Hom_G(H_{l-1}, H_l) of each layer, row by row, inside its window."""
        spaces = (fixed_space(hom(target, source)) for source, target in pairwise(self.reps))
        return tuple(starmap(_inside, zip(spaces, self.layer_windows, strict=True)))

    @property
    def layer_windows(self) -> tuple[IntArray | None, ...]:
        """The window of each layer; None for all entries."""
        return self.windows or (None,) * (len(self.reps) - 1)

    @cached_property
    def bias_spaces(self) -> tuple[Subspace, ...]:
        """The fixed subspace of each hidden layer and of the outputs."""
        return tuple(fixed_space(rep) for rep in self.reps[1:])

    @cached_property
    def layer_spaces(self) -> tuple[Subspace, ...]:
        """E^G of each layer's weight and bias together; their sum is E^G of the unit."""
        spaces = (fixed_space(hom(target, source) + target) for source, target in pairwise(self.reps))
        return tuple(starmap(_inside, zip(spaces, self.layer_windows, self.reps[1:], strict=True)))

    def values(self, x: Tensor, theta: Tensor) -> Tensor:
        """Return the outputs, shape (R, d_out, B, N).

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        return self._forward(x, theta)[0]

    def linearise(self, x: Tensor, theta: Tensor) -> tuple[Tensor, Pullback]:
        """Return the values, shape (R, d_out, B, N), and the pull-back of covectors; see `Unit.linearise`.

        Args:
            x: Inputs, shape (R, B, d_in).
            theta: Particles, shape (R, D, N).
        """
        values, inner, layers = self._forward(x, theta)
        weights = [weight for weight, _ in self._layers(theta)]

        def pullback(covector: Tensor) -> Tensor:
            slope = covector.unsqueeze(-1).expand(*covector.shape, theta.shape[2])
            pieces: list[Tensor] = []
            skipped: Tensor | None = None
            for number in range(len(weights) - 1, -1, -1):
                below = layers[number]
                on_weight = torch.einsum("robn,rhbn->rohn", slope, below) / x.shape[1]
                pieces += [slope.mean(2), on_weight.flatten(1, 2)]
                if number:
                    on_below = torch.einsum("rohn,robn->rhbn", weights[number], slope)
                    on_below = on_below if skipped is None else on_below + skipped
                    skipped = on_below if self.adds_input[number - 1] else None
                    slope = on_below * self.layer_functions[number - 1].slope(*inner[number - 1])
            return torch.cat(pieces[::-1], dim=1)

        return values, pullback

    def _forward(self, x: Tensor, theta: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]], list[Tensor]]:
        """Outputs; what the function of each hidden layer takes and gives; all layers from the inputs, (R, h, B, N)."""
        *hidden, (weight, bias) = self._layers(theta)
        layers = [x.transpose(1, 2).unsqueeze(-1).expand(*x.transpose(1, 2).shape, theta.shape[2])]
        inner: list[tuple[Tensor, Tensor]] = []
        for (inside, shift), function, adds in zip(hidden, self.layer_functions, self.adds_input, strict=True):
            t = _affine(inside, shift, layers[-1])
            value = function.value(t)
            inner.append((t, value))
            layers.append(layers[-1] + value if adds else value)
        return _affine(weight, bias, layers[-1]), inner, layers

    def _layers(self, theta: Tensor) -> list[tuple[Tensor, Tensor]]:
        """theta (R, D, N) -> for each layer W (R, rows, columns, N) and b (R, rows, N)."""
        blocks = self.space.blocks
        pieces = torch.split(theta, [block.size for block in blocks], dim=1)
        shaped = [p.reshape(len(theta), *b.shape, theta.shape[2]) for p, b in zip(pieces, blocks, strict=True)]
        return list(zip(shaped[::2], shaped[1::2], strict=True))


def layer_distances(unit: DeepUnit, theta: Tensor) -> list[float]:
    """Return dist^2 of a cloud to E^G layer by layer, mean_i |theta_i - P theta_i|^2; their sum is that of the unit.

    Args:
        unit: The unit.
        theta: Particles, shape (D, N).
    """
    vectors = theta.detach().double().cpu().numpy().T
    sizes = [space.ambient for space in unit.layer_spaces]
    parts = np.split(vectors, np.cumsum(sizes)[:-1], axis=1)
    return [float(np.mean(space.distance2(part))) for space, part in zip(unit.layer_spaces, parts, strict=True)]


def _inside(space: Subspace, window: IntArray | None, bias: Representation | None = None) -> Subspace:
    """The part of a space of weights, or of weights and biases, that vanishes outside of a window."""
    if window is None:
        return space
    if bias is None:
        return supported(space, window)
    return supported(space, np.concatenate([window, np.arange(space.ambient - bias.dim, space.ambient)]))


def _affine(weight: Tensor, bias: Tensor, layer: Tensor) -> Tensor:
    """W h + b for each particle: (R, o, h, N), (R, o, N), (R, h, B, N) -> (R, o, B, N)."""
    return torch.einsum("rohn,rhbn->robn", weight, layer) + bias.unsqueeze(2)


def _build(asked: UnitRequest) -> DeepUnit:
    hidden = asked.hidden_layers or (asked.hidden_rep,) * LAYERS
    reps = (asked.in_rep, *hidden, asked.out_rep)
    function = by_name(POINT_FUNCTIONS, asked.detail, "function of a deep unit")
    is_residual = asked.kind_name == DEEP_RESIDUAL.name
    return DeepUnit(asked.in_rep, asked.out_rep, hidden, function, deep_space(reps), is_residual)


def _parameters(d_in: int, d_out: int, d_hidden: int, _: bool) -> int:
    """Return dim Z for as many hidden layers of one width as `LAYERS` says."""
    return d_hidden * (d_in + 1) + (LAYERS - 1) * d_hidden * (d_hidden + 1) + d_out * (d_hidden + 1)


DEEP = UnitKind(
    "deep",
    _build,
    _parameters,
    details=tuple(function.name for function in POINT_FUNCTIONS),
    has_hidden=True,
    has_layers=True,
    can_be_searched=False,
)

DEEP_RESIDUAL = replace(DEEP, name="deep-residual")
