"""Labels that are classes: one column of Y for each, with 1 for the class of a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sharefind.errors import DataError, RepresentationError, setting
from sharefind.groups import Representation
from sharefind.meanfield.clouds.standardise import Standardisation, identity_standardisation, logit_change
from sharefind.meanfield.dynamics.settings import SGDConfig
from sharefind.meanfield.objectives.losses import CROSS_ENTROPY, SQUARED, Loss
from sharefind.meanfield.units import SearchedUnit
from sharefind.meanfield.units.invariance import first_refused
from sharefind.rng import named_stream
from sharefind.search.samples_of_task import TaskLike
from sharefind.typing import FloatArray


def paced(sgd: SGDConfig, loss: Loss) -> SGDConfig:
    """Return settings of a training, with the step that suits the curvature of a loss; the settings suit the squared
    loss.

    Args:
        sgd: The settings.
        loss: The loss.
    """
    if loss is SQUARED:
        return sgd
    return sgd.model_copy(update={"alpha": sgd.alpha * SQUARED.curvature / loss.curvature})


def fresh_change(
    task: TaskLike, out_rep: Representation, unit: SearchedUnit, seed: int, samples: int = 1000
) -> Standardisation:
    """Return the change of fresh samples: none, but for classes the logits about those of their shares.

    Args:
        task: Where samples come from.
        out_rep: The candidate's action on Y.
        unit: The unit that is trained.
        seed: Seed of the samples that shares are estimated from.
        samples: Number of these samples.
    """
    change = identity_standardisation(task.d_in, task.d_out)
    if not task.classes:
        return change
    _, y = task.sample(named_stream(seed, "shares of classes"), samples)
    shift, scale = logit_change(y, out_rep, unit.output_activation)
    return replace(change, shift=shift, scale=scale, has_classes=True)


def refuse_no_classes(task: TaskLike, out_rep: Representation) -> None:
    """Refuse labels that are no classes, and moves of them that are no permutations.

    Args:
        task: A task with classes.
        out_rep: The candidate's action on Y.

    Raises:
        DataError: A row of y is not 1 in the column of its class and 0 in the others.
        RepresentationError: The group does not permute the classes.
    """
    count = len(task.classes)
    if count != task.d_out:
        raise DataError(f"{task.name}: {count} names of classes for {task.d_out} columns of y; give one for each")
    if task.y is not None:
        _refuse_other_labels(task.y, task.name)
    culprit = first_refused(out_rep, CROSS_ENTROPY.invariance)
    if culprit is not None:
        raise RepresentationError(
            f"{task.name}: y holds {count} classes, which a group can only permute, and under {out_rep.name} "
            f"{culprit} is no permutation of them; use {setting('out_rep')} trivial:{count}, or another that permutes"
        )


def _refuse_other_labels(y: FloatArray, name: str) -> None:
    wrong = ~(np.isin(y, (0.0, 1.0)).all(axis=1) & (y.sum(axis=1) == 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{name}: row {row} of y (counted from 0) is no class: give 1 in the column of its class, 0 in the others"
        )
