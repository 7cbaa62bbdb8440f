"""Are neighbouring rows of a file alike? An exact test of their order against random orders, whatever their law."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from sharefind.rng import named_stream
from sharefind.typing import FloatArray, IntArray


@dataclass(frozen=True)
class OrderCheck:
    """The largest of several components of the likeness of neighbours, compared with random orders.

    Components: each of `single_lags`, then all lags together, then pairs within aligned blocks of each length. The
    level is (max_exceedances + 1) / (permutations + 1), which is .004.

    Attributes:
        permutations: Random orders that the order of the file is compared with.
        max_exceedances: Random orders at least as extreme that still count as a finding.
        first_batch: Random orders that are evaluated first; they answer for most independent rows.
        batch: Random orders that are evaluated at a time after that.
        segments: Runs of neighbouring rows in which the order of a longer data set is looked at.
        segment_rows: Rows of each run.
        lags: Largest distance in the file of two rows that are compared.
        single_lags: Distances whose correlation is looked at on its own, of either sign.
        blocks: Lengths of aligned blocks of rows whose inner likeness is looked at, for rows that come in clusters.
        tie: Relative difference of components that is rounding: they are summed in single precision.
    """

    permutations: int = 999
    max_exceedances: int = 3
    first_batch: int = 12
    batch: int = 40
    segments: int = 8
    segment_rows: int = 100
    lags: int = 9
    single_lags: tuple[int, ...] = (1, 2, 3)
    blocks: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10)
    tie: float = 1e-5

    def finds(self, x: FloatArray, y: FloatArray, seed: int) -> bool:
        """Return whether the order of the rows matters.

        Args:
            x: Inputs, shape (n, d_in).
            y: Labels, shape (n, d_out).
            seed: Seed of the random orders.
        """
        rows = self._rows(len(x))
        n, inputs, labels = len(rows), _normal_scores(x[rows]), _normal_scores(y[rows])
        # What the labels owe to the inputs shows there; alone they would only add a look at the same.
        kinds = [inputs, _left_over(inputs, labels) if n > 2 * inputs.shape[1] else labels]
        pairs, components = self._components(n)
        likeness = [_Likeness.of(z @ z.T, components) for z in kinds if z.any()]
        if not likeness:
            return False

        def largest(orders: IntArray) -> FloatArray:
            places = orders[:, pairs[:, 0]] * n + orders[:, pairs[:, 1]]
            return np.asarray(np.max([one.largest(places, components, len(self.single_lags)) for one in likeness], 0))

        rng = named_stream(seed, "row check", "order")
        observed = largest(np.arange(n)[None])[0]
        exceeding, cuts = 0, [0, *range(self.first_batch, self.permutations, self.batch), self.permutations]
        for first, last in pairwise(cuts):
            found = largest(rng.permuted(np.tile(np.arange(n), (last - first, 1)), axis=1))
            exceeding += int(np.count_nonzero(found >= observed - self.tie * abs(observed)))
            if exceeding > self.max_exceedances:
                return False
        return True

    def _rows(self, n: int) -> IntArray:
        """Rows that are looked at, in their order: all, or runs of neighbours spread over the file."""
        if n <= self.segments * self.segment_rows:
            return np.arange(n)
        starts = np.linspace(0, n - self.segment_rows, self.segments).astype(np.int64)
        return (starts[:, None] + np.arange(self.segment_rows)).reshape(-1)

    def _components(self, n: int) -> tuple[IntArray, NDArray[np.float32]]:
        """Pairs (p, 2) of places that are compared, and the weights (p, c) with which components sum them."""
        run = n if n < self.segments * self.segment_rows else self.segment_rows
        place, lags = np.arange(n), range(1, min(self.lags, n - 1) + 1)
        pairs = np.concatenate([np.stack([place[:-lag], place[lag:]], axis=1) for lag in lags])
        pairs = pairs[pairs[:, 0] // run == pairs[:, 1] // run]
        lag, within = pairs[:, 1] - pairs[:, 0], pairs % run
        columns = [lag == single for single in self.single_lags] + [lag <= 4, lag <= self.lags]
        columns += [within[:, 0] // length == within[:, 1] // length for length in self.blocks]
        return pairs, np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class _Likeness:
    """Products of rows (n * n,), and what components of them are in a random order: mean and scale (c,)."""

    products: NDArray[np.float32]
    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, gram: FloatArray, components: NDArray[np.float32]) -> _Likeness:
        n = len(gram)
        off = (gram.sum() - np.trace(gram)) / (n * (n - 1))
        square = ((gram**2).sum() - (np.diagonal(gram) ** 2).sum()) / (n * (n - 1))
        count = components.sum(axis=0)
        scale = np.sqrt(max(square - off**2, np.finfo(float).tiny) * np.maximum(count, 1))
        return cls(gram.astype(np.float32).reshape(-1), off * count, scale)

    def largest(self, places: IntArray, components: NDArray[np.float32], two_sided: int) -> FloatArray:
        """The largest standardised component of each order, places (b, p) -> (b,); the first ones are two-sided."""
        z = (self.products[places] @ components - self.mean) / self.scale
        z[:, :two_sided] = np.abs(z[:, :two_sided])
        return np.asarray(z.max(axis=1))


def _normal_scores(values: FloatArray) -> FloatArray:
    """Normal quantiles of the ranks in each column, spread 1; 0 where a column is constant."""
    ranks = np.stack([_mean_ranks(column) for column in values.T], axis=1)
    scores = scipy.special.ndtri((ranks - 0.5) / len(values))
    scores -= scores.mean(axis=0)
    spread = scores.std(axis=0)
    return np.asarray(scores / np.where(spread > 0, spread, 1.0) / np.sqrt(values.shape[1]))


def _mean_ranks(column: FloatArray) -> FloatArray:
    """Ranks (n,) from 1, their mean among equal values; scipy.stats has them, and takes a second to load."""
    _, place, count = np.unique(column, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def _left_over(inputs: FloatArray, labels: FloatArray) -> FloatArray:
    """Residuals (n, d_out) of least squares on the inputs, spread 1; 0 where nothing is left."""
    rest = labels - inputs @ np.linalg.lstsq(inputs, labels, rcond=None)[0]
    spread = rest.std(axis=0)
    return np.asarray(np.where(spread > 1e-9, rest / np.where(spread > 0, spread, 1.0), 0.0))
