"""The group of a space in a search without a candidate: all permutations of inputs and outputs that fix the space.

Where there are as many outputs as inputs, one permutation moves both.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np

from sharefind.errors import ConfigError, setting
from sharefind.groups import FiniteGroup, Group, Representation, natural, trivial
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.spaces import Block, LatticeNode, Subspace, invariant_lattice, matrix_space, tying

if TYPE_CHECKING:
    from sharefind.recognition import Layout, Recognition


def weights_layout(blocks: tuple[Block, ...]) -> Layout:
    """Return the layout of a unit's weights of X to Y, and of its bias if it has one.

    Args:
        blocks: Blocks of the unit's parameters.

    Raises:
        ConfigError: The unit has other weights.
    """
    names, shape = tuple(block.name for block in blocks), blocks[0].shape
    if names not in (("weight",), ("weight", "bias")) or len(shape) != 2:
        raise ConfigError(
            f"a search without a candidate ties weights from inputs to outputs, and this unit has "
            f"{', '.join(names)}; use {setting('unit')} matrix"
        )
    from sharefind.recognition import matrix_layout

    return matrix_layout((shape[0], shape[1]), bias=len(blocks) > 1)


@lru_cache(maxsize=1024)
def recognised(space: Subspace, layout: Layout) -> Recognition:
    """Return `recognise_layout`, once for each space.

    Args:
        space: The space.
        layout: The layout of the weights.
    """
    from sharefind.recognition import recognise_layout

    return recognise_layout(space, layout)


def own_key(space: Subspace, digits: int = 12) -> str:
    """Return the key of a tying space: the same for the same space, in every run.

    Args:
        space: The space.
        digits: Hexadecimal digits of the key.
    """
    if space.is_full or space.tying is None:
        return "Z"
    return f"tied:{hashlib.sha256(space.tying.astype('<i4').tobytes()).hexdigest()[:digits]}"


def own_label(space: Subspace, layout: Layout) -> str:
    """Return the name of a space for people: E^H for its group H, with the order where H has no name.

    Args:
        space: The space.
        layout: The layout of the weights.
    """
    return "Z" if space.is_full else f"E^{recognised(space, layout).name}"


def own_place(space: Subspace, layout: Layout) -> LatticeNode | None:
    """Return a space with its group as a place in a lattice; None for {0} and for a space that belongs to no group.

    Args:
        space: The space.
        layout: The layout of the weights.
    """
    if space.is_zero or space.tying is None:
        return None
    found = recognised(space, layout)
    if not found.is_galois_closed:
        return None
    return LatticeNode(space, found.group, found.name, (found.group,), (found.group,))


def own_representations(group: Group, layout: Layout) -> tuple[Representation, Representation]:
    """Return such a group on X and on Y.

    Args:
        group: The group.
        layout: The layout of the weights.
    """
    on_y, on_x = layout.blocks[0]
    sizes = [layout.axes[axis].size for axis in (on_x, on_y)]
    if not isinstance(group, FiniteGroup) or group.order == 1:
        return trivial(group, sizes[0]), trivial(group, sizes[1])
    blocks = layout.natural_blocks
    return natural(group, (blocks[on_x],)), natural(group, (blocks[on_y],))


def spaces_of_subgroups(space: Subspace, layout: Layout, most: int = MAX_SUBGROUP_ORDER) -> tuple[Subspace, ...]:
    """Return the fixed spaces of the subgroups of a space's group; none where the group is too large to list them.

    Args:
        space: E^H, or {0}, which has no group.
        layout: The layout of the weights, which has the permutations.
        most: Largest order of H.
    """
    place = own_place(space, layout)
    if place is None or not isinstance(place.group, FiniteGroup) or not 1 < place.group.order <= most:
        return ()
    on_x, on_y = own_representations(place.group, layout)
    nodes = invariant_lattice(matrix_space(on_x, on_y, bias=len(layout.blocks) > 1).action).nodes
    return tuple(node.space for node in nodes)


@lru_cache(maxsize=16)
def cyclic_spaces(layout: Layout, most: int) -> tuple[Subspace, ...]:
    """Return the fixed spaces of single permutations, each once; none where there are more than `most` permutations.

    Args:
        layout: The layout of the weights.
        most: Most permutations.
    """
    sizes = [1 if axis.moves == "none" else axis.size for axis in layout.axes]
    if math.prod(map(math.factorial, sizes)) > most:
        return ()
    images = [
        [tuple(range(axis.size))] if axis.moves == "none" else permutations(range(axis.size)) for axis in layout.axes
    ]
    found: dict[Subspace, None] = {}
    for parts in product(*images):
        points = np.concatenate([start + np.array(p) for start, p in zip(layout.starts, parts, strict=True)])
        targets, _ = layout.parameter_move(points)
        found[Subspace.from_pattern(tying.tied(targets[None, :]))] = None
    return tuple(found)
