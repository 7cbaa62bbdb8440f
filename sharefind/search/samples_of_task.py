"""The interface of a task to a search: its samples, their fingerprint, and the default action of a group on them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from sharefind.groups import Group
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, Axes
from sharefind.search.axis_words import default_expression, settled
from sharefind.search.config import SearchConfig


class TaskLike(Protocol):
    """Where (X, Y) comes from, such as `sharefind.datasets.Task`: rows x and y, or `sample` where they are None."""

    @property
    def name(self) -> str:
        """The name of the task in the records."""
        ...

    @property
    def d_in(self) -> int:
        """Width of X."""
        ...

    @property
    def d_out(self) -> int:
        """Width of Y."""
        ...

    @property
    def in_rep(self) -> str | None:
        """Recommended representation on X."""
        ...

    @property
    def out_rep(self) -> str | None:
        """Recommended representation on Y."""
        ...

    @property
    def unit(self) -> str | None:
        """Recommended unit."""
        ...

    @property
    def tolerance(self) -> float:
        """Recommended tolerance, 0 for exact symmetry."""
        ...

    @property
    def x(self) -> NDArray[np.float64] | None:
        """(n, d_in), or None for fresh samples."""
        ...

    @property
    def y(self) -> NDArray[np.float64] | None:
        """(n, d_out), or None for fresh samples."""
        ...

    @property
    def units(self) -> NDArray[np.int64] | None:
        """(n,), the unit of each row, numbered from 0; None where rows are independent."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the columns of x."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of y."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of which y has one column each; empty where y holds numbers."""
        ...

    @property
    def in_axes(self) -> Axes | None:
        """The axes of a row of x; None for one axis without a name."""
        ...

    @property
    def out_axes(self) -> Axes | None:
        """The axes of a row of y."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return fresh samples.

        Args:
            rng: Source of the draws.
            n: Number of samples.

        Returns:
            x, shape (n, d_in), and y, shape (n, d_out).
        """
        ...


def fingerprint(task: TaskLike) -> str:
    """Return what identifies samples: SHA-256 of the user's rows and of their units; the name of fresh samples.

    Args:
        task: The source of samples.
    """
    if task.x is None or task.y is None:
        return f"fresh samples of {task.name}"
    digest = hashlib.sha256(f"{task.x.shape} {task.y.shape}".encode())
    for values in (task.x, task.y):
        digest.update(np.ascontiguousarray(values).tobytes())
    if task.units is not None:
        digest.update(np.ascontiguousarray(task.units).tobytes())
    if task.classes:
        digest.update(json.dumps(task.classes).encode())
    return digest.hexdigest()


def with_lengths(task: TaskLike, group: Group | None) -> TaskLike:
    """Return the task with the lengths of its axes, where only their names are known (`axis_words.settled`).

    Args:
        task: The samples; a dataclass where its axes are open.
        group: The group that acts; None where none is named.

    Raises:
        DataError: The lengths are not known.
    """
    in_axes = settled(task.in_axes, task.d_in, group, INPUT_AXES)
    out_axes = settled(task.out_axes, task.d_out, group, OUTPUT_AXES)
    if in_axes is task.in_axes and out_axes is task.out_axes:
        return task
    changed: TaskLike = replace(cast("Any", task), in_axes=in_axes, out_axes=out_axes)
    return changed


def expressions(config: SearchConfig, task: TaskLike, group: Group) -> tuple[str, str]:
    """Return representation expressions on X and Y.

    They come from the user's settings, or else from the task, or else from the names of axes; natural otherwise.

    Args:
        config: The configuration.
        task: The source of samples.
        group: The group.

    Raises:
        RepresentationError: The names of the axes do not determine which of them the group moves.
    """
    if config.blind:
        return f"trivial:{task.d_in}", f"trivial:{task.d_out}"
    sides = (
        (config.in_rep or task.in_rep, task.in_axes, "in_rep"),
        (config.out_rep or task.out_rep, task.out_axes, "out_rep"),
    )
    on_x, on_y = (
        text or ("natural" if axes is None else default_expression(axes, group, name)) for text, axes, name in sides
    )
    return on_x, on_y
