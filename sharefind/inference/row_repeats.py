"""Do rows have near-duplicates, wherever they stand in the file, more evenly than independent draws have?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class RepeatCheck:
    """Whether the numbers of near-duplicates are more even than independent rows can have them.

    Given a row, the number of other rows near it is binomial, whatever the law: over all rows such numbers
    spread at least as widely as where all places are equally likely. Repeats, k of each, have k - 1 near rows each.

    Attributes:
        near: Share of the typical distance of two rows up to which they may be near-duplicates.
        gap: Factor in distance over which the number of near pairs hardly grows, if they are near-duplicates.
        growth: Growth of that number over the gap which is hardly any.
        smallest: Relative distance below which rows count as equal.
        fewest_partners: Least mean number of near rows of a row for which repeats are looked for.
        most_partners: The largest such number.
        simulations: Simulated data sets that the evenness is compared with: one as even ends the matter, p <= .001.
        queries: Most rows whose near neighbours are looked for among all rows.
        fewest_queries: Fewest such rows, where there are millions of others.
        pairs: Pairs of rows that are compared at most, which sets the number of queries.
        chunk: Pairs whose distances are held at a time.
        kept_partners: Nearest rows of a row that are kept, more than `growth` times `most_partners`.
        directions: Directions along which rows are compared first: near rows are near along all of them.
        scaled_by: Most rows from which the spread of columns is computed.
        rounding: Share of squared lengths below which the difference of two is rounding.
        far: Squared length of a row, over that of a typical distance, from which rounding is looked at row by row.
    """

    near: float = 0.05
    gap: float = 4.0
    growth: float = 1.2
    smallest: float = 1e-9
    fewest_partners: float = 0.2
    most_partners: float = 40.0
    simulations: int = 999
    queries: int = 400
    fewest_queries: int = 40
    pairs: int = 10_000_000
    chunk: int = 2_000_000
    kept_partners: int = 64
    directions: int = 8
    scaled_by: int = 10_000
    rounding: float = 1e-12
    far: float = 1e8

    def finds(self, x: FloatArray, y: FloatArray, seed: int) -> bool:
        """Return whether rows are repeated.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            seed: Seed of the choice of rows that are examined.
        """
        n, rng = len(x), named_stream(seed, "row check", "repeats")
        order = rng.permutation(n)
        values = _scaled(np.hstack([x, y]), order[: self.scaled_by])
        if values.shape[1] == 0:
            return False
        queries = order[: max(self.fewest_queries, min(self.queries, self.pairs // n))]
        owner, distance = self._near_pairs(values, queries, rng)
        partners = (np.bincount(owner[distance <= r], minlength=len(queries)) for r in self._gaps(distance, queries))
        return any(self._is_even(numbers, n, rng) for numbers in partners)

    def _near_pairs(
        self, values: FloatArray, queries: IntArray, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        """Pairs of a query and another row that may be near.

        Returns:
            Places in `queries`, shape (p,), and distances in units of the typical one, the median over pairs, (p,).
        """
        half = len(queries) // 2
        apart = np.linalg.norm(values[queries[:half]] - values[queries[half : 2 * half]], axis=1)
        typical = float(np.median(apart)) or 1.0
        along = values
        if values.shape[1] > self.directions:
            along = values @ np.linalg.qr(rng.normal(size=(values.shape[1], self.directions)))[0]
        squares = (along**2).sum(axis=1)
        table = np.hstack([-2 * along, squares[:, None]]).T
        owners, distances = [], []
        size = max(1, self.chunk // len(values))
        for first in range(0, len(queries), size):
            part = queries[first : first + size]
            shifted = np.hstack([along[part], np.ones((len(part), 1))]) @ table
            which, other = self._nearest(shifted, squares, part, typical)
            distances.append(np.sqrt(((values[part[which]] - values[other]) ** 2).sum(axis=1)))
            owners.append(which + first)
        return np.concatenate(owners), np.concatenate(distances) / typical

    def _nearest(
        self, shifted: FloatArray, squares: FloatArray, part: IntArray, typical: float
    ) -> tuple[IntArray, IntArray]:
        """Places in `part` and rows of pairs that may be near: |b|^2 - 2 a b (q, n), |b|^2 (n,).

        Products of far rows round, so that there is a margin.
        """
        most = (self.gap * self.near * typical) ** 2 - (1 - self.rounding) * squares[part, None]
        largest = float(squares.max())
        limit = most + self.rounding * (largest if largest < self.far * typical**2 else squares)
        kept = self.kept_partners
        if np.count_nonzero(shifted <= limit) > kept * len(part):
            limit = np.minimum(limit, np.partition(shifted, kept, axis=1)[:, kept, None])
        which, other = np.nonzero(shifted <= limit)
        keep = other != part[which]
        return which[keep], other[keep]

    def _gaps(self, distance: FloatArray, queries: IntArray) -> list[float]:
        """Distances up to `near` within which there are pairs, and hardly more within `gap` times as much."""
        steps = int(np.ceil(np.log2(self.near / self.smallest)))
        reaches = self.near * 0.5 ** np.arange(steps + 1)
        ordered = np.sort(distance)
        inside, beyond = (np.searchsorted(ordered, factor * reaches, side="right") for factor in (1, self.gap))
        found = dict[int, float]()
        for reach, near, far in zip(reaches, inside.tolist(), beyond.tolist(), strict=True):
            if self.fewest_partners <= near / len(queries) <= self.most_partners and far <= self.growth * near:
                found.setdefault(near, float(reach))
        return list(found.values())

    def _is_even(self, partners: IntArray, n: int, rng: np.random.Generator) -> bool:
        """Whether numbers of partners (q,) of rows among n are more even than in places that are equally likely."""
        mean = float(partners.mean())
        observed = float(partners.var()) / mean
        if observed >= 1:
            return False
        rows = min(n, 20 * len(partners))
        places = max(2, round(rows / mean))
        for _ in range(self.simulations):
            chosen = rng.integers(places, size=rows)
            simulated = np.bincount(chosen, minlength=places)[chosen[: len(partners)]] - 1
            centre = float(simulated.mean())
            if centre > 0 and float(simulated.var()) / centre <= observed:
                return False
        return True


def _scaled(values: FloatArray, some: IntArray) -> FloatArray:
    """Columns about their medians in units of their median deviation; of their spread where that is 0."""
    middle = np.median(values[some], axis=0)
    sample = values[some] - middle
    size = np.median(np.abs(sample), axis=0)
    size = np.where(size > 0, size, np.sqrt((sample**2).mean(axis=0)))
    varies = size > 0
    return np.asarray((values[:, varies] - middle[varies]) / size[varies])
