"""The rows of a finished run, as they are trained on: those of its data, or fresh samples of a named task."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sharefind.search import Problem, TaskLike
    from sharefind.typing import FloatArray, IntArray


def task_rows(task: TaskLike, seed: int, fresh: int = 10_000) -> tuple[FloatArray, FloatArray]:
    """Return the data set, or fresh samples of a task without one.

    Args:
        task: The task of a run.
        seed: Seed of the fresh samples.
        fresh: Number of fresh samples.
    """
    if task.x is not None and task.y is not None:
        return task.x, task.y
    from sharefind.rng import named_stream

    return task.sample(named_stream(seed, "train", "fresh"), fresh)


def task_units(problem: Problem) -> IntArray | None:
    """Return the unit of each row of the task, as in the run; a blind search tested only some rows.

    Args:
        problem: The problem of a run.
    """
    from sharefind.search.units_of_rows import row_units

    task = problem.task
    found = row_units(problem.settings.config, task.x, task.y, task.units, task.name).units
    return None if found is None else found.numpy()
