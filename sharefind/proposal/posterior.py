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
from sharefind.spaces import tying
from sharefind.typing import IntArray


@dataclass(frozen=True, eq=False)
class TiedSpace:
    """A space of weights.

    Attributes:
        name: Name of the tying where there is no group, else "".
        labels: The space, int32 (dim,).
        log: Its log evidence.
        generators: Generators of a group that fixes it; None where none does.
    """

    name: str
    labels: Labels
    log: float
    generators: tuple[IntArray, ...] | None

    @property
    def dim(self) -> int:
        """Dimension of the space."""
        return int(self.labels.max())

    @property
    def kind(self) -> tuple[int, ...]:
        """The invariants of conjugate spaces: the sizes of the classes, and of the part that vanishes."""
        sizes = sorted(tying.class_sizes(self.labels).tolist())
        return (int((self.labels == 0).sum()), *sizes)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Spaces, the most likely first, with their shares of the posterior.

    Attributes:
        ranked: The spaces.
        shares: Their shares.
    """

    ranked: tuple[TiedSpace, ...]
    shares: tuple[float, ...]

    def first(self, share: float) -> tuple[TiedSpace, ...]:
        """Return the fewest spaces with a share together.

        Args:
            share: The share.
        """
        sums = np.cumsum(self.shares)
        return self.ranked[: int(np.searchsorted(sums, min(share, float(sums[-1])))) + 1]


def posterior(spaces: Sequence[TiedSpace]) -> Posterior:
    """Return shares of the posterior; of equal shares, the space of smaller dimension comes first.

    Args:
        spaces: The spaces with their evidence.
    """
    kinds = Counter(space.kind for space in spaces)
    weights = np.array([space.log - np.log(kinds[space.kind]) for space in spaces])
    shares = np.exp(weights - weights.max())
    shares /= shares.sum()
    order = sorted(range(len(spaces)), key=lambda k: (-shares[k], spaces[k].dim, spaces[k].labels.tobytes()))
    return Posterior(tuple(spaces[k] for k in order), tuple(float(shares[k]) for k in order))


def common_refinement(patterns: Sequence[Labels]) -> Labels:
    """Return the smallest tying space that contains several: entries stay tied where all of them tie them alike.

    Args:
        patterns: The spaces, as labels.
    """
    table = np.stack(patterns, axis=1)
    first = np.array([row[np.flatnonzero(row)[0]] if row.any() else 1 for row in table])
    oriented = table * np.sign(first)[:, None]
    classes = np.unique(oriented, axis=0, return_inverse=True)[1].ravel() + 1
    return tying.canonical(np.where(table.any(axis=1), classes * np.sign(first), 0))
