"""Which hidden types a layer of some width may have: regular, natural, a mixture of both, or what a census counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sharefind.architectures.deep.places import Places, input_places
from sharefind.groups import HiddenType, HiddenTypes, Representation, is_jointly_faithful, sum_of_types
from sharefind.typing import FloatArray

REGULAR, NATURAL, MIXED, CENSUS = "regular", "natural", "regular + natural + trivial", "census"
"""Names of mixtures."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """Shares of types in the coordinates of hidden layers.

    Attributes:
        name: Its name.
        layers: For each hidden layer, from the inputs up, the share of each type in its coordinates; the last one goes
            for all further layers.
        window: Places that each place sees, where layers are copies of the places of the inputs; None for all.
    """

    name: str
    layers: tuple[Mapping[HiddenType, float], ...]
    window: int | None = None

    def representations(self, width: int, depth: int) -> tuple[Representation, ...]:
        """Return the representations of hidden layers.

        Args:
            width: Coordinates that a layer is to have, about.
            depth: Number of hidden layers.
        """
        shares = [self.layers[min(layer, len(self.layers) - 1)] for layer in range(depth)]
        return tuple(sum_of_types(multiplicities(share, width)) for share in shares)


def multiplicities(shares: Mapping[HiddenType, float], width: int) -> dict[HiddenType, int]:
    """Return how often each type occurs in a layer, large types first: its share of the width over its dimension.

    Each occurs at least once.

    Args:
        shares: Shares of the types, which add up to 1.
        width: Coordinates that the layer is to have, about.
    """
    ordered = sorted(shares, key=lambda one: (one.dim, one.name), reverse=True)
    return {one: max(1, round(shares[one] * width / one.dim)) for one in ordered}


def usual_mixtures(types: HiddenTypes, in_rep: Representation) -> list[Mixture]:
    """Return the mixtures that need no look at a trained network; those whose types miss group elements are left out.

    Args:
        types: The types of the group.
        in_rep: The action on inputs, whose parts are the natural types; no mixture has natural types where it has other
            matrices than signed permutations.
    """
    regular, trivial = types.types[-1], types.types[0]
    found = [Mixture(REGULAR, ({regular: 1.0},))]
    natural = natural_shares(types, in_rep)
    if not natural or set(natural) == {regular}:
        return found
    if is_jointly_faithful([one.representation for one in natural]):
        found.append(Mixture(NATURAL, (natural,)))
    mixed = {one: share / 3 for one, share in natural.items()}
    for one in (regular, trivial):
        mixed[one] = mixed.get(one, 0.0) + 1 / 3
    return [*found, Mixture(MIXED, (mixed,))]


def window_places(types: HiddenTypes, in_rep: Representation, x: FloatArray) -> tuple[HiddenType, Places] | None:
    """Return the one type of which inputs are copies, and its places; None where there is no such type.

    Args:
        types: The types of the group.
        in_rep: The action on inputs.
        x: Inputs of one scale, shape (n, d_in).
    """
    natural = natural_shares(types, in_rep)
    if len(natural) != 1:
        return None
    one = next(iter(natural))
    places = input_places(in_rep, x, one.representation)
    return None if places is None else (one, places)


def natural_shares(types: HiddenTypes, in_rep: Representation) -> dict[HiddenType, float]:
    """Return the share of each type in the coordinates of an action; nothing for others than signed permutations.

    Args:
        types: The types of the group.
        in_rep: The action.
    """
    if not in_rep.is_sparse:
        return {}
    return {one: count * one.dim / in_rep.dim for one, count in types.counts(in_rep).items()}


def counted_mixture(layers: Sequence[Mapping[HiddenType, float]], types: HiddenTypes) -> Mixture:
    """Return the mixture of a census; a layer whose types are not jointly faithful has the regular one, too.

    Args:
        layers: The shares that were kept of each hidden layer; nothing where no type stood out.
        types: The types of the group.
    """
    regular = types.types[-1]
    found: list[Mapping[HiddenType, float]] = []
    for shares in layers:
        kept = dict(shares)
        if not kept or not is_jointly_faithful([one.representation for one in kept]):
            kept[regular] = max(kept.get(regular, 0.0), sum(kept.values()) / 2 or 1.0)
        total = sum(kept.values())
        found.append({one: share / total for one, share in kept.items()})
    return Mixture(CENSUS, tuple(found))
