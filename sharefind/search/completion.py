"""Rows that a search trains on where the relation decides: the data and their images under the accepted group.

Training on E^H keeps particles there only where the law of the samples is invariant (Maass & Fontbona 2024, Thm 5),
which one-sided inputs spoil although E[Y | hX] = h E[Y | X]. With the images of each row, labels moved too, the
relation is the same and the law is invariant. Tests, diagnoses, reference scores and the noise floor use the rows as
measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from sharefind.groups import FiniteGroup
from sharefind.meanfield.clouds.actions import JointAction
from sharefind.rng import named_stream
from sharefind.search.hypotheses import TestedProblem
from sharefind.search.samples_of_task import TaskLike
from sharefind.typing import FloatArray


def completed(problem: TestedProblem, most_rows: int = 20_000) -> TestedProblem:
    """The problem with the rows that a node is trained on; itself where the law decides, or no group was accepted.

    Each image belongs to the unit of its row, so that folds never part them and a copy moves them alike.

    Args:
        problem: The problem of the search, with its tests.
        most_rows: Images, with the rows themselves, up to which all are taken; beyond, each row gives one, moved by a
            Haar element of its own. Fresh samples are moved so as they are drawn.

    Returns:
        The problem with other x, y and units, or of fresh samples with another task.
    """
    action = _accepted(problem)
    if action is None:
        return problem
    if problem.x is None or problem.y is None:
        return replace(problem, task=_moved_task(problem.task, action))
    n, order = len(problem.x), action.group.order or 0
    if n * order > most_rows:
        rng = named_stream(problem.settings.seed, "completion")
        x, y = _moved(action, action.draw((1, n), rng), problem.x, problem.y)
        return replace(problem, x=x, y=y)
    x, y = (rows.repeat_interleave(order, dim=0) for rows in (problem.x, problem.y))
    x, y = _moved(action, torch.arange(order).repeat(1, n), x, y)
    units = torch.arange(n) if problem.units is None else problem.units
    return replace(problem, x=x, y=y, units=units.repeat_interleave(order))


def _accepted(problem: TestedProblem) -> JointAction | None:
    """The largest group under which the relation was accepted, as it acts on samples."""
    found = problem.symmetries
    if found is None or found.decided_by != "relation" or problem.family is None or problem.lattice is None:
        return None
    groups = {problem.label_of(g): g for node in problem.lattice.nodes for g in node.groups}
    accepted = [groups[name] for name in problem.family.maximal if isinstance(groups.get(name), FiniteGroup)]
    return problem.joint_action(accepted[0]) if accepted else None


def _moved(action: JointAction, elements: Any, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Rows x (n, d_in) and y (n, d_out), each moved by its element (1, n)."""
    on_x, on_y = action.move(elements, x.unsqueeze(0), y.unsqueeze(0))
    return on_x[0], on_y[0]


@dataclass(frozen=True)
class _MovedSampler:
    """A law whose samples are each moved by a Haar element."""

    task: TaskLike
    action: JointAction

    def sample(self, rng: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray]:
        """Draw x (n, d_in) and y (n, d_out)."""
        x, y = map(torch.from_numpy, self.task.sample(rng, n))
        x, y = _moved(self.action, self.action.draw((1, n), rng), x, y)
        return x.numpy(), y.numpy()


def _moved_task(task: TaskLike, action: JointAction) -> TaskLike:
    moved: TaskLike = replace(cast("Any", task), sampler=_MovedSampler(task, action))
    return moved
