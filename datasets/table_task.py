"""A task from named columns: rows x and y with the names of their columns, classes, axes and units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.column_names import default_names, shaped_names
from sharefind.datasets.classes import (
    categories,
    class_levels,
    is_words,
    looks_like_classes,
    refuse_no_one_hot,
)
from sharefind.datasets.column_choice import first_twin, written
from sharefind.datasets.roles import Roles
from sharefind.datasets.row_keys import unit_numbers
from sharefind.datasets.selection import Selection, select
from sharefind.datasets.tables import Table
from sharefind.datasets.task import NUMERIC_KINDS, TIME_KINDS, Task, check_arrays
from sharefind.errors import quoted, setting, visible
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, Axes, AxisSettings, read_axes
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class Side:
    """x or y of a table.

    Attributes:
        values: A column for each number of a row, (n, d).
        names: Names of these columns.
        axes: Axes of a row; None for one axis without a name.
        classes: Names of classes, where each has a column.
        array: Name of the one array that all columns are of, from which names follow; None for columns of their own.
    """

    values: NDArray[Any]
    names: tuple[str, ...]
    axes: Axes | None = None
    classes: tuple[str, ...] = ()
    array: str | None = None


@dataclass(frozen=True, eq=False)
class Sides:
    """x and y of a table, and its units of rows.

    Attributes:
        x: Inputs.
        y: Labels.
        units: The unit of each row, shape (n,), int64; None where no column names it.
    """

    x: Side
    y: Side
    units: IntArray | None


def table_task(table: Table, roles: Roles | None = None, name: str = "table", description: str = "") -> Task:
    """Return the task of a table, after roles name its inputs and labels.

    Args:
        table: Named columns, or arrays.
        roles: Roles of the columns.
        name: Name of the task.
        description: One line of description.

    Raises:
        DataError: As in `table_arrays`, or values are not finite.
    """
    sides, source = table_arrays(table, roles or Roles()), table.source
    del table  # a large one need not be held beside its copies
    x, y = check_arrays(sides.x.values, sides.y.values, source, sides.x.names, sides.y.names)
    return Task(
        name,
        x.shape[1],
        y.shape[1],
        description,
        x=x,
        y=y,
        units=sides.units,
        inputs=sides.x.names,
        outputs=sides.y.names,
        classes=sides.y.classes,
        in_axes=sides.x.axes,
        out_axes=sides.y.axes,
        out_rep=f"trivial:{len(sides.y.classes)}" if sides.y.classes else None,
    )


def table_arrays(table: Table, roles: Roles, *, is_asking: bool = True) -> Sides:
    """Return x and y of a table, with its units of rows.

    Args:
        table: Named columns, or arrays.
        roles: Roles of the columns.
        is_asking: Whether labels that look like classes are refused where nothing says what they are.

    Raises:
        DataError: Roles do not fit the columns; words are neither classes nor categories; rows have no label; labels
            may be numbers or classes; axes do not fit; columns have different lengths.
    """
    found = select(table.choice, roles)
    rows = _refuse_lengths(table, found)
    x = _inputs(table, found, roles)
    y = _labels(table, found, roles, is_asking=is_asking)
    units = None
    if found.units is not None:
        units = unit_numbers(_values(table, found.units), rows, f"{table.source}: {roles.rows_of}")
    return Sides(x, y, units)


def table_inputs(table: Table, found: Selection, roles: Roles) -> Side:
    """Return the inputs of a table that holds no labels, or whose labels are not needed.

    Args:
        table: Named columns, or arrays.
        found: Which of them are inputs.
        roles: Roles of the columns.

    Raises:
        DataError: As in `table_arrays`.
    """
    _refuse_lengths(table, found)
    return _inputs(table, found, roles)


def _values(table: Table, position: int) -> NDArray[Any]:
    return table.columns[table.choice.name(position)]


def _refuse_lengths(table: Table, found: Selection) -> int:
    """The number of rows, which must be one."""
    lengths = {table.choice.name(k): _values(table, k) for k in (*found.inputs, *found.outputs)}
    for name, values in lengths.items():
        if values.ndim == 0:
            raise table.refused(f"{quoted(name)} is a single value; give one for each row")
        if values.size == 0:
            raise table.refused(
                f"{visible(name)} is empty, its shape is {values.shape}; give at least one row and one column"
            )
    (first, rows), *others = ((name, len(values)) for name, values in lengths.items())
    for name, length in others:
        if length != rows:
            one, other = visible(first), visible(name)
            raise table.refused(
                f"{one} has {rows} rows but {other} has {length}; give one row of {other} for each row of {one}"
            )
    return rows


def _inputs(table: Table, found: Selection, roles: Roles) -> Side:
    parts = list[Side]()
    for k in found.inputs:
        name, values = table.choice.name(k), _values(table, k)
        if k in found.categorical:
            columns, names = categories(_flat(values, name, table), name, table.source)
            parts.append(Side(columns, tuple(names)))
        else:
            if is_words(values):
                raise table.refused(_words_among_inputs(name, values))
            if roles.inputs is None and roles.outputs is not None and not table.is_archive and _counts_rows(values):
                raise table.refused(
                    f"column {quoted(name)} counts the rows and no setting names it as an input; leave it out with "
                    f"{setting('drop')} {written(name)}, or name all inputs with {setting('inputs')}"
                )
            parts.append(_part(values, name, table))
    return _joined(parts, roles.axes, roles.shape, INPUT_AXES, table)


def _counts_rows(values: NDArray[Any], least: int = 10) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..., in the order of the rows.

    Args:
        values: The column.
        least: Fewest rows that are taken for no accident.
    """
    if values.ndim != 1 or len(values) < least or values.dtype.kind not in "iuf":
        return False
    return values[0] in (0, 1) and bool((values == np.arange(len(values)) + values[0]).all())


def _words_among_inputs(name: str, values: NDArray[Any]) -> str:
    word = next(value for value in values.flat if isinstance(value, (str, bytes)))
    plain = word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else str(word)
    return (
        f"{quoted(name)} among the inputs holds words ({quoted(plain)}); name it with {setting('categorical')} if they "
        f"are categories, or leave it out with {setting('drop')}"
    )


def _labels(table: Table, found: Selection, roles: Roles, *, is_asking: bool) -> Side:
    positions = found.outputs
    parts = [(table.choice.name(k), _values(table, k)) for k in positions]
    words = [name for name, values in parts if is_words(values)]
    width = sum(math.prod(values.shape[1:]) for _, values in parts)
    if words and (roles.labels == "numbers" or width > 1):
        what = f"{quoted(words[0])} among the labels holds words"
        if roles.labels == "numbers":
            raise table.refused(f"{what}, which are classes and no numbers; choose {setting('labels')} accordingly")
        raise table.refused(f"{what}, and there are {width} columns of labels; choose one column of classes")
    if width == 1 and (words or roles.labels == "classes"):
        return _classes(_flat(parts[0][1], parts[0][0], table), parts[0][0], table, roles)
    sides = [_part(values, name, table, "y") for name, values in parts]
    if is_asking and width == 1 and roles.labels is None:
        _ask_kind(table, parts[0][0], sides[0].values)
    joined = _joined(sides, roles.out_axes, roles.out_shape, OUTPUT_AXES, table)
    if roles.labels != "classes":
        return joined
    refuse_no_one_hot(joined.values, joined.names, table.source)
    return Side(joined.values, joined.names, joined.axes, joined.names)


def _ask_kind(table: Table, name: str, values: NDArray[Any]) -> None:
    count = looks_like_classes(values)
    if count:
        raise table.refused(f"{visible(name)} looks like {count} classes: {setting('labels')}")


def _classes(values: NDArray[Any], name: str, table: Table, roles: Roles) -> Side:
    levels = class_levels(values, name, table.source)
    axes = read_axes(roles.out_axes, roles.out_shape, (len(levels.names),), OUTPUT_AXES)
    return Side(levels.one_hot, tuple(f"{name}={level}" for level in levels.names), axes, levels.names)


def _flat(values: NDArray[Any], name: str, table: Table) -> NDArray[Any]:
    """One value for each row, (n,)."""
    if values.ndim > 1 and math.prod(values.shape[1:]) != 1:
        raise table.refused(f"{quoted(name)} has shape {values.shape}; give one value for each row")
    return values.reshape(-1)


def _part(values: NDArray[Any], name: str, table: Table, letter: str = "x") -> Side:
    """The columns of one array, (n, d), with names; an array of a row keeps its shape in `axes` without names."""
    if isinstance(values, np.ma.MaskedArray) and np.count_nonzero(np.ma.getmaskarray(values)):
        masked = np.count_nonzero(np.ma.getmaskarray(values))
        raise table.refused(f"{visible(name)} has {masked} masked values; fill them in or remove those rows")
    if values.dtype.kind in TIME_KINDS:
        raise table.refused(
            f"{quoted(name)} holds dates or times; save them as numbers, such as seconds since the first row, or leave "
            f"them out with {setting('drop')}"
        )
    if values.dtype.kind not in NUMERIC_KINDS:
        raise table.refused(f"{visible(name)} has dtype {values.dtype}, which is not real numbers; save it as floats")
    shape = values.shape[1:]
    if values.ndim == 1:
        return Side(values[:, None], (name,))
    if len(shape) == 1:
        return Side(values, default_names(name, shape[0]), array=name)
    names = shaped_names(name, shape)
    return Side(values.reshape(len(values), -1), names, Axes(("",) * len(shape), shape), array=name)


def _joined(parts: Sequence[Side], axes: str | None, shape: str | None, side: AxisSettings, table: Table) -> Side:
    """Columns side by side, with the axes that the user names."""
    deep = next((part for part in parts if part.axes is not None), None)
    if deep is not None and len(parts) > 1:
        raise table.refused(
            f"{visible(deep.array or '')} has rows of several axes and cannot stand beside other arrays in "
            f"{setting('inputs' if side is INPUT_AXES else 'outputs')}; choose it alone, or flatten it"
        )
    is_whole = len(parts) == 1 and parts[0].array is not None
    values = parts[0].values if is_whole else np.concatenate([part.values for part in parts], axis=1)
    names = tuple(name for part in parts for name in part.names)
    found = deep.axes.shape if deep is not None and deep.axes is not None else (len(names),)
    named = read_axes(axes, shape, found, side)
    if named is not None and len(named.shape) > 1 and parts[0].array is not None and is_whole:
        names = shaped_names(parts[0].array, named.shape)
    twin = first_twin(names)
    if twin is not None:
        raise table.refused(f"two columns are called {quoted(twin)}; rename one of the arrays")
    return Side(values, names, named)
