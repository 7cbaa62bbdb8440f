"""A mean, or the weights of one output: K parameters whose sharing is a set partition, found by exact equality tests.

The tests are those of `sharefind.inference.partitions.partition_tests`; here they become permutations.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sharefind.inference.partitions.linear_estimates import Estimates
from sharefind.inference.partitions.partition_tests import estimate_partition
from sharefind.proposal.log_evidence import LogEvidence
from sharefind.typing import IntArray


def tied_vector(evidence: LogEvidence, seed: int, alpha: float) -> list[IntArray] | None:
    """Return swaps [with signs] of neighbours in each class of equal parameters; None where the weights are no vector.

    They are a vector for one output, or for one input that never changes.

    Args:
        evidence: Evidence of the coefficients.
        seed: Seed of drawn critical values.
        alpha: Largest probability with which a true equality is refuted.
    """
    coefficients, block = evidence.coefficients, evidence.coefficients.linear
    layout = coefficients.layout
    rows, columns = layout.blocks[0]
    if rows == columns or min(block.values.shape) > 1:
        return None
    axis = columns if block.values.shape[0] == 1 else rows
    covariance = np.diag(block.covariance) if block.covariance.ndim == 1 else block.covariance
    variance = float(np.mean(np.diag(covariance)))
    root = np.asarray(np.linalg.cholesky(covariance / variance), dtype=np.float64)
    dof = coefficients.samples - sum(len(b.exponents) for b in coefficients.blocks)
    estimates = Estimates(block.values.ravel(), root, variance, dof)
    is_signed = layout.axes[axis].is_signed
    labels = estimate_partition(estimates, signed=is_signed, alpha=alpha, seed=seed).labels
    plus, minus = (layout.starts[axis] + side * layout.axes[axis].size for side in (0, 1))
    swaps = []
    for k in range(1, int(np.abs(labels).max()) + 1):
        for a, b in pairwise(np.flatnonzero(np.abs(labels) == k)):
            swap = np.arange(layout.points)
            other, opposite = (minus, plus) if labels[a] != labels[b] else (plus, minus)
            swap[plus + a], swap[plus + b] = other + b, other + a
            if is_signed:
                swap[minus + a], swap[minus + b] = opposite + b, opposite + a
            swaps.append(swap)
    return swaps
