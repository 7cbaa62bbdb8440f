"""What columns of x and y are called in messages, tables and files, whoever named them: names come from anyone's file.

How a name is read is for the readers of files to say; here it is only made safe to show, and shown in one form.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sharefind.errors import visible

PLAIN = re.compile(r"\w[\w.%-]*(\[[\w, =.-]*\])?(=[\w.%-]+)?")
"""Names that need no quotes to be told from the words around them: pressure_Pa, x[0,1], quality=high."""


class BlockLabels(NamedTuple):
    """What the rows and the columns of a block of Z are called; empty where they are hidden units.

    Attributes:
        rows: Names of the rows.
        columns: Names of the columns.
    """

    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


NO_LABELS = BlockLabels()

BlockNames = Mapping[str, BlockLabels]
"""The labels of blocks by their names; none where columns have no names of their own."""


def block_names(inputs: Sequence[str], outputs: Sequence[str], *, has_hidden: bool) -> BlockNames:
    """The labels of the blocks of a unit: a weight maps x to y, or x to hidden units with an output block behind it.

    Args:
        inputs: Names of the columns of x; none where they are not known.
        outputs: Names of the columns of y.
        has_hidden: Whether the unit has a hidden layer.

    Returns:
        Labels by block; a bias is one row.
    """
    if not has_labels(inputs, outputs):
        return {}
    rows, columns = tuple(outputs), tuple(inputs)
    inner = () if has_hidden else rows
    weight, bias = BlockLabels(inner, columns), BlockLabels(columns=inner)
    return {"output": BlockLabels(rows), "weight": weight, "bias": bias}


def has_labels(inputs: Sequence[str], outputs: Sequence[str]) -> bool:
    """Whether columns are known by names of their own."""
    return bool(inputs) and bool(outputs) and (has_own_names(inputs, "x") or has_own_names(outputs, "y"))


def default_names(letter: str, width: int) -> tuple[str, ...]:
    """What columns are called where nothing is said: x0, x1, ...

    Args:
        letter: "x" or "y".
        width: Number of columns.
    """
    return tuple(f"{letter}{k}" for k in range(width))


def shaped_names(name: str, shape: Sequence[int]) -> tuple[str, ...]:
    """What the columns of an array a row are called: x[0,0], x[0,1], ..., in row-major order.

    Args:
        name: Of the array.
        shape: Of a row.
    """
    places = itertools.product(*map(range, shape))
    return tuple(f"{name}[{','.join(map(str, place))}]" for place in places)


def has_own_names(names: Sequence[str], letter: str) -> bool:
    """Whether names say more than the positions of the columns do."""
    return tuple(names) != default_names(letter, len(names))


def kept_names(names: Sequence[str], letter: str, most: int = 200) -> tuple[str, ...]:
    """Names as results and specifications keep them: printable, not empty and of bounded length.

    Characters that cannot be printed, and those that change the direction of writing, become their escapes in Python;
    long names lose their middle, an empty one is called by its position.

    Args:
        names: As a file has them.
        letter: "x" or "y".
        most: Most characters of a name.
    """
    return tuple(without_middle(visible(name), most) or f"{letter}{k}" for k, name in enumerate(names))


def without_middle(text: str, most: int) -> str:
    """A text of at most `most` characters; "..." stands for the middle of a longer one, since ends tell names apart."""
    if len(text) <= most:
        return text
    end = (most - 3) // 2
    return f"{text[: most - 3 - end]}...{text[len(text) - end :]}"


def column_name(k: int, letter: str, names: Sequence[str]) -> str | None:
    """The name of column k within a sentence; None where it has none but its position.

    Args:
        k: Position of the column, from 0.
        letter: "x" or "y", or what else the message calls the values.
        names: Of the columns; none where nothing is said.
    """
    return name_words(names[k]) if k < len(names) and names[k] and has_own_names(names, letter) else None


def column_words(k: int, letter: str, names: Sequence[str] = ()) -> str:
    """Column k in a message: "column pressure_Pa of x", or "column 3 of x (counted from 0)" where it has no name.

    Args:
        k: Position of the column, from 0.
        letter: "x" or "y", or what else the message calls the values.
        names: Of the columns; none where nothing is said.
    """
    name = column_name(k, letter, names)
    return f"column {k} of {letter} (counted from 0)" if name is None else f"column {name} of {letter}"


def name_words(name: str, most: int = 60) -> str:
    """A name within a sentence: in quotes where it holds more than a word, long ones without their middle.

    Args:
        name: Anything.
        most: Most characters of it.
    """
    shown = without_middle(visible(name), most)
    if PLAIN.fullmatch(shown):
        return shown
    mark = "'" if '"' in shown else '"'
    return f"{mark}{shown}{mark}"
