"""The groups that a quick look compares on a data set: from its shapes, and from the names of its columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sharefind.datasets.column_choice import written
from sharefind.suggestion.actions import SuggestedAction, actions_of, with_settings
from sharefind.suggestion.layouts import (
    Layout,
    block_layout,
    flat_layouts,
    partial_layout,
    shaped_layouts,
    with_rest,
)
from sharefind.suggestion.likeness import Look, like_runs
from sharefind.suggestion.name_blocks import NameBlock, name_blocks
from sharefind.suggestion.sheet import Sheet
from sharefind.typing import IntArray


def candidates(sheet: Sheet, look: Look, most: int = 60) -> list[SuggestedAction]:
    """Return groups on the columns of a sheet, without repetitions; groups that the column names indicate come first.

    Args:
        sheet: The data.
        look: Statistics of the columns of x.
        most: Largest number of groups.
    """
    found: dict[tuple[object, ...], SuggestedAction] = {}
    for action in _all(sheet, look):
        key = (*(g.tobytes() for g in action.inputs), *(g.tobytes() for g in action.outputs))
        found.setdefault((action.group, *key), action)
        if len(found) >= most:
            break
    return list(found.values())


def _all(sheet: Sheet, look: Look) -> Iterator[SuggestedAction]:
    for action in _on_inputs(sheet, look):
        yield with_settings(action, _out_axes(sheet, action))


def _on_inputs(sheet: Sheet, look: Look) -> Iterator[SuggestedAction]:
    """Yield groups from the columns of x; they do not name the axes of y."""
    widths = (sheet.x.shape[1], sheet.y.shape[1])
    if len(sheet.shape) > 1:
        for layout in shaped_layouts(sheet.shape):
            yield from actions_of(layout, widths, names=sheet.settings.get("axes"), is_shaped=True)
        return
    said = _said_axes(sheet)
    if said is not None:
        for layout in shaped_layouts(said):
            yield from actions_of(layout, widths, names=sheet.settings.get("axes"))
        return
    if sheet.is_named:
        yield from _by_names(sheet, widths)
    layouts = [] if sheet.is_mixed else list(flat_layouts(widths[0]))
    plain = [layout for layout in layouts if layout.plain == 0]
    others = [layout for layout in layouts if layout.plain > 0]
    for layout in (*plain, *_partial(look, widths[0]), *others):
        yield from actions_of(layout, widths, is_flat=sheet.is_task)


def axis_names(count: int, *, is_picture: bool = False) -> str:
    """Return default names for the axes of a row.

    Args:
        count: Number of axes.
        is_picture: Whether the row is an image.
    """
    names = ("rows", "cols", "channels") if is_picture else ("points", "coords", "channels")
    return " ".join(names[:count] if count <= len(names) else [f"axis_{k}" for k in range(count)])


def _out_axes(sheet: Sheet, action: SuggestedAction) -> dict[str, str]:
    if len(sheet.out_shape) < 2 or "out_axes" in sheet.settings:
        return {}
    return {"out_axes": axis_names(len(sheet.out_shape), is_picture=action.layout.picture is not None)}


def _said_axes(sheet: Sheet) -> tuple[int, ...] | None:
    """Return the lengths of the axes that the user gave to flat columns."""
    shape = sheet.settings.get("shape")
    return tuple(map(int, shape.split("x"))) if shape is not None and shape.count("x") else None


def _partial(look: Look, width: int, small: int = 8) -> Iterator[Layout]:
    """Yield layouts of some columns at one end that look alike or are nearly all; the other columns are fixed."""
    first, last = like_runs(look)
    near = {width - 1, width - 2} if width <= small else set[int]()
    for is_first, run in ((True, first), (False, last)):
        for points in sorted({run, *near}, reverse=True):
            if 2 <= points < width:
                yield partial_layout(points, width - points, is_first=is_first)


def _by_names(sheet: Sheet, widths: tuple[int, int]) -> Iterator[SuggestedAction]:
    blocks = name_blocks(sheet.inputs)
    for block in blocks:
        words = f"the {len(block.points)} columns {block.words}"
        if block.channels > 1:
            words = f"{len(block.points)} points ({', '.join(block.points[:6])}) with {block.channels} columns each"
        rest = widths[0] - len(block.flat)
        layout = block_layout(len(block.points), block.channels, rest, words)
        yield from _in_order(sheet, layout, block.flat, widths)
    for one in blocks:
        for other in blocks:
            if one is not other and _is_apart(one, other) and len(one.points) >= len(other.points):
                yield from _in_order(sheet, _both(one, other, widths[0]), (*one.flat, *other.flat), widths)


def _is_apart(one: NameBlock, other: NameBlock) -> bool:
    return one.channels == other.channels == 1 and not set(one.flat) & set(other.flat)


def _both(one: NameBlock, other: NameBlock, width: int) -> Layout:
    p, q = len(one.points), len(other.points)
    words = f"the {p} columns {one.words} and, apart from them, the {q} columns {other.words}"
    return Layout(with_rest("natural", width - p - q), p + q, words, (f"S{p}xS{q}",), plain=1)


def _in_order(
    sheet: Sheet, layout: Layout, columns: tuple[int, ...], widths: tuple[int, int]
) -> Iterator[SuggestedAction]:
    """Yield actions on columns in the order of a block, with the other columns behind it."""
    order: IntArray = np.array([*columns, *(k for k in range(widths[0]) if k not in columns)], dtype=np.int64)
    is_own = bool((order == np.arange(widths[0])).all())
    if not is_own and not sheet.orders_columns:
        return
    listed = {} if is_own else {"inputs": ",".join(written(sheet.inputs[k]) for k in order)}
    for action in actions_of(layout, widths, order):
        if listed and (action.settings["out_rep"] == layout.flat and widths[0] == widths[1]):
            continue  # labels are in the order of the file, but these moves use another order
        yield with_settings(action, listed)
