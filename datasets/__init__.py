"""Where (X, Y) comes from: teacher-student samplers, files and real data sets.

A task holds or draws data and recommends settings for it; other packages have models, training and the search.
"""

from sharefind.datasets.ant import ant_gait_task, ant_ground_task, ant_task
from sharefind.datasets.ant_symmetry import ant_action, mirror_action
from sharefind.datasets.board import tic_tac_toe_task
from sharefind.datasets.c2 import c2_task
from sharefind.datasets.data_formats import load_csv, load_npz, load_parquet, read_table
from sharefind.datasets.elasticity import elasticity_task
from sharefind.datasets.ising import ising_action, ising_task
from sharefind.datasets.molecule import methane_task
from sharefind.datasets.molecules import molecule_task
from sharefind.datasets.pendulum import pendulum_task
from sharefind.datasets.registry import load_data, load_task, task_names
from sharefind.datasets.roles import Roles
from sharefind.datasets.row_keys import unit_numbers
from sharefind.datasets.substitutions import substitution_task
from sharefind.datasets.table_task import table_task
from sharefind.datasets.tables import Table
from sharefind.datasets.task import GivenAction, Sampler, Task, check_arrays, finite_task, fresh_task
from sharefind.datasets.teacher_student import (
    TeacherStudent,
    strongly_invariant,
    teacher_student,
    weakly_invariant,
)
from sharefind.datasets.textures import texture_task

__all__ = [
    "GivenAction",
    "Roles",
    "Sampler",
    "Table",
    "Task",
    "TeacherStudent",
    "ant_action",
    "ant_gait_task",
    "ant_ground_task",
    "ant_task",
    "c2_task",
    "check_arrays",
    "elasticity_task",
    "finite_task",
    "fresh_task",
    "ising_action",
    "ising_task",
    "load_csv",
    "load_data",
    "load_npz",
    "load_parquet",
    "load_task",
    "methane_task",
    "mirror_action",
    "molecule_task",
    "pendulum_task",
    "read_table",
    "strongly_invariant",
    "substitution_task",
    "table_task",
    "task_names",
    "teacher_student",
    "texture_task",
    "tic_tac_toe_task",
    "unit_numbers",
    "weakly_invariant",
]
