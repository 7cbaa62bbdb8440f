"""Suggestions for a data set: its own recommendation, the findings of a quick look, and a search
without a candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sharefind.datasets import Task, load_task, read_table, task_names
from sharefind.datasets.column_choice import written
from sharefind.datasets.frames import has_names, library_of, table_of
from sharefind.datasets.roles import Roles
from sharefind.datasets.tables import Table
from sharefind.errors import ConfigError, DataError, quoted, setting
from sharefind.groups import named_group
from sharefind.limits import DEFAULT_LIMITS, Limits
from sharefind.rng import named_stream
from sharefind.suggestion.candidates import axis_names
from sharefind.suggestion.consecutive_rows import RowsInOrder, rows_in_order
from sharefind.suggestion.expected_seconds import Planned, SecondsOf, machine_rates, seconds_with
from sharefind.suggestion.held_out import Comparison, filter_comparison
from sharefind.suggestion.judgement import RANKING, Judgement
from sharefind.suggestion.quick_look import judgements, levels_of
from sharefind.suggestion.reasons import filter_reason, reason
from sharefind.suggestion.roles_guess import sheet_of
from sharefind.suggestion.sheet import Sheet
from sharefind.suggestion.suggestion import Suggestion, Suggestions

Data = str | Path | Table | Task | Mapping[str, Any] | ArrayLike


def suggest(
    data: Data,
    y: ArrayLike | None = None,
    *,
    most: int = 5,
    limits: Limits = DEFAULT_LIMITS,
    seconds_of: SecondsOf | None = None,
    **roles: Any,
) -> Suggestions:
    """Suggest searches for a data set: groups, representations and roles of columns, ranked, with reasons.

    Args:
        data: A path, the name of a data set, a table, a task, a mapping from names to columns, an array of inputs of
            shape (n, ...), or a frame of pandas or polars.
        y: Labels, shape (n,) or (n, ...), if `data` is an array. If `data` is a frame, a column or a frame, or None if
            the frame contains the labels. None otherwise.
        most: Largest number of suggestions.
        limits: Size limit of a file.
        seconds_of: Estimates the duration of a search; None measures this machine.
        **roles: Known roles of the columns: attributes of `sharefind.datasets.roles.Roles`.

    Returns:
        Suggestions, best one first.

    Raises:
        DataError: The data cannot be read, or contain no inputs, no labels, or values that are not finite.
        ConfigError: `most` is below 1, or labels are given for data that contain their own.

    Examples:
        >>> suggest("measurements.csv").suggestions[0].command  # doctest: +SKIP
        'sharefind discover measurements.csv --group S4 --in-rep natural --out-rep natural'
    """
    if most < 1:
        raise ConfigError(f"{setting('most')} must be at least 1, not {most}", "most")
    seconds_of = seconds_of or seconds_with(machine_rates())
    said = Roles(**roles)
    task = _task_of(data, y, said)
    if task is not None:
        return _for_task(task, most, seconds_of)
    name = str(data) if isinstance(data, (str, Path)) else None
    if has_names(data):
        table, said = _of_frames(data, y, said)
    else:
        table = _table_of(data, y, limits, said)
    sheet = sheet_of(table, said)
    return _for_sheet(sheet, name, most, seconds_of)


def _task_of(data: Data, y: ArrayLike | None, roles: Roles) -> Task | None:
    """Return the task that the data are or name; None for files, tables and arrays."""
    is_name = isinstance(data, str) and data in task_names()
    if not is_name and not isinstance(data, Task):
        return None
    named = next((name for name, value in vars(roles).items() if value is not None), None)
    if y is not None or named is not None:
        what = "labels" if named is None else setting(named)
        raise ConfigError(f"the data set {quoted(getattr(data, 'name', data))} has its own columns; drop {what}")
    return data if isinstance(data, Task) else load_task(str(data))


def _of_frames(x: Any, y: Any, roles: Roles) -> tuple[Table, Roles]:
    """Return the columns of a frame followed by those of the labels, which become the outputs."""
    inputs = table_of(x, "X")
    if y is None:
        return inputs, roles
    labels = table_of(y, "y") if library_of(y) is not None else Table({"y": np.asarray(y)})
    twice = next((name for name in labels.names if name in inputs.names), None)
    if twice is not None:
        raise DataError(f"X and y both have a column {quoted(twice)}; rename one of them")
    outputs = roles.outputs or ",".join(map(written, labels.names))
    return Table({**inputs.columns, **labels.columns}), replace(roles, outputs=outputs)


def _table_of(data: Data, y: ArrayLike | None, limits: Limits, roles: Roles) -> Table:
    if isinstance(data, (str, Path, Table, Mapping)):
        if y is not None:
            raise ConfigError("labels are given beside data with names, which have their own; drop y")
        if isinstance(data, Table):
            return data
        if isinstance(data, Mapping):
            return Table({str(name): np.asarray(values) for name, values in data.items()})
        return _read(data, limits, roles)
    if y is None:
        raise DataError("inputs without labels; give y, an array with a row for each row of x")
    x, labels = np.asarray(data), np.asarray(y)
    if x.ndim < 2:
        raise DataError(f"x has shape {x.shape}; give it a row for each sample, (n, d) or (n, ...)")
    return Table({"x": x, "y": labels}, is_archive=True)


def _read(path: str | Path, limits: Limits, roles: Roles) -> Table:
    if isinstance(path, str) and not Path(path).suffix and not Path(path).exists():
        load_task(path)  # raises an error that lists the names
    return read_table(path, limits, roles)


def _for_task(task: Task, most: int, seconds_of: SecondsOf) -> Suggestions:
    """Return the recommendation of a data set, followed by the findings of a quick look."""
    x, y = task.arrays() if task.x is not None else task.sample(named_stream(0, "suggested samples"), 1000)
    sheet = Sheet(x, y, task.inputs, x.shape[1:], y.shape[1:], rows=len(x), units=task.units, is_task=True)
    return _for_sheet(sheet, task.name, most, seconds_of, task)


def _recommended(task: Task, sheet: Sheet, seconds_of: SecondsOf, judged: list[Judgement]) -> list[Suggestion]:
    """Return the recommendation of the data set itself; empty if it has none."""
    group = task.group or (task.action.group.name if task.action is not None else None)
    if group is None:
        return []
    settings = {}
    if task.group is not None:
        settings = {"group": group, "in_rep": task.in_rep or "natural", "out_rep": task.out_rep or "natural"}
    seen = next((one for one in judged if settings and settings.items() <= one.action.settings.items()), None)
    known = named_group(group) if task.action is None else task.action.group
    planned = Planned(group, 0.0 if known.order is None else log(known.order))
    own = "" if task.action is None else " with an action of its own"
    why = f"the data set recommends {group}{own}: {task.description or task.name}"
    seconds = seconds_of(sheet, planned if seen is None else _planned(seen))
    return [Suggestion(settings, why, 1.0, seconds, task.name)]


def _for_sheet(
    sheet: Sheet, name: str | None, most: int, seconds_of: SecondsOf, task: Task | None = None
) -> Suggestions:
    order = None if sheet.units is not None or sheet.is_task else rows_in_order(sheet)
    notes = [*sheet.notes, *_dependence_notes(sheet, order)]
    settings = _column_settings(sheet, order)
    judged = judgements(sheet)
    known = [] if task is None else _recommended(task, sheet, seconds_of, judged)
    ranked = [_of_group(one, sheet, settings, name, seconds_of) for one in judged if one.score() > RANKING.least]
    blind = _blind(sheet, settings, name, seconds_of, judged)
    place = next((k for k, one in enumerate(ranked) if one.score < blind.score), len(ranked))
    last = [] if ranked and _has_determined_input(sheet) else [blind]
    ranked = _without_repeats([*known, *ranked[:place], *last, *ranked[place:]])
    kept = [one for k, one in enumerate(ranked[:most]) if k < RANKING.always or one.score >= RANKING.weak]
    if last and blind not in kept and not kept[0].score >= RANKING.strong:
        kept[-1] = blind
    width, labels = sheet.x.shape[1], sheet.y.shape[1]
    return Suggestions(name, sheet.rows, width, labels, tuple(kept), tuple(notes), kept[0].score >= RANKING.strong)


def _without_repeats(ranked: list[Suggestion]) -> list[Suggestion]:
    """Return each group with each pair of representations once."""
    seen = set[tuple[str | None, ...]]()
    found = list[Suggestion]()
    for one in ranked:
        key = tuple(one.settings.get(name) for name in ("group", "in_rep", "out_rep", "inputs", "axes", "blind"))
        if key not in seen:
            seen.add(key)
            found.append(one)
    return found


def _column_settings(sheet: Sheet, order: RowsInOrder | None) -> dict[str, str]:
    settings = dict(sheet.settings)
    if order is not None and "rows_of" not in settings:
        settings["block_length"] = str(order.length)
    return settings


def _dependence_notes(sheet: Sheet, order: RowsInOrder | None) -> list[str]:
    if order is None:
        return []
    return [f"rows may depend on those before them: {order.words}; blocks of {order.length} rows are kept together"]


def _of_group(
    judged: Judgement, sheet: Sheet, settings: Mapping[str, str], name: str | None, seconds_of: SecondsOf
) -> Suggestion:
    seconds = seconds_of(sheet, _planned(judged))
    return Suggestion({**settings, **judged.action.settings}, reason(judged), judged.score(), seconds, name)


def _planned(judged: Judgement) -> Planned:
    action = judged.action
    return Planned(action.group, action.size, judged.likely, action.moves_labels, action.leaves_inputs)


def _blind(
    sheet: Sheet, settings: Mapping[str, str], name: str | None, seconds_of: SecondsOf, judged: list[Judgement]
) -> Suggestion:
    """Suggest a search without a candidate; it ranks high if a filter fits and no group does."""
    plain = dict(settings)
    for key, shape in (("axes", sheet.shape), ("out_axes", sheet.out_shape)):
        if len(shape) > 1 and key not in plain:
            plain[key] = axis_names(len(shape))
    seconds = seconds_of(sheet, Planned())
    found = _filter(sheet) if not any(one.holds and one.action.layout.plain == 0 for one in judged) else None
    if found is not None:
        score = RANKING.holds + (1 - RANKING.holds) * found.saving
        return Suggestion({**plain, "blind": "true"}, filter_reason(found), score, seconds, name)
    is_any = any(one.score() >= RANKING.strong for one in judged)
    why = "where none of the other suggestions holds" if is_any else "no group that a quick look tried is convincing"
    score = 0.0 if is_any else 0.1
    return Suggestion({**plain, "blind": "true"}, f"{why[:1].upper()}{why[1:]}", score, seconds, name)


def _has_determined_input(sheet: Sheet, rows: int = 5000) -> bool:
    """Return whether a column of x depends linearly on the others; a search without a candidate refuses such data."""
    x = sheet.x[:rows]
    length = np.linalg.norm(x, axis=0)
    return bool((length == 0).any() or np.linalg.matrix_rank(x / length) < x.shape[1])


def _filter(sheet: Sheet, rows: int = 1500) -> Comparison | None:
    """Return the comparison of a filter that predicts as well as free coefficients away from the borders, or None."""
    if len(sheet.shape) > 1 or sheet.x.shape[1] != sheet.y.shape[1]:
        return None
    part = replace(sheet, x=sheet.x[:rows], y=sheet.y[:rows])
    found = filter_comparison(levels_of(part)[0])
    return found if found is not None and found.holds() and found.tied > 0.1 else None
