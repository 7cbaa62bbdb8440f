"""Which group ties each linear map of a deep network: the same for all, one layer freed, or a chain down the layers.

A chain K_1 >= K_2 >= ... lets early layers share more than the whole function, which has the symmetry of the last group
alone. `joint_training` trains such networks side by side, `layer_price` compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise, product

import numpy as np

from sharefind.errors import ConfigError
from sharefind.groups import FiniteGroup, hom
from sharefind.groups.subgroups import conjugacy_classes, subgroups
from sharefind.meanfield.units import DeepUnit
from sharefind.spaces import Subspace, fixed_space, supported

TIED, FREE = "all tied", "all freed"
"""Names of two ways to tie layers."""

MOST_CHAINS = 64
"""Most chains that are compared at a time."""


@dataclass(frozen=True, eq=False)
class LayerGroups:
    """The group that ties each linear map, from the inputs up.

    Attributes:
        name: Description, such as "layer 1 freed".
        groups: A subgroup of the unit's group for each linear map.
    """

    name: str
    groups: tuple[FiniteGroup, ...]

    @property
    def is_chain(self) -> bool:
        """Whether each group contains the next one, so that the network is equivariant under the last."""
        return all(later.is_subgroup_of(earlier) for earlier, later in pairwise(self.groups))

    def spaces(self, unit: DeepUnit) -> list[tuple[Subspace, Subspace]]:
        """Return the spaces of each layer's weight and bias.

        Args:
            unit: The unit, with representations of the whole group on all layers.
        """
        return [layer_spaces(unit, layer, group) for layer, group in enumerate(self.groups)]

    def unit(self, whole: DeepUnit) -> TiedUnit:
        """Return the unit whose layers are tied in this way.

        Args:
            whole: The unit with representations of the whole group on all layers.
        """
        known = {one.name: getattr(whole, one.name) for one in fields(DeepUnit)}
        return TiedUnit(**known, whole=whole, groups=self.groups)


def layer_spaces(unit: DeepUnit, layer: int, group: FiniteGroup) -> tuple[Subspace, Subspace]:
    """Return Hom_K(H_{l-1}, H_l) and what K fixes in H_l.

    Args:
        unit: The unit, with representations of the whole group on all layers.
        layer: Number l - 1 of the linear map, from 0.
        group: The subgroup K.
    """
    whole = unit.weight_spaces[layer], unit.bias_spaces[layer]
    if group == unit.in_rep.group:
        return whole
    source, target = (rep.restrict(group) for rep in unit.reps[layer : layer + 2])
    weights, window = fixed_space(hom(target, source)), unit.layer_windows[layer]
    if window is not None and whole[0].tying is not None:
        weights = supported(weights, np.flatnonzero(whole[0].tying))
    return weights, fixed_space(target)


@dataclass(frozen=True, eq=False, kw_only=True)
class TiedUnit(DeepUnit):
    """A deep unit whose layers are tied by groups of their own, which trainers take like any other.

    Attributes:
        whole: The unit with representations of the whole group.
        groups: The subgroup that ties each linear map.
    """

    whole: DeepUnit
    groups: tuple[FiniteGroup, ...]

    @cached_property
    def _spaces(self) -> list[tuple[Subspace, Subspace]]:
        return [layer_spaces(self.whole, layer, group) for layer, group in enumerate(self.groups)]

    @cached_property
    def weight_spaces(self) -> tuple[Subspace, ...]:
        """The space of each layer's weight."""
        return tuple(weight for weight, _ in self._spaces)

    @cached_property
    def bias_spaces(self) -> tuple[Subspace, ...]:
        """The space of each layer's bias."""
        return tuple(bias for _, bias in self._spaces)

    @property
    def free_numbers(self) -> int:
        """Numbers that are free."""
        return sum(weight.dim + bias.dim for weight, bias in self._spaces)


def freed_layers(unit: DeepUnit) -> list[LayerGroups]:
    """Return all layers tied, each one freed alone, the first ones tied and the rest freed, and all freed.

    Args:
        unit: The unit.
    """
    whole, nothing = _both_ends(unit)
    count = len(unit.reps) - 1
    found = [LayerGroups(TIED, (whole,) * count)]
    for layer in range(count):
        one = [whole] * count
        one[layer] = nothing
        found.append(LayerGroups(f"{layer_word(layer, count)} freed", tuple(one)))
    for kept in range(count - 2, 0, -1):
        words = f"{layer_word(kept, count)} to the outputs freed"
        found.append(LayerGroups(words, (whole,) * kept + (nothing,) * (count - kept)))
    return [*found, LayerGroups(FREE, (nothing,) * count)]


def chains(unit: DeepUnit) -> list[LayerGroups]:
    """Return all layers tied, and each chain of two groups: G in the first layers, a smaller one in all others.

    Conjugate subgroups count once. The trivial group is one of them.

    Args:
        unit: The unit.
    """
    whole, _ = _both_ends(unit)
    count = len(unit.reps) - 1
    found = [LayerGroups(TIED, (whole,) * count)]
    for kept, group in product(range(count - 1, -1, -1), smaller_groups(whole)):
        found.append(chain(unit, (whole,) * kept + (group,) * (count - kept)))
    return found


def smaller_groups(group: FiniteGroup) -> list[FiniteGroup]:
    """Return the proper subgroups of a group up to conjugacy, the largest first.

    Args:
        group: The group.
    """
    classes = conjugacy_classes(group, subgroups(group))
    return [conjugates[0] for conjugates in classes if conjugates[0].order < group.order][::-1]


def early_layers(unit: DeepUnit, found: FiniteGroup) -> list[LayerGroups]:
    """Return the group of the whole function in all layers, then the unit's larger group in the first 1, 2, ... layers.

    Args:
        unit: The unit, with representations of the larger group on all layers.
        found: The group of the whole function, a subgroup on the same points.
    """
    whole, count = unit.in_rep.finite_group, len(unit.reps) - 1
    return [chain(unit, (whole,) * many + (found,) * (count - many)) for many in range(count + 1)]


def chain(unit: DeepUnit, groups: Sequence[FiniteGroup]) -> LayerGroups:
    """Return a way to tie layers, named after its groups.

    Args:
        unit: The unit.
        groups: A subgroup of the unit's group for each linear map, from the inputs up.

    Raises:
        ConfigError: There are fewer or more groups than linear maps, or one is no subgroup.
    """
    count = len(unit.reps) - 1
    if len(groups) != count:
        raise ConfigError(f"{len(groups)} groups for {count} linear maps; give one for each")
    whole = unit.in_rep.finite_group
    for group in groups:
        if not group.is_subgroup_of(whole):
            raise ConfigError(f"{group.name} is no subgroup of {whole.name}; take one of subgroups({whole.name})")
    return LayerGroups(" | ".join(group.name for group in groups), tuple(groups))


def layer_word(layer: int, count: int) -> str:
    """Return what a linear map is called.

    Args:
        layer: Its number, from 0.
        count: Number of linear maps.
    """
    return "outputs" if layer == count - 1 else f"layer {layer + 1}"


def _both_ends(unit: DeepUnit) -> tuple[FiniteGroup, FiniteGroup]:
    """The group and its trivial subgroup."""
    whole = unit.in_rep.finite_group
    return whole, identity_of(whole)


def identity_of(group: FiniteGroup) -> FiniteGroup:
    """Return the trivial subgroup of a group.

    Args:
        group: The group.
    """
    return FiniteGroup("C1", group.degree, ())
