"""A yardstick beside every search: on rows kept apart, least squares, the unit on E_*, and the unit with all of Z.

All three learn from the same rows and are scored on the same other rows. Here the networks are fitted briefly;
`sharefind train` trains them in full.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor

from sharefind.errors import DataError
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.clouds.standardise import LAST_PLACES, varies
from sharefind.meanfield.dynamics.quasi_newton import fit_cloud
from sharefind.meanfield.dynamics.sgd import gaussian_start
from sharefind.meanfield.units import find_unit
from sharefind.rng import named_stream
from sharefind.search.result import Yardstick
from sharefind.spaces import Subspace

if TYPE_CHECKING:
    from sharefind.parallel import Deadline
    from sharefind.search.engine import SearchOutcome
    from sharefind.search.problem import Problem

FloatArray = NDArray[np.float64]
Rows = NDArray[np.int64]

TEST_SHARE = 0.2
"""Share of the rows, or of their units, that is kept apart to score; it takes no part in fitting."""

STOPPING_SHARE = 0.2
"""Share of the other rows that says when a fit of a network ends."""

FEWEST_ROWS = 10
"""Rows below which nothing can be kept apart."""

MOST_ROWS = 4000
"""Most rows that are used, drawn at random."""

FRESH_ROWS = 2000
"""Rows that are drawn of a task with fresh samples."""

MOST_PARTICLES = 16
"""Most particles of a fitted network."""

MOST_NUMBERS = 400_000
"""Most numbers that the particles of a fitted network hold, but for `FEWEST_PARTICLES`."""

FEWEST_PARTICLES = 4
"""Fewest particles, where the search has as many."""

WORK = 2e8
"""Multiplications of a fit, about: it bounds rows times parameters times iterations."""

ITERATIONS = (20, 80)
"""Fewest and most iterations of a fit."""

SPREADS = {"weight": 1.0}
"""Standard deviation of W x at the start of a fit, for inputs of the size that the rows have; 1 for other blocks."""

CONFIDENCE = 0.95
"""Of the interval around a difference of two R^2."""

NOTICEABLE = 0.01
"""Difference of two R^2 up to which no warning is given."""

RANK = 1e-10
"""Singular values of least squares, relative to the largest, that are rounding."""

LEAST_SQUARES, TIED, FREE = "least squares", "shared", "untied"
"""What the three are called."""


@dataclass(frozen=True)
class Missing:
    """There is no yardstick, and why."""

    reason: str


@dataclass(frozen=True)
class Scored:
    """Predictions of rows kept apart, as squared errors.

    Attributes:
        errors: For each model, one squared error a row, shape (m,).
        spread: Sum of the squared deviations of the labels from their mean.
        units: Which unit a row belongs to, shape (m,).
    """

    errors: Mapping[str, FloatArray]
    spread: float
    units: Rows

    def r2(self, name: str) -> float | None:
        """1 - squared error over the labels' spread; None where there is no such model."""
        errors = self.errors.get(name)
        return None if errors is None else 1 - float(errors.sum()) / self.spread

    def yardstick(self, warnings: Iterable[str]) -> Yardstick:
        """What is said of the models `LEAST_SQUARES`, `TIED` and `FREE`, with the warnings that follow."""
        least_squares, tied, free = map(self.r2, (LEAST_SQUARES, TIED, FREE))
        kept = len(self.units)
        return Yardstick(rows=kept, least_squares=least_squares, tied=tied, free=free, warnings=list(warnings))

    def is_worse(self, name: str, other: str) -> bool:
        """Whether a model is worse than another by more than `NOTICEABLE` and by more than chance, paired by unit."""
        if name not in self.errors or other not in self.errors:
            return False
        difference = (self.errors[name] - self.errors[other]) / self.spread
        _, places = np.unique(self.units, return_inverse=True)
        sums = np.bincount(places, weights=difference)
        if len(sums) < 2:
            return False
        error = math.sqrt(len(sums)) * float(sums.std(ddof=1))
        low = float(sums.sum()) - float(special.stdtrit(len(sums) - 1, (1 + CONFIDENCE) / 2)) * error
        return low > 0 and float(sums.sum()) > NOTICEABLE


def kept_apart(n: int, seed: int, units: Rows | None = None) -> tuple[Rows, Rows]:
    """Rows to fit on and rows kept apart, both ascending; a unit is never split.

    Args:
        n: Number of rows.
        seed: Of the draw.
        units: Which unit a row belongs to, shape (n,); each row is one of its own where None.

    Raises:
        DataError: Fewer than `FEWEST_ROWS` rows, or a single unit.
    """
    if n < FEWEST_ROWS:
        raise DataError(f"{n} rows are too few to keep some apart; give at least {FEWEST_ROWS}")
    labels, places = np.unique(np.arange(n) if units is None else units, return_inverse=True)
    if len(labels) < 2:
        raise DataError("all rows belong to one unit, of which no part can be kept apart; give rows of several units")
    order = named_stream(seed, "comparison", "rows").permutation(len(labels))
    held = np.isin(places, order[: max(1, round(TEST_SHARE * len(labels)))])
    return np.flatnonzero(~held), np.flatnonzero(held)


def least_squares(x: FloatArray, y: FloatArray, new: FloatArray) -> FloatArray | None:
    """The affine map of least squares of y (n, q) on x (n, d), at new (m, d): (m, q).

    None where it may fit any labels: with a coefficient for each row. Columns that depend on others cost nothing.
    """
    centre, shift = x.mean(0), y.mean(0)
    varying = varies(x)
    if np.count_nonzero(varying) + 1 >= len(x):
        return None
    centred, asked = ((v - centre)[:, varying] for v in (x, new))
    size = np.abs(centred).max(0)
    slope, _, _, _ = np.linalg.lstsq(centred / size, y - shift, rcond=RANK)
    return np.asarray(shift + (asked / size) @ slope, dtype=np.float64)


def spread_of(y: FloatArray) -> float:
    """Sum of squared deviations of the labels of rows kept apart (m, q) from their mean.

    Raises:
        DataError: They do not vary.
    """
    spread = float(((y - y.mean(0)) ** 2).sum())
    rounding = LAST_PLACES * np.finfo(np.float64).eps * float(np.abs(y).max(initial=0.0))
    if spread <= y.size * rounding**2:
        raise DataError("the labels of the rows kept apart do not vary; give more rows")
    return spread


def advice(scored: Scored, unit: str, group: str, is_brief: bool = False) -> tuple[str, ...]:
    """Warnings that follow from scores of the models `LEAST_SQUARES`, `TIED` and `FREE`, as far as they are there.

    Args:
        scored: The scores.
        unit: Expression of the unit.
        group: What the sharing is named after, such as "E^S5".
        is_brief: Whether a fit of a network ended by its bound on iterations.
    """
    after = " after a brief training (sharefind train trains in full)" if is_brief else ""
    numbers = {name: f"{r2:.3f}" for name in (LEAST_SQUARES, TIED, FREE) if (r2 := scored.r2(name)) is not None}
    others = unit_advice(unit)
    lines = []
    if scored.is_worse(TIED, FREE):
        lines.append(
            f"the shared network ({group}) has R^2 {numbers[TIED]} on rows kept apart and the same unit without "
            f"sharing {numbers[FREE]}{after}: the sharing costs more than chance explains; try another group, {others} "
            "or more data, and read --tolerance if one was given"
        )
    if scored.is_worse(TIED, LEAST_SQUARES):
        lines.append(
            f"the shared network ({group}) has R^2 {numbers[TIED]} on rows kept apart and least squares "
            f"{numbers[LEAST_SQUARES]}{after}: do not use it as it is; try {others}, another group or more data"
        )
    elif scored.is_worse(FREE, LEAST_SQUARES) and TIED not in scored.errors:
        lines.append(
            f"the unit {unit} has R^2 {numbers[FREE]} on rows kept apart and least squares "
            f"{numbers[LEAST_SQUARES]}{after}: it does not suit these data; try {others} or more data"
        )
    return tuple(lines)


def unit_advice(unit: str) -> str:
    """Which other units to try."""
    choice = find_unit(unit)
    if choice is not None and choice.kind.has_hidden:
        return "another --hidden-rep"
    lacks_bias = choice is not None and choice.kind.takes_bias and not choice.has_bias
    bias = "a unit with a bias (--unit matrix+bias), " if lacks_bias else ""
    return f"{bias}a hidden layer (--unit two-layer)"


def yardstick_of(outcome: SearchOutcome, deadline: Deadline | None = None) -> Yardstick | Missing:
    """Fit and score; a few seconds at most.

    Args:
        outcome: A search that ended.
        deadline: When to give up.

    Returns:
        The yardstick, or why there is none.
    """
    problem = outcome.problem
    try:
        x, y, units = _rows(problem)
        train, test = kept_apart(len(x), problem.settings.seed, units)
        spread = spread_of(y[test])
        return _measured(outcome, (x, y), (train, test), spread, units, deadline)
    except DataError as error:
        return Missing(str(error))
    except _Late:
        return Missing("the seconds of --max-seconds were spent; go on with --resume and more of them")


class _Late(Exception):
    """The time is up."""


def _rows(problem: Problem) -> tuple[FloatArray, FloatArray, Rows | None]:
    """Standardised rows, all of a data set up to `MOST_ROWS`, or fresh ones; their units where the task has some."""
    task, seed = problem.task, problem.settings.seed
    if task.x is None or task.y is None:
        x, y = task.sample(named_stream(seed, "yardstick", "fresh"), FRESH_ROWS)
        return (*problem.change.apply(x, y), None)
    units: Rows | None = getattr(task, "units", None)
    chosen = _chosen(len(task.x), seed, units)
    x, y = problem.change.apply(task.x[chosen], task.y[chosen])
    return x, y, None if units is None else units[chosen]


def _chosen(n: int, seed: int, units: Rows | None) -> Rows:
    """Numbers of the rows that are used, ascending: whole units as long as they fit."""
    if n <= MOST_ROWS:
        return np.arange(n)
    rng = named_stream(seed, "yardstick", "rows")
    if units is None:
        return np.sort(rng.permutation(n)[:MOST_ROWS])
    labels, places, counts = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    kept = order[np.cumsum(counts[order]) <= MOST_ROWS]
    return np.flatnonzero(np.isin(places, kept if len(kept) > 1 else order[:2]))


def _measured(
    outcome: SearchOutcome,
    data: tuple[FloatArray, FloatArray],
    split: tuple[Rows, Rows],
    spread: float,
    units: Rows | None,
    deadline: Deadline | None,
) -> Yardstick:
    (x, y), (train, test), problem = data, split, outcome.problem
    errors: dict[str, FloatArray] = {}
    linear = least_squares(x[train], y[train], x[test])
    if linear is not None:
        errors[LEAST_SQUARES] = ((linear - y[test]) ** 2).sum(1)
    full, found = Subspace.full(problem.space.dim), outcome.e_star.space
    spaces = {FREE: full}
    if outcome.finished and not found.is_zero:
        spaces[TIED] = found
    is_brief = False
    for name, space in spaces.items():
        if name == TIED and space.is_full:
            errors[TIED] = errors[FREE]
            continue
        predicted, has_converged = _network(problem, space, data, split, units, deadline)
        errors[name] = ((predicted - y[test]) ** 2).sum(1)
        is_brief = is_brief or not has_converged
    scored = Scored(errors, spread, (np.arange(len(x)) if units is None else units)[test])
    lines = advice(scored, problem.unit.name, outcome.e_star.label, is_brief)
    return scored.yardstick(lines)


def _network(
    problem: Problem,
    space: Subspace,
    data: tuple[FloatArray, FloatArray],
    split: tuple[Rows, Rows],
    units: Rows | None,
    deadline: Deadline | None,
) -> tuple[FloatArray, bool]:
    """Predictions of the rows kept apart by the unit on a space, and whether the fit converged."""
    x, y = (torch.from_numpy(np.ascontiguousarray(v)) for v in data)
    train, test = split
    order = named_stream(problem.settings.seed, "yardstick", "stopping")
    stopping = _stopping(train, order, units)
    fitted, held = train[~stopping], train[stopping]
    start = _start(problem, space, x[fitted])
    size = len(fitted) * start.shape[1] * start.shape[2]
    low, high = ITERATIONS

    def refuse_late() -> None:
        if deadline is not None and time.monotonic() >= deadline.at:
            raise _Late

    rounds = int(min(high, max(low, WORK / size)))
    rows, stop = (x[fitted], y[fitted]), (x[held], y[held])
    found = fit_cloud(problem.unit, space, start, rows, stop, rounds, refuse_late)
    return predict(problem.unit, x[test][None], found.theta)[0].numpy(), found.has_converged


def _stopping(train: Rows, rng: np.random.Generator, units: Rows | None) -> NDArray[np.bool_]:
    """Which of the rows say when a fit ends; whole units, where there are two or more of them."""
    labels, places = np.unique(train if units is None else units[train], return_inverse=True)
    if len(labels) < 2:
        labels, places = train, np.arange(len(train))
    chosen = rng.permutation(len(labels))[: max(1, round(STOPPING_SHARE * len(labels)))]
    return np.isin(places, chosen)


def _start(problem: Problem, space: Subspace, x: Tensor) -> Tensor:
    """Particles on a space, each block with the spread that it has where every entry is free: (1, D, N)."""
    dim = problem.space.dim
    particles = min(MOST_PARTICLES, problem.settings.sgd.particles, max(FEWEST_PARTICLES, MOST_NUMBERS // dim))
    rng = named_stream(problem.settings.seed, "yardstick", "start")
    cloud = gaussian_start(space, particles, 1.0, rng)
    length = max(float((x**2).sum(1).mean().sqrt()), np.finfo(np.float64).tiny)
    sizes = [block.size for block in problem.space.blocks]
    for block, part in zip(problem.space.blocks, torch.split(cloud, sizes, dim=1), strict=True):
        spread = SPREADS["weight"] / length if block.name == "weight" else 1.0
        size = float((part**2).mean().sqrt())
        if size > 0:
            part.mul_(spread / size)
    # The blocks of a space that no group fixes may hang together.
    return Projector(space)(cloud)
