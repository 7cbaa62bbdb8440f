"""Names of the data sets that sharefind knows, and one door for names and files alike."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sharefind.datasets.ant import ant_gait_task, ant_ground_task, ant_task
from sharefind.datasets.board import tic_tac_toe_task
from sharefind.datasets.c2 import DESCRIPTIONS, c2_task
from sharefind.datasets.clusters import CLUSTERS, cluster_task
from sharefind.datasets.data_formats import FORMATS, any_file, format_of, read_columns
from sharefind.datasets.digits import turned_digit_task
from sharefind.datasets.elasticity import elasticity_task
from sharefind.datasets.elnino import elnino_task
from sharefind.datasets.ising import ising_task
from sharefind.datasets.molecule import methane_task
from sharefind.datasets.molecules import LOADERS as MOLECULES
from sharefind.datasets.pendulum import pendulum_task
from sharefind.datasets.quadrant_digits import quadrant_digits_task
from sharefind.datasets.roles import Roles
from sharefind.datasets.signals import signal_task
from sharefind.datasets.substitutions import SUBSTITUTIONS, substitution_task
from sharefind.datasets.table_task import table_task
from sharefind.datasets.task import Task
from sharefind.datasets.textures import TEXTURES, texture_task
from sharefind.errors import DataError, quoted, setting
from sharefind.groups.axes import INPUT_AXES, OUTPUT_AXES, read_axes
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits
from sharefind.storage import shown

TASKS: Mapping[str, Callable[[], Task]] = MappingProxyType(
    {
        **{f"c2-{kind}": partial(c2_task, kind) for kind in DESCRIPTIONS},
        **{f"texture:{texture}": partial(texture_task, texture) for texture in TEXTURES},
        "elnino": elnino_task,
        **{f"dna:brca1-{kind}": partial(substitution_task, kind) for kind in SUBSTITUTIONS},
        "methane": methane_task,
        "methane:stretched": partial(methane_task, stretch=0.2),
        **MOLECULES,
        **{f"cluster:{shape}": partial(cluster_task, shape) for shape in CLUSTERS},
        "elasticity:Cu": elasticity_task,
        "elasticity:Cu-stretched": partial(elasticity_task, stretch=1.05),
        "tic-tac-toe": tic_tac_toe_task,
        "ising:4x4": ising_task,
        "digits:turned": turned_digit_task,
        "mnist1d": signal_task,
        "mnist1d:shuffled": partial(signal_task, shuffled=True),
        "quadrant-digits": quadrant_digits_task,
        "quadrant-digits:position": partial(quadrant_digits_task, has_position=True),
        "robot:ant": ant_task,
        "robot:ant-ground": ant_ground_task,
        "robot:ant-gait": ant_gait_task,
        "robot:pendulum": pendulum_task,
    }
)


def task_names() -> tuple[str, ...]:
    """Return all names that `load_task` takes, in the order in which they are listed."""
    return tuple(TASKS)


def load_task(name: str) -> Task:
    """Return a task by name.

    Args:
        name: The name.

    Raises:
        DataError: There is no task of that name (the message gives the nearest names), or its extra is missing.
    """
    if name in TASKS:
        return TASKS[name]()
    raise DataError(f"no task {quoted(name)}; {_suggestion(name)}")


def load_data(
    path_or_name: str | Path, limits: Limits = DEFAULT_LIMITS, roles: Roles | None = None, **settings: Any
) -> Task:
    """Return a task by name, or a data set from a file; the file's ending says how to read it (`data_formats`).

    The task of a file is named after the file and recommends nothing, except that classes keep their places. Its units
    come from the column (in an .npz file: the array) `rows_of`, which is no part of x and y.

    Args:
        path_or_name: The file, or the name of the task.
        limits: Limits on the size of a file.
        roles: Roles of the columns of a file.
        **settings: Attributes of `roles`, one by one.

    Raises:
        DataError: There is neither such a name nor such a file, it is a pickle, or the reader of the file refuses it.
    """
    roles = replace(roles or Roles(), **settings)
    name, path, kind = str(path_or_name), Path(path_or_name), format_of(path_or_name)
    if name in TASKS:
        return _with_axes(TASKS[name](), roles)
    if kind is not None:
        task = table_task(read_columns(kind, path_or_name, limits, roles), roles, shown(path.stem))
        return replace(task, description=f"{task.n} rows of {shown(path.name)}")
    if path.suffix.lower() in PICKLES:
        raise DataError(f"{name}: such files can run code when they are read; save it with numpy.savez(path, x=x, y=y)")
    if path.exists():
        known = ", ".join(kind.suffix for kind in FORMATS)
        raise DataError(f"{name}: not a kind of file that sharefind reads; use {known}")
    raise DataError(f"no data set or file {quoted(name)}; give {any_file()}, or {_suggestion(name)}")


def _with_axes(task: Task, roles: Roles) -> Task:
    """A named task, of whose columns nothing but their axes can be said."""
    if roles.rows_of is not None:
        raise DataError(
            f"{setting('rows_of')} {quoted(roles.rows_of)} names a column of a file, and {task.name} is none; drop it, "
            f"or give {setting('block_length')}"
        )
    axes = ("axes", "shape", "out_axes", "out_shape")
    said = next((f.name for f in fields(roles) if f.name not in axes and getattr(roles, f.name) is not None), None)
    if said is not None:
        raise DataError(f"{setting(said)} is about columns of a file, and {task.name} is none; leave it out")
    if all(getattr(roles, name) is None for name in axes):
        return task
    return replace(
        task,
        in_axes=read_axes(roles.axes, roles.shape, (task.d_in,), INPUT_AXES),
        out_axes=read_axes(roles.out_axes, roles.out_shape, (task.d_out,), OUTPUT_AXES),
    )


def _suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, TASKS, n=2)
    if near:
        return f"did you mean {' or '.join(near)}? The names are {', '.join(TASKS)}"
    return f"use one of {', '.join(TASKS)}"
