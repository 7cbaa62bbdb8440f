"""Which columns an expression such as 4*natural or natural*trivial:4 takes for which point and channel, in words.

Both have the same width and mean other orders of the same columns, so that the wrong one tests another action.
"""

from __future__ import annotations

from sharefind.errors import setting
from sharefind.groups import FiniteGroup, Representation

SUMMANDS = ("sum",)
"""Operations whose parts stand side by side."""


def layout_notes(name: str, letter: str, rep: Representation) -> list[str]:
    """A note for each part of an expression that puts several channels on points.

    Args:
        name: "in_rep" or "out_rep", of the setting.
        letter: "x" or "y", as columns are called.
        rep: The representation, as composed from its expression.
    """
    return [_note(setting(name), letter, part, start) for part, start in _parts(rep, 0) if _channels(part) is not None]


def _parts(rep: Representation, start: int) -> list[tuple[Representation, int]]:
    """The summands with their first columns."""
    if rep.construction is None or rep.construction.operation not in SUMMANDS:
        return [(rep, start)]
    found = []
    for part in rep.construction.parts:
        found += _parts(part, start)
        start += part.dim
    return found


def _channels(rep: Representation) -> tuple[Representation, int, bool] | None:
    """The part that moves points, the number of channels, and whether columns run point by point."""
    recipe = rep.construction
    if recipe is None:
        return None
    if recipe.operation == "copies" and recipe.count > 1:
        part, count, by_point = recipe.parts[0], recipe.count, False
    elif recipe.operation == "tensor" and _is_trivial(recipe.parts[1]):
        part, count, by_point = recipe.parts[0], recipe.parts[1].dim, True
    elif recipe.operation == "tensor" and _is_trivial(recipe.parts[0]):
        part, count, by_point = recipe.parts[1], recipe.parts[0].dim, False
    else:
        return None
    return (part, count, by_point) if part.dim > 1 and count > 1 and not _is_trivial(part) else None


def _is_trivial(rep: Representation) -> bool:
    return rep.construction is not None and rep.construction.operation == "trivial"


def _note(flag: str, letter: str, rep: Representation, start: int) -> str:
    found = _channels(rep)
    if found is None:
        return ""
    part, count, by_point = found
    one, many = ("point", "channel") if _moves_points(part) else ("coordinate", "copy")
    inner, outer = (count, part.dim) if by_point else (part.dim, count)
    name, over = (one, many) if by_point else (many, one)
    spelt = ", ".join(f"{_columns(letter, start + k * inner, inner)} are {name} {k}" for k in range(2))
    name_text = f"({part.name})" if "+" in part.name or "*" in part.name else part.name
    other = f"{count}*{name_text}" if by_point else f"{name_text}*trivial:{count}"
    more = ", and so on" if outer > 2 else ""
    return (
        f"{flag} {rep.name} takes columns {name} by {name}: {spelt}{more}; "
        f"where they stand {over} by {over} ({_columns(letter, start, outer)} are {over} 0), write {other}"
    )


def _moves_points(part: Representation) -> bool:
    return isinstance(part.group, FiniteGroup) and part.kind == "permutation"


def _columns(letter: str, start: int, count: int) -> str:
    return f"{letter}{start}..{letter}{start + count - 1}"
