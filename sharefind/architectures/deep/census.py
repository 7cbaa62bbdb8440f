"""A census of hidden types: which types the units of a dense network have that was trained on rows moved by a group.

A unit phi has the type of a pair (K, chi) where chi(k) phi(k x) is phi(x) for k in K, as far as its correlation over
orbits of inputs shows. Units of a trained network lack partners, so that they cannot be matched to their images; the
stabiliser of each unit can be read off alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sharefind.architectures.deep.batch import DeepBatch, deep_values
from sharefind.architectures.deep.network import Matrices
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.unit_types import TypePair, orbit_images, type_pairs, unit_correlations, unit_types
from sharefind.groups import HiddenType, HiddenTypes
from sharefind.meanfield.units import DeepUnit
from sharefind.rng import named_stream
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class CensusRule:
    """When a unit has a type, and which types count.

    Attributes:
        correlation: Least chi(k) corr(phi(k x), phi(x)) for every k in K.
        share: Least share of a layer's energy that a type is kept with.
        rows: Rows whose orbits are looked at, at most.
        values: Entries (elements, rows, units) that are held at a time, at most.
    """

    correlation: float = 0.95
    share: float = 0.15
    rows: int = 200
    values: int = 4_000_000


@dataclass(frozen=True, eq=False)
class LayerCensus:
    """The census of one hidden layer.

    Attributes:
        trained: Share of each type in the energy that the layer passes on, after training.
        untrained: The same before training: what types come for free.
        kept: The types that count, with their shares, renormalised; empty where none stands out.
    """

    trained: Mapping[HiddenType, float]
    untrained: Mapping[HiddenType, float]
    kept: Mapping[HiddenType, float]

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return the shares by the names of the types."""
        parts = {"trained": self.trained, "untrained": self.untrained, "kept": self.kept}
        return {word: {one.name: round(share, 4) for one, share in shares.items()} for word, shares in parts.items()}


def census(
    unit: DeepUnit, trained: Matrices, untrained: Matrices, rows: DeepRows, types: HiddenTypes, rule: CensusRule
) -> list[LayerCensus]:
    """Return the census of each hidden layer, from the inputs up.

    Args:
        unit: A dense unit.
        trained: Its weights after training on rows that the group moves at random.
        untrained: Its first weights.
        rows: The rows.
        types: The types of the group.
        rule: When a unit has a type.
    """
    pairs = type_pairs(types)
    after, before = (layer_shares(unit, matrices, rows, pairs, rule) for matrices in (trained, untrained))
    found = []
    for now, then in zip(after, before, strict=True):
        found.append(LayerCensus(now, then, _kept(now, then, types, rule)))
    return found


def _kept(
    trained: Mapping[HiddenType, float], untrained: Mapping[HiddenType, float], types: HiddenTypes, rule: CensusRule
) -> dict[HiddenType, float]:
    """Types above the least share, and above what they have without training; not the trivial one.

    The regular type is what is left of units that show no symmetry, before training as well, so that it needs no rise.
    """
    trivial, regular = types.types[0], types.types[-1]
    kept = {
        one: share
        for one, share in trained.items()
        if one is not trivial and share >= rule.share and (one is regular or share > untrained.get(one, 0.0))
    }
    total = sum(kept.values())
    return {one: share / total for one, share in kept.items()}


def layer_shares(
    unit: DeepUnit, matrices: Matrices, rows: DeepRows, pairs: Sequence[TypePair], rule: CensusRule
) -> list[dict[HiddenType, float]]:
    """Return the share of each type in the energy that each hidden layer passes on.

    Args:
        unit: A dense unit.
        matrices: Its weights.
        rows: The rows, whose scaled inputs are taken.
        pairs: The pairs of the types of the group.
        rule: When a unit has a type.
    """
    layers = _orbit_values(unit, matrices, rows, rule)
    found = []
    for number, values in enumerate(layers):
        correlations = unit_correlations(values, rows.group)
        outgoing = (matrices[number + 1][0] ** 2).sum(axis=0) * values.var(axis=(0, 1))
        found.append(_shares(unit_types(correlations, pairs, rule.correlation), outgoing))
    return found


def _orbit_values(unit: DeepUnit, matrices: Matrices, rows: DeepRows, rule: CensusRule) -> list[FloatArray]:
    """Values of each hidden layer at g x: shape (elements, rows, units)."""
    order, widest = rows.group.order, max(rep.dim for rep in unit.reps)
    count = max(2, min(rule.rows, len(rows.x), rule.values // (order * widest)))
    chosen = named_stream(0, "deep", "census").permutation(len(rows.x))[:count]
    x = rows.scaled_x[chosen]
    moved = orbit_images(rows.in_rep, x).reshape(order * count, -1)
    weights = [(torch.from_numpy(w)[None], torch.from_numpy(b)[None]) for w, b in matrices]
    with torch.no_grad():
        layers = deep_values(unit, weights, torch.from_numpy(moved)[None])[:-1]
    return [layer[0].numpy().reshape(order, count, -1) for layer in layers]


def _shares(found: Sequence[HiddenType], energy: FloatArray) -> dict[HiddenType, float]:
    total = max(float(energy.sum()), float(np.finfo(np.float64).tiny))
    shares: dict[HiddenType, float] = {}
    for one, amount in zip(found, energy.tolist(), strict=True):
        shares[one] = shares.get(one, 0.0) + amount / total
    return shares


def untrained_matrices(unit: DeepUnit, seed: int) -> Matrices:
    """Return first weights of a unit, as a training with another seed starts from them.

    Args:
        unit: The unit.
        seed: Seed of the weights.
    """
    return DeepBatch(unit, 1, int(named_stream(seed, "deep", "untrained").integers(2**62))).arrays(0)
