"""Where (X, Y) comes from: teacher-student samplers, files and real data sets.

A task only holds or draws data and recommends settings for it; models, training and the search are left
to others.
"""

from sharefind.datasets.c2 import c2_task
from sharefind.datasets.files import load_csv, load_npz, load_parquet
from sharefind.datasets.registry import load_data, load_task, task_names
from sharefind.datasets.task import Sampler, Task, check_arrays, finite_task, fresh_task
from sharefind.datasets.teacher_student import (
    TeacherStudent,
    strongly_invariant,
    teacher_student,
    weakly_invariant,
)
from sharefind.datasets.textures import texture_task

__all__ = [
    "Sampler",
    "Task",
    "TeacherStudent",
    "c2_task",
    "check_arrays",
    "finite_task",
    "fresh_task",
    "load_csv",
    "load_data",
    "load_npz",
    "load_parquet",
    "load_task",
    "strongly_invariant",
    "task_names",
    "teacher_student",
    "texture_task",
    "weakly_invariant",
]
