"""A mean, or the weights of one output: K parameters whose sharing is a set partition, found by exact equality tests.

The tests are those of `sharefind.inference.partitions.testing`; here they become permutations.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sharefind.inference.partitions.linear_estimates import Estimates
from sharefind.inference.partitions.testing import estimate_partition
from sharefind.proposal.coefficients import FloatArray
from sharefind.proposal.log_evidence import Evidence
from sharefind.recognition.layout import IntArray

ALPHA = 0.01
"""Probability with which a true equality may be refuted."""


def _root(covariance: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def tied_vector(evidence: Evidence, seed: int) -> list[IntArray] | None:
    """Swaps [with signs] of neighbours in each class of equal parameters; None where the weights are no vector.

    Of one input that never changes, or of one output. A true equality is refuted with probability at most alpha.
    """
    coefficients, block = evidence.coefficients, evidence.coefficients.linear
    layout = coefficients.layout
    rows, columns = layout.blocks[0]
    if rows == columns or min(block.values.shape) > 1:
        return None
    axis = columns if block.values.shape[0] == 1 else rows
    covariance = np.diag(block.covariance) if block.covariance.ndim == 1 else block.covariance
    variance = float(np.mean(np.diag(covariance)))
    dof = coefficients.samples - sum(len(b.exponents) for b in coefficients.blocks)
    estimates = Estimates(block.values.ravel(), _root(covariance / variance), variance, dof)
    found = estimate_partition(estimates, signed=layout.axes[axis].is_signed, alpha=ALPHA, seed=seed)
    start, size = layout.starts[axis], layout.axes[axis].size
    swaps = []
    for k in range(1, found.blocks + 1):
        members = np.flatnonzero(np.abs(found.labels) == k)
        for a, b in pairwise(members):
            swap = np.arange(layout.points)
            is_opposite = found.labels[a] != found.labels[b]
            turned = size if is_opposite else 0
            swap[start + a], swap[start + b] = start + b + turned, start + a + turned
            if layout.axes[axis].is_signed:
                swap[start + size + a], swap[start + size + b] = start + b + size - turned, start + a + size - turned
            swaps.append(swap)
    return swaps
