"""The rows of a finished search with the group that it found, as a deep network is trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.searched_spec import refuse_open_maps, stabiliser_of
from sharefind.column_names import kept_names
from sharefind.errors import ConfigError, ExportError, setting
from sharefind.groups import FiniteGroup, Representation, unmoved
from sharefind.groups.subgroups import MAX_SUBGROUP_ORDER
from sharefind.search.mirror_record import mirror_row
from sharefind.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from sharefind.search.problem import Problem
    from sharefind.search.search_outcome import SearchOutcome


def finished_rows(
    outcome: SearchOutcome, x: FloatArray | None, y: FloatArray | None, units: IntArray | None
) -> DeepRows:
    """Return the rows of a search in which a space held, as `found_rows` does.

    Args:
        outcome: The outcome.
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        units: The unit of each row, shape (n,); None where rows are independent.

    Raises:
        ConfigError: Nothing was found, or there are no rows.
        ExportError: No space holds, the group is infinite, or a log does not settle its mirror maps.
    """
    if not outcome.finished:
        raise ExportError(f"the search ended at {outcome.e_star.label}, which does not hold; resume it first")
    if outcome.e_star.space.is_zero:
        raise ConfigError("the search found {0}: there is nothing to train")
    if x is None or y is None:
        raise ConfigError("the task has no rows; give a data set")
    refuse_open_maps(mirror_row(outcome))
    return found_rows(outcome, x, y, units)


def found_rows(outcome: SearchOutcome, x: FloatArray, y: FloatArray, units: IntArray | None) -> DeepRows:
    """Return rows with the actions of the group that fixes E_*; a space without a group shares nothing.

    Args:
        outcome: A finished search.
        x: Inputs, shape (n, d_in).
        y: Outputs, shape (n, d_out).
        units: The unit of each row, shape (n,); None where rows are independent.

    Raises:
        ExportError: The group is infinite, so that no hidden layer of numbers moves with it.
    """
    problem, node = outcome.problem, outcome.e_star
    name, group = stabiliser_of(problem, node)
    if group is None:
        reps = unmoved(x.shape[1]), unmoved(y.shape[1])
    elif isinstance(group, FiniteGroup):
        reps = problem.representations_of(group)
    else:
        raise ExportError(
            f"{name} is infinite, and the hidden layers of a deep network move by signed permutations; train without "
            f"{setting('unit')}"
        )
    task = problem.task
    return DeepRows(
        name=f"{task.name}: {node.label}",
        in_rep=reps[0],
        out_rep=reps[1],
        x=np.asarray(x, dtype=np.float64),
        y=np.asarray(y, dtype=np.float64),
        inputs=kept_names(task.inputs, "x"),
        outputs=kept_names(task.outputs, "y"),
        classes=kept_names(task.classes, "class "),
        units=None if units is None else np.asarray(units, dtype=np.int64),
        group_name=name,
        larger=_larger(problem, group),
    )


def _larger(problem: Problem, found: FiniteGroup | None) -> tuple[Representation, Representation] | None:
    """The actions of the candidate where it is finite, has a list of types, and is larger than what was found."""
    candidate = problem.candidate
    group = candidate.group
    if not isinstance(group, FiniteGroup) or not 1 < group.order <= MAX_SUBGROUP_ORDER:
        return None
    if found is not None and (found.order == group.order or not found.is_subgroup_of(group)):
        return None
    return candidate.in_rep, candidate.out_rep
