"""Named axes of an array whose entries are the columns of X or Y, in row-major order."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sharefind.errors import DataError, quoted, setting

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHAPE = re.compile(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8})*")


@dataclass(frozen=True)
class Axes:
    """The axes of a row's array, such as points x coords.

    Attributes:
        names: Names of the axes, slowest first: the last axis runs along neighbouring columns.
        shape: Their lengths; empty while only the names are known (`is_open`).
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def is_open(self) -> bool:
        """Whether the lengths still have to be determined from the width of flat rows and the group."""
        return len(self.shape) < len(self.names)

    @property
    def size(self) -> int:
        """Number of columns."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class AxisSettings:
    """The settings that describe the axes of one side.

    Attributes:
        letter: "x" or "y".
        axes: Name of the setting with the names of the axes.
        shape: Name of the setting with their lengths.
    """

    letter: str
    axes: str
    shape: str


INPUT_AXES = AxisSettings("x", "axes", "shape")
OUTPUT_AXES = AxisSettings("y", "out_axes", "out_shape")


def read_axes(names: str | None, shape: str | None, found: tuple[int, ...], side: AxisSettings) -> Axes | None:
    """Return the axes of the rows of a data set.

    Args:
        names: The user's names of the axes, separated by spaces; None if there are none.
        shape: Lengths of the axes for flat rows, such as "5x4"; None if the data have a shape.
        found: Shape of a row in the data.
        side: The settings of this side.

    Returns:
        The axes; None if a row is flat and has no names of axes. The axes of flat rows without lengths are open.

    Raises:
        DataError: Rows are arrays and their axes have no names, or names, lengths and data do not fit together.
    """
    if names is None:
        if shape is not None:
            raise DataError(
                f"{setting(side.shape)} {shape} gives lengths to axes without names; add {setting(side.axes)} "
                '"points coords" or the like'
            )
        if len(found) > 1:
            raise DataError(
                f"a row of {side.letter} has shape {_written(found)}; name its axes, the first one first, such as "
                f'{setting(side.axes)} "{" ".join(("points", "coords", "channels", "steps")[: len(found)])}"'
            )
        return None
    named = tuple(names.split())
    wrong = next((name for name in named if NAME.fullmatch(name) is None), None)
    if not named or wrong is not None or len(set(named)) < len(named):
        what = f"{quoted(wrong)} is no name" if wrong is not None else "give different names"
        raise DataError(f"{setting(side.axes)} {quoted(names)}: {what}; write words such as points coords")
    lengths = found if shape is None else _lengths(shape, side)
    if shape is not None and len(found) > 1 and lengths != found:
        raise DataError(
            f"{setting(side.shape)} {shape}: a row of {side.letter} already has shape {_written(found)}; drop it"
        )
    if shape is None and len(found) == 1 < len(named):
        return Axes(named, ())
    if len(named) != len(lengths):
        raise DataError(
            f'{setting(side.axes)} "{names}" names {len(named)} axes and a row of {side.letter} has shape '
            f"{_written(lengths)}; give a name for each axis"
        )
    if math.prod(lengths) != math.prod(found):
        raise DataError(
            f"{setting(side.shape)} {shape} has {math.prod(lengths)} entries and a row of {side.letter} "
            f"{math.prod(found)}; make them equal"
        )
    return Axes(named, lengths)


def shapes_of(width: int, count: int, most: int = 1000) -> list[tuple[int, ...]]:
    """Return the shapes of `count` axes, each of length 2 or more, with `width` entries.

    Args:
        width: Number of columns.
        count: Number of axes.
        most: Largest number of shapes.
    """
    if count == 1:
        return [(width,)] if width > 1 else []
    found: list[tuple[int, ...]] = []
    for first in (k for k in range(2, width // 2 + 1) if width % k == 0):
        found += [(first, *rest) for rest in shapes_of(width // first, count - 1, most)]
        if len(found) >= most:
            break
    return found[:most]


def _lengths(shape: str, side: AxisSettings) -> tuple[int, ...]:
    if SHAPE.fullmatch(shape) is None:
        raise DataError(f"{setting(side.shape)} {quoted(shape)} is not a shape; write lengths such as 5x4")
    return tuple(map(int, shape.split("x")))


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
