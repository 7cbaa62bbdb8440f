"""Reference scores beside every search: on held-out rows, least squares, the unit on E_*, and the unit with all of Z.

Where labels are classes, multinomial regression takes the place of least squares. All learn from the same rows and are
scored on the same other rows. Here the networks are fitted briefly; `sharefind train` trains them in full.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sharefind.errors import DataError, setting
from sharefind.meanfield.clouds.models import predict
from sharefind.meanfield.clouds.projection import Projector
from sharefind.meanfield.dynamics.quasi_newton import fit_cloud
from sharefind.meanfield.dynamics.sgd import gaussian_start
from sharefind.meanfield.units import find_unit
from sharefind.parallel import Deadline
from sharefind.rng import named_stream
from sharefind.search.problem import Problem
from sharefind.search.result_parts import Yardstick
from sharefind.search.scores import BASELINE, FREE, TIED, Rows, Scored, Split, scores_of, spread_of
from sharefind.search.search_outcome import SearchOutcome
from sharefind.spaces import Subspace
from sharefind.typing import FloatArray


@dataclass(frozen=True)
class Missing:
    """The reason why there are no reference scores.

    Attributes:
        reason: The reason.
    """

    reason: str


def kept_apart(n: int, seed: int, units: Rows | None = None, share: float = 0.2, fewest: int = 10) -> tuple[Rows, Rows]:
    """Return rows to fit on and held-out rows, both ascending; a unit is never split.

    Args:
        n: Number of rows.
        seed: Seed of the draw.
        units: The unit of each row, shape (n,); each row is a unit where None.
        share: Share of the rows, or of their units, that is held out.
        fewest: Fewest rows of which some can be held out.

    Raises:
        DataError: There are fewer than `fewest` rows, or a single unit.
    """
    if n < fewest:
        raise DataError(f"{n} rows are too few to hold some out; give at least {fewest}")
    labels, places = np.unique(np.arange(n) if units is None else units, return_inverse=True)
    if len(labels) < 2:
        raise DataError("all rows belong to one unit, so that none can be held out; give rows of several units")
    order = named_stream(seed, "comparison", "rows").permutation(len(labels))
    held = np.isin(places, order[: max(1, round(share * len(labels)))])
    return np.flatnonzero(~held), np.flatnonzero(held)


def advice(scored: Scored, unit: str, group: str, is_brief: bool = False) -> tuple[str, ...]:
    """Return warnings that follow from scores of the models `LEAST_SQUARES`, `TIED` and `FREE`, as far as they exist.

    Args:
        scored: The scores.
        unit: Expression of the unit.
        group: Name of the sharing, such as "E^S5".
        is_brief: Whether the bound on iterations ended a fit of a network.
    """
    after = " after a brief training (sharefind train trains in full)" if is_brief else ""
    usual, others = scored.reference, unit_advice(unit)
    lines = []
    if scored.is_worse(TIED, FREE):
        lines.append(
            f"the shared network ({group}) has {scored.words(TIED)} on rows kept apart and the same unit without "
            f"sharing {scored.words(FREE)}{after}: the sharing costs more than chance explains; try another group, "
            f"{others} or more data, and read {setting('tolerance')} if one was given"
        )
    if scored.is_worse(TIED, usual):
        lines.append(
            f"the shared network ({group}) has {scored.words(TIED)} on rows kept apart and {usual} "
            f"{scored.words(usual)}{after}: do not use it as it is; try {others}, another group or more data"
        )
    elif scored.is_worse(FREE, usual) and TIED not in scored.errors:
        lines.append(
            f"the unit {unit} has {scored.words(FREE)} on rows kept apart and {usual} "
            f"{scored.words(usual)}{after}: it does not suit these data; try {others} or more data"
        )
    if scored.is_worse(TIED, BASELINE):
        lines.append(
            f"the shared network ({group}) has {scored.words(TIED)} on rows kept apart and {BASELINE} without any "
            f"input {scored.words(BASELINE)}{after}: it has learned nothing that holds; try {others} or more data"
        )
    return tuple(lines)


def unit_advice(unit: str) -> str:
    """Return which other units to try.

    Args:
        unit: Expression of the unit.
    """
    choice = find_unit(unit)
    if choice is not None and choice.kind.has_hidden:
        return f"another {setting('hidden_rep')}"
    lacks_bias = choice is not None and choice.kind.takes_bias and not choice.has_bias
    bias = f"a unit with a bias ({setting('unit')} matrix+bias), " if lacks_bias else ""
    return f"{bias}a hidden layer ({setting('unit')} two-layer)"


@dataclass(frozen=True)
class YardstickSettings:
    """Bounds on the cost of reference scores, a few seconds.

    Attributes:
        most_rows: Rows that are used, drawn at random.
        fresh_rows: Rows that are drawn of a task with fresh samples.
        stopping_share: Share of the rows to fit on that decides when a fit of a network ends.
        most_particles: Most particles of a fitted network.
        most_numbers: Most numbers in the particles of a fitted network, except for `fewest_particles`.
        fewest_particles: Fewest particles of a fitted network, where the search has as many.
        work: Approximate multiplications of a fit: it bounds rows times parameters times iterations.
        iterations: Fewest and most iterations of a fit.
    """

    most_rows: int = 4000
    fresh_rows: int = 2000
    stopping_share: float = 0.2
    most_particles: int = 16
    most_numbers: int = 400_000
    fewest_particles: int = 4
    work: float = 2e8
    iterations: tuple[int, int] = (20, 80)


def yardstick_of(
    outcome: SearchOutcome,
    deadline: Deadline | None = None,
    settings: YardstickSettings | None = None,
) -> Yardstick | Missing:
    """Fit and score reference models; a few seconds at most.

    Args:
        outcome: A search that ended.
        deadline: When to give up.
        settings: Bounds on the cost; the usual bounds if None.

    Returns:
        The scores, or why there are none.
    """
    problem, settings = outcome.problem, settings or YardstickSettings()
    try:
        x, y, units = _rows(problem, settings)
        train, test = kept_apart(len(x), problem.settings.seed, units)
        if not problem.task.classes:
            spread_of(y[test])
        return _Fits(problem, settings, deadline, x, y, units, train, test).measured(outcome)
    except DataError as error:
        return Missing(str(error))
    except _Late:
        return Missing(
            f"the seconds of {setting('max_seconds')} were spent; go on with {setting('resume')} and more of them"
        )


class _Late(Exception):
    """The time is up."""


def _rows(problem: Problem, settings: YardstickSettings) -> tuple[FloatArray, FloatArray, Rows | None]:
    """Standardised rows, all of a data set up to `most_rows`, or fresh ones; their units where the task has some."""
    task, seed = problem.task, problem.settings.seed
    if task.x is None or task.y is None:
        x, y = task.sample(named_stream(seed, "yardstick", "fresh"), settings.fresh_rows)
        return (*problem.change.apply(x, y), None)
    units: Rows | None = getattr(task, "units", None)
    chosen = _chosen(len(task.x), seed, units, settings.most_rows)
    x, y = problem.change.apply(task.x[chosen], task.y[chosen])
    return x, y, None if units is None else units[chosen]


def _chosen(n: int, seed: int, units: Rows | None, most: int) -> Rows:
    """Numbers of the rows that are used, ascending: whole units as long as they fit."""
    if n <= most:
        return np.arange(n)
    rng = named_stream(seed, "yardstick", "rows")
    if units is None:
        return np.sort(rng.permutation(n)[:most])
    labels, places, counts = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    kept = order[np.cumsum(counts[order]) <= most]
    return np.flatnonzero(np.isin(places, kept if len(kept) > 1 else order[:2]))


@dataclass(frozen=True)
class _Fits:
    """Fits on the rows `train` of x (n, d_in) and y (n, d_out), scored on the rows `test`."""

    problem: Problem
    settings: YardstickSettings
    deadline: Deadline | None
    x: FloatArray
    y: FloatArray
    units: Rows | None
    train: Rows
    test: Rows

    def measured(self, outcome: SearchOutcome) -> Yardstick:
        predicted: dict[str, FloatArray] = {}
        found, is_brief = outcome.e_star.space, False
        predicted[FREE], has_converged = self._network(Subspace.full(self.problem.space.dim))
        is_brief = not has_converged
        if outcome.finished and found.is_full:
            predicted[TIED] = predicted[FREE]
        elif outcome.finished and not found.is_zero:
            predicted[TIED], has_converged = self._network(found)
            is_brief = is_brief or not has_converged
        change = self.problem.change
        if change.has_classes:
            predicted = {name: change.shift + change.scale * values for name, values in predicted.items()}
        scored = scores_of(predicted, self._split(), change.has_classes)
        return scored.yardstick(advice(scored, self.problem.unit.name, outcome.e_star.label, is_brief))

    def _split(self) -> Split:
        x, y, train, test = self.x, self.y, self.train, self.test
        units = np.arange(len(x)) if self.units is None else self.units
        return Split(x[train], y[train], x[test], y[test], units[test])

    def _network(self, space: Subspace) -> tuple[FloatArray, bool]:
        """Predictions of the rows kept apart by the unit on a space, and whether the fit converged."""
        x, y = (torch.from_numpy(np.ascontiguousarray(v)) for v in (self.x, self.y))
        stopping = self._stopping()
        fitted, held = self.train[~stopping], self.train[stopping]
        start = self._start(space, x[fitted])
        low, high = self.settings.iterations
        rounds = int(min(high, max(low, self.settings.work / (len(fitted) * start.shape[1] * start.shape[2]))))
        rows, stop = (x[fitted], y[fitted]), (x[held], y[held])
        loss = self.problem.loss
        found = fit_cloud(self.problem.unit, space, start, rows, stop, rounds, self._refuse_late, loss=loss)
        return predict(self.problem.unit, x[self.test][None], found.theta)[0].numpy(), found.has_converged

    def _refuse_late(self) -> None:
        if self.deadline is not None and time.monotonic() >= self.deadline.at:
            raise _Late

    def _stopping(self) -> NDArray[np.bool_]:
        """Which of the rows `train` say when a fit ends; whole units, where there are two or more of them."""
        train, rng = self.train, named_stream(self.problem.settings.seed, "yardstick", "stopping")
        labels, places = np.unique(train if self.units is None else self.units[train], return_inverse=True)
        if len(labels) < 2:
            labels, places = train, np.arange(len(train))
        chosen = rng.permutation(len(labels))[: max(1, round(self.settings.stopping_share * len(labels)))]
        return np.isin(places, chosen)

    def _start(self, space: Subspace, x: Tensor) -> Tensor:
        """Particles on a space, each block with the spread that it has where every entry is free: (1, D, N).

        At the start W x has standard deviation 1 for inputs of the size that the rows have; other blocks have it, but
        mixed lengths keep their sizes, and so far give nothing to the outputs: lengths are positive, and the sum of
        many far from the labels.
        """
        bounds, problem = self.settings, self.problem
        most = max(bounds.fewest_particles, bounds.most_numbers // problem.space.dim)
        particles = min(bounds.most_particles, problem.settings.sgd.particles, most)
        cloud = gaussian_start(space, particles, 1.0, named_stream(problem.settings.seed, "yardstick", "start"))
        length = max(float((x**2).sum(1).mean().sqrt()), np.finfo(np.float64).tiny)
        sizes = [block.size for block in problem.space.blocks]
        outer = ("tensors", "vectors", "output") if any(b.name == "mixing" for b in problem.space.blocks) else ()
        for block, part in zip(problem.space.blocks, torch.split(cloud, sizes, dim=1), strict=True):
            spread = {"weight": 1.0 / length, "mixing": block.shape[-1] ** -0.5}.get(block.name, 1.0)
            spread = 0.0 if block.name in outer else spread
            size = float((part**2).mean().sqrt())
            if size > 0:
                part.mul_(spread / size)
        # The blocks of a space that no group fixes may hang together.
        return Projector(space)(cloud)
