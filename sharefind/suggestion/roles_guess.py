"""Guesses which columns of a table are inputs and which are labels, if the user does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.classes import is_words, looks_like_classes
from sharefind.datasets.column_choice import written
from sharefind.datasets.roles import Roles
from sharefind.datasets.selection import COLUMN, select
from sharefind.datasets.table_task import Sides, table_arrays
from sharefind.datasets.tables import Table
from sharefind.errors import quoted, setting
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, shapes_of
from sharefind.suggestion.column_kinds import NAME_WORDS, Column, column_of, names_label, words_of
from sharefind.suggestion.name_blocks import name_blocks
from sharefind.suggestion.sheet import Sheet, checked
from sharefind.typing import FloatArray


@dataclass
class _Guess:
    """Roles while they are determined.

    Attributes:
        roles: The roles known so far.
        notes: The reasons.
        has_time: Whether a column shows that rows follow each other in time.
    """

    roles: Roles
    notes: list[str] = field(default_factory=list)
    has_time: bool = False

    def say(self, note: str, **roles: Any) -> None:
        """Set roles and record the reason."""
        self.roles = replace(self.roles, **roles)
        self.notes.append(note)


def sheet_of(table: Table, roles: Roles) -> Sheet:
    """Return the inputs and labels of a table.

    Args:
        table: All its columns, or all arrays of an archive.
        roles: Roles that the user gave; they are not changed.

    Raises:
        DataError: No column can serve as input or none as label, or a column cannot be used.
    """
    guess = _Guess(roles)
    if table.is_archive or any(np.ndim(values) > 1 for values in table.columns.values()):
        _guess_arrays(table, guess)
    else:
        _guess_columns(table, guess)
    _guess_labels(table, guess)
    asked = _with_some_axes(table, guess.roles)
    sides = table_arrays(table, asked, is_asking=False)
    _refuse_open_axes(sides, table)
    x, y = (np.asarray(side.values, dtype=np.float64) for side in (sides.x, sides.y))
    said = {f.name: str(value) for f in fields(Roles) if (value := getattr(guess.roles, f.name)) is not None}
    if roles.drop is None and "inputs" in said and "outputs" in said:
        said.pop("drop", None)  # columns that are neither are left out anyway
    shapes = [side.axes.shape if side.axes is not None else (side.values.shape[1],) for side in (sides.x, sides.y)]
    is_numbered = all(COLUMN.fullmatch(name) for name in sides.x.names)
    sheet = Sheet(
        x, y, sides.x.names, shapes[0], shapes[1], said, tuple(guess.notes), len(x),
        orders_columns=not table.is_archive and guess.roles.categorical is None and sides.x.array is None,
        is_named=not is_numbered and sides.x.array is None, has_time=guess.has_time, units=sides.units,
        is_mixed=_is_mixed(table, guess.roles),
    )  # fmt: skip
    return checked(sheet, table.source)


def _refuse_open_axes(sides: Sides, table: Table) -> None:
    """Refuse flat columns whose axes are named but have no known lengths, since no group determines them."""
    for part, side in ((sides.x, INPUT_AXES), (sides.y, OUTPUT_AXES)):
        if part.axes is None or not part.axes.is_open:
            continue
        shapes = shapes_of(len(part.names), len(part.axes.names), most=6)
        ways = " or ".join(f"{setting(side.shape)} {'x'.join(map(str, shape))}" for shape in shapes)
        advice = f"give their lengths, such as {ways}" if shapes else "no shape with these axes fits; name fewer"
        raise table.refused(
            f"{setting(side.axes)} names {len(part.axes.names)} axes, and the {len(part.names)} columns of "
            f"{side.letter} are flat; {advice}"
        )


def _is_mixed(table: Table, roles: Roles) -> bool:
    found = select(table.choice, roles)
    return 0 < len(found.categorical) < len(found.inputs)


def _with_some_axes(table: Table, roles: Roles) -> Roles:
    """Name the axes of arrays with several axes, so that the arrays can be read."""
    found = select(table.choice, roles)
    for name, positions in (("axes", found.inputs), ("out_axes", found.outputs)):
        dims = max(np.ndim(table.columns[table.choice.name(k)]) for k in positions)
        if getattr(roles, name) is None and dims > 2:
            named: dict[str, Any] = {name: " ".join(f"axis_{k}" for k in range(dims - 1))}
            roles = replace(roles, **named)
    return roles


def _guess_columns(table: Table, guess: _Guess) -> None:
    names = table.choice
    columns = [column_of(names.name(k), k, table.columns[names.name(k)]) for k in _read(table)]
    is_said = guess.roles.inputs is not None or guess.roles.outputs is not None
    left = columns if is_said else _without_others(columns, guess)
    named = [COLUMN.fullmatch(column.name) for column in left]
    if not is_said and not (all(named) and {match[1] for match in named if match} == {"x", "y"}):
        _guess_sides(left, columns, table, guess)
    found = select(names, guess.roles)
    words = [c for c in columns if c.position in found.inputs and is_words(c.values)]
    if words and guess.roles.categorical is None:
        guess.say(f"{quoted(_names(words))} among the inputs holds words: categories", categorical=_listed(words))
    elif guess.roles.categorical is None:
        for column, count in _codes([c for c in columns if c.position in found.inputs]):
            taken = f"taken as sizes; {setting('categorical')} takes them as names of kinds"
            guess.notes.append(f"{quoted(column.name)} has {count} different whole values, {taken}")


def _codes(inputs: list[Column], least: int = 3, most: int = 12, share: float = 0.1) -> list[tuple[Column, int]]:
    """Return inputs that may be codes of categories, with the number of their values.

    Such an input has few different whole values, and its name resembles no other.

    Args:
        inputs: The inputs.
        least: Smallest number of different values.
        most: Largest number of different values.
        share: Largest number of different values, as a share of the rows.
    """
    in_blocks = {k for block in name_blocks([column.name for column in inputs]) for k in block.flat}
    found = [(c, c.repeats) for k, c in enumerate(inputs) if k not in in_blocks and c.kind == "numbers"]
    return [
        (c, count)
        for c, count in found
        if least <= count <= min(most, share * len(c.values)) and (c.values == np.rint(c.values)).all()
    ]


def _read(table: Table) -> list[int]:
    """Return the positions of the columns that were read."""
    return [k for k in range(len(table.header)) if table.choice.name(k) in table.columns]


def _without_others(columns: list[Column], guess: _Guess) -> list[Column]:
    """Return the columns that may be inputs or labels; drop times, row numbers and names of units."""
    left, dropped = list[Column](), list[Column]()
    for column in columns:
        guess.has_time = guess.has_time or column.kind == "time"
        if column.name == guess.roles.rows_of:
            continue
        if column.kind in ("numbers", "words"):
            left.append(column)
        elif column.kind == "unit" and guess.roles.rows_of is None and column.repeats:
            why = f"{quoted(column.name)} has {column.repeats} values, each in several rows, which may be dependent"
            guess.say(why, rows_of=column.name)
        else:
            dropped.append(column)
    if dropped:
        kinds = ", ".join(f"{quoted(c.name)} ({'name of a row' if c.kind == 'unit' else c.kind})" for c in dropped)
        already = [guess.roles.drop] if guess.roles.drop else []
        guess.say(f"left out: {kinds}", drop=",".join([*already, _listed(dropped)]))
    return left


def _guess_sides(left: list[Column], read: list[Column], table: Table, guess: _Guess) -> None:
    """Choose the labels by words in the names, or else one column that differs from the others."""
    if len(left) < 2:
        other = [column for column in read if column not in left]
        why = f"; {quoted(_names(other))} seem to be times, row numbers or names of rows" if other else ""
        raise table.refused(
            f"its columns of numbers or of few words: {_names(left) or 'none'}{why}; give one at least for inputs and "
            f"one for labels, or name them with {setting('inputs')} and {setting('outputs')}"
        )
    labels = [column for column in left if names_label(column.name)] or _later(left)
    why = "by its name" if len(labels) == 1 else "by their names"
    if not labels or len(labels) == len(left):
        labels, why = _one_hot_with(_odd_one(left), left), f"since no name says so; {setting('outputs')} names others"
        if len(labels) == 1:
            why = f"since no name says which column it is; {setting('outputs')} names another"
    inputs = [column for column in left if column not in labels]
    taken = "is taken as the label" if len(labels) == 1 else "are taken as labels"
    guess.say(f"{quoted(_names(labels))} {taken} {why}", inputs=_listed(inputs), outputs=_listed(labels))


def _later(left: list[Column]) -> list[Column]:
    """Return columns that repeat others under a name with a word such as "next"."""
    return [column for column in left if set(words_of(column.name)) & NAME_WORDS.later]


def _odd_one(left: list[Column]) -> Column:
    """Return the last column whose name resembles no other; the last of all if there is none."""
    in_blocks = {k for block in name_blocks([column.name for column in left]) for k in block.flat}
    alone = [column for k, column in enumerate(left) if k not in in_blocks]
    words = [column for column in alone if is_words(column.values)]
    if words:
        return words[-1]
    return left[-1] if left[-1] in alone or not alone else alone[-1]


def _one_hot_with(label: Column, left: list[Column]) -> list[Column]:
    """Return the columns up to a label that form a one-hot code; otherwise the label alone."""
    last, total = left.index(label), np.zeros(len(label.values))
    for first in range(last, 0, -1):
        values = left[first].values
        if is_words(values) or not np.isin(values, (0, 1)).all():
            break
        total = total + np.asarray(values, dtype=np.float64)
        if first < last and (total == 1).all():
            return left[first : last + 1]
    return [label]


def _guess_labels(table: Table, guess: _Guess) -> None:
    """Decide whether labels are classes, if the user does not say."""
    if guess.roles.labels is not None:
        return
    positions = select(table.choice, guess.roles).outputs
    parts = [np.asarray(table.columns[table.choice.name(k)]) for k in positions]
    if any(is_words(values) for values in parts):
        if len(parts) == 1:
            guess.say("the labels are words: classes", labels="classes")
        return
    flat = [values.reshape(len(values), -1) for values in parts]
    if len({len(values) for values in flat}) > 1 or any(values.dtype.kind not in "biuf" for values in flat):
        return
    y = np.hstack(flat)
    if y.shape[1] == 1 and (count := looks_like_classes(y)):
        guess.say(f"the labels have {count} different whole values: classes", labels="classes")
    elif y.shape[1] > 1 and _is_one_hot(y):
        guess.say(f"each row of the labels has 1 in one of {y.shape[1]} columns: classes", labels="classes")


def _is_one_hot(y: FloatArray) -> bool:
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def _guess_arrays(table: Table, guess: _Guess) -> None:
    """Decide which arrays are x and y, by name or by shape."""
    arrays = {name: np.asarray(values) for name, values in table.columns.items() if np.ndim(values) > 0}
    if guess.roles.inputs is None and guess.roles.outputs is None and not {"x", "y"} <= arrays.keys():
        x_name, y_name = _sides_of(arrays, table)
        why = f"inputs {quoted(x_name)} and labels {quoted(y_name)} by the names and shapes of the arrays"
        guess.say(why, inputs=written(x_name), outputs=written(y_name))
    found = select(table.choice, guess.roles)
    rows = max(len(arrays[table.choice.name(k)]) for k in (*found.inputs, *found.outputs))
    if guess.roles.rows_of is None:
        for k in found.others or _read(table):
            name = table.choice.name(k)
            values = arrays.get(name)
            if k in (*found.inputs, *found.outputs) or values is None or values.shape != (rows,):
                continue
            column = column_of(name, k, values)
            if column.kind == "unit" and column.repeats:
                guess.say(f"{quoted(name)} has {column.repeats} values, each in several rows", rows_of=name)


def _sides_of(arrays: dict[str, NDArray[Any]], table: Table) -> tuple[str, str]:
    names = {0: ("x", "inputs", "input", "features", "data", "images"), 1: ("y", "labels", "label", "targets", "target",
             "outputs", "output", "classes")}  # fmt: skip
    by_role = {role: next((n for n in arrays if n.lower() in known), None) for role, known in names.items()}
    wide = sorted((n for n in arrays if n != by_role[1]), key=lambda n: -arrays[n].size)
    x_name = by_role[0] or (wide[0] if wide else None)
    rows = -1 if x_name is None else len(arrays[x_name])
    others = [n for n in reversed(arrays) if n != x_name and len(arrays[n]) == rows]
    narrow = sorted(others, key=lambda n: (is_words(arrays[n]), arrays[n].size))
    y_name = by_role[1] or next(iter(narrow), None)
    if x_name is None or y_name is None or x_name == y_name:
        raise table.refused(f"{table.choice.listing()}; give one array of inputs and one of labels with as many rows")
    return x_name, y_name


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns)


def _listed(columns: Sequence[Column]) -> str:
    """Return columns as a list for a setting: a range if many columns are adjacent in the file."""
    positions = [column.position for column in columns]
    if len(columns) > 4 and positions == list(range(positions[0], positions[-1] + 1)):
        return f"{written(columns[0].name)}..{written(columns[-1].name)}"
    return ",".join(written(column.name) for column in columns)
