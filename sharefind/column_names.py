"""Names of the columns of x and y in messages, tables and files, made safe to show and shown in one form.

The readers of files decide how a name is read. Names come from files that anyone may have written.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sharefind.errors import visible

PLAIN = re.compile(r"\w[\w.%-]*(\[[\w, =.-]*\])?(=[\w.%-]+)?")
"""Names that need no quotes in a sentence: pressure_Pa, x[0,1], quality=high."""


class BlockLabels(NamedTuple):
    """Names of the rows and columns of a block of parameters; empty for hidden units.

    Attributes:
        rows: Names of the rows.
        columns: Names of the columns.
    """

    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


NO_LABELS = BlockLabels()

BlockNames = Mapping[str, BlockLabels]
"""Labels by the name of the block; empty if the columns have no names of their own."""


def block_names(inputs: Sequence[str], outputs: Sequence[str], *, has_hidden: bool) -> BlockNames:
    """Return the labels of the blocks of a unit.

    Args:
        inputs: Names of the columns of x; empty if they are unknown.
        outputs: Names of the columns of y.
        has_hidden: Whether the unit has a hidden layer. Without one, the block "weight" maps x to y. With one, it maps
            x to the hidden units, and the block "output" maps these to y.

    Returns:
        Labels by block; a bias is one row. Empty if no column has a name of its own.
    """
    if not has_labels(inputs, outputs):
        return {}
    rows, columns = tuple(outputs), tuple(inputs)
    inner = () if has_hidden else rows
    weight, bias = BlockLabels(inner, columns), BlockLabels(columns=inner)
    return {"output": BlockLabels(rows), "weight": weight, "bias": bias}


def has_labels(inputs: Sequence[str], outputs: Sequence[str]) -> bool:
    """Return whether the columns have names of their own.

    Args:
        inputs: Names of the columns of x.
        outputs: Names of the columns of y.
    """
    return bool(inputs) and bool(outputs) and (has_own_names(inputs, "x") or has_own_names(outputs, "y"))


def default_names(letter: str, width: int) -> tuple[str, ...]:
    """Return the default names of columns: x0, x1, ...

    Args:
        letter: "x" or "y".
        width: Number of columns.
    """
    return tuple(f"{letter}{k}" for k in range(width))


def shaped_names(name: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names of the columns of an array whose rows have a shape: x[0,0], x[0,1], ..., in row-major order.

    Args:
        name: Name of the array.
        shape: Shape of one row.
    """
    places = itertools.product(*map(range, shape))
    return tuple(f"{name}[{','.join(map(str, place))}]" for place in places)


def has_own_names(names: Sequence[str], letter: str) -> bool:
    """Return whether names differ from the default names.

    Args:
        names: Names of the columns.
        letter: "x" or "y".
    """
    return tuple(names) != default_names(letter, len(names))


def kept_names(names: Sequence[str], letter: str, most: int = 200) -> tuple[str, ...]:
    """Return names as results and specifications store them: printable, not empty and of bounded length.

    Characters that cannot be printed, and characters that change the direction of writing, are replaced by their
    escapes in Python. A long name loses its middle; an empty one is replaced by its default.

    Args:
        names: The names in a file.
        letter: "x" or "y".
        most: Largest number of characters of a name.
    """
    return tuple(without_middle(visible(name), most) or f"{letter}{k}" for k, name in enumerate(names))


def without_middle(text: str, most: int) -> str:
    """Return a text shortened to `most` characters, with "..." for its middle, since ends distinguish names best.

    Args:
        text: Any text.
        most: Largest number of characters.
    """
    if len(text) <= most:
        return text
    end = (most - 3) // 2
    return f"{text[: most - 3 - end]}...{text[len(text) - end :]}"


def column_name(k: int, letter: str, names: Sequence[str]) -> str | None:
    """Return the name of a column as a sentence shows it; None if it has only a position.

    Args:
        k: Position of the column, from 0.
        letter: "x" or "y", or another word by which the message calls the values.
        names: Names of the columns; may be empty.
    """
    return name_words(names[k]) if k < len(names) and names[k] and has_own_names(names, letter) else None


def column_words(k: int, letter: str, names: Sequence[str] = ()) -> str:
    """Return a column as a message shows it: "column pressure_Pa of x", or "column 3 of x (counted from 0)" without a
    name.

    Args:
        k: Position of the column, from 0.
        letter: "x" or "y", or another word by which the message calls the values.
        names: Names of the columns; may be empty.
    """
    name = column_name(k, letter, names)
    return f"column {k} of {letter} (counted from 0)" if name is None else f"column {name} of {letter}"


def name_words(name: str, most: int = 60) -> str:
    """Return a name as a sentence shows it: in quotes if it is more than a word, and without its middle if it is long.

    Args:
        name: Any text.
        most: Largest number of characters.
    """
    shown = without_middle(visible(name), most)
    if PLAIN.fullmatch(shown):
        return shown
    mark = "'" if '"' in shown else '"'
    return f"{mark}{shown}{mark}"
