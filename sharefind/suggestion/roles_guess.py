"""Which columns of a table are inputs and which are labels, where the user does not say."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sharefind.datasets.roles import Roles
from sharefind.datasets.tables import Table
from sharefind.errors import DataError, quoted, setting
from sharefind.suggestion.column_kinds import NAME_WORDS, Column, column_of, words_of
from sharefind.suggestion.name_blocks import name_blocks
from sharefind.suggestion.sheet import Sheet, checked
from sharefind.typing import FloatArray

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]*)")


@dataclass
class _Guess:
    """Roles while they are found.

    Attributes:
        inputs: Columns of x.
        outputs: Columns of y.
        settings: What the command must say.
        notes: Why.
    """

    inputs: list[Column] = field(default_factory=list)
    outputs: list[Column] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sheet_of(table: Table, roles: Roles, source: str) -> Sheet:
    """Inputs and labels of a table.

    Args:
        table: All its columns, or all arrays of an archive.
        roles: What the user says of them, which is kept.
        source: What opens every message.

    Raises:
        DataError: There is no column for one of the two, or a value that is no number.
    """
    arrays = {name: np.asarray(values) for name, values in table.columns.items()}
    if not arrays:
        raise DataError(f"{source}: no columns; give a file with inputs and labels")
    if any(values.ndim > 1 for values in arrays.values()):
        return checked(_sheet_of_arrays(arrays, roles, source), source)
    columns = [column_of(name, k, values) for k, (name, values) in enumerate(arrays.items())]
    return checked(_sheet_of_columns(columns, roles, source), source)


def _said(roles: Roles) -> dict[str, str]:
    """What the user said, as settings of a search."""
    return {name: str(value) for name, value in vars(roles).items() if value is not None}


def _sheet_of_columns(columns: list[Column], roles: Roles, source: str) -> Sheet:
    guess = _Guess(settings=_said(roles))
    left = _without_others(columns, roles, guess, source)
    named = [COLUMN.fullmatch(column.name) for column in left]
    if roles.inputs is not None or roles.outputs is not None:
        _as_said(left, roles, guess, source)
    elif left and all(named) and {match[1] for match in named if match} == {"x", "y"}:
        left.sort(key=lambda column: int(column.name[1:]))
        guess.inputs = [column for column in left if column.name[0] == "x"]
        guess.outputs = [column for column in left if column.name[0] == "y"]
        guess.settings.pop("drop", None)
    else:
        _by_names(left, guess, source)
    x, inputs = _inputs(guess, source)
    y, label_settings, label_notes = _labels(guess.outputs, roles, source)
    is_numbered = all(COLUMN.fullmatch(column.name) for column in guess.inputs)
    return Sheet(
        x, y, inputs, (x.shape[1],), (y.shape[1],), {**guess.settings, **label_settings},
        (*guess.notes, *label_notes), len(x),
        orders_columns="categorical" not in guess.settings, is_named=not is_numbered,
    )  # fmt: skip


def _without_others(columns: list[Column], roles: Roles, guess: _Guess, source: str) -> list[Column]:
    """The columns that may be inputs or labels: without times, row numbers and names of units."""
    asked = {name for text in (roles.inputs, roles.outputs) if text for name in _chosen(columns, text, source)}
    dropped = set(_chosen(columns, roles.drop, source)) if roles.drop else set()
    left = []
    for column in columns:
        if column.name in dropped or column.name == roles.rows_of:
            continue
        if column.kind in ("numbers", "words") or column.name in asked:
            left.append(column)
        elif column.kind == "unit" and "rows_of" not in guess.settings and 1 < column.few < len(column.values):
            guess.settings["rows_of"] = column.name
            guess.notes.append(f"{quoted(column.name)} repeats in {column.few} values: rows of one may be dependent")
        else:
            dropped.add(column.name)
            guess.notes.append(f"{quoted(column.name)} is a {_noun(column)} and is left out")
            if column.kind == "time":
                guess.settings.setdefault("block_length", "10")
    if dropped and roles.drop is None:
        guess.settings["drop"] = _listed([column for column in columns if column.name in dropped])
    return left


def _noun(column: Column) -> str:
    return "name of a unit" if column.kind == "unit" else column.kind


def _as_said(left: list[Column], roles: Roles, guess: _Guess, source: str) -> None:
    by_name = {column.name: column for column in left}
    chosen = [
        None if text is None else [by_name[name] for name in _chosen(left, text, source) if name in by_name]
        for text in (roles.inputs, roles.outputs)
    ]
    inputs, outputs = chosen
    taken = {column.name for columns in (inputs, outputs) for column in columns or ()}
    rest = [column for column in left if column.name not in taken]
    guess.inputs, guess.outputs = (rest if inputs is None else inputs), (rest if outputs is None else outputs)
    for role, columns in (("inputs", guess.inputs), ("outputs", guess.outputs)):
        if not columns:
            raise DataError(f"{source}: nothing is left for {setting(role)}; choose fewer columns for the other")


def _by_names(left: list[Column], guess: _Guess, source: str) -> None:
    """Labels by the words in their names; the last column where no word says it."""
    if len(left) < 2:
        names = ", ".join(column.name for column in left) or "none"
        raise DataError(
            f"{source}: {len(left)} columns with numbers or words ({names}); give one at least for inputs and one for "
            "labels"
        )
    labels = [column for column in left if _names_label(column.name)] or _later(left)
    why = "by their names"
    if not labels or len(labels) == len(left):
        labels, why = [_odd_one(left)], "because no name says which it is"
    guess.outputs = labels
    guess.inputs = [column for column in left if column not in labels]
    guess.notes.append(f"labels {quoted(', '.join(column.name for column in labels))} {why}")
    guess.settings["inputs"], guess.settings["outputs"] = _listed(guess.inputs), _listed(guess.outputs)


def _names_label(name: str) -> bool:
    words = words_of(name)
    return bool(set(words) & (NAME_WORDS.labels - {"y"})) or words[:1] == ["y"] and len(words) <= 2


def _later(left: list[Column]) -> list[Column]:
    """Columns that repeat others under a name with a word such as "next"."""
    return [column for column in left if set(words_of(column.name)) & NAME_WORDS.later]


def _odd_one(left: list[Column]) -> Column:
    """The last column that is in no block of names; the last one where all are."""
    in_blocks = {k for block in name_blocks([column.name for column in left]) for k in block.flat}
    alone = [column for k, column in enumerate(left) if k not in in_blocks]
    words = [column for column in alone if column.kind == "words"]
    if left[-1] in alone or not alone:
        return left[-1]
    return words[-1] if words else alone[-1]


def _inputs(guess: _Guess, source: str, most: int = 20) -> tuple[FloatArray, tuple[str, ...]]:
    """Numbers of the inputs (n, d) with their names: words as a column for each category."""
    parts, names, categorical = [], list[str](), list[Column]()
    for column in guess.inputs:
        if column.kind in ("words", "unit", "time") and column.values.dtype.kind not in "biuf":
            kinds, codes = np.unique(column.values.astype(str), return_inverse=True)
            if len(kinds) > most:
                raise DataError(
                    f"{source}: input {quoted(column.name)} has {len(kinds)} different words; leave it out with "
                    f"{setting('drop')}"
                )
            categorical.append(column)
            parts.append(np.eye(len(kinds))[codes])
            names += [f"{column.name}={kind}" for kind in kinds]
        else:
            parts.append(column.numbers[:, None])
            names.append(column.name)
    if categorical and "categorical" not in guess.settings:
        guess.settings["categorical"] = _listed(categorical)
        guess.notes.append(f"{quoted(', '.join(c.name for c in categorical))} holds categories")
    return np.hstack(parts), tuple(names)


def _labels(columns: Sequence[Column], roles: Roles, source: str) -> tuple[FloatArray, dict[str, str], list[str]]:
    """Numbers of the labels (n, m), with what the command says of them."""
    first = columns[0]
    words = next((column for column in columns if column.values.dtype.kind not in "biuf"), None)
    if len(columns) > 1 and words is not None:
        raise DataError(f"{source}: label {quoted(words.name)} holds words; give it alone as {setting('outputs')}")
    if roles.labels == "numbers" and words is not None:
        raise DataError(f"{source}: label {quoted(words.name)} holds words, which are no numbers; they are classes")
    if len(columns) == 1 and roles.labels != "numbers" and (roles.labels == "classes" or first.looks_like_classes()):
        kinds, codes = np.unique(first.values.astype(str) if words else first.values, return_inverse=True)
        note = f"{quoted(first.name)} has {len(kinds)} different values and looks like classes"
        return np.eye(len(kinds))[codes.ravel()], {"labels": "classes"}, [] if roles.labels else [note]
    return np.stack([column.numbers for column in columns], axis=1), {}, []


def _sheet_of_arrays(arrays: dict[str, NDArray[Any]], roles: Roles, source: str) -> Sheet:
    guess = _Guess(settings=_said(roles))
    x_name, y_name = _array_names(arrays, roles, guess, source)
    x, y = arrays[x_name], arrays[y_name]
    for name, values in ((x_name, x), (y_name, y)):
        if len(values) != len(x):
            raise DataError(f"{source}: {x_name} has {len(x)} rows and {name} {len(values)}; make them equal")
        if values.dtype.kind not in "biuf" and name == x_name:
            raise DataError(f"{source}: {name} has dtype {values.dtype}, which is no numbers; save it as floats")
    units = roles.rows_of or next(
        (n for n, v in arrays.items() if n not in (x_name, y_name) and v.ndim == 1 and len(v) == len(x)), None
    )
    if units is not None and roles.rows_of is None and 1 < len(np.unique(arrays[units].astype(str))) < len(x):
        guess.settings["rows_of"] = units
        guess.notes.append(f"{quoted(units)} repeats: rows with one value may be dependent")
    shape = x.shape[1:] or (1,)
    settings, notes = dict(guess.settings), list(guess.notes)
    if y.ndim == 1 or y.shape[1:] == (1,):
        labels, more, why = _labels([column_of(y_name, 1, y.reshape(-1))], roles, source)
        settings, notes, out_shape = {**settings, **more}, notes + why, (labels.shape[1],)
    else:
        labels, out_shape = y.reshape(len(y), -1).astype(np.float64), y.shape[1:]
    names = tuple(f"{x_name}{k}" for k in range(int(np.prod(shape))))
    flat = x.reshape(len(x), -1).astype(np.float64)
    return Sheet(flat, labels, names, shape, out_shape, settings, tuple(notes), len(x))


def _array_names(
    arrays: dict[str, NDArray[Any]], roles: Roles, guess: _Guess, source: str
) -> tuple[str, str]:
    if roles.inputs in arrays and roles.outputs in arrays:
        return str(roles.inputs), str(roles.outputs)
    if "x" in arrays and "y" in arrays:
        return "x", "y"
    likely = {"x": 0, "inputs": 0, "input": 0, "features": 0, "data": 0, "y": 1, "labels": 1, "targets": 1, "outputs": 1,
              "label": 1, "target": 1, "output": 1}  # fmt: skip
    by_role = {likely[name.lower()]: name for name in reversed(arrays) if name.lower() in likely}
    wide = [name for name, values in arrays.items() if values.ndim > 1]
    rest = [name for name in arrays if name != by_role.get(1)]
    x_name = by_role.get(0) or next((name for name in wide if name != by_role.get(1)), rest[0] if rest else "")
    others = [name for name in arrays if name != x_name and len(arrays[name]) == len(arrays.get(x_name, ()))]
    y_name = by_role.get(1) or (others[-1] if others else "")
    if not x_name or not y_name:
        held = ", ".join(arrays)
        raise DataError(
            f"{source}: it holds {quoted(held)}; say which arrays are inputs and labels with {setting('inputs')} and "
            f"{setting('outputs')}"
        )
    guess.settings.update(inputs=x_name, outputs=y_name)
    guess.notes.append(f"inputs {quoted(x_name)} and labels {quoted(y_name)} by names and shapes of the arrays")
    return x_name, y_name


def written(name: str) -> str:
    """A name as an item of a list of columns: in double quotes where it would be read as something else."""
    plain = name and not re.search(r'[,"*?\[]|\.\.|^\s|\s$', name)
    return name if plain else '"{}"'.format(name.replace('"', '""'))


def _listed(columns: Sequence[Column]) -> str:
    """Columns as a list that settings take: a range where many stand side by side in the file."""
    positions = [column.position for column in columns]
    if len(columns) > 4 and positions == list(range(positions[0], positions[-1] + 1)):
        return f"{written(columns[0].name)}..{written(columns[-1].name)}"
    return ",".join(written(column.name) for column in columns)


def _chosen(columns: Sequence[Column], text: str, source: str) -> list[str]:
    """Names that a list of names, globs and ranges means."""
    names = [column.name for column in columns]
    found: list[str] = []
    for item in (part.strip() for part in text.split(",")):
        first, dots, last = item.partition("..")
        if item in names:
            found.append(item)
        elif dots and first in names and last in names:
            found += names[names.index(first) : names.index(last) + 1]
        else:
            matching = fnmatch.filter(names, item)
            if not matching:
                raise DataError(f"{source}: no column {quoted(item)}; the file has {quoted(', '.join(names))}")
            found += matching
    return found
