"""Which group of a lattice do the data speak for? Shares of the posterior over tied Gaussian processes.

Beside a tested answer: a share has no error rate, and is calibrated by simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from sharefind.inference.tests.families import CandidateFamily

NO_SYMMETRY = ""
"""Name under which "no symmetry" has its share."""


@dataclass(frozen=True)
class GroupShares:
    """What the evidence speaks for.

    Attributes:
        log_evidence: Of each candidate, and of `NO_SYMMETRY`.
        shares: Of the posterior, the same keys; they sum to 1.
        rows: Rows that were read.
    """

    log_evidence: Mapping[str, float]
    shares: Mapping[str, float]
    rows: int

    @property
    def likeliest(self) -> str:
        """The name with the largest share."""
        return max(self.shares, key=lambda name: self.shares[name])


def group_shares(
    x: Tensor, y: Tensor, family: CandidateFamily, rng: np.random.Generator, units: Tensor | None = None
) -> GroupShares | None:
    """Shares of the candidates of a family and of no symmetry; None where a group cannot be listed.

    Args:
        x: Inputs, shape (n, d_in).
        y: Labels, shape (n, d_out).
        family: The candidates.
        rng: Of the rows that are read, where they are many.
        units: The unit of each row, shape (n,), int64.
    """
    return None
