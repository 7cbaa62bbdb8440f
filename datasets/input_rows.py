"""Inputs of a file on their own, for what needs no labels: rows on which a network is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

from sharefind.datasets.column_choice import Columns
from sharefind.datasets.data_formats import FORMATS, any_file, format_of, read_columns
from sharefind.datasets.registry import load_task, task_names
from sharefind.datasets.roles import Roles
from sharefind.datasets.selection import COLUMN, Selection, select
from sharefind.datasets.table_task import table_inputs
from sharefind.datasets.task import check_inputs
from sharefind.errors import DataError, quoted, setting
from sharefind.groups.axes import Axes
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits
from sharefind.typing import FloatArray


@dataclass(frozen=True, eq=False)
class InputRows:
    """Inputs with the names of their columns.

    Attributes:
        x: Shape (n, d), finite float64.
        names: Names of the columns.
        axes: Axes of a row; None for one axis without a name.
    """

    x: FloatArray
    names: tuple[str, ...]
    axes: Axes | None = None


def load_inputs(
    path_or_name: str | Path, limits: Limits = DEFAULT_LIMITS, roles: Roles | None = None, known: Sequence[str] = ()
) -> InputRows:
    """Return the inputs of a file or of a named data set; labels need not be there.

    Rows of several axes that have no names are flattened. Without roles, inputs are the array `x` of an archive or its
    only array; the columns `known` of a table, where it has all of them; else its columns x0, x1, ...; else all of its
    columns.

    Args:
        path_or_name: The file, or the name of a data set with rows.
        limits: Size limit of the file.
        roles: Roles of the columns.
        known: Names of inputs that are known otherwise, such as those in an exported network.

    Raises:
        DataError: There is no such file or data set; it cannot be read; columns hold no finite numbers.
    """
    roles, name, kind = roles or Roles(), str(path_or_name), format_of(path_or_name)
    if name in task_names():
        said = next((f.name for f in fields(roles) if getattr(roles, f.name) is not None), None)
        if said is not None:
            raise DataError(f"{setting(said)} is about columns of a file, and {name} is none; leave it out")
        task = load_task(name)
        x, _ = task.arrays()
        return InputRows(x, task.inputs, task.in_axes)
    if kind is None:
        path = Path(path_or_name)
        if path.suffix.lower() in PICKLES:
            raise DataError(f"{name}: such files can run code when they are read; save it with numpy.savez(path, x=x)")
        if path.exists():
            suffixes = ", ".join(one.suffix for one in FORMATS)
            raise DataError(f"{name}: not a kind of file that sharefind reads; use {suffixes}")
        raise DataError(f"no data set or file {quoted(name)}; give {any_file()}")
    table = read_columns(kind, path_or_name, limits, roles, select=partial(_selected, known=tuple(known)))
    if roles.axes is None and roles.shape is None:
        flat = {name: v.reshape(len(v), -1) if v.ndim > 2 else v for name, v in table.columns.items()}
        table = replace(table, columns=flat)
    chosen = _selected(table.choice, roles, tuple(known))
    side = table_inputs(table, chosen, roles)
    return InputRows(check_inputs(side.values, table.source, side.names), side.names, side.axes)


def _selected(columns: Columns, roles: Roles, known: tuple[str, ...]) -> Selection:
    """Return the columns of x, and no others."""
    names = list(columns.header)
    if roles.inputs is None and roles.outputs is None:
        dropped = {k for c in columns.chosen(roles.drop, "drop") for k in c.positions} if roles.drop else set()
        left = tuple(k for k in range(len(names)) if k not in dropped)
        if not left:
            raise columns.refused(f"{setting('drop')} leaves no column; drop fewer")
        positions = _usual(columns, left, known)
    else:
        positions = _named(columns, roles)
    return Selection(inputs=positions, categorical=_categorical(columns, roles, positions))


def _usual(columns: Columns, left: tuple[int, ...], known: tuple[str, ...]) -> tuple[int, ...]:
    names = {columns.header[k]: k for k in left}
    if columns.kind == "array":
        if "x" in names:
            return (names["x"],)
        if len(left) == 1:
            return left
        raise columns.refused(f"no array 'x', {columns.listing()}; name the inputs with {setting('inputs')}")
    if known and all(name in names for name in known):
        return tuple(names[name] for name in known)
    numbered = {int(m[2]): k for name, k in names.items() if (m := COLUMN.fullmatch(name)) and m[1] == "x"}
    if numbered:
        missing = next((k for k in range(len(numbered)) if k not in numbered), None)
        if missing is not None:
            raise columns.refused(f"no column 'x{missing}'; name the inputs with {setting('inputs')}")
        return tuple(numbered[k] for k in range(len(numbered)))
    return left


def _named(columns: Columns, roles: Roles) -> tuple[int, ...]:
    """Return the inputs that are named, or all columns beside the outputs."""
    if roles.outputs is not None:
        return select(columns, replace(roles, categorical=None)).inputs
    found = [k for choice in columns.chosen(roles.inputs or "", "inputs") for k in choice.positions]
    if len(set(found)) < len(found):
        raise columns.refused(f"{setting('inputs')} gives a column twice; give each once")
    return tuple(found)


def _categorical(columns: Columns, roles: Roles, inputs: tuple[int, ...]) -> tuple[int, ...]:
    if roles.categorical is None:
        return ()
    found = tuple(k for choice in columns.chosen(roles.categorical, "categorical") for k in choice.positions)
    other = next((k for k in found if k not in inputs), None)
    if other is not None:
        raise columns.refused(f"{quoted(columns.name(other))} in {setting('categorical')} is no input; add it to them")
    return found
