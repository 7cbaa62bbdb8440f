"""Do rows look like independent draws? Two checks of x and y in the order in which they stand, before any test.

Exact tests draw one group element a row, which is right where rows are independent. What is done about rows that are
not, one element for each unit of rows, is left to `units`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import pairwise
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sharefind.errors import RowsWarning
from sharefind.inference.row_blocks import how_to
from sharefind.rng import named_stream

FloatArray = NDArray[np.float64]
Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")

_LOOKED_AT: ContextVar[bool] = ContextVar("looked_at", default=False)
"""Whether whoever is at work has looked at the rows already."""

FEWEST_ROWS = 10
"""Rows below which nothing is checked: too few to tell order from chance."""

SEGMENTS, SEGMENT_ROWS = 8, 100
"""Runs of neighbouring rows, and rows of each, in which the order of a longer data set is looked at."""

LAGS = 9
"""Largest distance in the file of two rows that are compared."""

SINGLE_LAGS = (1, 2, 3)
"""Distances whose correlation is looked at on its own, of either sign."""

BLOCKS = (2, 3, 4, 5, 6, 8, 10)
"""Lengths of aligned blocks of rows whose inner likeness is looked at, for rows that come in clusters."""

PERMUTATIONS = 999
"""Random orders that the order of the file is compared with."""

ENOUGH = 3
"""Random orders at least as extreme that still count as a finding: p <= (ENOUGH + 1) / (PERMUTATIONS + 1) = .004."""

FIRST_BATCH, BATCH = 12, 40
"""Random orders that are evaluated at a time; the first few answer for most independent rows."""

QUERIES = 400
"""Most rows whose near neighbours are looked for among all rows."""

FEWEST_QUERIES = 40
"""Fewest such rows, where there are millions of others."""

PAIRS = 10_000_000
"""Pairs of rows that are compared at most, which sets the number of queries."""

CHUNK = 2_000_000
"""Pairs whose distances are held at a time."""

TIE = 1e-5
"""Relative difference of components that is rounding: they are summed in single precision."""

NEAR = 0.05
"""Share of the typical distance of two rows up to which they may be near-duplicates."""

GAP = 4.0
"""Factor in distance over which the number of near pairs hardly grows, if they are near-duplicates."""

GROWTH = 1.2
"""Growth of that number over the gap which is hardly any."""

ROUNDING = 1e-12
"""Share of squared lengths below which the difference of two is rounding."""

FAR = 1e8
"""Squared length of a row, over that of a typical distance, from which rounding is looked at row by row."""

SMALLEST_DISTANCE = 1e-9
"""Relative distance below which rows count as equal."""

FEWEST_PARTNERS, MOST_PARTNERS = 0.2, 40.0
"""Mean numbers of near rows of a row between which repeats are looked for."""

DIRECTIONS = 8
"""Directions along which rows are compared first: near rows are near along all of them."""

SCALED_BY = 10_000
"""Rows, at most, from which the spread of columns is told."""

KEPT_PARTNERS = 64
"""Nearest rows of a row that are kept, more than `GROWTH` times `MOST_PARTNERS`."""

SIMULATIONS = 999
"""Simulated data sets that the evenness of the repeats is compared with: one as even ends the matter, p <= .001."""


@dataclass(frozen=True)
class RowCheck:
    """What the checks of rows found.

    Attributes:
        in_order: whether rows near each other in the file are more, or less, alike than rows in a random order.
        repeated: whether rows have near-duplicates, more evenly than independent draws have.
    """

    in_order: bool
    repeated: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line if rows look dependent, none otherwise."""
        return self.told(how_to())

    def told(self, advice: str) -> tuple[str, ...]:
        """One line that ends with what to do, if rows look dependent; none otherwise."""
        seen = []
        if self.in_order:
            seen.append("rows near each other in the file are related")
        if self.repeated:
            seen.append("rows have near-duplicates")
        if not seen:
            return ()
        return (f"rows look dependent: {' and '.join(seen)}; then p-values do not hold: {advice}",)


def check_rows(x: FloatArray, y: FloatArray, seed: int = 0) -> RowCheck:
    """Look for dependence among rows.

    The order of the rows is tested exactly, against random orders, whatever their law. Near-duplicates are seen
    wherever they stand in the file, if most rows have about the same number of them and they are far closer than other
    rows; clusters that are only correlated are seen where they stand together.

    Args:
        x: (n, d_in).
        y: (n, d_out).
        seed: of the random orders.

    Returns:
        What was found; nothing below `FEWEST_ROWS` rows.
    """
    if len(x) < FEWEST_ROWS:
        return RowCheck(False, False)
    return RowCheck(_is_ordered(x, y, seed), _is_repeated(x, y, seed))


def warn_of_rows(line: str, stacklevel: int) -> None:
    """Raise a `RowsWarning` that says a line of `RowCheck` as a sentence; `stacklevel` counts from this function."""
    warnings.warn(f"{line[:1].upper()}{line[1:]}", RowsWarning, stacklevel=stacklevel)


@contextmanager
def rows_looked_at() -> Iterator[None]:
    """Tests within do not look at their rows: it was done before, or the rows are known to be independent."""
    before = _LOOKED_AT.set(True)
    try:
        yield
    finally:
        _LOOKED_AT.reset(before)


def warns_of_rows(test: Callable[Arguments, Found]) -> Callable[Arguments, Found]:
    """The test of `x`, `y` and `units`, which warns of rows that look dependent where no units are given.

    Args:
        test: Takes samples `x` (n, d_in) and `y` (n, d_out) as tensors.

    Returns:
        The same test. It raises a `RowsWarning` after it is done, once a call, whatever tests it is made of.
    """
    signature = inspect.signature(test)
    has_units = "units" in signature.parameters
    advice = "give the unit of each row with units=" if has_units else "keep one row of each unit"

    @wraps(test)
    def warning(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Found:
        if _LOOKED_AT.get():
            return test(*args, **kwargs)
        with rows_looked_at():
            found = test(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        if given.get("units") is None:
            check = check_rows(*(given[name].detach().double().numpy(force=True) for name in ("x", "y")))
            for line in check.told(advice):
                warn_of_rows(line, stacklevel=3)
        return found

    return warning


def _is_ordered(x: FloatArray, y: FloatArray, seed: int) -> bool:
    """Exact test at level (ENOUGH + 1) / (PERMUTATIONS + 1): the largest of all components, against random orders."""
    rows = _segments(len(x))
    inputs, labels = _normal_scores(x[rows]), _normal_scores(y[rows])
    # What the labels owe to the inputs shows there; alone they would only add a look at the same.
    kinds = [inputs, _left_over(inputs, labels) if len(rows) > 2 * inputs.shape[1] else labels]
    grams = [z @ z.T for z in kinds if z.any()]
    if not grams:
        return False
    pairs, components, signed = _components(len(rows))
    likeness = [_Likeness.of(gram, components) for gram in grams]
    rng = named_stream(seed, "row check", "order")
    observed = _largest(likeness, pairs, components, signed, np.arange(len(rows))[None])[0]
    exceeding, cuts = 0, [0, *range(FIRST_BATCH, PERMUTATIONS, BATCH), PERMUTATIONS]
    for first, last in pairwise(cuts):
        orders = rng.permuted(np.tile(np.arange(len(rows)), (last - first, 1)), axis=1)
        found = _largest(likeness, pairs, components, signed, orders)
        exceeding += int(np.count_nonzero(found >= observed - TIE * abs(observed)))
        if exceeding > ENOUGH:
            return False
    return True


def _segments(n: int) -> NDArray[np.int64]:
    """Rows that are looked at, in their order: all, or runs of neighbours spread over the file."""
    if n <= SEGMENTS * SEGMENT_ROWS:
        return np.arange(n)
    starts = np.linspace(0, n - SEGMENT_ROWS, SEGMENTS).astype(np.int64)
    return (starts[:, None] + np.arange(SEGMENT_ROWS)).reshape(-1)


def _normal_scores(values: FloatArray) -> FloatArray:
    """Normal quantiles of the ranks in each column, spread 1; 0 where a column is constant."""
    ranks = np.stack([_mean_ranks(column) for column in values.T], axis=1)
    scores = special.ndtri((ranks - 0.5) / len(values))
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


def _components(n: int) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Pairs (p, 2) of places that are compared, weights (p, c) with which components sum them, how many are two-sided.

    Components: each of `SINGLE_LAGS`, then all lags together, then pairs within aligned blocks of each length.
    """
    run = n if n < SEGMENTS * SEGMENT_ROWS else SEGMENT_ROWS
    place = np.arange(n)
    pairs = np.concatenate([np.stack([place[:-lag], place[lag:]], axis=1) for lag in range(1, min(LAGS, n - 1) + 1)])
    pairs = pairs[pairs[:, 0] // run == pairs[:, 1] // run]
    lag = pairs[:, 1] - pairs[:, 0]
    within = pairs % run
    columns = [lag == single for single in SINGLE_LAGS]
    columns += [lag <= 4, lag <= LAGS]
    columns += [within[:, 0] // length == within[:, 1] // length for length in BLOCKS]
    return pairs, np.stack(columns, axis=1).astype(np.float32), len(SINGLE_LAGS)


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


def _largest(
    likeness: list[_Likeness],
    pairs: NDArray[np.int64],
    components: NDArray[np.float32],
    signed: int,
    orders: NDArray[np.int64],
) -> FloatArray:
    """The largest standardised component of each order (b, n) -> (b,)."""
    places = orders[:, pairs[:, 0]] * orders.shape[1] + orders[:, pairs[:, 1]]
    values = []
    for one in likeness:
        z = (one.products[places] @ components - one.mean) / one.scale
        z[:, :signed] = np.abs(z[:, :signed])
        values.append(z.max(axis=1))
    return np.asarray(np.max(values, axis=0))


def _is_repeated(x: FloatArray, y: FloatArray, seed: int) -> bool:
    """Whether the numbers of near-duplicates are more even than independent rows can have them.

    Given a row, those near it among the other rows are a binomial number, whatever the law: over all rows such numbers
    spread at least as widely as where all places are equally likely. Repeats, k of each, have k - 1 near rows each.
    """
    n, rng = len(x), named_stream(seed, "row check", "repeats")
    order = rng.permutation(n)
    values = _scaled(np.hstack([x, y]), order[:SCALED_BY])
    if values.shape[1] == 0:
        return False
    queries = order[: max(FEWEST_QUERIES, min(QUERIES, PAIRS // n))]
    owner, distance, typical = _near_pairs(values, queries, rng)
    for reach in _gaps(distance / typical, len(queries)):
        partners = np.bincount(owner[distance <= reach * typical], minlength=len(queries))
        if _is_even(partners, n, rng):
            return True
    return False


def _scaled(values: FloatArray, some: NDArray[np.int64]) -> FloatArray:
    """Columns about their medians in units of their median deviation; of their spread where that is 0."""
    sample = values[some]
    middle = np.median(sample, axis=0)
    sample = sample - middle
    size = np.median(np.abs(sample), axis=0)
    size = np.where(size > 0, size, np.sqrt((sample**2).mean(axis=0)))
    varies = size > 0
    return np.asarray((values[:, varies] - middle[varies]) / size[varies])


def _near_pairs(
    values: FloatArray, queries: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], FloatArray, float]:
    """Pairs of a query (its place in `queries`) and another row nearer than `GAP` * `NEAR` typical distances.

    Returns:
        Places (p,), distances (p,), and the typical distance: the median over pairs.
    """
    half = len(queries) // 2
    apart = np.linalg.norm(values[queries[:half]] - values[queries[half : 2 * half]], axis=1)
    typical = float(np.median(apart)) or 1.0
    along = values
    if values.shape[1] > DIRECTIONS:
        along = values @ np.linalg.qr(rng.normal(size=(values.shape[1], DIRECTIONS)))[0]
    squares = (along**2).sum(axis=1)
    table = np.hstack([-2 * along, squares[:, None]]).T
    owners, distances = [], []
    size = max(1, CHUNK // len(values))
    for first in range(0, len(queries), size):
        part = queries[first : first + size]
        which, other = _nearest(np.hstack([along[part], np.ones((len(part), 1))]) @ table, squares, part, typical)
        exact = np.sqrt(((values[part[which]] - values[other]) ** 2).sum(axis=1))
        owners.append(which + first)
        distances.append(exact)
    return np.concatenate(owners), np.concatenate(distances), typical


def _nearest(
    shifted: FloatArray, squares: FloatArray, part: NDArray[np.int64], typical: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in `part` and rows of pairs that may be near: |b|^2 - 2 a b (q, n), |b|^2 (n,).

    Products of far rows round, so that there is a margin.
    """
    most = (GAP * NEAR * typical) ** 2 - (1 - ROUNDING) * squares[part, None]
    limit = most + ROUNDING * float(squares.max()) if squares.max() < FAR * typical**2 else most + ROUNDING * squares
    if np.count_nonzero(shifted <= limit) > KEPT_PARTNERS * len(part):
        limit = np.minimum(limit, np.partition(shifted, KEPT_PARTNERS, axis=1)[:, KEPT_PARTNERS, None])
    which, other = np.nonzero(shifted <= limit)
    keep = other != part[which]
    return which[keep], other[keep]


def _gaps(distance: FloatArray, queries: int) -> list[float]:
    """Relative distances up to `NEAR` within which there are pairs, and hardly more within `GAP` times as much."""
    steps = int(np.ceil(np.log2(NEAR / SMALLEST_DISTANCE)))
    reaches = NEAR * 0.5 ** np.arange(steps + 1)
    ordered = np.sort(distance)
    inside = np.searchsorted(ordered, reaches, side="right")
    beyond = np.searchsorted(ordered, GAP * reaches, side="right")
    found = list[tuple[float, int]]()
    for reach, near, far in zip(reaches, inside, beyond, strict=True):
        is_gap = FEWEST_PARTNERS <= near / queries <= MOST_PARTNERS and far <= GROWTH * near
        if is_gap and (not found or found[-1][1] != near):
            found.append((float(reach), near))
    return [reach for reach, _ in found]


def _is_even(partners: NDArray[np.int64], n: int, rng: np.random.Generator) -> bool:
    """Whether numbers of partners (q,) of rows among n are more even than in places that are all equally likely."""
    mean = float(partners.mean())
    observed = float(partners.var()) / mean
    if observed >= 1:
        return False
    rows = min(n, 20 * len(partners))
    places = max(2, round(rows / mean))
    for _ in range(SIMULATIONS):
        chosen = rng.integers(places, size=rows)
        simulated = np.bincount(chosen, minlength=places)[chosen[: len(partners)]] - 1
        centre = float(simulated.mean())
        if centre > 0 and float(simulated.var()) / centre <= observed:
            return False
    return True
