"""Which columns move together: pictures of rows with axes, lists of named columns, and notes on orders of columns.

`4*natural` and `natural*trivial:4` have the same width and mean other orders of the same columns, so that the wrong one
tests another action.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sharefind.column_names import name_words
from sharefind.errors import setting
from sharefind.groups import FiniteGroup, Representation
from sharefind.groups.axes import Axes
from sharefind.groups.axis_expressions import axis_terms, is_by_axes
from sharefind.search.column_orbits import ColumnOrbits, column_orbits
from sharefind.search.problem import Problem
from sharefind.written import class_name

SUMMANDS = ("sum",)
"""Operations whose parts stand side by side."""


@dataclass(frozen=True)
class PictureBounds:
    """How much of a layout is shown.

    Attributes:
        rows: Most indices of the last axis but one.
        columns: Most indices of the last axis.
        tables: Most tables, one for each index of the axes before.
        orbits: Most orbits of named columns.
        names: Most names of one orbit.
    """

    rows: int = 8
    columns: int = 16
    tables: int = 2
    orbits: int = 8
    names: int = 8


BOUNDS = PictureBounds()
"""The default bounds."""


@dataclass(frozen=True)
class Layout:
    """One side of the data, and how the candidate moves it.

    Attributes:
        side: "inputs" or "outputs".
        name: "in_rep" or "out_rep", of the setting.
        letter: "x" or "y", as columns without names are called.
        rep: The representation.
        said: The user's expression; None where none was given.
        axes: The axes of a row, None where it is flat.
        names: Names of the columns; empty where they are not known.
    """

    side: str
    name: str
    letter: str
    rep: Representation
    said: str | None
    axes: Axes | None
    names: tuple[str, ...]

    @property
    def has_names(self) -> bool:
        """Whether the columns are called otherwise than by their numbers."""
        numbered = tuple(f"{self.letter}{k}" for k in range(len(self.names)))
        return self.names != numbered and not all(re.fullmatch(rf"{self.letter}\[[0-9,]+\]", n) for n in self.names)


def layout_picture(problem: Problem, bounds: PictureBounds = BOUNDS) -> list[str]:
    """The search's reading of the columns, in lines for people; continued lines are indented.

    Args:
        problem: The search.
        bounds: How much is shown.

    Returns:
        For each side with axes a picture with one letter for each orbit of columns, for one with named columns a line
        for each orbit, and a note on the order of columns where an expression says which it takes. Empty in a blind
        search, which knows of no action yet.
    """
    config, task, acting = problem.settings.config, problem.task, problem.candidate
    if config.blind:
        return []
    sides = (
        Layout("inputs", "in_rep", "x", acting.in_rep, config.in_rep, task.in_axes, task.inputs),
        Layout("outputs", "out_rep", "y", acting.out_rep, config.out_rep, task.out_axes, task.outputs),
    )
    return [line for side in sides for line in layout_lines(side, bounds)]


def layout_lines(layout: Layout, bounds: PictureBounds = BOUNDS) -> list[str]:
    """Return lines for one side.

    Args:
        layout: The layout of the side.
        bounds: Bounds on what is shown.
    """
    if layout.axes is not None:
        return _with_axes(layout, layout.axes, bounds)
    notes = [] if layout.said is None else layout_notes(layout.name, layout.letter, layout.rep, layout.names)
    orbits = column_orbits(layout.rep)
    if not layout.has_names or (layout.side == "outputs" and orbits.count == layout.rep.dim):
        return notes
    return [*_named_columns(layout, orbits, bounds), *notes]


def _with_axes(layout: Layout, axes: Axes, bounds: PictureBounds) -> list[str]:
    rep, orbits = layout.rep, column_orbits(layout.rep)
    lengths = " x ".join(f"{length} {name}" for name, length in zip(axes.names, axes.shape, strict=True))
    marks = np.array([orbits.mark(k) for k in range(rep.dim)], dtype=object).reshape(axes.shape)
    lines = [f"{layout.side}: {lengths}; {rep.group.name} {_moves(layout, axes)} ({rep.name})"]
    if layout.has_names:
        lines.append(f"  {_first_names(layout, axes, bounds)}")
    return [*lines, *(f"  {line}" for line in (*_tables(marks, axes, bounds), *_legend(orbits)))]


def _moves(layout: Layout, axes: Axes) -> str:
    """Return which axes the group moves, and which axes the expression does not name."""
    if not is_by_axes(layout.rep.name, axes):
        return "acts on all columns at once"
    terms = axis_terms(layout.rep.name, axes, layout.rep.group)
    moved = [axes.names[k] for term in terms for k in term.axes if not re.fullmatch(r"trivial(:\d+)?", term.expression)]
    said = layout.said if layout.said is not None and is_by_axes(layout.said, axes) else layout.rep.name
    unnamed = [name for name in axes.names if not re.search(rf"(^|[\s*]){name}[*:]", said)]
    rest = f", {' and '.join(unnamed)} not named and therefore fixed" if unnamed else ""
    return f"moves {' and '.join(moved) or 'no axis'}{rest}"


def _first_names(layout: Layout, axes: Axes, bounds: PictureBounds) -> str:
    """The columns along the last axis, where all others are at their beginning."""
    shown = [name_words(name) for name in layout.names[: min(axes.shape[-1], bounds.names)]]
    before = ", ".join(f"{name} 0" for name in axes.names[:-1]) or axes.names[0]
    return f"{before}: {' '.join([*shown, *(['...'] if axes.shape[-1] > len(shown) else [])])}"


def _tables(marks: NDArray[np.object_], axes: Axes, bounds: PictureBounds) -> Iterator[str]:
    """A table of the last two axes for each index of the axes before, of a single axis one line."""
    rows = 1 if marks.ndim == 1 else marks.shape[-2]
    stacked = marks.reshape(-1, rows, marks.shape[-1])
    for k, table in enumerate(islice(stacked, bounds.tables)):
        before = np.unravel_index(k, axes.shape[:-2]) if marks.ndim > 2 else ()
        if before:
            yield ", ".join(f"{name} {int(index)}" for name, index in zip(axes.names, before, strict=False))
        yield from _table(table, axes, bounds)
    if len(stacked) > bounds.tables:
        yield f"... {len(stacked) - bounds.tables} more"


def _table(table: NDArray[np.object_], axes: Axes, bounds: PictureBounds) -> Iterator[str]:
    rows, columns = table.shape
    shown = table[: bounds.rows, : bounds.columns]
    heads = [f"{axes.names[-2]} {k}" for k in range(len(shown))] if len(axes.names) > 1 else [""]
    indent, width = max(map(len, (*heads, axes.names[-1]))), max(len(str(mark)) for mark in shown.ravel())
    width = max(width, len(str(shown.shape[1] - 1)))
    more = " ..." if columns > bounds.columns else ""
    cells = [[str(k) for k in range(shown.shape[1])], *shown.tolist()]
    for head, row in zip((axes.names[-1], *heads), cells, strict=True):
        yield f"{head:<{indent}}  {' '.join(f'{cell:>{width}}' for cell in row)}{more}"
    if rows > bounds.rows:
        yield f"... {rows - bounds.rows} more"


def _legend(orbits: ColumnOrbits) -> list[str]:
    """The meaning of the letters where they are not permuted columns."""
    if orbits.is_mixed:
        return ["columns with the same letter are mixed (by a rotation, for example), not permuted"]
    if (orbits.signs < 1).any():
        return ["-a moves onto a with the opposite sign, ±a with either sign"]
    return []


def _named_columns(layout: Layout, orbits: ColumnOrbits, bounds: PictureBounds) -> list[str]:
    rep = layout.rep
    head = f"{layout.side}: {rep.group.name} moves columns with the same letter onto each other ({rep.name})"
    if orbits.count == rep.dim and not orbits.is_mixed:
        return [f"{layout.side}: {rep.group.name} moves no column onto another ({rep.name})"]
    lines = [
        f"  {class_name(k + 1)}: {_members(layout, orbits, k, bounds)}" for k in range(min(orbits.count, bounds.orbits))
    ]
    more = [f"  ... {orbits.count - bounds.orbits} more"] if orbits.count > bounds.orbits else []
    return [head, *lines, *more, *(f"  {line}" for line in _legend(orbits))]


def _members(layout: Layout, orbits: ColumnOrbits, orbit: int, bounds: PictureBounds) -> str:
    members = orbits.members(orbit)
    signs = {1: "", -1: "-", 0: "±"}
    shown = [f"{signs[int(orbits.signs[k])]}{name_words(layout.names[k])}" for k in members[: bounds.names]]
    more = f" ... {len(members) - bounds.names} more" if len(members) > bounds.names else ""
    return f"{' '.join(shown)}{more}{' (alone)' if len(members) == 1 else ''}"


def layout_notes(name: str, letter: str, rep: Representation, names: Sequence[str] = ()) -> list[str]:
    """Return a note for each part of an expression that puts several channels on points.

    Args:
        name: "in_rep" or "out_rep", the setting.
        letter: "x" or "y", as columns are called.
        rep: The representation, as composed from its expression.
        names: Names of the columns; empty for their numbers.
    """
    known = tuple(map(name_words, names)) or tuple(f"{letter}{k}" for k in range(rep.dim))
    return [_note(setting(name), known, part, start) for part, start in _parts(rep, 0) if _channels(part) is not None]


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
    built = rep.construction
    if built is None:
        return None
    if built.operation == "multiple" and built.count > 1:
        part, count, by_point = built.parts[0], built.count, False
    elif built.operation == "tensor" and _is_trivial(built.parts[1]):
        part, count, by_point = built.parts[0], built.parts[1].dim, True
    elif built.operation == "tensor" and _is_trivial(built.parts[0]):
        part, count, by_point = built.parts[1], built.parts[0].dim, False
    else:
        return None
    return (part, count, by_point) if part.dim > 1 and count > 1 and not _is_trivial(part) else None


def _is_trivial(rep: Representation) -> bool:
    return rep.construction is not None and rep.construction.operation == "trivial"


def _note(flag: str, names: tuple[str, ...], rep: Representation, start: int) -> str:
    found = _channels(rep)
    if found is None:
        return ""
    part, count, by_point = found
    one, many = ("point", "channel") if _moves_points(part) else ("coordinate", "copy")
    inner, outer = (count, part.dim) if by_point else (part.dim, count)
    name, over = (one, many) if by_point else (many, one)
    spelt = ", ".join(f"{_columns(names, start + k * inner, inner)} are {name} {k}" for k in range(2))
    name_text = f"({part.name})" if "+" in part.name or "*" in part.name else part.name
    other = f"{count}*{name_text}" if by_point else f"{name_text}*trivial:{count}"
    more = ", and so on" if outer > 2 else ""
    return (
        f"{flag} {rep.name} takes columns {name} by {name}: {spelt}{more}; "
        f"where they stand {over} by {over} ({_columns(names, start, outer)} are {over} 0), write {other}"
    )


def _moves_points(part: Representation) -> bool:
    return isinstance(part.group, FiniteGroup) and part.kind == "permutation"


def _columns(names: tuple[str, ...], start: int, count: int) -> str:
    return f"{names[start]}..{names[start + count - 1]}"
