"""Which of several exact spaces is it? Shares of the posterior, and the spaces that are left standing.

The prior is uniform over kinds of spaces (dimension and sizes of classes): without that, the many conjugates of a small
group would outweigh the one large group whose members they share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sharefind.proposal.log_evidence import Labels
from sharefind.recognition.layout import IntArray
from sharefind.spaces import tying


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A space of weights.

    name: what ties them where no group does, else "". labels: int32 (dim,). log: its evidence.
    moves: generators of a group that fixes it; None where none does.
    """

    name: str
    labels: Labels
    log: float
    moves: tuple[IntArray, ...] | None

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return int(self.labels.max())

    @property
    def kind(self) -> tuple[int, ...]:
        """What conjugate spaces share: the sizes of the classes, and of the part that vanishes."""
        sizes = sorted(tying.class_sizes(self.labels).tolist())
        return (int((self.labels == 0).sum()), *sizes)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Spaces, the most likely first, with their shares of the posterior."""

    ranked: tuple[Hypothesis, ...]
    shares: tuple[float, ...]

    def first(self, share: float) -> tuple[Hypothesis, ...]:
        """The fewest spaces with this share together."""
        sums = np.cumsum(self.shares)
        return self.ranked[: int(np.searchsorted(sums, min(share, float(sums[-1])))) + 1]


def posterior(hypotheses: Sequence[Hypothesis]) -> Posterior:
    """Shares of the posterior; of equal ones, the space of smaller dimension comes first."""
    kinds = Counter(h.kind for h in hypotheses)
    weights = np.array([h.log - np.log(kinds[h.kind]) for h in hypotheses])
    shares = np.exp(weights - weights.max())
    shares /= shares.sum()
    order = sorted(
        range(len(hypotheses)), key=lambda k: (-shares[k], hypotheses[k].dim, hypotheses[k].labels.tobytes())
    )
    return Posterior(tuple(hypotheses[k] for k in order), tuple(float(shares[k]) for k in order))


def common_refinement(patterns: Sequence[Labels]) -> Labels:
    """The smallest tying space that contains several: entries stay tied where all of them tie them alike."""
    table = np.stack(patterns, axis=1)
    first = np.array([row[np.flatnonzero(row)[0]] if row.any() else 1 for row in table])
    oriented = table * np.sign(first)[:, None]
    classes = np.unique(oriented, axis=0, return_inverse=True)[1].ravel() + 1
    return tying.canonical(np.where(table.any(axis=1), classes * np.sign(first), 0))
