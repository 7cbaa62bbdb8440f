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
        names: Of the axes, the slowest first: the last one runs along neighbouring columns.
        shape: Their lengths.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class AxisSettings:
    """The settings that say what the axes of one side are.

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
    """The axes of the rows of a data set.

    Args:
        names: What the user calls them, separated by spaces; None where nothing is said.
        shape: Their lengths, such as "5x4", where the data are flat; None where the data have them.
        found: Shape of a row in the data.
        side: Whose settings these are.

    Returns:
        The axes; None where a row is flat and nothing is said of it.

    Raises:
        DataError: Nothing names the axes of rows that are arrays, or names, lengths and data do not fit.
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
    if len(named) != len(lengths):
        raise DataError(
            f'{setting(side.axes)} "{names}" names {len(named)} axes and a row of {side.letter} has shape '
            f"{_written(lengths)}; {_advice(len(named), found, side)}"
        )
    if math.prod(lengths) != math.prod(found):
        raise DataError(
            f"{setting(side.shape)} {shape} has {math.prod(lengths)} entries and a row of {side.letter} "
            f"{math.prod(found)}; make them equal"
        )
    return Axes(named, lengths)


def _advice(count: int, found: tuple[int, ...], side: AxisSettings) -> str:
    if count > 1 and len(found) == 1:
        lengths = "x".join(["A", "B", "C"][:count])
        return f"give the lengths of the axes of flat rows, such as {setting(side.shape)} {lengths}"
    return "give a name for each axis"


def _lengths(shape: str, side: AxisSettings) -> tuple[int, ...]:
    if SHAPE.fullmatch(shape) is None:
        raise DataError(f"{setting(side.shape)} {quoted(shape)} is no shape; write lengths such as 5x4")
    return tuple(map(int, shape.split("x")))


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
