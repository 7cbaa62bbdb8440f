"""Advice where the width of the data differs from that of a representation: groups and expressions that fit."""

from __future__ import annotations

import math
import re

from sharefind.errors import GroupError, InputError, setting
from sharefind.groups import FiniteGroup, Group, Representation, grid, named_group, natural

SMALLEST_IMAGE = 3
"""Pixels a side from which a square number of columns may be an image."""


def width_advice(name: str, group: Group, rep: Representation, width: int, most: int = 3) -> str:
    """Return the end of a message about `width` columns, on which `rep` of the group does not act.

    Args:
        name: "in_rep" or "out_rep", the setting.
        group: The candidate.
        rep: Its representation, of another dimension.
        width: Number of columns.
        most: Most expressions that are proposed.
    """
    side, flag = math.isqrt(width), setting(name)
    is_image, on_squares = side * side == width and side >= SMALLEST_IMAGE, _acts_on_squares(group)
    is_resizable = rep.name == "natural" and not (is_image and on_squares)
    groups = [f"{setting('group')} {other}" for other in _resized(group, width)] if is_resizable else []
    if is_image and not on_squares and name == "in_rep":
        groups.append(f"{setting('group')} D4 {flag} grid:{side} (an image of {side} x {side})")
    expressions = ", ".join(_expressions(group, rep, width)[:most])
    return f"{''.join(f'use {way}, or ' for way in groups)}choose {flag} so that they agree (for example {expressions})"


def _resized(group: Group, width: int) -> list[str]:
    """The group of the same family that acts on `width` columns; of a product, with another last or first factor."""
    factors = group.name.split("x")
    for k in range(len(factors) - 1, -1, -1):
        match = re.fullmatch(r"(SO|[CDSABO])([0-9]+)", factors[k])
        if match is None:
            continue
        size = int(match[2]) + width - natural(group).dim
        name = "x".join([*factors[:k], f"{match[1]}{size}", *factors[k + 1 :]])
        if size > 1 and _dim(name) == width:
            return [name]
    return []


def _dim(name: str) -> int | None:
    """The dimension of the natural representation, None where there is no such group."""
    try:
        return natural(named_group(name)).dim
    except GroupError:
        return None


def _acts_on_squares(group: Group) -> bool:
    """Whether the group moves the pixels of a square image."""
    try:
        grid(group, SMALLEST_IMAGE)
    except InputError:
        return False
    return True


def _expressions(group: Group, rep: Representation, width: int) -> list[str]:
    """Expressions of dimension `width`, the likelier ones first."""
    own, side = natural(group).dim, math.isqrt(width)
    found = []
    if _acts_on_squares(group) and side >= SMALLEST_IMAGE:
        found += [f"grid:{side}"] if side * side == width else []
    if width == 1:
        found.append("trivial")
    elif width == own:
        found.append("natural")
    elif width % own == 0 and own > 1:
        count = width // own
        found += [f"natural*trivial:{count}", f"{count}*natural"]
        found += ["natural*natural"] if count == own else []
    if isinstance(group, FiniteGroup) and width == group.order != own:
        found.append("regular")
    is_fixed = rep.name.partition(":")[0] == "trivial"
    rest = f"trivial:{width}" if is_fixed or width < rep.dim else f"{rep.name}+trivial:{width - rep.dim}"
    return [*found, rest] if width > 1 else found
