"""Names of the data sets that sharefind knows, and one door for names and files alike."""

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from sharefind.datasets.board import tic_tac_toe_task
from sharefind.datasets.c2 import c2_task
from sharefind.datasets.elasticity import elasticity_task
from sharefind.datasets.elnino import elnino_task
from sharefind.datasets.files import Rows, read_csv, read_npz, read_parquet
from sharefind.datasets.molecule import methane_task
from sharefind.datasets.substitutions import substitution_task
from sharefind.datasets.task import Task, finite_task
from sharefind.datasets.textures import texture_task
from sharefind.errors import DataError, quoted
from sharefind.limits import DEFAULT_LIMITS, PICKLES, Limits
from sharefind.storage import shown

TASKS: Mapping[str, Callable[[], Task]] = MappingProxyType(
    {
        "c2-wi": partial(c2_task, "wi"),
        "c2-si": partial(c2_task, "si"),
        "c2-arbitrary": partial(c2_task, "arbitrary"),
        "texture:gravel": partial(texture_task, "gravel"),
        "texture:brick": partial(texture_task, "brick"),
        "texture:grass": partial(texture_task, "grass"),
        "elnino": elnino_task,
        "dna:brca1-exchangeabilities": partial(substitution_task, "exchangeabilities"),
        "dna:brca1-rates": partial(substitution_task, "rates"),
        "methane": methane_task,
        "methane:stretched": partial(methane_task, is_stretched=True),
        "elasticity:Cu": elasticity_task,
        "elasticity:Cu-stretched": partial(elasticity_task, is_stretched=True),
        "tic-tac-toe": tic_tac_toe_task,
    }
)
READERS: Mapping[str, Callable[[str | Path, Limits, str | None], Rows]] = MappingProxyType(
    {".npz": read_npz, ".csv": read_csv, ".parquet": read_parquet}
)


def task_names() -> tuple[str, ...]:
    """All names that `load_task` takes, in the order in which they are listed to people."""
    return tuple(TASKS)


def load_task(name: str) -> Task:
    """Load a task by name.

    Raises:
        DataError: there is none of that name (the message gives the nearest ones), or its extra is missing.
    """
    if name in TASKS:
        return TASKS[name]()
    raise DataError(f"no task {quoted(name)}; {_suggestion(name)}")


def load_data(path_or_name: str | Path, limits: Limits = DEFAULT_LIMITS, rows_of: str | None = None) -> Task:
    """Load a task by name, or a data set from a file whose suffix (.npz, .csv, .parquet) says how to read it.

    A file's task is named after the file and recommends nothing. Its units come from the column (of an .npz file: the
    array) `rows_of`, which is no part of x and y.

    Raises:
        DataError: there is neither such a name nor such a file, it is a pickle, or the reader of the file refuses it.
    """
    name = str(path_or_name)
    if name in TASKS and rows_of is not None:
        raise DataError(
            f"--rows-of {quoted(rows_of)} names a column of a file, and {name} is none; drop it, or give --block-length"
        )
    if name in TASKS:
        return TASKS[name]()
    path = Path(path_or_name)
    reader = READERS.get(path.suffix.lower())
    if path.suffix.lower() in PICKLES:
        raise DataError(f"{name}: such files can run code when they are read; save it with numpy.savez(path, x=x, y=y)")
    if reader is not None:
        x, y, units = reader(path, limits, rows_of)
        description = f"{len(x)} rows of {shown(path.name)}"
        return finite_task(shown(path.stem), x, y, description=description, units=units)
    if path.exists():
        raise DataError(f"{name}: not a kind of file that sharefind reads; use {', '.join(READERS)}")
    raise DataError(f"no data set or file {quoted(name)}; give an .npz, .csv or .parquet file, or {_suggestion(name)}")


def _suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, TASKS, n=2)
    if near:
        return f"did you mean {' or '.join(near)}? The names are {', '.join(TASKS)}"
    return f"use one of {', '.join(TASKS)}"
