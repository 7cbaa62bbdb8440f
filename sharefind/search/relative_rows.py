"""Rows relative to the mean of their points, which do not change when all points move together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import numpy as np

from sharefind.errors import DataError, quoted, setting
from sharefind.groups.axes import Axes
from sharefind.search.samples_of_task import TaskLike
from sharefind.typing import FloatArray


def relative_task(task: TaskLike, said: str | None) -> TaskLike:
    """Return the task with x relative to the mean over all axes but one.

    Args:
        task: Rows with named axes of known lengths; a dataclass where `said` is not None.
        said: The name of the axis of coordinates, such as "coords", or "coords:3" for its first three entries; None
            leaves the rows unchanged.

    Raises:
        DataError: Rows have no such axis or no other one, or are drawn afresh.
    """
    if said is None:
        return task
    if task.x is None:
        raise DataError(f"{setting('relative_to_mean')} {said}: {task.name} draws its samples; give rows")
    changed: TaskLike = replace(cast("Any", task), x=relative_to_mean(task.x, task.in_axes, said))
    return changed


def relative_to_mean(x: FloatArray, axes: Axes | None, said: str) -> FloatArray:
    """Rows less the mean of their coordinates over all other axes.

    Args:
        x: Rows, shape (n, d_in).
        axes: Axes of a row.
        said: As in `relative_task`.

    Returns:
        Rows, shape (n, d_in).

    Raises:
        DataError: As in `relative_task`.
    """
    place, count = _place(axes, said)
    shape = () if axes is None else axes.shape
    rows = np.moveaxis(x.reshape(len(x), *shape), place + 1, -1).copy()
    means = rows[..., :count].mean(axis=tuple(range(1, len(shape))), keepdims=True)
    rows[..., :count] -= means
    found = np.moveaxis(rows, -1, place + 1).reshape(x.shape)
    found.flags.writeable = False
    return found


def relative_words(axes: Axes | None, said: str) -> str:
    """Return one line about the change.

    Args:
        axes: The axes of a row.
        said: As in `relative_task`.
    """
    place, count = _place(axes, said)
    names, shape = ((), ()) if axes is None else (axes.names, axes.shape)
    others = " and ".join(name for k, name in enumerate(names) if k != place)
    which = names[place] if count == shape[place] else f"the first {count} {names[place]}"
    return f"inputs: {which} relative to their mean over {others} of the row; moving all {others} alike changes nothing"


def _place(axes: Axes | None, said: str) -> tuple[int, int]:
    """Position of the axis of coordinates, and how many of its entries are taken."""
    option = setting("relative_to_mean")
    if axes is None or axes.is_open:
        more = f'{setting("axes")} "points coords"' if axes is None else f"{setting('shape')}, such as 5x3"
        raise DataError(f"{option} {said}: the axes of a row are not known; give {more}")
    match = re.fullmatch(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<count>[1-9][0-9]{0,8}))?", said.strip())
    if match is None or match["name"] not in axes.names:
        raise DataError(f"{option} {quoted(said)}: rows of x have the axes {', '.join(axes.names)}; name one of them")
    if len(axes.names) < 2:
        raise DataError(f"{option} {said}: rows of x have no other axis to take the mean over; name two or more")
    place = axes.names.index(match["name"])
    count = int(match["count"] or axes.shape[place])
    if count > axes.shape[place]:
        raise DataError(f"{option} {said}: the axis {match['name']} has length {axes.shape[place]}; take no more")
    return place, count
