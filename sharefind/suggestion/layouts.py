"""Ways in which a group can act on the columns of one side, as representation expressions and as axes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Layout:
    """The meaning of columns: points, channels, pixels, or columns that are fixed.

    Attributes:
        flat: Representation expression for flat columns.
        points: Number of things that the group permutes: points, or pixels along a side.
        words: Description, such as "5 points with 4 columns each".
        groups: Groups that act in this way: the families "S", "D", "C" on the points, or full names.
        axes: Names of the axes; "" for flat columns.
        shape: Lengths of the axes.
        by_axes: Representation expression by axes.
        picture: Number of channels of an image, negative if the channels come last; None if this is not an image.
        plain: Complexity of the layout; among equally good layouts, the one with the smallest value is preferred.
    """

    flat: str
    points: int
    words: str
    groups: tuple[str, ...] = ("S", "D", "C")
    axes: str = ""
    shape: tuple[int, ...] = ()
    by_axes: str = ""
    picture: int | None = None
    plain: int = 0


def flat_layouts(width: int) -> Iterator[Layout]:
    """Yield the possible layouts of flat columns without further information.

    Args:
        width: Number of columns.
    """
    if width > 1:
        yield Layout("natural", width, f"all {width} columns")
    yield from _pictures(width)
    for points in range(2, width // 2 + 1):
        if width % points == 0:
            yield _by_point(points, width // points)
            yield _by_channel(points, width // points)


def partial_layout(points: int, rest: int, *, is_first: bool) -> Layout:
    """Return a layout in which the first or the last columns are points and the others are fixed.

    Args:
        points: Number of points.
        rest: Number of fixed columns.
        is_first: Whether the points come first.
    """
    flat = with_rest("natural", rest) if is_first else f"{_trivial(rest)}+natural"
    words = f"the {'first' if is_first else 'last'} {points} columns"
    return Layout(flat, points, words, ("S", "C"), plain=2)


def shaped_layouts(shape: tuple[int, ...]) -> Iterator[Layout]:
    """Yield layouts of rows that are arrays with two or three axes.

    Args:
        shape: Shape of a row.
    """
    if len(shape) == 2:
        points, channels = shape
        if points == channels and points > 2:
            yield _picture((points, points), None)
            yield _matrix(points)
        if points > 1:
            yield _by_point(points, channels)
        if channels > 1:
            yield _by_channel(channels, points)
    elif len(shape) == 3 and shape[1] == shape[2] > 1:
        yield _picture(shape[1:], shape[0])
    elif len(shape) == 3 and shape[0] == shape[1] > 1:
        yield _picture(shape[:2], shape[2], is_first=False)


def block_layout(points: int, channels: int, rest: int, words: str) -> Layout:
    """Return a layout of points with channels, point by point, followed by fixed columns.

    Args:
        points: Number of points.
        channels: Number of columns per point.
        rest: Number of fixed columns.
        words: Description.
    """
    if rest == 0 and channels > 1:
        return _by_point(points, channels)
    own = "natural" if channels == 1 else f"natural*trivial:{channels}"
    return Layout(with_rest(own, rest), points, words, plain=1 if rest else 0)


def renamed(layout: Layout, names: str) -> Layout:
    """Return the same layout with other names of its axes.

    Args:
        layout: The layout.
        names: The new names, separated by spaces.
    """
    by_axes = layout.by_axes
    for old, new in zip(layout.axes.split(), names.split(), strict=True):
        by_axes = re.sub(rf"\b{old}(?=[:*])", new, by_axes)
    return replace(layout, axes=names, by_axes=by_axes)


def with_rest(expression: str, rest: int) -> str:
    """Return a representation expression followed by fixed columns.

    Args:
        expression: The expression.
        rest: Number of fixed columns.
    """
    return expression if rest == 0 else f"{expression}+{_trivial(rest)}"


def output_layouts(width: int, points: int, flat: str, in_width: int) -> Iterator[str]:
    """Yield representation expressions for labels under a group that permutes points, likelier ones first.

    Args:
        width: Number of labels.
        points: Number of points.
        flat: Expression for the inputs.
        in_width: Number of inputs.
    """
    if width == in_width and width > 1:
        yield flat
    if width == points and flat != "natural":
        yield "natural"
    elif width > 1 and points > 1 and width % points == 0 and width != in_width:
        yield f"natural*trivial:{width // points}"
        yield f"{width // points}*natural"
    yield _trivial(width)


def _trivial(width: int) -> str:
    return "trivial" if width == 1 else f"trivial:{width}"


def _by_point(points: int, channels: int) -> Layout:
    name = "coords" if channels in (2, 3) else "channels"
    return Layout(
        f"natural*trivial:{channels}", points, f"{points} points with {channels} columns each, point by point",
        axes=f"points {name}", shape=(points, channels), by_axes=f"points:natural {name}:trivial", plain=1,
    )  # fmt: skip


def _by_channel(points: int, channels: int) -> Layout:
    name = "coords" if channels in (2, 3) else "channels"
    return Layout(
        f"{channels}*natural", points, f"{channels} channels of {points} points, channel by channel",
        axes=f"{name} points", shape=(channels, points), by_axes=f"{name}:trivial points:natural", plain=1,
    )  # fmt: skip


def _matrix(points: int) -> Layout:
    return Layout(
        "natural*natural", points, f"a {points} x {points} matrix, rows and columns together", ("S",),
        axes="rows cols", shape=(points, points), by_axes="rows:natural cols:natural", plain=1,
    )  # fmt: skip


def _pictures(width: int) -> Iterator[Layout]:
    side = math.isqrt(width)
    if side > 2 and side * side == width:
        yield _picture((side, side), None)
        yield _matrix(side)
    odd = math.isqrt(width + 1)
    if odd > 2 and odd % 2 and odd * odd == width + 1:
        words = f"a {odd} x {odd} window without its centre"
        yield Layout(f"patch:{odd}", odd, words, ("D4", "C4"), picture=1)
    for channels in (2, 3, 4):
        side = math.isqrt(width // channels)
        if side > 2 and channels * side * side == width:
            yield _picture((side, side), channels)
            yield _picture((side, side), channels, is_first=False)


def _picture(square: tuple[int, ...], channels: int | None, *, is_first: bool = True) -> Layout:
    side = square[0]
    words, groups = f"an image of {side} x {side} pixels", ("D4", "C4")
    if channels is None:
        return Layout(
            f"grid:{side}", side, words, groups, "rows cols", (side, side), f"rows*cols:grid:{side}", picture=1
        )
    words = f"{words} and {channels} channels"
    if is_first:
        return Layout(
            f"{channels}*grid:{side}", side, words, groups, "channels rows cols", (channels, side, side),
            f"channels:trivial rows*cols:grid:{side}", picture=channels,
        )  # fmt: skip
    return Layout(
        f"grid:{side}*trivial:{channels}", side, words, groups, "rows cols channels", (side, side, channels),
        f"rows*cols:grid:{side} channels:trivial", picture=-channels,
    )  # fmt: skip
