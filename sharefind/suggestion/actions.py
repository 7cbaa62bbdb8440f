"""Groups that may be worth a search, with their actions on the columns of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sharefind.groups import FiniteGroup, named_group, parse_representation
from sharefind.suggestion.layouts import Layout, output_layouts, renamed
from sharefind.typing import IntArray

Permutations = tuple[IntArray, ...]
"""The permutation of the columns of one side, one for each generator."""


@dataclass(frozen=True, eq=False)
class SuggestedAction:
    """A group that permutes columns of x and of y.

    Attributes:
        group: Name of the group.
        size: Natural logarithm of its order.
        layout: Meaning of the columns of x.
        inputs: For each generator, the permutation of the columns of x, shape (d,), int64.
        outputs: For each generator, the permutation of the columns of y, shape (m,), int64.
        settings: Settings of a search: in_rep, out_rep, axes, shape and the like.
    """

    group: str
    size: float
    layout: Layout
    inputs: Permutations
    outputs: Permutations
    settings: Mapping[str, str]

    @property
    def moves_labels(self) -> bool:
        """Whether the group moves labels."""
        return any(not np.array_equal(g, np.arange(len(g))) for g in self.outputs)

    @property
    def leaves_inputs(self) -> bool:
        """Whether the group fixes some columns of x."""
        places = np.arange(len(self.inputs[0]))
        return bool(np.all([g == places for g in self.inputs], axis=0).any())


def actions_of(
    layout: Layout,
    widths: tuple[int, int],
    order: IntArray | None = None,
    names: str | None = None,
    *,
    is_shaped: bool = False,
    is_flat: bool = False,
) -> Iterator[SuggestedAction]:
    """Yield all groups of a layout, with all ways to act on the labels.

    Args:
        layout: Meaning of the columns of x.
        widths: Widths of x and y.
        order: Shape (d,), int64: the columns of x in the order of the layout; None for the order of the file.
        names: Names that the user gave to the axes; None for default names.
        is_shaped: Whether rows of x are arrays.
        is_flat: Whether axes cannot be named.
    """
    layout = layout if names is None else renamed(layout, names)
    for name in _names(layout):
        group = named_group(name)
        if not isinstance(group, FiniteGroup):
            continue
        inputs = _moves(group, layout.flat)
        if order is not None:
            inputs = tuple(_relabelled(g, order) for g in inputs)
        for out_rep in output_layouts(widths[1], layout.points, layout.flat, widths[0]):
            settings = {
                "group": name,
                **({"in_rep": layout.flat} if is_flat else _input_settings(layout, is_shaped)),
                "out_rep": out_rep,
            }
            yield SuggestedAction(name, _log_order(group), layout, inputs, _moves(group, out_rep), settings)


def with_settings(action: SuggestedAction, settings: Mapping[str, str]) -> SuggestedAction:
    """Return the same action with additional settings.

    Args:
        action: The action.
        settings: The additional settings.
    """
    return replace(action, settings={**action.settings, **settings}) if settings else action


def _names(layout: Layout) -> Iterator[str]:
    least = {"S": 2, "D": 4, "C": 3}
    for family in layout.groups:
        if family not in least:
            yield family
        elif layout.points >= least[family]:
            yield f"{family}{layout.points}"


def _input_settings(layout: Layout, is_shaped: bool) -> dict[str, str]:
    if not layout.axes:
        return {"in_rep": layout.flat}
    shape = {} if is_shaped else {"shape": "x".join(map(str, layout.shape))}
    return {"axes": layout.axes, **shape, "in_rep": layout.by_axes}


def _moves(group: FiniteGroup, expression: str) -> Permutations:
    images, _ = parse_representation(expression, group).sparse_generators
    return tuple(np.asarray(g, dtype=np.int64) for g in images)


def _relabelled(move: IntArray, order: IntArray) -> IntArray:
    """Convert a permutation of positions to one of the columns at these positions."""
    moved = np.empty_like(move)
    moved[order] = order[move]
    return moved


def _log_order(group: FiniteGroup) -> float:
    return math.lgamma(group.degree + 1) if group.name.startswith("S") else math.log(group.order)
