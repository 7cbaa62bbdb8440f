"""Which trainer a deep network has: Gauss-Newton steps by evidence where it is small, Adam on minibatches otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sharefind.architectures.deep.gauss_newton import train_by_evidence
from sharefind.architectures.deep.rows import DeepRows
from sharefind.architectures.deep.training import Augmentation, Plan, Told, Trained, train
from sharefind.meanfield.units import DeepUnit


def fit_networks(
    unit: DeepUnit,
    rows: DeepRows,
    held: Sequence[NDArray[np.int64]],
    plan: Plan,
    seed: int,
    told: Told | None = None,
    augmentation: Augmentation | None = None,
) -> Trained:
    """Return one network for each set of held-out rows, trained on all other rows.

    Args:
        unit: The unit of the networks.
        rows: The rows.
        held: Rows that each network does not see; one empty array for a network that sees all rows.
        plan: How.
        seed: Seed of first weights and minibatches.
        told: Hears of the progress.
        augmentation: Moves rows by a group, where the unit does not have its symmetry; None for none.

    Raises:
        NotConvergedError: The loss is not finite.
    """
    if plan.evidence is not None and plan.evidence.suits(unit, rows):
        return train_by_evidence(unit, rows, held, plan.evidence, seed, told, augmentation)
    return train(unit, rows, held, plan, seed, told, augmentation)
