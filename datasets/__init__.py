"""Where (X, Y) comes from: teacher-student samplers, files and real data sets.

A task holds or draws data and recommends settings for it; other packages have models, training and the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sharefind.offered import offers

if TYPE_CHECKING:
    from sharefind.datasets.ant import ant_gait_task as ant_gait_task
    from sharefind.datasets.ant import ant_ground_task as ant_ground_task
    from sharefind.datasets.ant import ant_task as ant_task
    from sharefind.datasets.ant_symmetry import ant_action as ant_action
    from sharefind.datasets.ant_symmetry import mirror_action as mirror_action
    from sharefind.datasets.board import tic_tac_toe_task as tic_tac_toe_task
    from sharefind.datasets.c2 import c2_task as c2_task
    from sharefind.datasets.data_formats import load_csv as load_csv
    from sharefind.datasets.data_formats import load_npz as load_npz
    from sharefind.datasets.data_formats import load_parquet as load_parquet
    from sharefind.datasets.data_formats import read_table as read_table
    from sharefind.datasets.elasticity import elasticity_task as elasticity_task
    from sharefind.datasets.ising import ising_action as ising_action
    from sharefind.datasets.ising import ising_task as ising_task
    from sharefind.datasets.molecule import methane_task as methane_task
    from sharefind.datasets.molecules import molecule_task as molecule_task
    from sharefind.datasets.pendulum import pendulum_task as pendulum_task
    from sharefind.datasets.registry import load_data as load_data
    from sharefind.datasets.registry import load_task as load_task
    from sharefind.datasets.registry import task_names as task_names
    from sharefind.datasets.roles import Roles as Roles
    from sharefind.datasets.row_keys import unit_numbers as unit_numbers
    from sharefind.datasets.substitutions import substitution_task as substitution_task
    from sharefind.datasets.table_task import table_task as table_task
    from sharefind.datasets.tables import Table as Table
    from sharefind.datasets.task import GivenAction as GivenAction
    from sharefind.datasets.task import Sampler as Sampler
    from sharefind.datasets.task import Task as Task
    from sharefind.datasets.task import check_arrays as check_arrays
    from sharefind.datasets.task import finite_task as finite_task
    from sharefind.datasets.task import fresh_task as fresh_task
    from sharefind.datasets.teacher_student import TeacherStudent as TeacherStudent
    from sharefind.datasets.teacher_student import strongly_invariant as strongly_invariant
    from sharefind.datasets.teacher_student import teacher_student as teacher_student
    from sharefind.datasets.teacher_student import weakly_invariant as weakly_invariant
    from sharefind.datasets.textures import texture_task as texture_task

OFFERED = {
    "GivenAction": ".task",
    "Roles": ".roles",
    "Sampler": ".task",
    "Table": ".tables",
    "Task": ".task",
    "TeacherStudent": ".teacher_student",
    "ant_action": ".ant_symmetry",
    "ant_gait_task": ".ant",
    "ant_ground_task": ".ant",
    "ant_task": ".ant",
    "c2_task": ".c2",
    "check_arrays": ".task",
    "elasticity_task": ".elasticity",
    "finite_task": ".task",
    "fresh_task": ".task",
    "ising_action": ".ising",
    "ising_task": ".ising",
    "load_csv": ".data_formats",
    "load_data": ".registry",
    "load_npz": ".data_formats",
    "load_parquet": ".data_formats",
    "load_task": ".registry",
    "methane_task": ".molecule",
    "mirror_action": ".ant_symmetry",
    "molecule_task": ".molecules",
    "pendulum_task": ".pendulum",
    "read_table": ".data_formats",
    "strongly_invariant": ".teacher_student",
    "substitution_task": ".substitutions",
    "table_task": ".table_task",
    "task_names": ".registry",
    "teacher_student": ".teacher_student",
    "texture_task": ".textures",
    "tic_tac_toe_task": ".board",
    "unit_numbers": ".row_keys",
    "weakly_invariant": ".teacher_student",
}
"""Names that the package offers, each with its module."""

__all__ = list(OFFERED)
offers(__name__)
