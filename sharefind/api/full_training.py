"""The architecture that a search found, trained in full as `sharefind train` does, for the predictions
of an estimator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sharefind.architectures import TrainedNetwork, spec_from_outcome
from sharefind.architectures.layers import FitResult
from sharefind.architectures.layers.comparison import TrainingPlan, best_of_starts
from sharefind.architectures.layers.coordinates import suited
from sharefind.errors import ConfigError, NotConvergedError, UnitError
from sharefind.meanfield.units import can_be_exported, exported_units
from sharefind.search import Problem, SearchOutcome
from sharefind.search.units_of_rows import row_units


@dataclass(frozen=True, eq=False)
class FullTraining:
    """A network after its training.

    Attributes:
        network: The network with the weights of its best epoch, for X and y in the user's units.
        training: The course of the training.
    """

    network: TrainedNetwork
    training: FitResult


def trained_in_full(outcome: SearchOutcome, epochs: int, width: int | None, lr: float) -> FullTraining:
    """Train the network on E_* on all rows of a search; a fifth of them decides when to stop.

    Args:
        outcome: A finished search on a data set.
        epochs: Largest number of passes over the rows.
        width: Number of particles; None for the number in the search.
        lr: Adam's step relative to the size of the first weights.

    Returns:
        The network and the course of its training.

    Raises:
        NotConvergedError: The training diverged, or never improved on its start.
        UnitError: The unit cannot be exported.
    """
    problem = outcome.problem
    task, config = problem.task, problem.settings.config
    x, y = np.asarray(task.x), np.asarray(task.y)
    units = row_units(config, task.x, task.y, task.units, task.name).units
    plan = TrainingPlan(width, epochs, lr=lr, seed=problem.settings.seed)
    spec = suited(spec_from_outcome(outcome), x, y)
    network, training = best_of_starts(spec, x, y, plan, units=None if units is None else units.numpy())
    if training.best_epoch == 0:
        raise NotConvergedError(
            f"training never improved on its start with train_lr = {lr:g}; try another train_lr, or 0 train_epochs: "
            "there may be nothing to learn"
        )
    return FullTraining(network.to_trained(), training)


def refuse_unit(problem: Problem) -> None:
    """Refuse a unit whose network cannot be trained, before the search.

    Args:
        problem: The problem to search.

    Raises:
        UnitError: The unit cannot be exported.
    """
    if not can_be_exported(problem.unit.name):
        raise UnitError(
            f"train_epochs trains the networks that can be exported, and the unit {problem.unit.name} cannot; use "
            f"{exported_units()}, or 0 train_epochs"
        )


def refuse_settings(epochs: int, width: int | None, lr: float) -> None:
    """Refuse training settings that are out of range, before the search.

    Args:
        epochs: Largest number of passes over the rows.
        width: Number of particles, or None.
        lr: Adam's step relative to the size of the first weights.

    Raises:
        ConfigError: A setting is out of range.
    """
    for name, value, least in (("train_epochs", epochs, 0), ("train_width", width, 1)):
        if value is None and name == "train_width":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ConfigError(f"{name} is {value!r}; give a whole number, {least} or more")
    if not 0 < lr < math.inf:
        raise ConfigError(f"train_lr is {lr!r}; give a number above 0, such as 0.05")
