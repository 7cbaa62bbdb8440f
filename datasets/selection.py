"""Which columns of a file are inputs, which are labels, and which one says what rows belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sharefind.datasets.column_choice import Columns, first_twin, written
from sharefind.datasets.roles import Roles
from sharefind.errors import DataError, quoted, setting, visible

USUAL = "without roles, columns are x0, x1, ... and y0, y1, ..."
INDEX = re.compile(r"|__index_level_[0-9]+__|Unnamed: [0-9]+")
"""Names of the index of a frame in a file, and after it is read and written again."""

COLUMN = re.compile(r"([xy])(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Selection:
    """Positions of columns in a file.

    Attributes:
        inputs: Columns of x, in their order there.
        outputs: Columns of y.
        categorical: Columns of x that hold categories.
        units: The column with the units of rows; None for none.
        others: Columns that no role has, where no roles are asked for.
    """

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    categorical: tuple[int, ...] = ()
    units: int | None = None
    others: tuple[int, ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """All columns, in the order of the file."""
        units = () if self.units is None else (self.units,)
        return tuple(sorted({*self.inputs, *self.outputs, *units, *self.others}))


def select(columns: Columns, roles: Roles) -> Selection:
    """Return the columns that roles choose.

    Args:
        columns: All columns of a file.
        roles: Roles of the columns.

    Raises:
        DataError: A column is unknown, given twice, or has two roles that exclude each other, or nothing says which
            columns are inputs.
    """
    units, dropped = _units(columns, roles), _dropped(columns, roles)
    inputs = _listed(columns, roles.inputs, "inputs", dropped)
    outputs = _listed(columns, roles.outputs, "outputs", dropped)
    if inputs is None and outputs is None:
        inputs, outputs = _usual(columns, dropped, units)
    elif inputs is None:
        inputs = _remaining(columns, {*dropped, *(outputs or ())} | _only(units), "inputs", "outputs")
    elif outputs is None:
        outputs = _remaining(columns, {*dropped, *inputs} | _only(units), "outputs", "inputs")
    found = Selection(inputs or (), outputs or (), (), units)
    _refuse_two_roles(columns, found)
    categorical = _listed(columns, roles.categorical, "categorical", dropped) or ()
    _refuse_no_inputs(columns, found, categorical)
    return Selection(found.inputs, found.outputs, categorical, units)


def select_all(columns: Columns, roles: Roles) -> Selection:
    """Return all columns that roles do not drop; the columns that roles choose, where roles name inputs or others.

    Args:
        columns: All columns of a file.
        roles: Roles of the columns.

    Raises:
        DataError: A column that is named is unknown or given twice.
    """
    dropped = _dropped(columns, roles)
    try:
        found = select(columns, roles)
    except DataError:
        if any((roles.inputs, roles.outputs, roles.rows_of, roles.categorical)):
            raise
        found = Selection()
    others = tuple(k for k in range(len(columns.header)) if k not in {*found.positions, *dropped})
    _refuse_twins(columns, (*found.positions, *others))
    return Selection(found.inputs, found.outputs, found.categorical, found.units, others)


def _units(columns: Columns, roles: Roles) -> int | None:
    if roles.rows_of is None:
        return None
    name, header = roles.rows_of, list(columns.header)
    if header.count(name) > 1:
        raise columns.refused(f"{columns.kind} {quoted(name)} is given twice; keep one of them")
    if name in header:
        return header.index(name)
    raise columns.unknown(name, "rows_of")


def _dropped(columns: Columns, roles: Roles) -> frozenset[int]:
    if roles.drop is None:
        return frozenset()
    return frozenset(k for choice in columns.chosen(roles.drop, "drop") for k in choice.positions)


def _listed(columns: Columns, text: str | None, role: str, dropped: frozenset[int]) -> tuple[int, ...] | None:
    """The columns of a list. Patterns leave out dropped columns; a dropped column that is named is an error."""
    if text is None:
        return None
    found = list[int]()
    for choice in columns.chosen(text, role):
        for k in choice.positions:
            if k in dropped and choice.is_named:
                what = f"{quoted(columns.name(k))} stands in {setting(role)} and in {setting('drop')}"
                raise columns.refused(f"{what}; take it out of one of them")
            if k in found:
                what = f"{setting(role)} {visible(text)} gives {quoted(columns.name(k))} twice"
                raise columns.refused(f"{what}; give each {columns.kind} once")
            if k not in dropped:
                found.append(k)
    if not found:
        raise columns.refused(
            f"{setting(role)} {visible(text)}: {setting('drop')} leaves nothing of it; choose other {columns.kind}s"
        )
    _refuse_twins(columns, found)
    return tuple(found)


def _remaining(columns: Columns, taken: set[int], role: str, said: str) -> tuple[int, ...]:
    found = tuple(k for k in range(len(columns.header)) if k not in taken)
    if not found:
        raise columns.refused(
            f"{setting(said)} leaves no {columns.kind} for {setting(role)}; {columns.listing()}; choose fewer"
        )
    nameless = next((k for k in found if INDEX.fullmatch(columns.header[k])), None)
    if nameless is not None:
        raise columns.refused(
            f"{columns.kind} {nameless} (counted from 0) has no name and may be a row number; leave it out with "
            f"{setting('drop')} {nameless}, or choose the others with {setting(role)}"
        )
    _refuse_twins(columns, found)
    return found


def _usual(columns: Columns, dropped: frozenset[int], units: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The columns x0, x1, ... and y0, y1, ..., or the arrays x and y."""
    if columns.kind == "array":
        return _usual_array(columns, "x"), _usual_array(columns, "y")
    positions: dict[str, dict[int, int]] = {"x": {}, "y": {}}
    for position, name in enumerate(columns.header):
        match = COLUMN.fullmatch(name)
        if match is not None and position == units:
            raise columns.refused(_part_of_both(columns, position))
        if match is None and (position == units or position in dropped):
            continue
        if match is None:
            raise columns.refused(
                f"unknown column {quoted(name)}; {USUAL}; {_ask(columns, dropped, units)}{_beside(columns)}"
            )
        if int(match[2]) in positions[match[1]]:
            raise columns.refused(columns.twice(name))
        positions[match[1]][int(match[2])] = position
    for key, found in positions.items():
        missing = next(number for number in range(len(found) + 1) if number not in found)
        if missing == 0 or missing < len(found):
            raise columns.refused(f"no column '{key}{missing}'; {USUAL}; {_ask(columns, dropped, units)}")
    x, y = (tuple(found[k] for k in sorted(found) if found[k] not in dropped) for found in positions.values())
    if not x or not y:
        raise columns.refused(f"{setting('drop')} leaves no {'y' if x else 'x'}; drop fewer columns")
    return x, y


def _beside(columns: Columns) -> str:
    """Further roles of a column beside x0, ... and y0, ...."""
    if not any(COLUMN.fullmatch(name) for name in columns.header):
        return ""
    return f"; a column that says which rows belong together is named with {setting('rows_of')}"


def _usual_array(columns: Columns, key: str) -> tuple[int, ...]:
    header = list(columns.header)
    if key not in header:
        held = quoted(", ".join(header[:20]), 200) if header else "nothing"
        raise columns.refused(f"no array {key!r}, it holds {held}; {_ask(columns, frozenset(), None)}")
    if header.count(key) > 1:
        raise columns.refused(columns.twice(key))
    return (header.index(key),)


def _ask(columns: Columns, dropped: frozenset[int], units: int | None) -> str:
    """A question: which columns are which, with the settings for the columns of this file as an example."""
    names = [columns.name(k) for k in range(len(columns.header)) if k not in dropped and k != units]
    held = f"{columns.listing()}; " if columns.kind == "column" else ""  # arrays are listed already
    if len(names) < 2:
        return f"{held}give a file with inputs and labels, a {columns.kind} or more of each"
    inputs, outputs = _example(names) if columns.kind == "column" else (written(names[0]), written(names[1]))
    example = f"{setting('inputs')} {quoted(inputs)} {setting('outputs')} {quoted(outputs)}"
    return f"{held}say which are inputs and which are labels, such as {example}"


def _example(names: Sequence[str]) -> tuple[str, str]:
    """Inputs and labels of a file as they may be: by the names x0, ... and y0, ..., or the last one as the label."""
    usual = {key: [name for name in names if (match := COLUMN.fullmatch(name)) and match[1] == key] for key in "xy"}
    if all(usual.values()):
        return ",".join(usual["x"][:3]), ",".join(usual["y"][:3])
    return written(names[0]) if len(names) == 2 else f"{written(names[0])}..{written(names[-2])}", written(names[-1])


def _part_of_both(columns: Columns, position: int) -> str:
    own = f"{'an array' if columns.kind == 'array' else 'a column'} of its own"
    return (
        f"{quoted(columns.name(position))} is a part of x or y; name {own} with {setting('rows_of')}, which is then "
        "left out of both"
    )


def _only(position: int | None) -> set[int]:
    return set() if position is None else {position}


def _refuse_twins(columns: Columns, positions: Sequence[int]) -> None:
    """Refuse two columns of one name, which nothing could tell apart later."""
    names = [columns.name(k) for k in positions]
    twin = first_twin(names)
    if twin is not None:
        raise columns.refused(columns.twice(twin))


def _refuse_two_roles(columns: Columns, found: Selection) -> None:
    both = [k for k in found.inputs if k in found.outputs]
    if both:
        raise columns.refused(
            f"{quoted(columns.name(both[0]))} is in {setting('inputs')} and in {setting('outputs')}; take it out of one"
        )
    if found.units in {*found.inputs, *found.outputs}:
        raise columns.refused(_part_of_both(columns, found.units or 0))
    _refuse_twins(columns, (*found.inputs, *found.outputs, *_only(found.units)))


def _refuse_no_inputs(columns: Columns, found: Selection, categorical: Sequence[int]) -> None:
    for k in categorical:
        if k in found.outputs:
            what = f"{quoted(columns.name(k))} in {setting('categorical')} is a label; words there are classes anyway"
            raise columns.refused(f"{what}, and {setting('labels')} says whether integers are classes")
        if k not in found.inputs:
            raise columns.refused(f"{quoted(columns.name(k))} in {setting('categorical')} is no input; add it to them")
