"""A census of hidden units, for layers whose units have no images among each other: under which elements a unit keeps
its value, up to sign.

The type of a unit is the pair (K, chi) with the largest K such that chi(k) corr(phi(k x), phi(x)) is above a bound for
every k in K, on inputs completed by all their images. Units without such a K say nothing. The same network
with its weights shuffled within each layer shows which types units have by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.architectures.audit.layer_chain import Layer, LayerChain
from sharefind.architectures.unit_types import TypePair, orbit_images, type_pairs, unit_correlations, unit_types
from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.hidden_types import HiddenType, HiddenTypes
from sharefind.rng import named_stream
from sharefind.typing import FloatArray

NO_TYPE = "no symmetry of its own"
"""Units that keep their value under the identity alone."""


@dataclass(frozen=True)
class CensusSettings:
    """How units are judged.

    Attributes:
        correlation: Least correlation of a unit with its image.
        share: Least share of a type by which it is reported as found.
        above_chance: Least amount by which its share exceeds that of shuffled weights.
        rows: Largest number of inputs, their images included.
        shuffles: Number of networks with shuffled weights.
        seed: Seed of the shuffles.
    """

    correlation: float = 0.95
    share: float = 0.15
    above_chance: float = 0.15
    rows: int = 4_096
    shuffles: int = 4
    seed: int = 0


CENSUS = CensusSettings()
"""Default settings."""


@dataclass(frozen=True)
class TypeShare:
    """How much of a layer has one type.

    Attributes:
        name: Name of the type, or `NO_TYPE`.
        units: Number of units that have it.
        share: Their share of what the layer passes on: variance times squared outgoing weights.
        chance: The same of shuffled weights.
        is_found: Whether the share is large enough, and larger than by chance.
    """

    name: str
    units: int
    share: float
    chance: float
    is_found: bool


def census(
    chain: LayerChain, in_rep: Representation, x: FloatArray, settings: CensusSettings = CENSUS
) -> tuple[tuple[TypeShare, ...], ...]:
    """Return the types of the units of each hidden layer, with their shares.

    Args:
        chain: The network, in coordinates that commute with the group.
        in_rep: How the group acts on inputs.
        x: Inputs, shape (n, d_in), in the same coordinates.
        settings: How units are judged.

    Raises:
        GroupError: The subgroups of the group cannot be listed.
    """
    group = in_rep.finite_group
    pairs = type_pairs(HiddenTypes.of(group))
    images = orbit_images(in_rep, x[: max(1, settings.rows // group.order)])
    found = _names(chain, images, group, pairs, settings)
    rng = named_stream(settings.seed, "audit", "census")
    by_chance = [_names(_shuffled(chain, rng), images, group, pairs, settings) for _ in range(settings.shuffles)]
    return tuple(_shares(layer, [other[k] for other in by_chance], settings) for k, layer in enumerate(found))


_Units = tuple[list[str], FloatArray]
"""The type of each unit of a layer, and its share, shape (units,)."""


def _names(
    chain: LayerChain, images: FloatArray, group: FiniteGroup, pairs: Sequence[TypePair], settings: CensusSettings
) -> list[_Units]:
    order, rows, _ = images.shape
    values = images.reshape(order * rows, -1)
    found = list[_Units]()
    for layer, above in zip(chain.hidden, chain.layers[1:], strict=True):
        values = layer(values)
        correlations = unit_correlations(values.reshape(order, rows, -1), group)
        names = [_named(one) for one in unit_types(correlations, pairs, settings.correlation)]
        energy = values.var(axis=0) * np.square(above.weight).sum(axis=0)
        found.append((names, energy / max(float(energy.sum()), np.finfo(float).tiny)))
    return found


def _named(one: HiddenType) -> str:
    return NO_TYPE if one.subgroup.order == 1 else one.name


def _shuffled(chain: LayerChain, rng: np.random.Generator) -> LayerChain:
    """Return a network with the same weights in random places of each layer."""
    return LayerChain(
        tuple(
            Layer(rng.permuted(layer.weight.ravel()).reshape(layer.weight.shape), layer.bias, layer.activation)
            for layer in chain.layers
        )
    )


def _shares(layer: _Units, by_chance: Sequence[_Units], settings: CensusSettings) -> tuple[TypeShare, ...]:
    names, _ = layer
    found = []
    for name in dict.fromkeys(names):
        share = _share(layer, name)
        chance = float(np.mean([_share(other, name) for other in by_chance]))
        is_found = name != NO_TYPE and share >= max(settings.share, chance + settings.above_chance)
        found.append(TypeShare(name, names.count(name), share, chance, is_found))
    return tuple(sorted(found, key=lambda one: (one.name == NO_TYPE, -one.share)))


def _share(layer: _Units, name: str) -> float:
    return float(sum(share for each, share in zip(*layer, strict=True) if each == name))
